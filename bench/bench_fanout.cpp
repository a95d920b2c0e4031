// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What a query costs when very many run at once, against any server: one JSON object on stdout.

#include <jobmode/client.hpp>
#include <jobmode/crawl.hpp>

#include <sys/resource.h>
#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

std::uint64_t allocations = 0;

}  // namespace

// The program has one thread that matters; what the resolver's thread allocates is noise.
void* operator new(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    ++allocations;
    const auto step = static_cast<std::size_t>(alignment);
    if (void* const memory = std::aligned_alloc(step, (size + step - 1) / step * step))
        return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace {

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;
using std::chrono::nanoseconds;

struct options {
    std::string url;
    std::string ca;
    std::size_t concurrency = 64;
    std::size_t connections = 0;
    double seconds = 5;
    std::size_t pipeline = 1;
    std::size_t max_uses = 0;
    double rate = 0;
    std::uint64_t queries = 0;
};

/// What is counted from the moment at which the connections are warm.
struct result {
    std::uint64_t queries = 0;
    std::uint64_t records = 0;
    std::uint64_t text_bytes = 0;
    double seconds = 0;
    double cpu_seconds = 0;
    std::uint64_t allocations = 0;
    jobmode::latency_histogram latency;
    std::uint64_t connections = 0;
    std::uint64_t resumed = 0;
};

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

rusage usage() {
    rusage now{};
    ::getrusage(RUSAGE_SELF, &now);
    return now;
}

class failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Not getrusage's ru_maxrss, which a program inherits from the one that started it.
long peak_rss_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:"))
            return std::stol(line.substr(6));
    throw failure("no VmHWM in /proc/self/status");
}

double cpu_seconds() {
    const rusage now = usage();
    return seconds_of(now.ru_utime) + seconds_of(now.ru_stime);
}

void count(jobmode::latency_histogram& into, nanoseconds latency) {
    ++into.buckets[jobmode::latency_histogram::bucket_of(latency)];
    ++into.count;
    into.sum += latency;
    into.max = std::max(into.max, latency);
}

/// The nine fields of every record, so that none of them can have been skipped.
void read(const jobmode::record_list& records, result& into) {
    for (const jobmode::record_view& record : records)
        for (std::size_t index = 0; index != jobmode::field_count; ++index)
            into.text_bytes += record.text(static_cast<jobmode::field>(index)).size();
    into.records += records.size();
}

jobmode::client_config config_of(const options& chosen) {
    jobmode::client_config config(chosen.url);
    config.sys_user = "system";
    config.sys_pwd = jobmode::secret("system1");
    config.tls.ca_file = chosen.ca;
    config.allow_http = true;
    config.concurrency.max_in_flight = chosen.concurrency;
    config.pool.max_connections =
        chosen.connections != 0
            ? chosen.connections
            : std::max<std::size_t>((chosen.concurrency + chosen.pipeline - 1) / chosen.pipeline, 1);
    config.pool.max_uses = chosen.max_uses;
    config.pipeline_depth = chosen.pipeline;
    return config;
}

/// As many at a time as there may be.
asio::awaitable<result> as_fast_as_it_goes(options chosen) {
    jobmode::client client(co_await asio::this_coro::executor, config_of(chosen));
    const clock_type::time_point end = clock_type::now() + std::chrono::duration_cast<clock_type::duration>(
                                                               std::chrono::duration<double>(chosen.seconds));
    const jobmode::query asked("obm", "2024-06-26");
    std::uint64_t pulled = 0;
    bool over = false;
    jobmode::crawl crawl(client, jobmode::crawl::source([&]() -> std::optional<jobmode::query> {
                             if (chosen.queries != 0 ? pulled == chosen.queries : over)
                                 return std::nullopt;
                             ++pulled;
                             return asked;
                         }));
    result counted;
    // Connecting is no part of what a warm connection's query costs.
    const std::uint64_t warm = chosen.queries != 0 ? 0 : 4 * chosen.concurrency;
    std::uint64_t seen = 0;
    clock_type::time_point begin = clock_type::now();
    double cpu_before = 0;
    std::uint64_t allocations_before = allocations;
    for (;;) {
        std::optional<jobmode::outcome> ended = crawl.try_next();
        if (!ended)
            ended = co_await crawl.async_next();
        if (!ended)
            break;
        if (ended->error)
            throw failure(ended->diagnostics.describe(ended->error));
        const clock_type::time_point now = clock_type::now();
        over = now >= end;
        if (seen++ < warm) {
            begin = now;
            cpu_before = cpu_seconds();
            allocations_before = allocations;
            continue;
        }
        ++counted.queries;
        read(ended->records, counted);
        count(counted.latency, ended->latency);
    }
    counted.seconds = std::chrono::duration<double>(clock_type::now() - begin).count();
    counted.cpu_seconds = cpu_seconds() - cpu_before;
    counted.allocations = allocations - allocations_before;
    counted.connections = client.metrics().connections_opened;
    counted.resumed = client.metrics().connections_resumed;
    co_return counted;
}

/// At a fixed rate of arrival, whatever the server does; a query's latency counts from when it should have been sent,
/// so that a stall is not hidden by the queries that it kept from being sent.
asio::awaitable<result> at_a_rate(options chosen) {
    auto executor = co_await asio::this_coro::executor;
    jobmode::client client(executor, config_of(chosen));
    for (std::size_t warm = 0; warm != 100; ++warm)
        co_await client.async_list({"obm", "2024-06-26"});
    const nanoseconds interval(static_cast<std::int64_t>(1e9 / chosen.rate));
    const auto arrivals = static_cast<std::uint64_t>(chosen.rate * chosen.seconds);
    result counted;
    std::uint64_t pending = 0;
    std::exception_ptr broken;
    asio::steady_timer timer(executor);
    asio::steady_timer drained(executor, clock_type::time_point::max());
    const clock_type::time_point begin = clock_type::now();
    const double cpu_before = cpu_seconds();
    const std::uint64_t allocations_before = allocations;
    for (std::uint64_t arrival = 0; arrival != arrivals && !broken; ++arrival) {
        const clock_type::time_point due = begin + arrival * interval;
        if (due > clock_type::now()) {
            timer.expires_at(due);
            co_await timer.async_wait(asio::use_awaitable);
        }
        ++pending;
        client.async_list({"obm", "2024-06-26"},
                          [&, due](jobmode::error_code ec, std::vector<jobmode::record> records) {
                              if (ec)
                                  broken = std::make_exception_ptr(failure(ec.message()));
                              ++counted.queries;
                              counted.records += records.size();
                              count(counted.latency, clock_type::now() - due);
                              if (--pending == 0)
                                  drained.cancel();
                          });
    }
    while (pending != 0)
        co_await drained.async_wait(asio::as_tuple(asio::use_awaitable));
    if (broken)
        std::rethrow_exception(broken);
    counted.seconds = std::chrono::duration<double>(clock_type::now() - begin).count();
    counted.cpu_seconds = cpu_seconds() - cpu_before;
    counted.allocations = allocations - allocations_before;
    counted.connections = client.metrics().connections_opened;
    counted.resumed = client.metrics().connections_resumed;
    co_return counted;
}

double microseconds(nanoseconds time) {
    return static_cast<double>(time.count()) / 1e3;
}

void print(const result& counted) {
    const auto queries = static_cast<double>(counted.queries);
    const jobmode::latency_histogram& latency = counted.latency;
    std::printf(
        "{\"queries\":%llu,\"records\":%llu,\"seconds\":%.3f,\"cpu_us_per_query\":%.3f,\"latency_us\":{\"p50\":%.1f,"
        "\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},\"peak_rss_kib\":%ld,\"allocations_per_query\":%.2f,"
        "\"connections\":%llu,\"resumed\":%llu}\n",
        static_cast<unsigned long long>(counted.queries), static_cast<unsigned long long>(counted.records),
        counted.seconds, counted.cpu_seconds / queries * 1e6, microseconds(latency.quantile(0.5)),
        microseconds(latency.quantile(0.9)), microseconds(latency.quantile(0.99)),
        microseconds(latency.quantile(0.999)), microseconds(latency.max), peak_rss_kib(),
        static_cast<double>(counted.allocations) / queries, static_cast<unsigned long long>(counted.connections),
        static_cast<unsigned long long>(counted.resumed));
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("What a query costs when very many run at once; one JSON object on stdout", "bench_fanout");
    options chosen;
    app.add_option("--url", chosen.url, "The server's base, such as https://localhost:8443/r100")->required();
    app.add_option("--ca", chosen.ca, "The certificate authorities to trust (PEM)")->required();
    app.add_option("--concurrency", chosen.concurrency, "Queries in flight")->capture_default_str();
    app.add_option("--connections", chosen.connections, "Connections; 0 is as many as the concurrency needs")
        ->capture_default_str();
    app.add_option("--seconds", chosen.seconds, "How long")->capture_default_str();
    app.add_option("--queries", chosen.queries, "So many queries instead, the first ones counted too")
        ->capture_default_str();
    app.add_option("--pipeline", chosen.pipeline, "Requests sent ahead on a connection")->capture_default_str();
    app.add_option("--max-uses", chosen.max_uses, "Queries sent over a connection before it is closed; 0 is no limit")
        ->capture_default_str();
    app.add_option("--rate", chosen.rate,
                   "Queries a second that arrive, whatever the server does; 0 is as fast as it goes")
        ->capture_default_str();
    bool json = true;
    app.add_flag("--json", json, "The form of the result; there is no other");
    CLI11_PARSE(app, argc, argv);
    try {
        asio::io_context context(1);
        std::optional<result> counted;
        std::exception_ptr broken;
        asio::co_spawn(context, chosen.rate > 0 ? at_a_rate(chosen) : as_fast_as_it_goes(chosen),
                       [&](std::exception_ptr thrown, result value) {
                           broken = thrown;
                           counted = value;
                       });
        context.run();
        if (broken)
            std::rethrow_exception(broken);
        print(*counted);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "bench_fanout: %s\n", problem.what());
        return 1;
    }
    return 0;
}

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The adaptive limit, and fixed ones, against the simulated server with a capacity: a JSON object a limit on stdout.
#include <jobmode/client.hpp>
#include <jobmode/crawl.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "sim/server.hpp"

namespace {

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

struct options {
    std::size_t capacity = 50;
    std::size_t queue = 100;
    std::string latency = "lognormal:100ms,0.2";
    double warm_up = 20;
    double seconds = 20;
    std::vector<std::size_t> limits{0};
};

struct result {
    double in_flight = 0;
    double seconds = 0;
    std::uint64_t failed = 0;
    std::vector<double> latencies;
};

/// Asks the same query again and again, without retries, so that every refusal is seen.
asio::awaitable<void> measure(jobmode::client& client, const options& chosen, result& found) {
    const auto begin = clock_type::now() +
                       std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>(chosen.warm_up));
    const auto end =
        begin + std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>(chosen.seconds));
    jobmode::crawl all(client, [end]() -> std::optional<jobmode::query> {
        if (clock_type::now() >= end)
            return std::nullopt;
        return jobmode::query("obm", "2024-06-26");
    });
    clock_type::time_point last = begin;
    while (const std::optional<jobmode::outcome> one = co_await all.async_next()) {
        const auto now = clock_type::now();
        if (now < begin || now >= end)
            continue;
        found.in_flight +=
            static_cast<double>(client.metrics().in_flight) * std::chrono::duration<double>(now - last).count();
        last = now;
        if (one->error)
            ++found.failed;
        else
            found.latencies.push_back(std::chrono::duration<double, std::milli>(one->latency).count());
    }
    found.seconds = std::chrono::duration<double>(last - begin).count();
    client.close();
}

double quantile(std::vector<double>& values, double share) {
    if (values.empty())
        return 0;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

void run(const options& chosen, std::size_t limit) {
    jobmode::sim::server_config server_config;
    server_config.capacity.workers = chosen.capacity;
    server_config.capacity.queue = chosen.queue;
    server_config.latency = jobmode::sim::latency_spec::parse(chosen.latency).value();
    server_config.max_requests = 0;
    const jobmode::sim::server server(server_config);

    asio::io_context context(1);
    jobmode::client_config config(server.url());
    config.sys_user = server_config.sys_user;
    config.sys_pwd = jobmode::secret(server_config.sys_pwd);
    config.tls.pinned_public_key = server.pin();
    config.retry.max_retries = 0;
    config.concurrency.max_in_flight = limit;
    jobmode::client client(context.get_executor(), config);
    result found;
    std::exception_ptr failure;
    asio::co_spawn(context, measure(client, chosen, found), [&](std::exception_ptr problem) { failure = problem; });
    context.run();
    if (failure)
        std::rethrow_exception(failure);
    const double seconds = std::max(found.seconds, 1e-9);
    std::printf(
        "{\"kind\":\"capacity\",\"capacity\":%zu,\"limit\":%zu,\"in_flight\":%.1f,\"answers_per_second\":%.1f,"
        "\"failures_per_second\":%.1f,\"p50_ms\":%.1f,\"p99_ms\":%.1f}\n",
        chosen.capacity, limit, found.in_flight / seconds, static_cast<double>(found.latencies.size()) / seconds,
        static_cast<double>(found.failed) / seconds, quantile(found.latencies, 0.5), quantile(found.latencies, 0.99));
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    CLI::App app("Measures limits of queries in flight against a simulated server with a capacity");
    app.add_option("--capacity", chosen.capacity, "Requests that the server serves at a time")->capture_default_str();
    app.add_option("--queue", chosen.queue, "Requests that wait at a time; more are refused")->capture_default_str();
    app.add_option("--latency", chosen.latency, "What serving one takes, as jobmode serve has it")
        ->capture_default_str();
    app.add_option("--warm-up", chosen.warm_up, "Seconds before what counts")->capture_default_str();
    app.add_option("--seconds", chosen.seconds, "Seconds that count")->capture_default_str();
    app.add_option("--limits", chosen.limits, "Queries in flight, one measurement each; 0 adapts")
        ->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    try {
        for (const std::size_t limit : chosen.limits)
            run(chosen, limit);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "bench_capacity: %s\n", problem.what());
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

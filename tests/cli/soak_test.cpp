// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Very many queries of a server that fails now and then in every way it can: each is accounted for, memory stays flat
// and no descriptor is left. Short unless JOBMODE_SOAK_QUERIES, and JOBMODE_SOAK_SECONDS to spread them over, say
// otherwise.
#include <jobmode/crawl.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "cli/process.hpp"
#include "integration/support.hpp"
#include "sim/fleet.hpp"

namespace soak_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool under_address_sanitizer = true;
#else
constexpr bool under_address_sanitizer = false;
#endif

namespace asio = boost::asio;

constexpr std::size_t in_flight = 32;
constexpr std::size_t connections = 16;

std::uint64_t parameter(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text ? std::stoull(text) : otherwise;
}

/// Memory of this process that is in use now, in KiB.
std::size_t resident() {
    std::ifstream file("/proc/self/statm");
    std::size_t all = 0;
    std::size_t pages = 0;
    file >> all >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

/// How things stood at some moment.
struct sample {
    std::size_t queries;
    std::size_t resident;
    std::size_t descriptors;
};

bool is_known_cause(error_code ec) {
    return ec == errc::connection_lost || ec == errc::server_busy || ec == errc::read_timeout || ec == errc::not_json ||
           ec == errc::json_syntax || ec == errc::bad_utf8;
}

}  // namespace

TEST_CASE("very many queries through random faults are all accounted for, in flat memory") {
    const std::uint64_t total = parameter("JOBMODE_SOAK_QUERIES", 10'000);
    const std::uint64_t seconds = parameter("JOBMODE_SOAK_SECONDS", 0);
    const test::temporary_folder folder;
    // A process of its own, so that its memory is not the client's.
    std::vector<std::string> arguments{"serve",     "--users",        "100", "--port-file", folder.path("port"),
                                       "--ca-file", folder.path("ca")};
    // Together 1 %.
    for (const char* const kind :
         {"reset", "truncate", "close", "slow", "html", "bad-json", "429", "502", "503", "504", "stall"})
        arguments.insert(arguments.end(), {"--fault", std::string(kind) + ":" + std::to_string(0.01 / 11)});
    test::program server(arguments);
    server.wait_for_err("serving");

    sim::fleet_config fleet_config;
    fleet_config.users = 100;
    const sim::fleet fleet(fleet_config);
    const std::vector<std::string>& users = fleet.login_names();
    const std::size_t descriptors_before = test::descriptors();
    std::map<std::string, std::size_t> failures;
    std::vector<sample> samples;
    std::size_t ended = 0;
    std::size_t answered = 0;
    std::uint64_t records = 0;
    metrics counted;
    {
        std::string port = folder.read("port");
        port.resize(port.find('\n'));
        client_config config("https://localhost:" + port);
        config.sys_user = "system";
        config.sys_pwd = secret("system1");
        config.tls.ca_file = folder.path("ca");
        config.concurrency.max_in_flight = in_flight;
        config.pool.max_connections = connections;
        config.timeouts.read = 2s;
        config.retry.initial_backoff = 10ms;
        if (seconds != 0) {
            config.rate.queries_per_second = static_cast<double>(total) / static_cast<double>(seconds);
            config.rate.burst = in_flight;
        }
        asio::io_context context(1);
        client client(context.get_executor(), config);
        std::vector<bool> seen(total);
        const auto ask_all = [&]() -> asio::awaitable<void> {
            const auto date_of = [&](std::uint64_t index) {
                return std::chrono::year_month_day(fleet.last_day() - std::chrono::days(index / users.size() % 365));
            };
            std::uint64_t made = 0;
            crawl all(client, [&]() -> std::optional<query> {
                if (made == total)
                    return std::nullopt;
                const std::uint64_t index = made++;
                return query(users[index % users.size()], date_of(index));
            });
            while (const std::optional<outcome> one = co_await all.async_next()) {
                REQUIRE(one->index < total);
                REQUIRE_FALSE(seen[one->index]);
                seen[one->index] = true;
                if (one->error) {
                    if (!is_known_cause(one->error))
                        FAIL_CHECK("an unknown cause: " << error_name(one->error));
                    ++failures[error_name(one->error)];
                } else {
                    ++answered;
                    records += one->records.size();
                    if (one->records.size() != fleet.jobs(one->query.login_name, date_of(one->index)).size())
                        FAIL_CHECK("records were lost or doubled");
                }
                // What is made once has been made after a tenth.
                if (++ended == std::max<std::uint64_t>(total / 10, 1) || ended == total / 2 || ended == total)
                    samples.push_back({ended, resident(), test::descriptors()});
            }
            client.close();
        };
        // It takes as long as it takes.
        std::exception_ptr failure;
        asio::co_spawn(context, ask_all(), [&](std::exception_ptr problem) { failure = std::move(problem); });
        context.run();
        if (failure)
            std::rethrow_exception(failure);
        CHECK(std::ranges::all_of(seen, [](bool once) { return once; }));
        counted = client.metrics();
    }
    CHECK(test::descriptors() == descriptors_before);

    std::size_t failed = 0;
    std::ostringstream causes;
    for (const auto& [name, count] : failures) {
        failed += count;
        causes << ' ' << name << ' ' << count;
    }
    CHECK(ended == total);
    CHECK(answered + failed == total);
    CHECK(counted.queries == total);
    CHECK(counted.failures == failed);
    CHECK(counted.records >= records);
    CHECK(counted.retries > 0);
    // Pages and broken JSON fail for good, which is two faults of eleven; hardly anything else does.
    CHECK(failed > 0);
    CHECK(failed < total / 200);
    REQUIRE(samples.size() == 3);
    // AddressSanitizer holds back what is freed.
    if (!under_address_sanitizer)
        CHECK(samples[2].resident < samples[0].resident + 8 * 1024);
    for (const sample& one : samples)
        CHECK(one.descriptors <= descriptors_before + connections + 16);

    server.send(SIGTERM);
    const boost::json::object told = boost::json::parse(server.wait().out).as_object();
    const auto asked = told.at("requests").to_number<std::uint64_t>();
    CHECK(asked >= total);
    CHECK(told.at("faults").to_number<std::uint64_t>() > total / 200);
    if (seconds != 0) {
        WARN(total << " queries: " << answered << " answered, " << failed << " failed (" << causes.str() << " ), "
                   << records << " records; " << counted.retries << " retries, " << counted.resends << " resends, "
                   << counted.connections_opened << " connections; " << asked << " requests, "
                   << told.at("faults").to_number<std::uint64_t>() << " faults");
        for (const sample& one : samples)
            WARN("after " << one.queries << " queries: " << one.resident << " KiB, " << one.descriptors
                          << " descriptors");
        WARN("at the end: " << test::descriptors() << " descriptors, as before");
    }
}

}  // namespace soak_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Many queries, some of which go wrong, from one thread and from eight: every one is accounted for.
#include <jobmode/crawl.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "integration/support.hpp"

namespace soak_test {

using namespace jobmode;
using namespace std::chrono_literals;
using test::fixture;

namespace {

using std::chrono::June;
using std::chrono::year;

const query good("obm", year(2024) / June / 26);

sim::server_config with_faults(double probability) {
    using enum sim::fault_kind;
    sim::server_config config;
    config.fleet.users = 50;
    for (const sim::fault_kind kind : {reset, truncate, close, html, bad_json, status_429, status_502, status_503})
        config.faults.emplace_back(kind, probability);
    return config;
}

/// The causes that such faults can have when there are no retries left, or none are made.
bool is_known_cause(error_code ec) {
    return ec == errc::connection_lost || ec == errc::server_busy || ec == errc::not_json || ec == errc::json_syntax ||
           ec == errc::bad_utf8;
}

}  // namespace

TEST_CASE("a crawl of many queries through random faults accounts for every one") {
    const std::size_t depth = GENERATE(1U, 4U);
    const std::size_t before = test::descriptors();
    {
        fixture with(with_faults(0.01 / 8));
        client_config config = with.config();
        config.pipeline_depth = depth;
        config.concurrency.max_in_flight = 32;
        config.pool.max_connections = 16;
        const std::vector<std::string> users = with.server.fleet().login_names();
        const std::chrono::sys_days last = with.server.fleet().last_day();
        constexpr std::size_t total = 25'000;
        std::size_t made = 0;
        const auto date_of = [&](std::size_t index) {
            return std::chrono::year_month_day(last - std::chrono::days(index / users.size()));
        };
        std::vector<int> seen(total);
        std::size_t failed = 0;
        client client(with.context.get_executor(), config);
        test::run(with.context, [&]() -> asio::awaitable<void> {
            crawl all(client, [&]() -> std::optional<query> {
                if (made == total)
                    return std::nullopt;
                const std::size_t index = made++;
                return query(users[index % users.size()], date_of(index));
            });
            while (const std::optional<outcome> one = co_await all.async_next()) {
                ++seen.at(one->index);
                const auto jobs = with.server.fleet().jobs(one->query.login_name, date_of(one->index));
                if (one->error) {
                    ++failed;
                    CHECK(is_known_cause(one->error));
                    CHECK(one->records.size() == 0);
                } else if (one->records.size() != jobs.size()) {
                    FAIL_CHECK("records were lost or doubled");
                }
            }
            client.close();
        }());
        CHECK(made == total);
        CHECK(std::ranges::all_of(seen, [](int count) { return count == 1; }));
        const metrics counted = client.metrics();
        CHECK(counted.queries == total);
        CHECK(counted.failures == failed);
        CHECK(counted.in_flight == 0);
        CHECK(counted.waiting == 0);
        // Pages and broken JSON fail for good; all else is tried again, and then answered.
        CHECK(failed > 0);
        CHECK(failed < total / 100);
        CHECK(counted.retries > 0);
    }
    CHECK(test::descriptors() == before);
}

TEST_CASE("eight threads share a client in its thread-safe mode", "[.threads]") {
    constexpr std::size_t thread_count = 8;
    constexpr int each = 150;
    fixture with(with_faults(0.002));
    client_config config = with.config();
    config.thread_safe = true;
    config.concurrency.max_in_flight = 24;
    config.pool.max_connections = 12;
    config.pipeline_depth = GENERATE(1U, 3U);
    std::atomic<std::size_t> answered{0};
    std::atomic<std::size_t> failed{0};
    std::atomic<std::size_t> cancelled{0};
    const auto account = [&](error_code ec) {
        if (!ec)
            ++answered;
        else if (ec == asio::error::operation_aborted)
            ++cancelled;
        else if (is_known_cause(ec))
            ++failed;
    };
    asio::thread_pool pool(thread_count);
    {
        client client(pool.get_executor(), config);
        std::vector<std::thread> threads;
        for (std::size_t number = 0; number != thread_count; ++number)
            threads.emplace_back([&, number] {
                switch (number % 4) {
                    case 0:
                        // Queries that wait for each other, on whatever thread.
                        asio::co_spawn(
                            pool,
                            [&]() -> asio::awaitable<void> {
                                for (int count = 0; count != each; ++count) {
                                    auto [ec, records] =
                                        co_await client.async_list(good, asio::as_tuple(asio::deferred));
                                    account(ec);
                                    client.metrics();
                                }
                            },
                            asio::use_future)
                            .get();
                        break;
                    case 1: {
                        // All at once, some of which are taken back.
                        std::vector<asio::cancellation_signal> signals(each);
                        std::vector<std::promise<void>> ends(each);
                        auto strand = asio::make_strand(pool);
                        asio::post(strand, [&] {
                            for (std::size_t count = 0; count != each; ++count)
                                client.async_list(good,
                                                  asio::bind_cancellation_slot(
                                                      signals[count].slot(),
                                                      asio::bind_executor(strand, [&, count](error_code ec, auto&&) {
                                                          account(ec);
                                                          ends[count].set_value();
                                                      })));
                        });
                        asio::post(strand, [&] {
                            for (std::size_t count = 0; count < each; count += 5)
                                signals[count].emit(asio::cancellation_type::terminal);
                        });
                        for (std::promise<void>& one : ends)
                            one.get_future().wait();
                        break;
                    }
                    case 2:
                        // Streams, read to their end or not.
                        asio::co_spawn(
                            pool,
                            [&]() -> asio::awaitable<void> {
                                for (int count = 0; count != each; ++count) {
                                    auto [ec, stream] = co_await client.async_open({"bulk-100", year(2024) / June / 26},
                                                                                   asio::as_tuple(asio::deferred));
                                    while (!ec && count % 3 != 0) {
                                        auto [next_ec, batch] =
                                            co_await stream.async_next(asio::as_tuple(asio::deferred));
                                        ec = next_ec;
                                        if (batch.empty())
                                            break;
                                    }
                                    account(ec);
                                }
                            },
                            asio::use_future)
                            .get();
                        break;
                    default:
                        asio::co_spawn(
                            pool,
                            [&]() -> asio::awaitable<void> {
                                crawl all(client, std::vector<query>(each, good));
                                while (const auto one = co_await all.async_next())
                                    account(one->error);
                            },
                            asio::use_future)
                            .get();
                        break;
                }
            });
        for (std::thread& one : threads)
            one.join();
        CHECK(answered + failed + cancelled == thread_count * each);
        CHECK(answered > 0);
        CHECK(cancelled <= 2 * (each / 5));
        // Closed and destroyed while it works.
        std::promise<error_code> last;
        client.async_list(good, [&](error_code ec, const std::vector<record>&) { last.set_value(ec); });
        client.close();
        const error_code ec = last.get_future().get();
        CHECK((!ec || ec == asio::error::operation_aborted || is_known_cause(ec)));
    }
    pool.join();
}

}  // namespace soak_test

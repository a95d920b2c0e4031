// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/client.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "catch.hpp"
#include "integration/support.hpp"

namespace client_test {

using namespace jobmode;
using namespace std::chrono_literals;
using test::fixture;

namespace {

using std::chrono::June;
using std::chrono::year;

constexpr auto example_date = year(2024) / June / 26;
constexpr auto tuple_token = asio::as_tuple(asio::deferred);

}  // namespace

TEST_CASE("the vendor's example is answered") {
    fixture with;
    const auto records = test::run(with.context, [](client_config config) -> asio::awaitable<std::vector<record>> {
        client client(co_await asio::this_coro::executor, std::move(config));
        co_return co_await client.async_list({"obm", "2024-06-26-11-33-52"});
    }(with.config()));
    REQUIRE(records.size() == 1);
    CHECK(records[0].login_name == "obm");
    CHECK(records[0].backup_set_id == "1687750405259");
    CHECK(records[0].backup_set_name == "v6 File Backup");
    CHECK(records[0].has(field::id) == presence::absent);
    CHECK(records[0].has(field::owner) == presence::text);
    CHECK(records[0].backup_job_mode() == job_mode::manual);
    CHECK(records[0].end_time_text == "2024-06-26 11;34:15");
    REQUIRE(records[0].end_time());
    CHECK(*records[0].end_time() == std::chrono::local_days(example_date) + 11h + 34min + 15s);
}

TEST_CASE("every completion token is taken") {
    fixture with;
    client client(with.context.get_executor(), with.config());
    const query asked("obm", example_date);

    SECTION("a callback") {
        std::size_t records = 0;
        client.async_list(asked, [&](error_code ec, std::vector<record> found) {
            CHECK_FALSE(ec);
            records = found.size();
            client.close();
        });
        CHECK(records == 0);
        with.context.run();
        CHECK(records == 1);
    }
    SECTION("use_future") {
        std::future<std::vector<record>> future = client.async_list(asked, asio::use_future);
        with.context.run_one();
        while (future.wait_for(0s) != std::future_status::ready)
            with.context.run_one();
        CHECK(future.get().size() == 1);
    }
    SECTION("deferred") {
        auto later = client.async_list(asked, asio::deferred);
        std::size_t records = 0;
        std::move(later)([&](error_code, std::vector<record> found) {
            records = found.size();
            client.close();
        });
        with.context.run();
        CHECK(records == 1);
    }
    SECTION("as_tuple") {
        test::run(with.context, [](jobmode::client& shared, query what) -> asio::awaitable<void> {
            auto [ec, found] = co_await shared.async_list(what, asio::as_tuple(asio::use_awaitable));
            CHECK_FALSE(ec);
            CHECK(found.size() == 1);
            auto [open_error, stream] = co_await shared.async_open(what, tuple_token);
            CHECK_FALSE(open_error);
            auto [next_error, batch] = co_await stream.async_next(tuple_token);
            CHECK_FALSE(next_error);
            CHECK(batch.size() == 1);
            auto [end_error, rest] = co_await stream.async_next(tuple_token);
            CHECK_FALSE(end_error);
            CHECK(rest.empty());
            shared.close();
        }(client, asked));
    }
}

TEST_CASE("a handler runs on its associated executor") {
    fixture with;
    client client(with.context.get_executor(), with.config());
    asio::thread_pool pool(1);
    std::promise<std::thread::id> where;
    client.async_list({"obm", example_date}, asio::bind_executor(pool, [&](error_code, std::vector<record>) {
                          where.set_value(std::this_thread::get_id());
                      }));
    auto future = where.get_future();
    while (future.wait_for(0s) != std::future_status::ready)
        with.context.poll_one();
    CHECK(future.get() != std::this_thread::get_id());
    pool.join();
}

TEST_CASE("a stream hands out a large answer in batches") {
    fixture with;
    const auto counted = test::run(with.context, [](client_config config) -> asio::awaitable<std::size_t> {
        client client(co_await asio::this_coro::executor, std::move(config));
        record_stream stream = co_await client.async_open({"bulk-20000", example_date});
        std::size_t records = 0;
        std::size_t batches = 0;
        while (const record_batch batch = co_await stream.async_next()) {
            for (const record_view& one : batch) {
                CHECK(one.id == std::to_string(1'000'000'000 + records));
                ++records;
            }
            ++batches;
        }
        CHECK(batches > 100);
        co_return records;
    }(with.config()));
    CHECK(counted == 20'000);
}

TEST_CASE("connections are used again, and Tomcat's limit is honoured") {
    fixture with;
    const metrics seen = test::run(with.context, [](client_config config) -> asio::awaitable<metrics> {
        client client(co_await asio::this_coro::executor, std::move(config));
        for (int count = 0; count != 250; ++count)
            co_await client.async_list({"obm", example_date});
        co_return client.metrics();
    }(with.config()));
    CHECK(seen.queries == 250);
    CHECK(seen.failures == 0);
    CHECK(seen.connections_opened == 3);
    CHECK(seen.connections_resumed == 2);
    CHECK(seen.connections_reused == 247);
    CHECK(seen.latency.count == 250);
    const sim::server_counters counted = with.server.counters();
    CHECK(counted.queries == 250);
    CHECK(counted.connections == 3);
    CHECK(counted.tls_resumed == 2);
    // The session cookie is kept for a connection.
    CHECK(counted.sessions == 3);
}

TEST_CASE("many queries run at a time") {
    fixture with;
    client_config config = with.config();
    config.concurrency.max_in_flight = 16;
    config.pool.max_connections = 16;
    SECTION("one a connection") {}
    SECTION("pipelined") {
        config.pipeline_depth = 4;
        config.pool.max_connections = 4;
    }
    client client(with.context.get_executor(), config);
    int answered = 0;
    for (int count = 0; count != 1000; ++count)
        client.async_list({count % 2 == 0 ? "obm" : "bulk-50", example_date},
                          [&, count](error_code ec, std::vector<record> found) {
                              CHECK_FALSE(ec);
                              CHECK(found.size() == (count % 2 == 0 ? 1U : 50U));
                              if (++answered == 1000)
                                  client.close();
                          });
    with.context.run();
    CHECK(answered == 1000);
    // Each answers 100 requests, but for those that are open at the end.
    CHECK(client.metrics().connections_opened <= 1000 / 100 + 16);
}

TEST_CASE("wrong credentials have their own code") {
    fixture with;
    client_config config = with.config();
    SECTION("password") {
        config.sys_pwd = secret("wrong");
    }
    SECTION("user") {
        config.sys_user = "nosuchuser";
    }
    diagnostics diag;
    const error_code ec =
        test::run(with.context, [](client_config with_config, diagnostics& out) -> asio::awaitable<error_code> {
            client client(co_await asio::this_coro::executor, std::move(with_config));
            auto [failed, records] = co_await client.async_list({"obm", example_date}, &out, tuple_token);
            co_return failed;
        }(config, diag));
    CHECK(ec == errc::authentication_refused);
    CHECK_FALSE(diag.server_message.empty());
    CHECK_FALSE(diag.expt_type.empty());
    CHECK(diag.phase == phase::decode);
    CHECK(diag.attempt == 1);
    CHECK(with.server.counters().refused == 1);
}

TEST_CASE("an invalid query is refused before anything is sent") {
    fixture with;
    client client(with.context.get_executor(), with.config());
    error_code ec;
    diagnostics diag;
    client.async_list({"obm", year(2024) / 2 / 30}, &diag,
                      [&](error_code failed, std::vector<record>) { ec = failed; });
    with.context.run();
    CHECK(ec == errc::invalid_query);
    CHECK(diag.attempt == 0);
    CHECK(with.server.counters().connections == 0);
}

TEST_CASE("users are listed") {
    fixture with;
    const auto names = test::run(with.context, [](client_config config) -> asio::awaitable<std::vector<std::string>> {
        client client(co_await asio::this_coro::executor, std::move(config));
        co_return co_await client.async_list_users();
    }(with.config()));
    CHECK(names == with.server.fleet().login_names());
}

TEST_CASE("the jobs of a user are listed set by set, and tell the dates that have records") {
    fixture with;
    const auto list = [&](std::string name) {
        return test::run(with.context,
                         [](client_config config, std::string asked) -> asio::awaitable<std::vector<backup_set_jobs>> {
                             client client(co_await asio::this_coro::executor, std::move(config));
                             co_return co_await client.async_list_backup_jobs(std::move(asked));
                         }(with.config(), std::move(name)));
    };
    const std::vector<backup_set_jobs> example = list("obm");
    REQUIRE(example.size() == 1);
    CHECK(example[0].backup_set_id == "1687750405259");
    CHECK(example[0].job_ids == std::vector<std::string>{"2024-06-26-11-33-52"});

    const sim::fleet& fleet = with.server.fleet();
    const std::string& name = fleet.login_names()[3];
    std::set<std::string> listed;
    for (const backup_set_jobs& set : list(name))
        for (const std::string& id : set.job_ids)
            listed.insert(id.substr(0, 10));
    std::set<std::string> expected;
    for (auto day = fleet.first_day(); day <= fleet.last_day(); day += std::chrono::days(1))
        if (!fleet.jobs(name, day).empty())
            expected.emplace(date_or_job_id(std::chrono::year_month_day(day)).text());
    CHECK(listed == expected);
    CHECK(with.server.counters().job_lists == 2);

    diagnostics diag;
    const auto ask = [&](const std::string& asked) {
        error_code ec;
        client client(with.context.get_executor(), with.config());
        client.async_list_backup_jobs(asked, &diag, [&](error_code failed, std::vector<backup_set_jobs> sets) {
            ec = failed;
            CHECK(sets.empty());
            client.close();
        });
        with.context.restart();
        with.context.run();
        return ec;
    };
    CHECK(ask("nobody") == errc::api_error);
    CHECK(diag.server_message == "Backup user 'nobody' does not exist");
    CHECK(ask("") == errc::invalid_query);
    CHECK(diag.attempt == 0);
}

TEST_CASE("plain http works when it is allowed") {
    sim::server_config server;
    server.tls = false;
    fixture with(server);
    client_config config = with.config();
    config.tls.ca_file.clear();
    CHECK_THROWS_AS(client(with.context.get_executor(), config), boost::system::system_error);
    config.allow_http = true;
    const auto records = test::run(with.context, [](client_config allowed) -> asio::awaitable<std::vector<record>> {
        client client(co_await asio::this_coro::executor, std::move(allowed));
        co_return co_await client.async_list({"obm", example_date});
    }(config));
    CHECK(records.size() == 1);
}

}  // namespace client_test

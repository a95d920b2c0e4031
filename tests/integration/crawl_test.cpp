// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Retries, the pool's limits and crawls against the simulated server, which counts what it was asked.
#include <jobmode/crawl.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "integration/support.hpp"

namespace crawl_test {

using namespace jobmode;
using namespace std::chrono_literals;
using test::fixture;

namespace {

using sim::script_step;
using std::chrono::June;
using std::chrono::year;

const query good("obm", year(2024) / June / 26);
const query invalid("", year(2024) / June / 26);

using steps = std::optional<std::vector<script_step>>;

steps say(const std::string& bytes) {
    return std::vector<script_step>{{script_step::kind::send, bytes}};
}

std::vector<outcome> drain(fixture& with, crawl& all, error_code* last = nullptr) {
    std::vector<outcome> seen;
    for (bool over = false; !over;) {
        bool ended = false;
        all.async_next([&](error_code ec, std::optional<outcome> one) {
            ended = true;
            if (one)
                seen.push_back(std::move(*one));
            else
                over = true;
            if (last)
                *last = ec;
        });
        if (!test::run_until(with.context, [&] { return ended; }))
            throw std::runtime_error("the crawl did not go on");
    }
    return seen;
}

}  // namespace

TEST_CASE("outcomes that are ready are had without waiting, each once") {
    fixture with;
    client client(with.context.get_executor(), with.config());
    std::vector<query> queries(50, good);
    crawl all(client, queries);
    CHECK_FALSE(all.try_next());
    std::set<std::uint64_t> seen;
    std::size_t at_once = 0;
    for (bool over = false; !over;) {
        bool ended = false;
        all.async_next([&](error_code, const std::optional<outcome>& one) {
            ended = true;
            over = !one;
            if (one)
                CHECK(seen.insert(one->index).second);
        });
        // More than this one come in before anybody asks for them.
        REQUIRE(test::run_until(with.context, [&] {
            return ended && (over || client.metrics().queries >= std::min<std::size_t>(seen.size() + 3, 50));
        }));
        while (const std::optional<outcome> one = all.try_next()) {
            CHECK(seen.insert(one->index).second);
            ++at_once;
        }
    }
    CHECK(seen.size() == queries.size());
    CHECK(at_once != 0);
}

TEST_CASE("a crawl refers to a range, copies a view, and keeps what is moved into it") {
    fixture with;
    client client(with.context.get_executor(), with.config());
    std::vector<query> queries(2, good);
    crawl of_range(client, queries);
    const auto of_gone_view = [&] {
        const std::span<const query> view(queries);
        return crawl(client, view);
    };
    crawl of_view = of_gone_view();
    crawl of_own(client, std::vector<query>(3, good));
    queries.back() = invalid;
    for (crawl* each : {&of_range, &of_view}) {
        const std::vector<outcome> seen = drain(with, *each);
        REQUIRE(seen.size() == 2);
        CHECK(std::ranges::count(seen, error_code(errc::invalid_query), &outcome::error) == 1);
    }
    CHECK(drain(with, of_own).size() == 3);
}

TEST_CASE("what is worth trying again is tried as often as allowed, and nothing else is") {
    struct row {
        const char* status;
        unsigned attempts;
    };
    for (const row& one : {row{"429 Slow Down", 3}, row{"502 Bad", 3}, row{"503 Busy", 3}, row{"504 Late", 3},
                           row{"503 Busy\r\nRetry-After: 0", 3}, row{"503 Busy\r\nRetry-After: 3600", 1},
                           row{"500 Error", 1}, row{"401 Who", 1}, row{"404 Where", 1}, row{"302 There", 1}}) {
        INFO(one.status);
        sim::server_config server;
        server.script = [&one](const sim::request_info&) {
            return say("HTTP/1.1 " + std::string(one.status) + "\r\nContent-Length: 0\r\n\r\n");
        };
        fixture with(server);
        client_config config = with.config();
        config.retry.max_retries = 2;
        client client(with.context.get_executor(), config);
        const test::ending seen = test::ask(with.context, client, good);
        CHECK(seen.error);
        CHECK(seen.diagnostics.attempt == one.attempts);
        CHECK(with.server.counters().requests == one.attempts);
        CHECK(client.metrics().retries + client.metrics().resends == one.attempts - 1);
    }
}

TEST_CASE("the retry budget keeps a dying server from being stormed") {
    sim::server_config server;
    server.script = [](const sim::request_info&) { return say("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"); };
    fixture with(server);
    client_config config = with.config();
    config.retry.budget_reserve = 5;
    client client(with.context.get_executor(), config);
    for (int count = 0; count != 50; ++count)
        CHECK(test::ask(with.context, client, good).error == errc::server_busy);
    CHECK(with.server.counters().requests == 55);
}

TEST_CASE("waiters are served in the order of their calls, over as many connections as allowed") {
    std::mutex mutex;
    std::vector<std::string> order;
    sim::server_config server;
    server.script = [&](const sim::request_info& request) -> steps {
        const std::scoped_lock lock(mutex);
        order.emplace_back(request.body);
        return std::nullopt;
    };
    fixture with(server);
    client_config config = with.config();
    config.pool.max_connections = 1;
    client client(with.context.get_executor(), config);
    int ended = 0;
    for (int count = 0; count != 20; ++count)
        client.async_list({"user-" + std::to_string(count), year(2024) / June / 26},
                          [&, count](error_code, const std::vector<record>&) { CHECK(ended++ == count); });
    REQUIRE(test::run_until(with.context, [&] { return ended == 20; }));
    CHECK(with.server.counters().connections == 1);
    REQUIRE(order.size() == 20);
    for (std::size_t index = 0; index != order.size(); ++index)
        CHECK(order[index].find("\"user-" + std::to_string(index) + "\"") != std::string::npos);
}

TEST_CASE("connections end after their uses, and when they have been idle") {
    fixture with;
    client_config config = with.config();
    config.pool.max_uses = 2;
    config.pool.idle_timeout = 50ms;
    client client(with.context.get_executor(), config);
    for (int count = 0; count != 6; ++count)
        CHECK_FALSE(test::ask(with.context, client, good).error);
    CHECK(with.server.counters().connections >= 3);
    CHECK(client.metrics().connections_opened == with.server.counters().connections);
    // The context has nothing to do once the last connection is gone.
    with.context.restart();
    with.context.run();
    CHECK(client.metrics().connections == 0);
    CHECK_FALSE(test::ask(with.context, client, good).error);
}

TEST_CASE("a connection that the server closes while it is idle is noticed and replaced") {
    sim::server_config server;
    server.idle_timeout = 2s;
    fixture with(server);
    client client(with.context.get_executor(), with.config());
    CHECK_FALSE(test::ask(with.context, client, good).error);
    REQUIRE(test::run_until(with.context, [&] { return client.metrics().connections == 0; }));
    CHECK_FALSE(test::ask(with.context, client, good).error);
    CHECK(client.metrics().resends == 0);
    CHECK(client.metrics().retries == 0);
}

TEST_CASE("a crawl whose password is wrong costs one attempt, also behind invalid queries") {
    fixture with;
    client_config config = with.config();
    config.sys_pwd = secret("wrong");
    config.concurrency.max_in_flight = 16;
    client client(with.context.get_executor(), config);
    std::size_t pulled = 0;
    crawl all(client, [&]() -> std::optional<query> { return pulled++ < 3 ? invalid : good; });
    const std::vector<outcome> seen = drain(with, all);
    REQUIRE(seen.size() == 4);
    CHECK(seen[0].error == errc::invalid_query);
    CHECK(seen[0].diagnostics.attempt == 0);
    CHECK(seen[3].error == errc::authentication_refused);
    CHECK(pulled == 4);
    CHECK(with.server.counters().requests == 1);
}

TEST_CASE("a crawl pulls no more than it has room for, and stops when told") {
    fixture with;
    client_config config = with.config();
    config.concurrency.max_in_flight = 4;
    client client(with.context.get_executor(), config);
    crawl_options options;
    options.max_buffered = 8;
    std::size_t pulled = 0;
    crawl all(
        client,
        [&]() -> std::optional<query> {
            ++pulled;
            return good;
        },
        options);
    CHECK(pulled == 0);
    bool first = false;
    all.async_next([&](error_code ec, const std::optional<outcome>& one) {
        CHECK_FALSE(ec);
        first = one.has_value();
    });
    CHECK(pulled == 1);
    REQUIRE(test::run_until(with.context, [&] { return first && client.metrics().in_flight == 0; }));
    // One handed out, as many kept as allowed, and those that were in flight when that was reached.
    CHECK(pulled <= 1 + 8 + 4);
    all.stop();
    const std::size_t at_stop = pulled;
    const std::vector<outcome> rest = drain(with, all);
    CHECK(rest.size() + 1 == at_stop);
    CHECK(pulled == at_stop);
}

TEST_CASE("a source that throws ends the crawl in an error, behind the outcomes of what it gave") {
    fixture with;
    client client(with.context.get_executor(), with.config());
    int pulled = 0;
    crawl all(client, [&]() -> std::optional<query> {
        if (pulled++ == 5)
            throw std::runtime_error("no more");
        return good;
    });
    error_code last;
    CHECK(drain(with, all, &last).size() == 5);
    CHECK(last == errc::source_failed);
    CHECK(drain(with, all, &last).empty());
    CHECK_FALSE(last);
}

TEST_CASE("no error text holds the password") {
    const std::string mark = "S3cr3t-m4rk3d";
    for (const char* const answer :
         {"HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 302 There\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "nonsense", "",
          // A server that tells what it was sent: in a page, in a Message, in a redirect.
          "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\nyou sent S3cr3t-m4rk3",
          "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
          R"({"Status":"Error","Message":"S3cr3t-m4rk3d isn't"})",
          "HTTP/1.1 302 There\r\nLocation: /?p=S3cr3t-m4rk3d\r\nContent-Length: 0\r\n\r\n"}) {
        sim::server_config server;
        server.sys_pwd = mark;
        server.script = [answer](const sim::request_info&) -> steps {
            return std::vector<script_step>{{script_step::kind::send, answer}, {script_step::kind::cut}};
        };
        fixture with(server);
        client_config config = with.config();
        config.sys_pwd = secret(mark);
        config.retry.max_retries = 1;
        client client(with.context.get_executor(), config);
        const test::ending seen = test::ask(with.context, client, good);
        REQUIRE(seen.error);
        const diagnostics& all = seen.diagnostics;
        const std::string text = all.describe(seen.error) + all.detail + all.excerpt + all.server_message +
                                 all.expt_type + all.cause.message() + error_name(seen.error);
        CHECK(text.find("S3cr3t") == std::string::npos);
    }
}

}  // namespace crawl_test

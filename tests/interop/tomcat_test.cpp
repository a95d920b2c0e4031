// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <boost/asio/steady_timer.hpp>

#include <algorithm>

#include "catch.hpp"
#include "interop/support.hpp"

namespace tomcat_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t queries = 4000;

std::string tomcat() {
    return test::server("INTEROP_TOMCAT");
}

}  // namespace

TEST_CASE("Tomcat answers the vendor's example") {
    // Quotes, a control character's neighbour and letters of two, three and four bytes go there and back.
    const std::string name = "a \"quoted\" \\ set, \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    const test::answer found =
        test::ask(test::config_for(tomcat(), "example"), {"obm", "2024-06-26-11-33-52", std::optional(name)});
    REQUIRE_FALSE(found.error);
    REQUIRE(found.records.size() == 1);
    const record& one = found.records.front();
    CHECK(one.login_name == "obm");
    CHECK(one.backup_set_name == name);
    CHECK(one.backup_job_mode() == job_mode::none);
    CHECK(one.end_time_text == "2024-06-26 11;34:15");
    REQUIRE(one.end_time());
    CHECK(*one.end_time() - *one.start_time() == 23s);
    CHECK(one.has(field::owner) == presence::absent);
}

TEST_CASE("Tomcat's answers are read with a length and in chunks") {
    for (const std::size_t count : {0U, 1U, 39U, 40U, 41U, 80U, 500U}) {
        const test::answer found =
            test::ask(test::config_for(tomcat(), "sizes"), {"bulk-" + std::to_string(count), "2024-06-26"});
        INFO(found.diagnostics.describe(found.error));
        REQUIRE_FALSE(found.error);
        CHECK(found.records.size() == count);
    }
}

TEST_CASE("Tomcat lists its users") {
    asio::io_context context{1};
    const auto names = test::run(context, [](client_config config) -> asio::awaitable<std::vector<std::string>> {
        client client(co_await asio::this_coro::executor, std::move(config));
        co_return co_await client.async_list_users();
    }(test::config_for(tomcat(), "users")));
    CHECK(names == std::vector<std::string>{"obm", "bulk-7"});
}

TEST_CASE("Tomcat's errors come through in its words") {
    client_config config = test::config_for(tomcat(), "errors");
    SECTION("a user that does not exist") {
        const test::answer found = test::ask(config, {"nobody", "2024-06-26"});
        CHECK(found.error == errc::api_error);
        CHECK(found.diagnostics.server_message == "User 'nobody' does not exist");
    }
    SECTION("a wrong password") {
        config.sys_pwd = secret("wrong");
        CHECK(test::ask(config, {"obm", "2024-06-26"}).error == errc::authentication_refused);
    }
    SECTION("a path that is not the API's") {
        config.url += "/elsewhere";
        const test::answer found = test::ask(config, {"obm", "2024-06-26"});
        CHECK(found.error == errc::http_status);
        CHECK(found.diagnostics.http_status == 404);
    }
}

TEST_CASE("a large answer of Tomcat streams") {
    CHECK(test::stream_all(test::config_for(tomcat(), "stream"), 200'000) == 200'000);
}

TEST_CASE("a crawl of Tomcat outlives its limit of 100 requests a connection") {
    client_config config = test::config_for(tomcat(), "crawl");
    config.pool.max_connections = 8;
    config.concurrency.max_in_flight = 8;
    const test::crawl_result found = test::crawl_all(config, queries);
    INFO(found.failure);
    CHECK(found.answered == queries);
    CHECK(found.wrong == 0);
    CHECK(found.metrics.failures == 0);
    CHECK(found.metrics.retries == 0);
    CHECK(found.metrics.resends == 0);
    const test::server_view seen = test::seen_of("crawl");
    CHECK(seen.requests == queries);
    CHECK(seen.encodings == 0);
    // Every connection is used to its hundredth request, but for those that are open at the end.
    CHECK(seen.sessions >= queries / 100);
    CHECK(seen.sessions <= queries / 100 + 8);
    test::check_connections(found.metrics, queries, seen.sessions, 8);
}

TEST_CASE("requests sent ahead are answered by Tomcat, and sent again when it closes before them") {
    client_config config = test::config_for(tomcat(), "pipelined");
    config.pipeline_depth = 8;
    config.pool.max_connections = 4;
    config.concurrency.max_in_flight = 32;
    const test::crawl_result found = test::crawl_all(config, queries);
    INFO(found.failure);
    CHECK(found.answered == queries);
    CHECK(found.wrong == 0);
    CHECK(found.metrics.failures == 0);
    CHECK(found.metrics.retries == 0);
}

TEST_CASE("Tomcat's closing an idle connection after 20 s is noticed and costs nothing") {
    asio::io_context context{1};
    client_config config = test::config_for(tomcat(), "idle");
    config.pool.idle_timeout = 10min;
    const metrics found = test::run(context, [](client_config with) -> asio::awaitable<metrics> {
        client client(co_await asio::this_coro::executor, std::move(with));
        const query asked("obm", "2024-06-26");
        co_await client.async_list(asked);
        asio::steady_timer timer(co_await asio::this_coro::executor);
        while (client.metrics().connections != 0) {
            timer.expires_after(50ms);
            co_await timer.async_wait(asio::deferred);
        }
        co_await client.async_list(asked);
        co_return client.metrics();
    }(config));
    CHECK(found.connections_opened == 2);
    CHECK(found.connections_resumed == 1);
    CHECK(found.failures == 0);
    CHECK(found.resends == 0);
}

TEST_CASE("a Tomcat that compresses sends this client nothing compressed, since it asks for none") {
    const std::string name = "compression";
    const test::crawl_result found =
        test::crawl_all(test::config_for(test::server("INTEROP_TOMCAT_COMPRESSING"), name), 300);
    INFO(found.failure);
    CHECK(found.answered == 300);
    CHECK(found.wrong == 0);
    CHECK(test::seen_of(name).encodings == 0);
}

TEST_CASE("an answer that a reverse proxy had compressed on its own account is refused") {
    const test::answer found = test::ask(test::config_for(test::server("INTEROP_NGINX") + "/compressed", "compressed"),
                                         {"bulk-500", "2024-06-26"});
    CHECK(found.error == errc::content_encoded);
}

}  // namespace tomcat_test

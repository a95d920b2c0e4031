// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "catch.hpp"
#include "interop/support.hpp"

namespace reverse_proxy_test {

using namespace jobmode;

namespace {

constexpr std::uint64_t queries = 3000;

void crawl_through(const std::string& url, const std::string& name) {
    client_config config = test::config_for(url, name);
    config.pool.max_connections = 8;
    config.concurrency.max_in_flight = 8;
    const test::crawl_result found = test::crawl_all(config, queries);
    INFO(found.failure);
    CHECK(found.answered == queries);
    CHECK(found.wrong == 0);
    CHECK(found.metrics.failures == 0);
    CHECK(found.metrics.retries == 0);
    const test::server_view seen = test::seen_of(name);
    CHECK(seen.requests == queries);
    // nginx ends a connection after 1000 requests.
    CHECK(seen.sessions <= queries / 1000 + 8);
    test::check_connections(found.metrics, queries, seen.sessions, 8);
}

}  // namespace

TEST_CASE("a crawl goes through nginx under a path prefix") {
    crawl_through(test::server("INTEROP_NGINX") + "/backup", "nginx");
}

TEST_CASE("a crawl goes through HAProxy") {
    crawl_through(test::server("INTEROP_HAPROXY"), "haproxy");
}

TEST_CASE("a large answer streams through nginx and HAProxy") {
    for (const std::string& url : {test::server("INTEROP_NGINX") + "/backup", test::server("INTEROP_HAPROXY")})
        CHECK(test::stream_all(test::config_for(url, "stream"), 100'000) == 100'000);
}

TEST_CASE("nginx closes a connection after 1000 requests, which costs nothing") {
    client_config config = test::config_for(test::server("INTEROP_NGINX") + "/backup", "nginx limit");
    config.pool.max_connections = 1;
    config.concurrency.max_in_flight = 1;
    const test::crawl_result found = test::crawl_all(config, 2100);
    INFO(found.failure);
    CHECK(found.answered == 2100);
    CHECK(found.metrics.connections_opened == 3);
    CHECK(found.metrics.connections_resumed == 2);
    CHECK(found.metrics.resends == 0);
}

TEST_CASE("a reverse proxy whose server is gone is busy, and is asked again") {
    const auto [variable, status] = GENERATE(table<const char*, unsigned>({
        {"INTEROP_NGINX", 502},
        {"INTEROP_HAPROXY", 503},
    }));
    client_config config = test::config_for(test::server(variable) + "/gone", "gone");
    config.retry.max_retries = 2;
    const test::answer found = test::ask(config, {"obm", "2024-06-26"});
    CHECK(found.error == errc::server_busy);
    CHECK(found.diagnostics.http_status == status);
    CHECK(found.diagnostics.attempt == 3);
    // It is the server that is asked for, at no charge to the query.
    CHECK(found.metrics.resends == 2);
    CHECK(found.metrics.retries == 0);
}

TEST_CASE("a redirect to a login page is not followed") {
    const test::answer found =
        test::ask(test::config_for(test::server("INTEROP_NGINX") + "/moved", "moved"), {"obm", "2024-06-26"});
    CHECK(found.error == errc::redirected);
    CHECK(found.diagnostics.detail == "https://localhost/login");
}

}  // namespace reverse_proxy_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "catch.hpp"
#include "interop/support.hpp"

namespace connect_proxy_test {

using namespace jobmode;

namespace {

client_config through_proxy(const char* proxy, const std::string& url, const std::string& name,
                            const std::string& credentials) {
    client_config config = test::config_for(url, name);
    config.proxy = proxy_config("http://" + credentials + test::server(proxy));
    return config;
}

}  // namespace

TEST_CASE("a crawl goes through a proxy's tunnels") {
    const char* const proxy = GENERATE("INTEROP_TINYPROXY", "INTEROP_SQUID");
    const std::string name = proxy;
    client_config config = through_proxy(proxy, test::server("INTEROP_TOMCAT"), name, "proxyuser:proxy1pass@");
    config.pool.max_connections = 8;
    config.concurrency.max_in_flight = 8;
    const test::crawl_result found = test::crawl_all(config, 2000);
    INFO(found.failure);
    CHECK(found.answered == 2000);
    CHECK(found.wrong == 0);
    CHECK(found.metrics.failures == 0);
    const test::server_view seen = test::seen_of(name);
    CHECK(seen.sessions >= 20);
    CHECK(seen.sessions <= 28);
    test::check_connections(found.metrics, 2000, seen.sessions, 8);
    CHECK(test::stream_all(config, 50'000) == 50'000);
}

TEST_CASE("a proxy's refusals are told apart") {
    struct row {
        const char* proxy;
        const char* credentials;
        const char* server;
        error_code error;
        unsigned status;
    };
    for (const row& each : std::vector<row>{
             {"INTEROP_TINYPROXY", "", "INTEROP_TOMCAT", errc::proxy_authentication_required, 407},
             {"INTEROP_TINYPROXY", "proxyuser:wrong@", "INTEROP_TOMCAT", errc::proxy_authentication_required, 401},
             // They let nobody tunnel to other ports than Tomcat's.
             {"INTEROP_TINYPROXY", "proxyuser:proxy1pass@", "INTEROP_NGINX", errc::proxy_refused, 403},
             {"INTEROP_SQUID", "", "INTEROP_TOMCAT", errc::proxy_authentication_required, 407},
             {"INTEROP_SQUID", "proxyuser:wrong@", "INTEROP_TOMCAT", errc::proxy_authentication_required, 407},
             {"INTEROP_SQUID", "proxyuser:proxy1pass@", "INTEROP_NGINX", errc::proxy_refused, 403},
         }) {
        const test::answer found = test::ask(
            through_proxy(each.proxy, test::server(each.server), "refused", each.credentials), {"obm", "2024-06-26"});
        CHECK(found.error == each.error);
        CHECK(found.diagnostics.http_status == each.status);
        CHECK(found.diagnostics.phase == phase::proxy);
        CHECK(found.diagnostics.attempt == 1);
    }
    CHECK(test::seen_of("refused").requests == 0);
}

}  // namespace connect_proxy_test

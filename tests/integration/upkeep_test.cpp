// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What a connection keeps, how long it is kept, and what is left of a query's time.
#include <mutex>
#include <string>
#include <vector>

#include "catch.hpp"
#include "integration/support.hpp"

namespace upkeep_test {

using namespace jobmode;
using namespace std::chrono_literals;
using sim::script_step;

namespace {

const query example("obm", "2024-06-26");

std::string good_answer(const std::string& headers = {}) {
    const std::string body = R"({"Status":"OK","Data":[]})";
    return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("of several session cookies the last one for our path is sent back, until it is taken back") {
    std::mutex mutex;
    std::vector<std::string> seen;
    sim::server_config server;
    server.script = [&](const sim::request_info& request) {
        const std::scoped_lock lock(mutex);
        seen.emplace_back(request.cookie);
        static const std::vector<std::string> cookies{
            "Set-Cookie: JSESSIONID=A1; Path=/manager\r\nSet-Cookie: JSESSIONID=B2; Path=/; Secure; HttpOnly\r\n"
            "Set-Cookie: JSESSIONID=C3; Path=/obs; Secure\r\nSet-Cookie: JSESSIONID=D4; Path=/obs/other\r\n"
            "Set-Cookie: language=en; Path=/obs\r\n",
            "Set-Cookie: JSESSIONID=E5; Path=/obsolete\r\n",
            "Set-Cookie: JSESSIONID=F6; path=/obs/api\r\n",
            "Set-Cookie: JSESSIONID=; Path=/obs; Max-Age=0\r\n",
            "",
        };
        return std::optional(
            std::vector{script_step(script_step::kind::send, good_answer(cookies.at(request.request)))});
    };
    test::fixture with(std::move(server));
    client client(with.context.get_executor(), with.config());
    for (int count = 0; count != 5; ++count)
        CHECK_FALSE(test::ask(with.context, client, example).error);
    CHECK(with.server.counters().connections == 1);
    const std::scoped_lock lock(mutex);
    CHECK(seen == std::vector<std::string>{"", "JSESSIONID=C3", "JSESSIONID=C3", "JSESSIONID=F6", ""});
}

TEST_CASE("a connection that has reached its lifetime is given no other query") {
    sim::server_config server;
    server.latency = sim::latency_spec::parse("5ms").value();
    test::fixture with(std::move(server));
    client_config config = with.config();
    // Every answer takes longer than that.
    config.pool.max_lifetime = 1ms;
    client client(with.context.get_executor(), config);
    for (int count = 0; count != 5; ++count)
        CHECK_FALSE(test::ask(with.context, client, example).error);
    const metrics seen = client.metrics();
    CHECK(seen.connections_opened == 5);
    CHECK(seen.connections_reused == 0);
    CHECK(seen.resends == 0);
    CHECK(seen.retries == 0);
}

TEST_CASE("a query whose time ends in the middle of its answer ends with its time") {
    sim::server_config server;
    server.script = [](const sim::request_info&) {
        const std::string whole = good_answer();
        return std::optional(std::vector{script_step(script_step::kind::send, whole.substr(0, whole.size() - 5)),
                                         script_step(script_step::kind::stall)});
    };
    test::fixture with(std::move(server));
    client_config config = with.config();
    config.timeouts.total = 2s;
    client client(with.context.get_executor(), config);
    const test::ending seen = test::ask(with.context, client, example);
    CHECK(seen.error == errc::total_timeout);
    CHECK(seen.diagnostics.attempt == 1);
    CHECK(seen.records.empty());
    CHECK(client.metrics().bytes_received > 0);
}

TEST_CASE("a query that would still be waiting to be tried again when its time ends fails at once, with its cause") {
    sim::server_config server;
    server.script = [](const sim::request_info&) {
        return std::optional(std::vector{
            script_step(script_step::kind::send, "HTTP/1.1 503 Busy\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n")});
    };
    test::fixture with(std::move(server));
    client_config config = with.config();
    config.timeouts.total = 40s;
    client client(with.context.get_executor(), config);
    const test::ending seen = test::ask(with.context, client, example);
    CHECK(seen.error == errc::server_busy);
    CHECK(seen.diagnostics.http_status == 503);
    CHECK(seen.diagnostics.attempt == 1);
    CHECK(client.metrics().retries == 0);
}

}  // namespace upkeep_test

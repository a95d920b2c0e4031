// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Each timeout by its code, the race of addresses, and bytes that come while nobody asks.
#include <boost/asio/ip/tcp.hpp>

#include <future>
#include <string>
#include <vector>

#include "catch.hpp"
#include "integration/black_hole.hpp"
#include "integration/scripted_server.hpp"
#include "integration/support.hpp"
#include "net/connect_race.hpp"

namespace timeout_test {

using namespace jobmode;
using namespace std::chrono_literals;
using asio::ip::tcp;
using test::scripted_connection;
using test::scripted_server;

namespace {

using std::chrono::June;
using std::chrono::year;

const query example("obm", year(2024) / June / 26);

tcp::endpoint local(std::uint16_t port) {
    return {asio::ip::address_v4::loopback(), port};
}

}  // namespace

TEST_CASE("each timeout ends a query with its own code, after its retries") {
    const test::black_hole dark;
    scripted_server silent(nullptr, [](scripted_connection& one, std::size_t) { one.wait_for_close(); });
    struct row {
        const char* scheme;
        std::uint16_t port;
        void (*set_up)(timeout_config&);
        errc error;
        phase where;
        unsigned attempts;
    };
    for (const row& one : {
             row{"http", dark.port(), [](timeout_config& times) { times.connect = 50ms; }, errc::connect_timeout,
                 phase::connect, 2},
             row{"https", silent.port(), [](timeout_config& times) { times.handshake = 50ms; }, errc::handshake_timeout,
                 phase::handshake, 2},
             row{"http", silent.port(), [](timeout_config& times) { times.read = 50ms; }, errc::read_timeout,
                 phase::read, 2},
             row{"http", dark.port(), [](timeout_config& times) { times.total = 50ms; }, errc::total_timeout,
                 phase::none, 0},
             row{"http", silent.port(), [](timeout_config& times) { times.total = 2s; }, errc::total_timeout,
                 phase::none, 1},
         }) {
        asio::io_context context(1);
        client_config config = test::config_for(one.scheme, one.port);
        config.retry.max_retries = 1;
        one.set_up(config.timeouts);
        client client(context.get_executor(), config);
        const test::ending seen = test::ask(context, client, example);
        CHECK(error_name(seen.error) == error_name(one.error));
        CHECK(seen.diagnostics.phase == one.where);
        CHECK(seen.diagnostics.attempt == one.attempts);
    }
}

TEST_CASE("a refused connection is tried again, and ends in its own code") {
    asio::io_context context(1);
    const test::refusing_port nobody(context);
    client_config config = test::config_for("http", nobody.endpoint().port());
    config.retry.max_retries = 2;
    client client(context.get_executor(), config);
    const test::ending seen = test::ask(context, client, example);
    CHECK(error_name(seen.error) == "connect_failed");
    CHECK(seen.diagnostics.attempt == 3);
    CHECK(seen.diagnostics.cause == asio::error::connection_refused);
    CHECK(seen.diagnostics.detail.find("127.0.0.1") != std::string::npos);
}

TEST_CASE("addresses that refuse or swallow connections are passed over for one that answers") {
    asio::io_context context(1);
    const test::refusing_port nobody(context);
    const test::black_hole dark;
    scripted_server good(nullptr, [](scripted_connection& one, std::size_t) { one.wait_for_close(); });
    const tcp::endpoint there = local(good.port());
    const std::vector<std::vector<tcp::endpoint>> ways{
        {there},
        {nobody.endpoint(), there},
        {local(dark.port()), there},
        {local(dark.port()), nobody.endpoint(), there},
        {tcp::endpoint(asio::ip::address_v6::loopback(), good.port()), there},
    };
    for (const std::vector<tcp::endpoint>& addresses : ways) {
        bool ended = false;
        error_code error;
        const auto race = std::make_shared<net::connect_race>(
            context.get_executor(), addresses, 20ms, [&](net::connect_race::result result) {
                ended = true;
                error = result.error;
                CHECK(result.socket.is_open());
                error_code ignored;
                CHECK(result.socket.remote_endpoint(ignored) == there);
            });
        race->start();
        REQUIRE(test::run_until(context, [&] { return ended; }));
        CHECK_FALSE(error);
    }
}

TEST_CASE("an answer that comes while nobody asks is not the next query's") {
    std::promise<void> answered;
    std::promise<void> sent;
    scripted_server server(nullptr, [&](scripted_connection& one, std::size_t number) {
        while (!one.read_request().empty()) {
            one.send(test::http_answer(test::good_body()));
            if (number == 0) {
                answered.get_future().wait();
                one.send(test::http_answer(test::good_body(5)));
                sent.set_value();
                one.wait_for_close();
                return;
            }
        }
    });
    asio::io_context context(1);
    client client(context.get_executor(), test::config_for("http", server.port()));
    CHECK(test::ask(context, client, example).records.size() == 1);
    answered.set_value();
    sent.get_future().wait();
    const test::ending seen = test::ask(context, client, example);
    CHECK_FALSE(seen.error);
    CHECK(seen.records.size() == 1);
    CHECK(client.metrics().resends == 0);
    CHECK(server.connections() == 2);
}

}  // namespace timeout_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The client through an HTTP proxy that does as it is told.
#include <jobmode/crawl.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "integration/support.hpp"

namespace proxy_test {

using namespace jobmode;
using namespace std::chrono_literals;
using asio::ip::tcp;

namespace {

constexpr auto token = asio::as_tuple(asio::deferred);
const std::string established = "HTTP/1.1 200 Connection established\r\n\r\n";

/// What the proxy does with a connection once it has read the request.
struct behaviour {
    /// Sent to the client.
    std::string header = established;
    /// Sent one byte at a time.
    bool trickled = false;
    /// What happens then.
    enum class rest : std::uint8_t { relay, close, stall } then = rest::relay;
};

/// A proxy on a context that somebody else runs.
class scripted_proxy {
public:
    /// `script` is asked once for each connection, which are numbered from 0.
    scripted_proxy(asio::io_context& context, std::uint16_t server, std::function<behaviour(std::size_t)> script)
        : shared_(std::make_shared<state>(
              state{tcp::acceptor(context, {asio::ip::address_v4::loopback(), 0}), server, std::move(script), {}})) {
        asio::co_spawn(context, accept(shared_), asio::detached);
    }
    scripted_proxy(const scripted_proxy&) = delete;
    scripted_proxy& operator=(const scripted_proxy&) = delete;
    ~scripted_proxy() { stop(); }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(shared_->port); }
    /// The requests' headers.
    const std::vector<std::string>& requests() const { return shared_->requests; }
    /// Accepts no more.
    void stop() { shared_->acceptor.close(); }

private:
    struct state {
        tcp::acceptor acceptor;
        std::uint16_t server;
        std::function<behaviour(std::size_t)> script;
        std::vector<std::string> requests;
        std::uint16_t port = acceptor.local_endpoint().port();
    };

    static asio::awaitable<void> accept(std::shared_ptr<state> shared) {
        for (;;) {
            auto [ec, socket] = co_await shared->acceptor.async_accept(token);
            if (ec)
                co_return;
            asio::co_spawn(socket.get_executor(), serve(shared, std::make_shared<tcp::socket>(std::move(socket))),
                           asio::detached);
        }
    }

    static asio::awaitable<void> serve(std::shared_ptr<state> shared, std::shared_ptr<tcp::socket> client) {
        std::string request;
        auto [read_error, size] =
            co_await asio::async_read_until(*client, asio::dynamic_buffer(request), "\r\n\r\n", token);
        if (read_error)
            co_return;
        // The client must wait for the answer: nothing that belongs to the server comes with the request.
        CHECK(request.size() == size);
        const behaviour as = shared->script(shared->requests.size());
        shared->requests.push_back(request);
        const std::size_t step = as.trickled ? 1 : as.header.size();
        for (std::size_t at = 0; at < as.header.size(); at += step) {
            const auto written = co_await asio::async_write(*client, asio::buffer(as.header.data() + at, step), token);
            if (std::get<0>(written))
                co_return;
        }
        if (as.then == behaviour::rest::close)
            co_return;
        if (as.then == behaviour::rest::stall) {
            std::array<char, 4096> bytes;
            while (!std::get<0>(co_await client->async_read_some(asio::buffer(bytes), token))) {
            }
            co_return;
        }
        const auto server = std::make_shared<tcp::socket>(client->get_executor());
        auto [connect_error] =
            co_await server->async_connect({asio::ip::address_v4::loopback(), shared->server}, token);
        if (connect_error)
            co_return;
        asio::co_spawn(client->get_executor(), relay(server, client), asio::detached);
        co_await relay(client, server);
    }

    static asio::awaitable<void> relay(std::shared_ptr<tcp::socket> from, std::shared_ptr<tcp::socket> to) {
        std::array<char, 4096> bytes;
        for (;;) {
            auto [ec, size] = co_await from->async_read_some(asio::buffer(bytes), token);
            if (ec)
                break;
            auto [write_error, written] = co_await asio::async_write(*to, asio::buffer(bytes, size), token);
            if (write_error)
                break;
        }
        error_code ignored;
        to->shutdown(tcp::socket::shutdown_send, ignored);
    }

    std::shared_ptr<state> shared_;
};

std::function<behaviour(std::size_t)> always(behaviour what) {
    return [what = std::move(what)](std::size_t) { return what; };
}

/// Runs work, after which nobody needs the proxy.
template <class Result>
Result run(test::fixture& with, scripted_proxy& proxy, asio::awaitable<Result> work) {
    return test::run(with.context, [](scripted_proxy& used, asio::awaitable<Result> inner) -> asio::awaitable<Result> {
        Result result = co_await std::move(inner);
        used.stop();
        co_return result;
    }(proxy, std::move(work)));
}

struct answer {
    error_code error;
    jobmode::diagnostics diagnostics;
    std::size_t records = 0;
    jobmode::metrics metrics;
};

/// Asks so many queries, one after the other; the last one's answer.
answer ask(test::fixture& with, scripted_proxy& proxy, const client_config& config, int count = 1) {
    return run(with, proxy, [](client_config made, int number) -> asio::awaitable<answer> {
        client client(co_await asio::this_coro::executor, std::move(made));
        answer found;
        for (int query = 0; query != number && !found.error; ++query) {
            auto [ec, records] = co_await client.async_list({"obm", "2024-06-26"}, &found.diagnostics, token);
            found.error = ec;
            found.records = records.size();
        }
        found.metrics = client.metrics();
        co_return found;
    }(config, count));
}

}  // namespace

TEST_CASE("a server is reached through a proxy, and TLS sessions are resumed there too") {
    test::fixture with;
    const bool trickled = GENERATE(false, true);
    scripted_proxy proxy(with.context, with.server.port(), always({established, trickled}));
    client_config config = with.config();
    config.proxy = proxy_config(proxy.url());
    config.user_agent = "tester";
    const answer found = ask(with, proxy, config, 250);
    INFO(found.diagnostics.describe(found.error));
    CHECK_FALSE(found.error);
    CHECK(found.records == 1);
    CHECK(found.metrics.connections_opened == 3);
    CHECK(found.metrics.connections_resumed == 2);
    CHECK(found.metrics.failures == 0);
    const std::string authority = "localhost:" + std::to_string(with.server.port());
    CHECK(proxy.requests() == std::vector<std::string>(3, "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority +
                                                              "\r\nUser-Agent: tester\r\n\r\n"));
}

TEST_CASE("a proxy's 200 opens the tunnel whatever it says of a body") {
    test::fixture with;
    const std::string fields = GENERATE("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
                                        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: x\r\n");
    scripted_proxy proxy(with.context, with.server.port(), always({"HTTP/1.1 200\r\n" + fields + "\r\n"}));
    client_config config = with.config();
    config.proxy = proxy_config(proxy.url());
    const answer found = ask(with, proxy, config);
    CHECK(error_name(found.error) == error_name(error_code()));
    CHECK(found.records == 1);
}

TEST_CASE("a name with a dot at its end, and an address with a zone, are a proxy's to look up and TLS's to check") {
    struct row {
        const char* host;
        const char* authority;
    };
    for (const row& each : {row{"localhost.", "localhost."}, row{"[::1%25lo]", "[::1]"}}) {
        INFO(each.host);
        test::fixture with;
        scripted_proxy proxy(with.context, with.server.port(), always({}));
        client_config config = with.config();
        const std::string port = ":" + std::to_string(with.server.port());
        config.url = "https://" + (each.host + port);
        config.proxy = proxy_config(proxy.url());
        const answer found = ask(with, proxy, config);
        CHECK(error_name(found.error) == error_name(error_code()));
        CHECK(found.records == 1);
        REQUIRE(proxy.requests().size() == 1);
        CHECK(proxy.requests().front().starts_with("CONNECT " + (each.authority + port) + " "));
    }
}

TEST_CASE("plain http goes through a tunnel as well") {
    sim::server_config server;
    server.tls = false;
    test::fixture with(server);
    scripted_proxy proxy(with.context, with.server.port(), always({}));
    client_config config = with.config();
    config.tls.ca_file.clear();
    config.allow_http = true;
    config.proxy = proxy_config(proxy.url());
    const answer found = ask(with, proxy, config);
    CHECK_FALSE(found.error);
    CHECK(found.records == 1);
    CHECK(proxy.requests().size() == 1);
}

TEST_CASE("a proxy gets its user and password, and nobody else does") {
    test::fixture with;
    const bool accepted = GENERATE(true, false);
    scripted_proxy proxy(
        with.context, with.server.port(),
        always(accepted
                   ? behaviour()
                   : behaviour{"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
                               false, behaviour::rest::stall}));
    client_config config = with.config();
    config.proxy = proxy_config("http://api:marked-word@" + proxy.url().substr(7));
    const answer found = ask(with, proxy, config);
    REQUIRE(proxy.requests().size() == 1);
    CHECK_THAT(proxy.requests().front(), test::contains("\r\nProxy-Authorization: Basic YXBpOm1hcmtlZC13b3Jk\r\n"));
    CHECK(found.error == (accepted ? error_code() : errc::proxy_authentication_required));
    if (!accepted) {
        CHECK(found.diagnostics.http_status == 407);
        CHECK(found.diagnostics.phase == phase::proxy);
        CHECK(found.diagnostics.attempt == 1);
        const std::string words = found.diagnostics.describe(found.error);
        CHECK(words.find("marked") == std::string::npos);
        CHECK(words.find("YXBp") == std::string::npos);
        CHECK(with.server.counters().connections == 0);
    }
}

TEST_CASE("what a proxy's refusal holds back goes on with another password") {
    test::fixture with;
    scripted_proxy proxy(with.context, with.server.port(), [](std::size_t connection) {
        return connection == 0
                   ? behaviour{"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", false, behaviour::rest::close}
                   : behaviour();
    });
    client_config config = with.config();
    config.proxy = proxy_config("http://api:marked-word@" + proxy.url().substr(7));
    client client(with.context, config);
    std::vector<error_code> ends;
    for (int index = 0; index != 3; ++index)
        client.async_list({"obm", "2024-06-26"},
                          [&](error_code ec, const std::vector<record>&) { ends.push_back(ec); });
    REQUIRE(test::run_until(with.context, [&] { return ends.size() == 1; }));
    CHECK(ends[0] == errc::proxy_authentication_required);
    CHECK(proxy.requests().size() == 1);
    client.set_proxy_credentials("api", secret("better-word"));
    REQUIRE(test::run_until(with.context, [&] { return ends.size() == 3; }));
    CHECK(std::ranges::count(ends, error_code()) == 2);
    CHECK_THAT(proxy.requests().back(), test::contains("\r\nProxy-Authorization: Basic YXBpOmJldHRlci13b3Jk\r\n"));
    proxy.stop();
    client.close();
    with.context.restart();
    with.context.run();
}

TEST_CASE("what a proxy does wrong has its own error, and ends nothing for good") {
    struct row {
        std::string name;
        behaviour as;
        error_code error;
        jobmode::phase phase;
        unsigned status;
        unsigned attempts;
    };
    using rest = behaviour::rest;
    const std::string alert("\x15\x03\x03\x00\x02\x02\x28", 7);
    for (const row& each : std::vector<row>{
             {"refused",
              {"HTTP/1.1 403 Forbidden\r\n\r\n", false, rest::close},
              errc::proxy_refused,
              phase::proxy,
              403,
              1},
             {"refused with a page",
              {"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n<p>no</p>", false, rest::stall},
              errc::proxy_refused,
              phase::proxy,
              403,
              1},
             {"redirected",
              {"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n", false, rest::close},
              errc::proxy_refused,
              phase::proxy,
              302,
              1},
             {"busy", {"HTTP/1.1 503 Busy\r\n\r\n", false, rest::close}, errc::server_busy, phase::proxy, 503, 3},
             {"garbage", {"SSH-2.0-OpenSSH_9.2\r\n", false, rest::stall}, errc::http_malformed, phase::proxy, 0, 1},
             {"endless",
              {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), false, rest::stall},
              errc::http_header_limit,
              phase::proxy,
              0,
              1},
             {"closed at once", {"", false, rest::close}, errc::connection_lost, phase::proxy, 0, 3},
             {"closed half-way", {"HTTP/1.1 200 Connec", true, rest::close}, errc::connection_lost, phase::proxy, 0, 3},
             {"closed after the header",
              {established, false, rest::close},
              errc::connection_lost,
              phase::handshake,
              0,
              3},
             {"silent", {"", false, rest::stall}, errc::connect_timeout, phase::proxy, 0, 3},
             {"silent half-way",
              {"HTTP/1.1 200 Connec", false, rest::stall},
              errc::connect_timeout,
              phase::proxy,
              0,
              3},
             {"silent after the header",
              {established, false, rest::stall},
              errc::handshake_timeout,
              phase::handshake,
              0,
              3},
             // The alert comes with the header, and is the server's.
             {"alert behind the header",
              {established + alert, false, rest::stall},
              errc::handshake_failed,
              phase::handshake,
              0,
              1},
         }) {
        INFO(each.name);
        test::fixture with;
        bool broken = true;
        scripted_proxy proxy(with.context, with.server.port(),
                             [&](std::size_t) { return broken ? each.as : behaviour(); });
        client_config config = with.config();
        config.proxy = proxy_config(proxy.url());
        config.retry.max_retries = 2;
        const bool silent = each.error == errc::connect_timeout || each.error == errc::handshake_timeout;
        if (silent)
            config.timeouts.connect = config.timeouts.handshake = 500ms;
        const bool recovered =
            run(with, proxy, [](const row& expected, client_config made, bool& cause) -> asio::awaitable<bool> {
                client client(co_await asio::this_coro::executor, std::move(made));
                diagnostics diag;
                auto [ec, records] = co_await client.async_list({"obm", "2024-06-26"}, &diag, token);
                CHECK(ec == expected.error);
                CHECK(diag.phase == expected.phase);
                CHECK(diag.http_status == expected.status);
                CHECK(diag.attempt == expected.attempts);
                CHECK(client.metrics().connections == 0);
                CHECK(client.metrics().connections_failed == expected.attempts);
                cause = false;
                auto [second, found] = co_await client.async_list({"obm", "2024-06-26"}, token);
                CHECK_FALSE(second);
                co_return found.size() == 1;
            }(each, config, broken));
        CHECK(recovered);
        // On a slow machine the second query meets these timeouts, too, and is asked again.
        CHECK(with.server.counters().connections >= 1);
        CHECK((silent || with.server.counters().connections == 1));
    }
}

TEST_CASE("a proxy that is busy for a while is asked again") {
    test::fixture with;
    scripted_proxy proxy(with.context, with.server.port(), [](std::size_t connection) {
        return connection < 2 ? behaviour{"HTTP/1.1 503 Busy\r\n\r\n", false, behaviour::rest::close} : behaviour();
    });
    client_config config = with.config();
    config.proxy = proxy_config(proxy.url());
    const answer found = ask(with, proxy, config);
    CHECK_FALSE(found.error);
    // It is not the query that pays for it.
    CHECK(found.diagnostics.attempt == 1);
    CHECK(found.metrics.retries == 0);
    CHECK(found.metrics.connections_failed == 2);
}

TEST_CASE("of a proxy that cannot be reached it is said that it is the proxy") {
    test::fixture with;
    client_config config = with.config();
    scripted_proxy proxy(with.context, with.server.port(), always({}));
    config.proxy = proxy_config("http://api:marked-word@" + proxy.url().substr(7));
    proxy.stop();
    config.retry.max_retries = 0;
    const answer found = ask(with, proxy, config);
    CHECK(found.error == errc::connect_failed);
    CHECK(found.diagnostics.phase == phase::connect);
    CHECK_THAT(found.diagnostics.describe(found.error),
               test::contains("the proxy http://127.0.0.1:") && !test::contains("marked"));
    CHECK(with.server.counters().connections == 0);
}

TEST_CASE("a client that is closed while a tunnel is being opened ends at once") {
    test::fixture with;
    scripted_proxy proxy(with.context, with.server.port(), always({"HTTP/1.1 200", false, behaviour::rest::stall}));
    client_config config = with.config();
    config.proxy = proxy_config(proxy.url());
    config.timeouts.connect = 0ms;
    client client(with.context.get_executor(), config);
    error_code ended;
    client.async_list({"obm", "2024-06-26"}, [&](error_code ec, std::vector<record>) { ended = ec; });
    while (proxy.requests().empty())
        with.context.run_one();
    with.context.poll();
    proxy.stop();
    client.close();
    with.context.run();
    CHECK(ended == asio::error::operation_aborted);
}

TEST_CASE("a crawl stops at a proxy that asks for a password") {
    test::fixture with;
    scripted_proxy proxy(with.context, with.server.port(),
                         always({"HTTP/1.1 407 No\r\n\r\n", false, behaviour::rest::close}));
    client_config config = with.config();
    config.proxy = proxy_config(proxy.url());
    const int outcomes = run(with, proxy, [](client_config made) -> asio::awaitable<int> {
        client client(co_await asio::this_coro::executor, std::move(made));
        crawl crawl(client, std::vector<query>(1000, query("obm", "2024-06-26")));
        int count = 0;
        while (const std::optional<outcome> next = co_await crawl.async_next()) {
            CHECK(next->error == errc::proxy_authentication_required);
            ++count;
        }
        co_return count;
    }(config));
    CHECK(outcomes == 1);
    CHECK(proxy.requests().size() == 1);
}

}  // namespace proxy_test

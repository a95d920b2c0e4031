// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Servers that go away and come back, and what must not follow from that; over real sockets, through the public API.
#include <jobmode/crawl.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "integration/scripted_server.hpp"
#include "integration/support.hpp"

namespace away_test {

using namespace jobmode;
using namespace std::chrono_literals;
using asio::ip::tcp;

namespace {

using std::chrono::June;
using std::chrono::year;

const query good("obm", year(2024) / June / 26);

/// A server on the test's own context, whose port stays its own while nobody listens there.
class moody_server {
public:
    explicit moody_server(asio::io_context& context) : context_(context), holder_(context), acceptor_(context) {
        holder_.open(tcp::v4());
        holder_.set_option(asio::socket_base::reuse_address(true));
        holder_.bind({asio::ip::address_v4::loopback(), 0});
        come_back();
    }
    ~moody_server() { go(); }

    std::uint16_t port() const { return holder_.local_endpoint().port(); }
    client_config config() const { return test::config_for("http", port()); }

    /// Refuses connections, and drops those there are.
    void go() {
        error_code ignored;
        acceptor_.close(ignored);
        for (const std::weak_ptr<tcp::socket>& one : open_)
            if (const std::shared_ptr<tcp::socket> socket = one.lock())
                socket->close(ignored);
        open_.clear();
    }
    void come_back() {
        acceptor_ = tcp::acceptor(context_);
        acceptor_.open(tcp::v4());
        acceptor_.set_option(asio::socket_base::reuse_address(true));
        acceptor_.bind({asio::ip::address_v4::loopback(), port()});
        acceptor_.listen();
        accept();
    }

    /// What it answers; a good answer if it is empty.
    std::string answer;
    /// More connections than this are closed at once.
    std::size_t most_connections = 1'000'000;
    std::size_t requests = 0;

private:
    void accept() {
        auto socket = std::make_shared<tcp::socket>(context_);
        acceptor_.async_accept(*socket, [this, socket](error_code ec) {
            if (ec)
                return;
            accept();
            std::erase_if(open_, [](const auto& one) { return one.expired(); });
            if (open_.size() >= most_connections)
                return;
            open_.emplace_back(socket);
            serve(socket, std::make_shared<std::string>());
        });
    }
    void serve(const std::shared_ptr<tcp::socket>& socket, const std::shared_ptr<std::string>& text) {
        asio::async_read_until(
            *socket, asio::dynamic_buffer(*text), "}", [this, socket, text](error_code ec, std::size_t size) {
                if (ec)
                    return;
                text->erase(0, size);
                ++requests;
                const auto said =
                    std::make_shared<std::string>(answer.empty() ? test::http_answer(test::good_body()) : answer);
                asio::async_write(*socket, asio::buffer(*said),
                                  [this, socket, text, said](error_code failed, std::size_t) {
                                      if (!failed)
                                          serve(socket, text);
                                  });
            });
    }

    asio::io_context& context_;
    tcp::acceptor holder_;
    tcp::acceptor acceptor_;
    std::vector<std::weak_ptr<tcp::socket>> open_;
};

const std::string busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";

/// Asks the same query very often, with a crawl.
struct many {
    many(client& with, std::size_t count) : all(with, std::vector<query>(count, good)) { next(); }

    void next() {
        all.async_next([this](error_code, const std::optional<outcome>& one) {
            if (!one) {
                done = true;
                return;
            }
            ++ended;
            if (one->error) {
                ++failed;
                last = one->error;
                words = one->diagnostics.describe(one->error);
            }
            if (on_ended)
                on_ended();
            next();
        });
    }

    crawl all;
    std::size_t ended = 0;
    std::size_t failed = 0;
    error_code last;
    std::string words;
    bool done = false;
    std::function<void()> on_ended;
};

}  // namespace

TEST_CASE("a server that goes away for a while costs no query, and is hardly bothered meanwhile") {
    asio::io_context context(1);
    moody_server server(context);
    const bool refuses = GENERATE(true, false);
    client_config config = server.config();
    config.concurrency.max_in_flight = 8;
    client client(context, config);
    many queries(client, 2000);
    asio::steady_timer back(context);
    std::size_t before = 0;
    std::size_t tries = 0;
    queries.on_ended = [&] {
        if (queries.ended != 100)
            return;
        before = server.requests;
        if (refuses)
            server.go();
        else
            server.answer = busy;
        back.expires_after(1500ms);
        back.async_wait([&](error_code) {
            tries = server.requests - before + client.metrics().connections_failed;
            if (refuses)
                server.come_back();
            else
                server.answer.clear();
        });
    };
    REQUIRE(test::run_until(context, [&] { return queries.done; }));
    CHECK(queries.ended == 2000);
    CHECK(queries.failed == 0);
    // What was under way when it went, and a few tries.
    CHECK(tries <= 30);
}

TEST_CASE("a server that says 503 to everything is not stormed, whatever waits") {
    asio::io_context context(1);
    moody_server server(context);
    client_config config = server.config();
    config.concurrency.max_in_flight = 8;
    config.availability.max_wait = 1s;
    client client(context, config);
    SECTION("from the start") {
        server.answer = busy;
        std::vector<error_code> ends;
        for (int index = 0; index != 500; ++index)
            client.async_list(good, [&](error_code ec, const std::vector<record>&) { ends.push_back(ec); });
        REQUIRE(test::run_until(context, [&] { return ends.size() == 500; }));
        CHECK(ends == std::vector<error_code>(500, errc::server_busy));
        // One query's attempts.
        CHECK(server.requests == 4);
    }
    SECTION("after good answers") {
        many queries(client, 1000);
        std::size_t before = 0;
        queries.on_ended = [&] {
            if (queries.ended != 200)
                return;
            before = server.requests;
            server.answer = busy;
        };
        REQUIRE(test::run_until(context, [&] { return queries.failed != 0; }));
        CHECK(queries.last == errc::server_busy);
        // What was under way, and tries at growing pauses.
        CHECK(server.requests - before <= 8 + 20);
    }
}

TEST_CASE("a Retry-After that nobody may wait for ends all that wait, at once and with the time") {
    asio::io_context context(1);
    moody_server server(context);
    client_config config = server.config();
    config.concurrency.max_in_flight = 8;
    client client(context, config);
    std::size_t ended = 0;
    std::size_t refused = 0;
    std::string words;
    std::size_t before = 0;
    std::vector<diagnostics> known(3000);
    for (diagnostics& one : known)
        client.async_list(good, &one, [&](error_code ec, const std::vector<record>&) {
            if (++ended == 100) {
                before = server.requests;
                server.answer = "HTTP/1.1 503 Busy\r\nRetry-After: 300\r\nContent-Length: 0\r\n\r\n";
            }
            if (ec == errc::server_busy) {
                ++refused;
                words = one.describe(ec);
            }
        });
    REQUIRE(test::run_until(context, [&] { return ended == known.size(); }));
    CHECK(refused > 2000);
    CHECK(server.requests - before <= 8);
    CHECK_THAT(words, Catch::Contains(" s, which is longer than this query may wait"));
}

TEST_CASE("the connections that a server allows are used, and no query fails for the others, whatever the limit") {
    asio::io_context context(1);
    moody_server server(context);
    server.most_connections = 8;
    client_config config = server.config();
    config.concurrency.max_in_flight = 64;
    client client(context, config);
    many queries(client, 2000);
    REQUIRE(test::run_until(context, [&] { return queries.done; }));
    CHECK(queries.ended == 2000);
    CHECK(queries.failed == 0);
}

TEST_CASE("a pool full of connections that are too old keeps no query waiting") {
    asio::io_context context(1);
    moody_server server(context);
    client_config config = server.config();
    config.pool.max_connections = 2;
    config.pool.max_lifetime = 1ms;
    config.pool.idle_timeout = 1h;
    client client(context, config);
    std::size_t ended = 0;
    for (int index = 0; index != 2; ++index)
        client.async_list(good, [&](error_code ec, const std::vector<record>&) {
            CHECK_FALSE(ec);
            ++ended;
        });
    REQUIRE(test::run_until(context, [&] { return ended == 2; }));
    const auto old = std::chrono::steady_clock::now() + 2ms;
    REQUIRE(test::run_until(context, [&] { return std::chrono::steady_clock::now() > old; }));
    CHECK_FALSE(test::ask(context, client, good).error);
}

TEST_CASE("streams that are opened and not read keep nobody else waiting") {
    asio::io_context context(1);
    moody_server server(context);
    client_config config = server.config();
    config.concurrency.max_in_flight = 4;
    client client(context, config);
    std::vector<record_stream> streams;
    for (std::size_t index = 0; index != 5; ++index) {
        client.async_open(good, [&](error_code ec, record_stream made) {
            CHECK_FALSE(ec);
            streams.push_back(std::move(made));
        });
        REQUIRE(test::run_until(context, [&] { return streams.size() == index + 1; }));
    }
    CHECK_FALSE(test::ask(context, client, good).error);
}

TEST_CASE("where no idle connections are kept, one that was opened for nobody is closed") {
    asio::io_context context(1);
    moody_server server(context);
    client_config config = server.config();
    config.pool.idle_timeout = 0ms;
    client client(context, config);
    {
        asio::cancellation_signal signal;
        bool ended = false;
        client.async_list(good, asio::bind_cancellation_slot(
                                    signal.slot(), [&](error_code, const std::vector<record>&) { ended = true; }));
        signal.emit(asio::cancellation_type::total);
        REQUIRE(test::run_until(context, [&] { return ended; }));
    }
    REQUIRE(test::run_until(context, [&] { return client.metrics().connections == 0; }));
    server.go();
    // Nothing is left that runs.
    context.restart();
    context.run();
}

TEST_CASE("no more is pulled than can be sent, whatever limit was set") {
    asio::io_context context(1);
    moody_server server(context);
    client_config config = server.config();
    config.concurrency.max_in_flight = 1'000'000;
    config.pool.max_connections = 16;
    client client(context, config);
    std::size_t pulled = 0;
    crawl all(client, [&pulled]() -> std::optional<query> {
        ++pulled;
        return good;
    });
    std::size_t seen = 0;
    std::size_t most = 0;
    std::function<void()> next = [&] {
        all.async_next([&](error_code ec, const std::optional<outcome>& one) {
            CHECK_FALSE(ec);
            most = std::max(most, pulled - seen);
            if (one && ++seen != 500)
                next();
        });
    };
    next();
    REQUIRE(test::run_until(context, [&] { return seen == 500; }));
    CHECK(most <= 16 + crawl_options().max_buffered);
}

TEST_CASE("a signal ends the wait that it was given to, and no later one") {
    asio::io_context context(1);
    moody_server server(context);
    client client(context, server.config());
    asio::cancellation_signal signal;
    crawl all(client, std::vector<query>(2, good));
    std::vector<error_code> ends;
    const auto note = [&ends](error_code ec, const std::optional<outcome>&) { ends.push_back(ec); };
    all.async_next(asio::bind_cancellation_slot(signal.slot(), note));
    REQUIRE(test::run_until(context, [&] { return ends.size() == 1; }));
    all.async_next(note);
    signal.emit(asio::cancellation_type::total);
    REQUIRE(test::run_until(context, [&] { return ends.size() == 2; }));
    CHECK(ends == std::vector<error_code>(2));
}

TEST_CASE("a wait that is cancelled right after it began ends so, also on another thread", "[.threads]") {
    asio::io_context serving(1);
    moody_server server(serving);
    // Nobody serves: whatever waits, waits until it is cancelled.
    client_config config = server.config();
    config.thread_safe = true;
    asio::thread_pool pool(2);
    client client(pool, config);
    for (int round = 0; round != 200; ++round) {
        asio::cancellation_signal signal;
        crawl all(client, std::vector<query>(1, good));
        std::promise<error_code> ended;
        all.async_next(asio::bind_cancellation_slot(
            signal.slot(), [&](error_code ec, const std::optional<outcome>&) { ended.set_value(ec); }));
        signal.emit(asio::cancellation_type::total);
        CHECK(ended.get_future().get() == asio::error::operation_aborted);
    }
    client.close();
    pool.join();
}

TEST_CASE("a crawl that is gone no longer looks at its queries, whatever threads run", "[.threads]") {
    test::fixture with;
    client_config config = with.config();
    config.thread_safe = true;
    asio::thread_pool pool(2);
    client client(pool, config);
    for (int round = 0; round != 50; ++round) {
        auto gone = std::make_unique<std::atomic<bool>>(false);
        std::atomic<int> asked = 0;
        {
            crawl all(client, [&asked, flag = gone.get()]() -> std::optional<query> {
                // ASan finds a flag that is gone.
                if (flag->load())
                    std::abort();
                ++asked;
                return good;
            });
            std::promise<void> first;
            all.async_next([&](error_code, const std::optional<outcome>&) { first.set_value(); });
            first.get_future().wait();
        }
        gone->store(true);
        gone.reset();
        CHECK(asked > 0);
    }
    client.close();
    pool.join();
}

}  // namespace away_test

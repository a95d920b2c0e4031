// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Every operation is taken back, or loses its client or its context, at every point where it can wait.
#include <jobmode/crawl.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "catch.hpp"
#include "integration/black_hole.hpp"
#include "integration/scripted_server.hpp"
#include "integration/support.hpp"

namespace cancellation_test {

using namespace jobmode;
using namespace std::chrono_literals;
using test::scripted_connection;
using test::scripted_server;

namespace {

using std::chrono::June;
using std::chrono::year;

const query good("obm", year(2024) / June / 26);
const query stuck("stuck", year(2024) / June / 26);

enum class operation : std::uint8_t { list, open, users, jobs, next, crawl };

/// A point where an operation waits: how the server and the client come to it, and how one knows that they have.
struct point {
    const char* name;
    std::vector<operation> operations;
    /// What the server does with a request for the user "stuck", or for the list of users.
    std::string answer;
    std::function<void(client_config&)> set_up;
    std::function<bool(const metrics&, const scripted_server&)> reached;
    /// The client can be asked for something else while, or after, this one waits.
    bool usable = true;
    /// Something else has been answered, or is under way, before.
    bool after_good = false;
    bool after_stuck = false;
    bool in_the_dark = false;
};

std::vector<point> points() {
    using enum operation;
    const auto nothing = [](client_config&) {};
    const auto at_once = [](const metrics&, const scripted_server&) { return true; };
    const auto asked = [](const metrics& now, const scripted_server& server) {
        return now.bytes_sent > 0 && server.application_bytes() == now.bytes_sent;
    };
    const auto answered = [](const metrics& now, const scripted_server&) { return now.bytes_received > 0; };
    const std::string header = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
    const std::vector<operation> all{list, open, users, jobs, crawl};
    return {
        {"resolving", all, "", [](client_config& config) { config.url.replace(7, 9, "localhost"); }, at_once},
        {"connecting", all, "", nothing, at_once, false, false, false, true},
        {"shaking hands", all, "",
         [](client_config& config) {
             config.url.replace(0, 4, "https");
             config.tls.insecure = true;
         },
         [](const metrics&, const scripted_server& server) { return server.application_bytes() > 0; }, false},
        {"waiting for a connection", all, "", [](client_config& config) { config.pool.max_connections = 1; },
         [](const metrics& now, const scripted_server&) { return now.in_flight == 1 && now.waiting == 1; }, false,
         false, true},
        {"waiting for the rate", all, "", [](client_config& config) { config.rate.queries_per_second = 0.001; },
         [](const metrics& now, const scripted_server&) { return now.queries == 1 && now.waiting >= 1; }, false, true},
        {"backing off", all, "HTTP/1.1 503 Busy\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n", nothing,
         [](const metrics& now, const scripted_server&) { return now.next_try_seconds > 0; }, false},
        {"written and waiting", all, "", nothing, asked},
        {"in the header", all, "HTTP/1.1 200", nothing, answered},
        {"in the body",
         {list, users, jobs, crawl},
         header + R"({"Status":"OK","Data":[{"ID":"1"},{"ID")",
         nothing,
         answered},
        {"a stream waiting", {next}, header, nothing, answered},
        {"a stream waiting in a record", {next}, header + R"({"Status":"OK","Data":[{"ID)", nothing, answered},
    };
}

/// A server, and a client that is at a point.
class scene {
public:
    explicit scene(const point& where)
        : where_(where), server_(nullptr, [answer = where.answer](scripted_connection& one, std::size_t) {
              for (;;) {
                  const std::string request = one.read_request();
                  if (request.empty())
                      return;
                  if (request.find("\"stuck\"") == std::string::npos &&
                      request.find("ListUsers") == std::string::npos) {
                      one.send(test::http_answer(test::good_body()));
                      continue;
                  }
                  one.send(answer);
                  if (!answer.ends_with("\r\n\r\n") || answer.find(" 200 ") != std::string::npos) {
                      one.wait_for_close();
                      return;
                  }
              }
          }) {
        if (where.in_the_dark)
            dark_.emplace();
    }

    client_config config() const {
        client_config made("http://127.0.0.1:" + std::to_string(dark_ ? dark_->port() : server_.port()));
        made.sys_user = "system";
        made.sys_pwd = secret("system1");
        made.allow_http = true;
        made.concurrency.max_in_flight = 8;
        where_.set_up(made);
        return made;
    }

    bool reached(const client& at) const { return where_.reached(at.metrics(), server_); }

private:
    const point& where_;
    scripted_server server_;
    std::optional<test::black_hole> dark_;
};

/// An operation under way, and how it ended.
struct subject {
    asio::cancellation_signal signal;
    int endings = 0;
    error_code error;
    bool opened = false;
    std::optional<record_stream> stream;
    std::optional<jobmode::crawl> crawl;

    void start(client& client, operation what) {
        const auto handler = [this](error_code ec, auto&&) {
            ++endings;
            error = ec;
        };
        switch (what) {
            case operation::list:
                client.async_list(stuck, asio::bind_cancellation_slot(signal.slot(), handler));
                break;
            case operation::open:
                client.async_open(stuck, asio::bind_cancellation_slot(signal.slot(), handler));
                break;
            case operation::users:
                client.async_list_users(asio::bind_cancellation_slot(signal.slot(), handler));
                break;
            case operation::jobs:
                client.async_list_backup_jobs(stuck.login_name, asio::bind_cancellation_slot(signal.slot(), handler));
                break;
            case operation::next:
                client.async_open(stuck, [this, handler](error_code ec, record_stream made) {
                    if (ec) {
                        handler(ec, 0);
                        return;
                    }
                    stream.emplace(std::move(made));
                    opened = true;
                    stream->async_next(asio::bind_cancellation_slot(signal.slot(), handler));
                });
                break;
            case operation::crawl:
                crawl.emplace(client, std::vector<query>{stuck, stuck});
                crawl->async_next(asio::bind_cancellation_slot(signal.slot(), handler));
                break;
        }
    }
};

void prepare(asio::io_context& context, client& client, const point& where) {
    if (where.after_good)
        CHECK_FALSE(test::ask(context, client, good).error);
    if (where.after_stuck)
        client.async_list(stuck, [](error_code, const std::vector<record>&) {});
}

/// Runs until a subject waits at the point.
void reach(asio::io_context& context, client& client, const scene& with, const subject& one, operation what) {
    REQUIRE(test::run_until(context, [&] { return with.reached(client) && (what != operation::next || one.opened); }));
    REQUIRE(one.endings == 0);
}

template <class Body>
void at_every_point(Body body) {
    for (const point& where : points())
        for (const operation what : where.operations) {
            INFO(where.name << ", operation " << static_cast<int>(what));
            body(where, what);
        }
}

asio::awaitable<void> own_everything(client_config config, operation what, const point& where, client*& address,
                                     subject& one) {
    client mine(co_await asio::this_coro::executor, std::move(config));
    address = &mine;
    if (where.after_good)
        co_await mine.async_list(good);
    if (where.after_stuck)
        mine.async_list(stuck, [](error_code, const std::vector<record>&) {});
    switch (what) {
        case operation::list:
            co_await mine.async_list(stuck);
            break;
        case operation::open:
            co_await mine.async_open(stuck);
            break;
        case operation::users:
            co_await mine.async_list_users();
            break;
        case operation::jobs:
            co_await mine.async_list_backup_jobs(stuck.login_name);
            break;
        case operation::next: {
            record_stream stream = co_await mine.async_open(stuck);
            one.opened = true;
            co_await stream.async_next();
            break;
        }
        case operation::crawl: {
            jobmode::crawl crawl(mine, std::vector<query>{stuck, stuck});
            co_await crawl.async_next();
            break;
        }
    }
    ++one.endings;
}

}  // namespace

TEST_CASE("an operation can be cancelled wherever it waits, in each of the three ways, and the client works on") {
    const asio::cancellation_type type =
        GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial, asio::cancellation_type::total);
    at_every_point([type](const point& where, operation what) {
        const scene with(where);
        asio::io_context context(1);
        client client(context.get_executor(), with.config());
        subject one;
        prepare(context, client, where);
        one.start(client, what);
        reach(context, client, with, one, what);
        one.signal.emit(type);
        // Handlers never run within the call that ends them.
        CHECK(one.endings == 0);
        REQUIRE(test::run_until(context, [&] { return one.endings == 1; }));
        CHECK(one.error == asio::error::operation_aborted);
        one.signal.emit(type);
        one.crawl.reset();
        if (where.usable)
            CHECK_FALSE(test::ask(context, client, good).error);
        client.close();
        context.run();
        CHECK(one.endings == 1);
    });
}

TEST_CASE("a client can be closed, or destroyed, while an operation waits anywhere") {
    const bool destroyed = GENERATE(false, true);
    at_every_point([destroyed](const point& where, operation what) {
        const scene with(where);
        asio::io_context context(1);
        subject one;
        {
            client client(context.get_executor(), with.config());
            prepare(context, client, where);
            one.start(client, what);
            reach(context, client, with, one, what);
            if (!destroyed)
                client.close();
            CHECK(one.endings == 0);
        }
        context.restart();
        context.run();
        CHECK(one.endings == 1);
        // A crawl hands out the outcome of its query, which is that it was aborted.
        CHECK((what == operation::crawl || one.error == asio::error::operation_aborted));
    });
}

TEST_CASE("a stream or a crawl can be destroyed while it waits") {
    at_every_point([](const point& where, operation what) {
        if (what != operation::next && what != operation::crawl)
            return;
        const scene with(where);
        asio::io_context context(1);
        client client(context.get_executor(), with.config());
        subject one;
        prepare(context, client, where);
        one.start(client, what);
        reach(context, client, with, one, what);
        one.stream.reset();
        one.crawl.reset();
        CHECK(one.endings == 0);
        REQUIRE(test::run_until(context, [&] { return one.endings == 1; }));
        CHECK(one.error == asio::error::operation_aborted);
        if (where.usable)
            CHECK_FALSE(test::ask(context, client, good).error);
    });
}

TEST_CASE("a context can be destroyed while a coroutine that owns its client waits anywhere") {
    at_every_point([](const point& where, operation what) {
        const scene with(where);
        subject one;
        {
            asio::io_context context(1);
            client* address = nullptr;
            asio::co_spawn(context, own_everything(with.config(), what, where, address, one), asio::detached);
            REQUIRE(test::run_until(
                context, [&] { return address && with.reached(*address) && (what != operation::next || one.opened); }));
        }
        CHECK(one.endings == 0);
    });
}

TEST_CASE("a paused stream can be destroyed, closed with its client, or outlive it") {
    const int way = GENERATE(0, 1, 2, 3);
    test::fixture with;
    asio::io_context context(1);
    auto client = std::make_unique<jobmode::client>(context.get_executor(), with.config());
    std::optional<record_stream> stream;
    bool read = false;
    client->async_open({"bulk-5000", year(2024) / June / 26}, [&](error_code ec, record_stream made) {
        REQUIRE_FALSE(ec);
        stream.emplace(std::move(made));
        stream->async_next([&](error_code next_ec, record_batch batch) {
            REQUIRE_FALSE(next_ec);
            CHECK_FALSE(batch.empty());
            read = true;
        });
    });
    REQUIRE(test::run_until(context, [&] { return read; }));
    error_code error;
    bool ended = false;
    const auto note = [&](error_code ec, record_batch batch) {
        error = ec;
        ended = true;
        CHECK(batch.empty());
    };
    switch (way) {
        case 0:
            stream.reset();
            CHECK_FALSE(test::ask(context, *client, good).error);
            break;
        case 1:
            client->close();
            stream->async_next(note);
            REQUIRE(test::run_until(context, [&] { return ended; }));
            CHECK(error == asio::error::operation_aborted);
            break;
        case 2:
            client.reset();
            stream->async_next(note);
            REQUIRE(test::run_until(context, [&] { return ended; }));
            CHECK(error == asio::error::operation_aborted);
            break;
        default: {
            // Moving one stream over another ends the one that was there.
            record_stream other = std::move(*stream);
            *stream = std::move(other);
            other = record_stream();
            std::size_t records = 0;
            stream->async_next([&](error_code ec, record_batch batch) {
                CHECK_FALSE(ec);
                records = batch.size();
                ended = true;
            });
            REQUIRE(test::run_until(context, [&] { return ended; }));
            CHECK(records > 0);
            break;
        }
    }
}

TEST_CASE("a query written as a braced temporary within co_await is destroyed once") {
    test::fixture with;
    const std::size_t records = test::run(with.context, [](client_config config) -> asio::awaitable<std::size_t> {
        client client(co_await asio::this_coro::executor, std::move(config));
        // Long enough for its own piece of the heap.
        const std::string name = "a-user-whose-name-is-long-enough-for-the-heap";
        const auto date = year(2024) / June / 26;
        error_code ec;
        std::size_t count = 0;
        std::tie(ec, std::ignore) = co_await client.async_list({name, date, name}, asio::as_tuple(asio::deferred));
        CHECK(ec == errc::api_error);
        count += (co_await client.async_list({"obm", "2024-06-26-11-33-52"})).size();
        record_stream stream = co_await client.async_open({std::string("obm"), date, std::nullopt});
        count += (co_await stream.async_next()).size();
        co_return count;
    }(with.config()));
    CHECK(records == 2);
}

}  // namespace cancellation_test

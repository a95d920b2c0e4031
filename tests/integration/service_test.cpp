// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What a service needs of a client beside answers: options for one operation, an end in good order, connections made
// ahead, other credentials and certificates at run time, and sources of queries that have nothing yet.
#include <jobmode/crawl.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "integration/scripted_server.hpp"
#include "integration/support.hpp"

namespace service_test {

using namespace jobmode;
using namespace std::chrono_literals;
using test::http_answer;
using test::scripted_connection;
using test::scripted_server;

namespace {

using std::chrono::June;
using std::chrono::year;

query about(const std::string& user) {
    return {user, year(2024) / June / 26};
}

/// A server that keeps the names it is asked for, and answers none until it is let go.
class slow_server {
public:
    slow_server()
        : server_(nullptr, [this](scripted_connection& one, std::size_t) {
              for (;;) {
                  const std::string request = one.read_request();
                  if (request.empty())
                      return;
                  {
                      const std::scoped_lock lock(mutex_);
                      const std::size_t begin = request.find("\"LoginName\":\"") + 13;
                      names_.push_back(request.substr(begin, request.find('"', begin) - begin));
                  }
                  open_.wait();
                  one.send(http_answer(test::good_body()));
              }
          }) {}
    ~slow_server() { let_go(); }

    void let_go() {
        if (!std::exchange(gone_, true))
            opened_.set_value();
    }
    std::vector<std::string> names() const {
        const std::scoped_lock lock(mutex_);
        return names_;
    }
    client_config config() const { return test::config_for("http", server_.port()); }

private:
    bool gone_ = false;
    std::promise<void> opened_;
    std::shared_future<void> open_ = opened_.get_future().share();
    mutable std::mutex mutex_;
    std::vector<std::string> names_;
    scripted_server server_;
};

/// How a wait for a number ended.
struct counted {
    std::optional<error_code> error;
    std::size_t number = 0;

    auto handler() {
        return [this](error_code ec, std::size_t found) {
            error = ec;
            number = found;
        };
    }
};

}  // namespace

TEST_CASE("an operation has its own time, and its own place among those that wait") {
    slow_server with;
    asio::io_context context(1);
    client_config config = with.config();
    config.concurrency.max_in_flight = 1;
    client client(context.get_executor(), config);
    std::size_t ended = 0;
    const auto count = [&ended](error_code, const std::vector<record>&) { ++ended; };
    client.async_list(about("first"), count);
    REQUIRE(test::run_until(context, [&] { return with.names().size() == 1; }));
    client.async_list(about("crawled"), count);
    call_options hurried;
    hurried.priority = call_priority::high;
    client.async_list(about("urgent"), hurried, count);
    diagnostics diag;
    call_options impatient(&diag);
    impatient.total = 1ms;
    error_code late;
    client.async_list(about("late"), impatient, [&](error_code ec, const std::vector<record>&) {
        late = ec;
        ++ended;
    });
    REQUIRE(test::run_until(context, [&] { return ended == 1; }));
    CHECK(late == errc::total_timeout);
    CHECK(diag.attempt == 0);
    with.let_go();
    REQUIRE(test::run_until(context, [&] { return ended == 4; }));
    CHECK(with.names() == std::vector<std::string>{"first", "urgent", "crawled"});
}

TEST_CASE("no more wait than may, and those that may not are told so at once") {
    slow_server with;
    asio::io_context context(1);
    client_config config = with.config();
    config.concurrency.max_in_flight = 1;
    config.max_waiting = 3;
    client client(context.get_executor(), config);
    std::vector<error_code> ends;
    bool within = true;
    const auto note = [&](error_code ec, const std::vector<record>&) {
        CHECK_FALSE(within);
        ends.push_back(ec);
    };
    client.async_list(about("first"), note);
    within = false;
    REQUIRE(test::run_until(context, [&] { return with.names().size() == 1; }));
    within = true;
    for (int index = 0; index != 5; ++index)
        client.async_list(about("more"), note);
    within = false;
    REQUIRE(test::run_until(context, [&] { return ends.size() == 2; }));
    CHECK(ends == std::vector<error_code>(2, errc::queue_full));
    with.let_go();
    REQUIRE(test::run_until(context, [&] { return ends.size() == 6; }));
    CHECK(ends.back() == error_code());
}

TEST_CASE("a shutdown takes no more and lets what is under way end") {
    slow_server with;
    asio::io_context context(1);
    client client(context, with.config());
    std::optional<error_code> under_way;
    client.async_list(about("first"), [&](error_code ec, const std::vector<record>&) { under_way = ec; });
    REQUIRE(test::run_until(context, [&] { return with.names().size() == 1; }));
    counted shutdown;
    client.async_shutdown(test::patience, shutdown.handler());
    const test::ending refused = test::ask(context, client, about("second"));
    CHECK(refused.error == asio::error::operation_aborted);
    CHECK_FALSE(shutdown.error);
    with.let_go();
    REQUIRE(test::run_until(context, [&] { return shutdown.error.has_value(); }));
    CHECK_FALSE(*shutdown.error);
    CHECK(shutdown.number == 0);
    CHECK(under_way == error_code());
    CHECK(client.metrics().connections == 0);
    CHECK(with.names() == std::vector<std::string>{"first"});
    // Nothing is left that would keep the context at work.
    context.restart();
    context.run();
}

TEST_CASE("a shutdown whose time is over cuts off what has not ended, and says how much that was") {
    slow_server with;
    asio::io_context context(1);
    client client(context, with.config());
    std::vector<error_code> ends;
    for (int index = 0; index != 3; ++index)
        client.async_list(about("stuck"), [&](error_code ec, const std::vector<record>&) { ends.push_back(ec); });
    REQUIRE(test::run_until(context, [&] { return with.names().size() == 1; }));
    counted shutdown;
    counted other;
    client.async_shutdown(test::patience, other.handler());
    client.async_shutdown(0ms, shutdown.handler());
    REQUIRE(test::run_until(context, [&] { return shutdown.error && other.error; }));
    CHECK_FALSE(*shutdown.error);
    CHECK(shutdown.number == 3);
    CHECK(other.number == 3);
    REQUIRE(test::run_until(context, [&] { return ends.size() == 3; }));
    CHECK(ends == std::vector<error_code>(3, asio::error::operation_aborted));
}

TEST_CASE("a wait for a shutdown can be cancelled, and cuts nothing off then") {
    slow_server with;
    asio::io_context context(1);
    client client(context, with.config());
    std::optional<error_code> under_way;
    client.async_list(about("first"), [&](error_code ec, const std::vector<record>&) { under_way = ec; });
    REQUIRE(test::run_until(context, [&] { return with.names().size() == 1; }));
    counted shutdown;
    asio::cancellation_signal signal;
    client.async_shutdown(1h, asio::bind_cancellation_slot(signal.slot(), shutdown.handler()));
    signal.emit(asio::cancellation_type::total);
    REQUIRE(test::run_until(context, [&] { return shutdown.error.has_value(); }));
    CHECK(*shutdown.error == asio::error::operation_aborted);
    CHECK(test::ask(context, client, about("second")).error == asio::error::operation_aborted);
    with.let_go();
    REQUIRE(test::run_until(context, [&] { return under_way.has_value(); }));
    CHECK_FALSE(*under_way);
}

TEST_CASE("connections can be opened before they are needed") {
    test::fixture with;
    client client(with.context, with.config());
    counted opened;
    client.async_warm_up(3, opened.handler());
    REQUIRE(test::run_until(with.context, [&] { return opened.error.has_value(); }));
    CHECK_FALSE(*opened.error);
    CHECK(opened.number == 3);
    CHECK(with.server.counters().connections == 3);
    CHECK_FALSE(test::ask(with.context, client, about("obm")).error);
    CHECK(with.server.counters().connections == 3);
    // No more than there may be, and those there are count.
    client_config narrow = with.config();
    narrow.pool.max_connections = 2;
    jobmode::client other(with.context, narrow);
    counted two;
    other.async_warm_up(50, two.handler());
    REQUIRE(test::run_until(with.context, [&] { return two.error.has_value(); }));
    CHECK_FALSE(*two.error);
    CHECK(two.number == 2);
}

TEST_CASE("where no connection can be opened ahead it is said why") {
    asio::io_context context(1);
    const test::refusing_port nobody(context);
    client_config config = test::config_for("http", nobody.endpoint().port());
    client client(context, config);
    counted opened;
    client.async_warm_up(3, opened.handler());
    REQUIRE(test::run_until(context, [&] { return opened.error.has_value(); }));
    CHECK(*opened.error == errc::connect_failed);
    CHECK(opened.number == 0);
    // One that is cut off is told.
    counted closed;
    slow_server slow;
    jobmode::client other(context, slow.config());
    other.async_warm_up(1, closed.handler());
    other.close();
    REQUIRE(test::run_until(context, [&] { return closed.error.has_value(); }));
    CHECK(*closed.error == asio::error::operation_aborted);
}

TEST_CASE("whom a client trusts can be changed while it works") {
    test::scripted_tls identity;
    identity.identity = sim::make_certificate(sim::certificate_options(), nullptr);
    const scripted_server server(&identity, [](scripted_connection& one, std::size_t) {
        while (!one.read_request().empty())
            one.send(http_answer(test::good_body()));
    });
    asio::io_context context(1);
    client_config config("https://127.0.0.1:" + std::to_string(server.port()));
    config.sys_user = "system";
    config.sys_pwd = secret("system1");
    config.tls.pinned_public_key = identity.identity.pin;
    client client(context, config);
    CHECK_FALSE(test::ask(context, client, about("obm")).error);

    // What cannot be used changes nothing.
    tls_config broken;
    broken.ca_file = "/nowhere/at.all";
    CHECK_THROWS_AS(client.set_tls(broken), boost::system::system_error);
    CHECK_FALSE(test::ask(context, client, about("obm")).error);
    CHECK(server.connections() == 1);

    const sim::certificate stranger = sim::make_certificate(sim::certificate_options(), nullptr);
    tls_config other;
    other.pinned_public_key = stranger.pin;
    client.set_tls(other);
    CHECK(test::ask(context, client, about("obm")).error == errc::pin_mismatch);
    client.set_tls(config.tls);
    CHECK_FALSE(test::ask(context, client, about("obm")).error);
    CHECK(server.connections() == 3);

    slow_server plain;
    jobmode::client without(context, plain.config());
    CHECK_THROWS_AS(without.set_tls(config.tls), boost::system::system_error);
}

TEST_CASE("what was sent under the old trust is answered under it") {
    test::scripted_tls identity;
    identity.identity = sim::make_certificate(sim::certificate_options(), nullptr);
    std::promise<void> open;
    std::atomic<std::size_t> asked = 0;
    const scripted_server server(&identity, [&](scripted_connection& one, std::size_t) {
        while (!one.read_request().empty()) {
            if (asked++ == 0)
                open.get_future().wait();
            one.send(http_answer(test::good_body()));
        }
    });
    asio::io_context context(1);
    client_config config("https://127.0.0.1:" + std::to_string(server.port()));
    config.sys_user = "system";
    config.sys_pwd = secret("system1");
    config.tls.pinned_public_key = identity.identity.pin;
    client client(context, config);
    std::optional<error_code> under_way;
    client.async_list(about("first"), [&](error_code ec, const std::vector<record>&) { under_way = ec; });
    REQUIRE(test::run_until(context, [&] { return asked == 1; }));
    client.set_tls(config.tls);
    open.set_value();
    REQUIRE(test::run_until(context, [&] { return under_way.has_value(); }));
    CHECK_FALSE(*under_way);
    CHECK_FALSE(test::ask(context, client, about("second")).error);
    CHECK(server.connections() == 2);
    CHECK(client.metrics().resends + client.metrics().retries == 0);
}

TEST_CASE("a source that has nothing yet keeps nobody waiting but the crawl") {
    test::fixture with;
    client client(with.context, with.config());
    std::vector<crawl::supply> asked;
    crawl all(client, [&](crawl::supply give) { asked.push_back(std::move(give)); });
    std::vector<outcome> seen;
    bool done = false;
    std::function<void()> next = [&] {
        all.async_next([&](error_code ec, std::optional<outcome> one) {
            CHECK_FALSE(ec);
            done = !one;
            if (!one)
                return;
            seen.push_back(std::move(*one));
            next();
        });
    };
    next();
    // Asked for one at a time, and the client works meanwhile.
    CHECK(asked.size() == 1);
    CHECK_FALSE(test::ask(with.context, client, about("obm")).error);
    CHECK(asked.size() == 1);
    CHECK(seen.empty());
    asked.back()(about("obm"));
    // Twice is once.
    asked.front()(about("customer-0001"));
    REQUIRE(test::run_until(with.context, [&] { return seen.size() == 1; }));
    CHECK(seen[0].query.login_name == "obm");
    CHECK(seen[0].index == 0);
    REQUIRE(asked.size() == 2);
    asked.back()(about("customer-0001"));
    REQUIRE(test::run_until(with.context, [&] { return seen.size() == 2; }));
    REQUIRE(asked.size() == 3);
    asked.back()(std::nullopt);
    REQUIRE(test::run_until(with.context, [&] { return done; }));
    CHECK(asked.size() == 3);
}

TEST_CASE("a source that answers within the call is a source like any other") {
    test::fixture with;
    client client(with.context, with.config());
    int given = 0;
    crawl all(client, [&](const crawl::supply& give) {
        give(given++ == 50 ? std::nullopt : std::optional<query>(about("obm")));
    });
    int seen = 0;
    test::run(with.context, [](crawl& what, int& count) -> asio::awaitable<void> {
        while (const std::optional<outcome> one = co_await what.async_next()) {
            CHECK_FALSE(one->error);
            ++count;
        }
    }(all, seen));
    CHECK(seen == 50);
}

TEST_CASE("what a source throws is kept") {
    test::fixture with;
    client client(with.context, with.config());
    const bool later = GENERATE(false, true);
    int given = 0;
    const auto fail = [&] {
        if (given++ == 3)
            throw std::runtime_error("the disk is gone");
    };
    crawl all = later ? crawl(client,
                              [&](const crawl::supply& give) {
                                  fail();
                                  give(about("obm"));
                              })
                      : crawl(client, [&]() -> std::optional<query> {
                            fail();
                            return about("obm");
                        });
    CHECK_FALSE(all.source_exception());
    int outcomes = 0;
    std::optional<error_code> last;
    std::function<void()> next = [&] {
        all.async_next([&](error_code ec, const std::optional<outcome>& one) {
            if (!one) {
                last = ec;
                return;
            }
            ++outcomes;
            next();
        });
    };
    next();
    REQUIRE(test::run_until(with.context, [&] { return last.has_value(); }));
    CHECK(outcomes == 3);
    CHECK(*last == errc::source_failed);
    REQUIRE(all.source_exception());
    CHECK_THROWS_WITH(std::rethrow_exception(all.source_exception()), "the disk is gone");
}

TEST_CASE("a crawl can be destroyed, or stopped, while its source has nothing yet") {
    test::fixture with;
    client client(with.context, with.config());
    std::optional<crawl::supply> asked;
    std::optional<crawl> all;
    all.emplace(client, [&](crawl::supply give) { asked = std::move(give); });
    bool ended = false;
    all->async_next([&](error_code, const std::optional<outcome>&) { ended = true; });
    REQUIRE(asked);
    const bool destroyed = GENERATE(false, true);
    if (destroyed)
        all.reset();
    else
        all->stop();
    REQUIRE(test::run_until(with.context, [&] { return ended; }));
    (*asked)(about("obm"));
    CHECK_FALSE(test::ask(with.context, client, about("obm")).error);
    CHECK(with.server.counters().requests == 1);
}

TEST_CASE("each attempt is told to whoever asks for that") {
    // The first request on a connection is answered, the second one meets with its end, and 503 comes once.
    std::atomic<std::size_t> asked = 0;
    const scripted_server server(nullptr, [&asked](scripted_connection& one, std::size_t) {
        while (!one.read_request().empty()) {
            switch (asked++) {
                case 1:
                    one.cut();
                    return;
                case 3:
                    one.send("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
                    break;
                default:
                    one.send(http_answer(test::good_body()));
            }
        }
    });
    asio::io_context context(1);
    client_config config = test::config_for("http", server.port());
    struct told {
        std::string text;
        attempt_info info;
    };
    std::vector<told> all;
    config.on_attempt = [&](const attempt_info& one) {
        all.push_back({std::string(one.command) + '/' + std::string(one.login_name), one});
        if (all.size() == 2)
            throw std::runtime_error("nobody hears this");
    };
    client client(context, config);
    for (int index = 0; index != 3; ++index)
        CHECK_FALSE(test::ask(context, client, about("obm")).error);
    const std::string address = "127.0.0.1:" + std::to_string(server.port());
    REQUIRE(all.size() == 7);
    for (const told& one : all) {
        CHECK(one.info.address == address);
        CHECK(one.info.ended >= one.info.began);
        CHECK_FALSE(one.info.resumed);
    }
    const auto is = [&](std::size_t index, const std::string& text, attempt_verdict verdict, attempt_subject subject) {
        INFO(index);
        CHECK(all[index].text == text);
        CHECK(all[index].info.verdict == verdict);
        CHECK(all[index].info.about == subject);
    };
    const std::string list = "ListBackupJobMode/obm";
    is(0, "/", attempt_verdict::succeeded, attempt_subject::nobody);
    CHECK(all[0].info.connected >= all[0].info.began);
    CHECK(all[0].info.number == 0);
    is(1, list, attempt_verdict::succeeded, attempt_subject::nobody);
    CHECK(all[1].info.connection == all[0].info.connection);
    CHECK(all[1].info.number == 1);
    CHECK(all[1].info.bytes_sent > 100);
    CHECK(all[1].info.bytes_received == http_answer(test::good_body()).size());
    CHECK(all[1].info.http_status == 200);
    CHECK(all[1].info.answer_began >= all[1].info.began);
    CHECK_FALSE(all[1].info.reused);
    is(2, list, attempt_verdict::resent, attempt_subject::connection);
    CHECK(all[2].info.reused);
    CHECK(all[2].info.error == errc::connection_lost);
    CHECK(all[2].info.bytes_received == 0);
    CHECK(all[2].info.http_status == 0);
    is(3, "/", attempt_verdict::succeeded, attempt_subject::nobody);
    CHECK(all[3].info.connection != all[0].info.connection);
    is(4, list, attempt_verdict::succeeded, attempt_subject::nobody);
    is(5, list, attempt_verdict::resent, attempt_subject::server);
    CHECK(all[5].info.http_status == 503);
    is(6, list, attempt_verdict::succeeded, attempt_subject::nobody);
    CHECK(all[6].info.number == 1);
}

TEST_CASE("connections that cannot be opened, and what is taken back, are attempts, too") {
    asio::io_context context(1);
    const test::refusing_port nobody(context);
    client_config config = test::config_for("http", nobody.endpoint().port());
    config.retry.max_retries = 0;
    std::vector<attempt_info> all;
    config.on_attempt = [&](const attempt_info& one) { all.push_back(one); };
    {
        client client(context, config);
        CHECK(test::ask(context, client, about("obm")).error == errc::connect_failed);
    }
    REQUIRE(all.size() == 1);
    CHECK(all[0].verdict == attempt_verdict::failed);
    CHECK(all[0].about == attempt_subject::server);
    CHECK(all[0].error == errc::connect_failed);
    CHECK(all[0].connected == std::chrono::steady_clock::time_point());

    slow_server slow;
    client_config to_slow = slow.config();
    to_slow.on_attempt = config.on_attempt;
    client client(context, to_slow);
    asio::cancellation_signal signal;
    bool ended = false;
    client.async_list(about("obm"), asio::bind_cancellation_slot(
                                        signal.slot(), [&](error_code, const std::vector<record>&) { ended = true; }));
    REQUIRE(test::run_until(context, [&] { return slow.names().size() == 1; }));
    signal.emit(asio::cancellation_type::total);
    REQUIRE(test::run_until(context, [&] { return ended; }));
    REQUIRE(all.size() == 3);
    CHECK(all[2].verdict == attempt_verdict::cancelled);
    CHECK(all[2].error == asio::error::operation_aborted);
    CHECK(all[2].bytes_sent > 0);
}

TEST_CASE("clients that share what they know of a server try it one at a time") {
    using clock_type = std::chrono::steady_clock;
    std::mutex mutex;
    std::optional<std::size_t> refusals_left;
    std::vector<clock_type::time_point> refused;
    const scripted_server server(nullptr, [&](scripted_connection& one, std::size_t) {
        while (!one.read_request().empty()) {
            const std::scoped_lock lock(mutex);
            const clock_type::time_point now = clock_type::now();
            // Whatever comes before its time is over was not held back.
            if (refusals_left && !refused.empty() && now - refused.back() < 1s)
                refused.push_back(now);
            else if (refusals_left && *refusals_left != 0) {
                --*refusals_left;
                refused.push_back(now);
            } else {
                refusals_left.reset();
                one.send(http_answer(test::good_body()));
                continue;
            }
            one.send("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
        }
    });
    asio::io_context context(1);
    client_config config = test::config_for("http", server.port());
    config.availability.shared = share_health();
    std::deque<client> clients;
    for (int index = 0; index != 4; ++index) {
        clients.emplace_back(context, config);
        CHECK_FALSE(test::ask(context, clients.back(), about("obm")).error);
    }
    {
        const std::scoped_lock lock(mutex);
        refusals_left = 3;
    }
    std::vector<error_code> ends;
    const auto note = [&ends](error_code ec, const std::vector<record>&) { ends.push_back(ec); };
    clients[0].async_list(about("obm"), note);
    REQUIRE(test::run_until(context, [&] { return clients[0].metrics().next_try_seconds > 0; }));
    for (client& one : clients)
        for (int index = 0; index != 5; ++index)
            one.async_list(about("obm"), note);
    REQUIRE(test::run_until(context, [&] { return ends.size() == 21; }));
    CHECK(ends == std::vector<error_code>(21, error_code()));
    // The first, and two tries.
    CHECK(refused.size() == 3);
    // One that goes takes nothing along that others need.
    clients.pop_front();
    CHECK_FALSE(test::ask(context, clients.back(), about("obm")).error);
}

TEST_CASE("clients on several threads share what they know of a server", "[.threads]") {
    sim::server_config server;
    std::atomic<std::size_t> asked = 0;
    server.script = [&asked](const sim::request_info&) {
        std::optional<std::vector<sim::script_step>> steps;
        if (asked++ % 100 == 50)
            steps.emplace({sim::script_step(sim::script_step::kind::send,
                                            "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")});
        return steps;
    };
    const test::fixture with(std::move(server));
    client_config config = with.config();
    config.availability.shared = share_health();
    constexpr std::size_t each = 400;
    std::atomic<std::size_t> answered = 0;
    std::vector<std::thread> threads;
    for (int index = 0; index != 4; ++index)
        threads.emplace_back([&config, &answered] {
            asio::io_context context(1);
            client client(context, config);
            crawl all(client, std::vector<query>(each, about("obm")));
            std::function<void()> next = [&] {
                all.async_next([&](error_code, const std::optional<outcome>& one) {
                    if (!one) {
                        client.close();
                        return;
                    }
                    answered += one->error ? 0 : 1;
                    next();
                });
            };
            next();
            context.run();
        });
    for (std::thread& one : threads)
        one.join();
    CHECK(answered == 4 * each);
}

}  // namespace service_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What servers do wrong, by tables, over real sockets: which error it is, whether the connection is used again, whether
// the query is sent again, and that the client works on.
#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "integration/scripted_server.hpp"
#include "integration/support.hpp"

namespace fault_test {

using namespace jobmode;
using namespace std::chrono_literals;
using test::http_answer;
using test::scripted_connection;
using test::scripted_server;

namespace {

using std::chrono::June;
using std::chrono::year;

const query example("obm", year(2024) / June / 26);

enum class after : std::uint8_t { stay, close, cut, reset, half_close, stall };

struct row {
    const char* name;
    std::string answer;
    after then;
    /// No error: the query is answered with `records`.
    std::optional<errc> error;
    bool reused;
    unsigned status = 200;
    std::size_t records = 1;
};

std::string with_status(const char* status, const char* fields = "", const std::string& body = "") {
    return "HTTP/1.1 " + std::string(status) + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

std::string with_chunks(const std::string& raw, const char* fields = "") {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + std::string(fields) + "\r\n" + raw;
}

std::string with_header(const std::string& fields) {
    const std::string body = test::good_body();
    return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::vector<row> rows() {
    const std::string body = test::good_body();
    const std::string good = http_answer(body);
    const std::string half(good, 0, good.size() - body.size() / 2);
    std::string some_fields;
    std::string many_fields;
    for (int count = 0; count != 2000; ++count)
        many_fields += "X-Field-" + std::to_string(count) + ": value\r\n";
    for (int count = 0; count != 300; ++count)
        some_fields += "X-Field-" + std::to_string(count) + ": value\r\n";
    std::string interim;
    for (int count = 0; count != 1000; ++count)
        interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
    const std::string size = std::to_string(body.size());
    return {
        // The connection.
        {"closed without an answer", "", after::close, errc::connection_lost, false, 0},
        {"cut without an answer", "", after::cut, errc::connection_lost, false, 0},
        {"reset without an answer", "", after::reset, errc::connection_lost, false, 0},
        {"half-closed without an answer", "", after::half_close, errc::connection_lost, false, 0},
        {"stalled without an answer", "", after::stall, errc::read_timeout, false, 0},
        {"closed in the header", good.substr(0, 20), after::close, errc::connection_lost, false, 0},
        {"reset in the header", good.substr(0, 20), after::reset, errc::connection_lost, false, 0},
        {"stalled in the header", good.substr(0, 20), after::stall, errc::read_timeout, false, 0},
        {"closed in the body", half, after::close, errc::connection_lost, false},
        {"half-closed in the body", half, after::half_close, errc::connection_lost, false},
        {"stalled in the body", half, after::stall, errc::read_timeout, false},
        {"closed in a chunk", with_chunks("fff\r\n" + body), after::close, errc::connection_lost, false},
        {"closed between chunks", with_chunks("1\r\n{\r\n"), after::close, errc::connection_lost, false},
        {"good and closed unannounced", good, after::close, std::nullopt, false},
        {"good and cut", good, after::cut, std::nullopt, false},
        {"good and half-closed", good, after::half_close, std::nullopt, false},

        // Framing.
        {"good", good, after::stay, std::nullopt, true},
        {"good in chunks", with_chunks(test::chunked(body, 7)), after::stay, std::nullopt, true},
        {"chunks with extensions", with_chunks("1;a=b;c=\"d\"\r\n{\r\n" + test::chunked(body.substr(1), 100)),
         after::stay, std::nullopt, true},
        {"chunks with trailers",
         with_chunks(test::chunked(body, 7).substr(0, test::chunked(body, 7).size() - 2) +
                         "X-Trailer: a\r\nSet-Cookie: JSESSIONID=stolen; Path=/\r\n\r\n",
                     "Trailer: X-Trailer\r\n"),
         after::stay, std::nullopt, true},
        {"Connection: close", with_header("Connection: close\r\n"), after::stay, std::nullopt, false},
        {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: " + size + "\r\n\r\n" + body, after::stay, std::nullopt,
         false},
        {"HTTP/1.0 that keeps alive",
         "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: " + size + "\r\n\r\n" + body, after::stay,
         std::nullopt, true},
        {"until close", "HTTP/1.1 200 OK\r\n\r\n" + body, after::close, std::nullopt, false},
        {"until close, in the middle", "HTTP/1.1 200 OK\r\n\r\n" + body.substr(0, 30), after::close, errc::truncated,
         false},
        {"Content-Length too long", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + body, after::close,
         errc::connection_lost, false},
        {"Content-Length too long, and silence", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + body, after::stall,
         errc::read_timeout, false},
        {"Content-Length too short", "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n" + body, after::stay,
         errc::truncated, false},
        {"Content-Length of zero", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", after::stay, errc::not_json, true},
        {"Content-Length negative", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + body, after::stay,
         errc::http_malformed, false, 0},
        {"Content-Length in words", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + body, after::stay,
         errc::http_malformed, false, 0},
        {"Content-Length beyond 64 bits", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n" + body,
         after::stay, errc::http_malformed, false, 0},
        {"Content-Length twice, different",
         "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: " + size + "\r\n\r\n" + body, after::stay,
         errc::http_malformed, false, 0},
        {"Content-Length and chunked",
         with_chunks(test::chunked(body, 7), ("Content-Length: " + size + "\r\n").c_str()), after::stay,
         errc::http_malformed, false, 0},
        {"chunk size in words", with_chunks("xyz\r\n" + body + "\r\n0\r\n\r\n"), after::stay, errc::http_malformed,
         false},
        {"chunk size missing", with_chunks("\r\n" + body + "\r\n0\r\n\r\n"), after::stay, errc::http_malformed, false},
        {"chunk size beyond 64 bits", with_chunks("fffffffffffffffff\r\n" + body), after::stay, errc::http_malformed,
         false},
        {"chunk size negative", with_chunks("-5\r\n" + body), after::stay, errc::http_malformed, false},
        {"chunk longer than its size", with_chunks("5\r\n" + body + "\r\n0\r\n\r\n"), after::stay, errc::http_malformed,
         false},

        // Headers.
        {"many fields", with_header(some_fields), after::stay, std::nullopt, true},
        {"too many fields", with_header(many_fields), after::stay, errc::http_header_limit, false, 0},
        {"a field too long", with_header("X-Long: " + std::string(20'000, 'x') + "\r\n"), after::stay,
         errc::http_header_limit, false, 0},
        {"a status line too long", "HTTP/1.1 200 " + std::string(20'000, 'x') + "\r\n\r\n", after::stay,
         errc::http_header_limit, false, 0},
        {"a field without a colon", with_header("no colon here\r\n"), after::stay, errc::http_malformed, false, 0},
        {"a NUL in a field", with_header(std::string("X-Nul: a\0b\r\n", 12)), after::stay, errc::http_malformed, false,
         0},
        {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n", after::stay, errc::http_malformed, false, 0},
        {"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", after::stay, errc::http_malformed, false, 0},
        {"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", after::stay, errc::http_malformed, false, 0},
        {"a status beyond 599", "HTTP/1.1 600 OK\r\n\r\n", after::stay, errc::http_malformed, false, 0},
        {"compressed", with_header("Content-Encoding: gzip\r\n"), after::stay, errc::content_encoded, true},
        {"compressed by name only", with_header("Content-Encoding: identity\r\n"), after::stay, std::nullopt, true},

        // Statuses.
        {"100 before", "HTTP/1.1 100 Continue\r\n\r\n" + good, after::stay, std::nullopt, true},
        {"103 before, twice", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + good,
         after::stay, std::nullopt, true},
        {"100 alone", "HTTP/1.1 100 Continue\r\n\r\n", after::close, errc::connection_lost, false, 0},
        {"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", after::stay,
         errc::http_malformed, false, 0},
        {"204", "HTTP/1.1 204 No Content\r\n\r\n", after::stay, errc::http_status, true, 204},
        {"301", with_status("301 Moved", "Location: https://elsewhere/\r\n"), after::stay, errc::redirected, true, 301},
        {"302", with_status("302 Found", "Location: /login\r\n", "<html>"), after::stay, errc::redirected, true, 302},
        {"303", with_status("303 See Other", "Location: /login\r\n"), after::stay, errc::redirected, true, 303},
        {"304", "HTTP/1.1 304 Not Modified\r\n\r\n", after::stay, errc::http_status, true, 304},
        {"307", with_status("307 Temporary", "Location: /login\r\n"), after::stay, errc::redirected, true, 307},
        {"308", with_status("308 Permanent", "Location: /login\r\n"), after::stay, errc::redirected, true, 308},
        {"400", with_status("400 Bad Request", "", "<html>"), after::stay, errc::http_status, true, 400},
        {"401", with_status("401 Unauthorized", "WWW-Authenticate: Basic\r\n", "<html>"), after::stay,
         errc::authentication_refused, true, 401},
        {"403", with_status("403 Forbidden"), after::stay, errc::http_status, true, 403},
        {"404", with_status("404 Not Found", "", "<html>"), after::stay, errc::http_status, true, 404},
        {"413", with_status("413 Too Large"), after::stay, errc::http_status, true, 413},
        {"429", with_status("429 Too Many Requests"), after::stay, errc::server_busy, true, 429},
        {"500", with_status("500 Internal Server Error", "", "<html>"), after::stay, errc::http_status, true, 500},
        {"502", with_status("502 Bad Gateway"), after::stay, errc::server_busy, true, 502},
        {"503", with_status("503 Service Unavailable", "Connection: close\r\n"), after::stay, errc::server_busy, false,
         503},
        {"504", with_status("504 Gateway Timeout"), after::stay, errc::server_busy, true, 504},
        {"a refusal whose body is cut", "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nbusy", after::close,
         errc::server_busy, false, 503},
        {"a refusal with a long body", with_status("500 Error", "", std::string(300'000, 'x')), after::stay,
         errc::http_status, false, 500},

        // Bodies.
        {"HTML", http_answer("<html>Please log in</html>"), after::stay, errc::not_json, false},
        {"no JSON at all", http_answer("nothing"), after::stay, errc::not_json, false},
        {"two documents", http_answer(body + body), after::stay, errc::trailing_data, false},
        {"half a document", http_answer(body.substr(0, 40)), after::stay, errc::truncated, true},
        {"an API error", http_answer(R"({"Status":"Error","Message":"no","ExptType":"x"})"), after::stay,
         errc::api_error, true},
        {"credentials refused",
         http_answer(R"({"Status":"Error","Message":"Incorrect system username/password","ExptType":"x"})"),
         after::stay, errc::authentication_refused, true},

        // What peers take.
        {"no reason", "HTTP/1.1 200\r\nContent-Length: " + size + "\r\n\r\n" + body, after::stay, std::nullopt, true},
        {"lines that end with LF", "HTTP/1.1 200 OK\nContent-Length: " + size + "\n\n" + body, after::stay,
         std::nullopt, true},
        {"padded chunk sizes",
         with_chunks("0001  \r\n{\r\n" + std::string("00000001 \t\r\n") + body.substr(1, 1) + "\r\n" +
                     test::chunked(body.substr(2), 100)),
         after::stay, std::nullopt, true},
        {"a charset as a coding", with_header("Content-Encoding: utf-8\r\n"), after::stay, std::nullopt, true},
        {"chunks in HTTP/1.0",
         "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + test::chunked(body, 100),
         after::stay, std::nullopt, false},
        {"blank lines before the answer", "\r\n\n" + good, after::stay, std::nullopt, true},
        {"a blank line behind the answer", good + "\r\n", after::stay, std::nullopt, true},
        {"a blank line behind chunks", with_chunks(test::chunked(body, 100)) + "\n\r\n", after::stay, std::nullopt,
         true},
        {"a blank line behind a refusal", with_status("404 Not Found", "", "<html>") + "\r\n", after::stay,
         errc::http_status, true, 404},

        // What would never end.
        {"blank lines", std::string(20'000, '\n'), after::stay, errc::http_header_limit, false, 0},
        {"interim answers", interim, after::stay, errc::http_header_limit, false, 0},
        {"a chunk extension", with_chunks("1;" + std::string(20'000, 'x')), after::stay, errc::http_header_limit,
         false},
        {"a quoted chunk extension", with_chunks("1;a=\"" + std::string(20'000, 'x')), after::stay,
         errc::http_header_limit, false},
        {"a trailer", with_chunks("0\r\nX: " + std::string(20'000, 'x')), after::stay, errc::http_header_limit, false},

        // Behind the answer: it poisons the connection, not the next query.
        {"a byte behind the answer", good + "x", after::stay, std::nullopt, false},
        {"a second answer behind the first", good + http_answer(test::good_body(5)), after::stay, std::nullopt, false},
        {"a second answer behind a refusal", with_status("404 Not Found") + http_answer(test::good_body(5)),
         after::stay, errc::http_status, false, 404},
        {"a second answer behind 204", "HTTP/1.1 204 No Content\r\n\r\n" + http_answer(test::good_body(5)), after::stay,
         errc::http_status, false, 204},
        {"a second answer behind chunks", with_chunks(test::chunked(body, 9)) + http_answer(test::good_body(5)),
         after::stay, std::nullopt, false},
    };
}

void carry_on(scripted_connection& to, after what) {
    switch (what) {
        case after::stay:
            break;
        case after::close:
            to.close();
            break;
        case after::cut:
            to.cut();
            break;
        case after::reset:
            to.reset();
            break;
        case after::half_close:
            to.half_close();
            to.wait_for_close();
            break;
        case after::stall:
            to.wait_for_close();
            break;
    }
}

/// Answers well, but for one request, which `fault` answers: the first, or the next one after `spoil_next`.
class counting_server {
public:
    using fault = std::function<after(scripted_connection&)>;

    counting_server(const test::scripted_tls* tls, bool spoil_first, fault what)
        : spoil_(spoil_first),
          server_(tls,
                  [this, what = std::move(what)](scripted_connection& one, std::size_t) {
                      while (!one.read_request().empty()) {
                          after then = after::stay;
                          ++requests_;
                          if (spoil_.exchange(false))
                              then = what(one);
                          else
                              one.send(http_answer(test::good_body()));
                          carry_on(one, then);
                          if (then != after::stay)
                              return;
                      }
                  }),
          tls_(tls != nullptr) {
        if (tls)
            pin_ = tls->identity.pin;
    }

    client_config config() const {
        client_config made((tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(server_.port()));
        made.sys_user = "system";
        made.sys_pwd = secret("system1");
        made.allow_http = !tls_;
        made.tls.pinned_public_key = pin_;
        made.retry.max_retries = 0;
        made.retry.initial_backoff = 1ms;
        return made;
    }

    void spoil_next() noexcept { spoil_ = true; }
    std::size_t requests() const noexcept { return requests_; }
    const scripted_server& server() const noexcept { return server_; }

private:
    std::atomic<std::size_t> requests_{0};
    std::atomic<bool> spoil_;
    scripted_server server_;
    bool tls_;
    std::string pin_;
};

test::scripted_tls make_tls() {
    test::scripted_tls made;
    made.identity = sim::make_certificate(sim::certificate_options(), nullptr);
    return made;
}

const test::scripted_tls& tls() {
    static const test::scripted_tls made = make_tls();
    return made;
}

/// Sets the time for an answer that never comes.
void set_time(client_config& config, const row& one) {
    if (one.then == after::stall)
        config.timeouts.read = 1s;
}

/// Ends what the answer has brought about for good.
void mend(client& client, const row& one) {
    if (one.error == errc::authentication_refused)
        client.set_credentials("system", secret("system1"));
}

/// A good answer, asked for again if it was not there within that time; how often it was asked for.
std::size_t ask_good(asio::io_context& context, client& client, const row& one, test::ending& seen) {
    std::size_t asked = 0;
    do {
        seen = test::ask(context, client, example);
        ++asked;
    } while (one.then == after::stall && seen.error == errc::read_timeout);
    return asked;
}

void check(const row& expected, const test::ending& seen) {
    CHECK(error_name(seen.error) == error_name(expected.error ? make_error_code(*expected.error) : error_code()));
    CHECK(seen.diagnostics.attempt == 1);
    CHECK(seen.diagnostics.http_status == expected.status);
    CHECK(seen.records.size() == (expected.error ? 0 : expected.records));
}

}  // namespace

TEST_CASE("an answer too many is not taken for that of a request still to be sent, however it comes") {
    scripted_server server(&tls(), [](scripted_connection& to, std::size_t number) {
        const std::string good = http_answer(test::good_body());
        if (number == 0) {
            to.read_request();
            to.send(good);
            to.read_request();
            to.read_request();
            to.send(good + good + http_answer(test::good_body(5)));
            to.wait_for_close();
            return;
        }
        while (!to.read_request().empty())
            to.send(good);
    });
    client_config config("https://127.0.0.1:" + std::to_string(server.port()));
    config.sys_user = "system";
    config.sys_pwd = secret("system1");
    config.tls.pinned_public_key = tls().identity.pin;
    config.pool.max_connections = 1;
    config.pipeline_depth = 2;
    config.concurrency.max_in_flight = 2;
    config.retry.max_retries = 0;
    asio::io_context context;
    client client(context.get_executor(), config);
    CHECK_FALSE(test::ask(context, client, example).error);
    std::vector<test::ending> seen(3);
    std::size_t ended = 0;
    for (test::ending& one : seen)
        client.async_list(example, &one.diagnostics, [&](error_code ec, std::vector<record> records) {
            one.error = ec;
            one.records = std::move(records);
            ++ended;
        });
    REQUIRE(test::run_until(context, [&] { return ended == seen.size(); }));
    for (const test::ending& one : seen) {
        CHECK(error_name(one.error) == error_name(error_code()));
        CHECK(one.records.size() == 1);
    }
    CHECK(server.connections() == 2);
}

TEST_CASE("each faulty answer ends in its own error, and the client works on") {
    const bool secure = GENERATE(false, true);
    for (const row& one : rows()) {
        INFO(one.name << (secure ? ", TLS" : ", plain"));
        const std::size_t before = test::descriptors();
        {
            counting_server with(secure ? &tls() : nullptr, true, [&one](scripted_connection& to) {
                to.send(one.answer);
                return one.then;
            });
            client_config config = with.config();
            set_time(config, one);
            asio::io_context context(1);
            client client(context.get_executor(), config);
            check(one, test::ask(context, client, example));
            mend(client, one);
            test::ending next;
            const std::size_t asked = ask_good(context, client, one, next);
            CHECK_FALSE(next.error);
            CHECK(next.records.size() == 1);
            // Nothing was sent twice; one that was late may still be on its way.
            CHECK((with.requests() == 1 + asked || asked > 1));
            CHECK(with.server().connections() == (one.reused ? 1 : 1 + asked));
            CHECK(client.metrics().retries == 0);
            // A connection closed behind a good answer may be noticed only when the next request was written.
            const bool may_be_late = !one.error && one.then != after::stay;
            CHECK(client.metrics().resends <= (may_be_late ? 1 : 0));
        }
        CHECK(test::descriptors() == before);
    }
}

TEST_CASE(
    "a query lost with a pooled connection before a byte of its answer, or with the server, is sent again at no "
    "charge") {
    const bool secure = GENERATE(false, true);
    for (const row& one : rows()) {
        INFO(one.name << (secure ? ", TLS" : ", plain"));
        counting_server with(secure ? &tls() : nullptr, false, [&one](scripted_connection& to) {
            to.send(one.answer);
            return one.then;
        });
        client_config config = with.config();
        set_time(config, one);
        asio::io_context context(1);
        client client(context.get_executor(), config);
        test::ending good;
        const std::size_t before = ask_good(context, client, one, good);
        CHECK_FALSE(good.error);
        with.spoil_next();
        const test::ending seen = test::ask(context, client, example);
        const bool away = one.error == errc::server_busy || one.error == errc::read_timeout;
        const bool resent = away || (one.error == errc::connection_lost && one.answer.empty());
        if (resent) {
            CHECK_FALSE(seen.error);
            CHECK(seen.records.size() == 1);
            CHECK(seen.diagnostics.attempt == 1);
        } else {
            check(one, seen);
        }
        mend(client, one);
        // Beside load also a good answer can be late.
        CHECK((client.metrics().resends == (resent ? 1 : 0) || one.then == after::stall));
        CHECK(client.metrics().retries == 0);
        const std::size_t behind = ask_good(context, client, one, good);
        CHECK_FALSE(good.error);
        CHECK((with.requests() == (resent ? 4 : 3) || one.then == after::stall));
        CHECK((with.server().connections() == (one.reused ? 1 : before + behind) || one.then == after::stall));
    }
}

TEST_CASE("an answer that comes one byte at a time is the same answer") {
    const bool secure = GENERATE(false, true);
    for (const row& one : rows()) {
        // Thousands of bytes, each with a system call, show nothing more.
        if (one.answer.size() > 1000 || one.then == after::stall)
            continue;
        INFO(one.name << (secure ? ", TLS" : ", plain"));
        counting_server with(secure ? &tls() : nullptr, true, [&one](scripted_connection& to) {
            for (const char& byte : one.answer)
                to.send({&byte, 1});
            return one.then;
        });
        asio::io_context context(1);
        client client(context.get_executor(), with.config());
        check(one, test::ask(context, client, example));
        mend(client, one);
        // What stands behind an answer, and comes when the next query has been sent, can spoil that one and no other.
        const bool can_spoil = !one.reused && one.then == after::stay;
        const test::ending next = test::ask(context, client, example);
        CHECK((can_spoil || !next.error));
        CHECK_FALSE((next.error ? test::ask(context, client, example) : next).error);
    }
}

TEST_CASE("an answer cut at any byte is asked for again, and nothing is lost or doubled") {
    const bool secure = GENERATE(false, true);
    const std::string body = test::good_body(3);
    const std::string answer = GENERATE_COPY(http_answer(body), with_chunks(test::chunked(body, 40)));
    const after how = GENERATE(after::cut, after::reset);
    for (std::size_t length = 0; length != answer.size(); ++length) {
        INFO("after " << length << " of " << answer.size() << (secure ? ", TLS" : ", plain"));
        counting_server with(secure ? &tls() : nullptr, true, [&](scripted_connection& to) {
            to.send(std::string_view(answer).substr(0, length));
            return how;
        });
        client_config config = with.config();
        config.retry.max_retries = 1;
        asio::io_context context(1);
        client client(context.get_executor(), config);
        const test::ending seen = test::ask(context, client, example);
        REQUIRE_FALSE(seen.error);
        REQUIRE(seen.records.size() == 1);
        REQUIRE(seen.diagnostics.attempt == 2);
        REQUIRE(with.requests() == 2);
    }
}

TEST_CASE("a TLS record cut at any byte is a lost connection") {
    const std::string answer = http_answer(test::good_body());
    test::scripted_tls options = make_tls();
    options.lowest = TLS1_3_VERSION;
    // A TLS 1.3 record: its header, the type within, and the tag.
    const std::size_t size = answer.size() + 5 + 1 + 16;
    for (std::size_t length = 0; length != size; ++length) {
        INFO("after " << length << " of " << size);
        counting_server with(&options, true, [&](scripted_connection& to) {
            to.send_part(answer, length);
            return after::cut;
        });
        asio::io_context context(1);
        client client(context.get_executor(), with.config());
        const test::ending seen = test::ask(context, client, example);
        REQUIRE(error_name(seen.error) == "connection_lost");
        REQUIRE(seen.records.empty());
        REQUIRE_FALSE(test::ask(context, client, example).error);
    }
}

}  // namespace fault_test

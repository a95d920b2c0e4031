// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "engine/session.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "engine_call.hpp"

namespace session_test {

using namespace jobmode;
using namespace std::chrono_literals;
using engine::session;
using engine::session_report;
using kind = engine::session_report::kind;
using test::noted_call;
using test::noted_ptr;

namespace {

namespace system_errc = boost::system::errc;

const error_code reset(system_errc::connection_reset, boost::system::system_category());

engine::instant at(std::chrono::nanoseconds time) {
    return {policy::time_point(1000s + time), std::chrono::sys_seconds(1'700'000'000s)};
}

/// A session and what is around it.
struct connection {
    explicit connection(std::size_t header_bytes = 1024, std::chrono::milliseconds read_timeout = 5s) {
        shared.encoder = &encoder;
        shared.buffers = &buffers;
        shared.cookie_path = "/obs";
        shared.header_bytes = header_bytes;
        shared.read_timeout = read_timeout;
        subject = std::make_unique<session>(shared, at(0s).steady);
    }

    noted_ptr ask(std::chrono::nanoseconds time = 0s, bool streams = false) {
        auto who = std::make_shared<noted_call>();
        who->streams = streams;
        who->book.state = engine::call_state::sent;
        who->book.sent_at = at(time).steady;
        subject->assign(who, at(time).steady);
        return who;
    }
    /// Writes all that is to be written.
    std::string write(std::chrono::nanoseconds time = 0s) {
        std::string text;
        while (!subject->to_write().empty()) {
            const std::span<const char> bytes = subject->to_write();
            text.append(bytes.data(), bytes.size());
            subject->wrote(bytes.size(), at(time).steady);
        }
        return text;
    }
    /// Lets bytes come in, as many at a time as there is room for.
    void receive(std::string_view bytes, std::chrono::nanoseconds time = 0s) {
        while (!bytes.empty() && !subject->ended()) {
            REQUIRE(subject->wants_bytes());
            const std::span<char> room = subject->room();
            REQUIRE(!room.empty());
            const std::size_t size = std::min(room.size(), bytes.size());
            std::memcpy(room.data(), bytes.data(), size);
            bytes.remove_prefix(size);
            subject->received(size, at(time));
        }
    }
    std::vector<session_report> reports() { return std::exchange(subject->reports(), {}); }
    /// The only report, but for that of a header.
    session_report outcome() {
        std::vector<session_report> all = reports();
        std::erase_if(all, [](const session_report& one) { return one.what == kind::begun; });
        REQUIRE(all.size() == 1);
        return all.front();
    }

    wire::request_encoder encoder{"h", "", "", "api", secret("pass")};
    engine::buffer_pool buffers;
    engine::session_shared shared;
    std::unique_ptr<session> subject;
};

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"Status\":\"OK\"}";
const std::string chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"Sta\r\na\r\ntus\":\"OK\"}\r\n0\r\n\r\n";
const std::string document = R"({"Status":"OK"})";

/// Does a thing with an answer that comes in whole, in two parts at every place, and byte by byte.
void every_split(const std::string& answer, const std::function<void(const std::vector<std::string_view>&)>& run) {
    const std::string_view all = answer;
    for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
        INFO("cut at " << cut);
        run({all.substr(0, cut), all.substr(cut)});
    }
    std::vector<std::string_view> bytes;
    for (std::size_t place = 0; place != answer.size(); ++place)
        bytes.push_back(all.substr(place, 1));
    run(bytes);
}

}  // namespace

TEST_CASE("an answer is the same wherever it is cut") {
    struct row {
        const char* what;
        std::string answer;
        error_code code;
        bool goes_on;
        unsigned status;
        int completions;
    };
    const std::vector<row> rows{
        {"with a length", ok, {}, true, 200, 1},
        {"in chunks", chunked, {}, true, 200, 1},
        {"after an interim one", "HTTP/1.1 100 Continue\r\n\r\n" + ok, {}, true, 200, 1},
        {"the last one",
         "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 15\r\n\r\n" + document,
         {},
         false,
         200,
         1},
        {"of HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 15\r\n\r\n" + document, {}, false, 200, 1},
        {"with bytes behind it", ok + "HTTP/1.1 200 OK\r\n", {}, false, 200, 1},
        {"a page", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", errc::not_json, true, 200, 1},
        {"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", errc::not_json, true, 200, 1},
        {"a document that is cut", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"Sta", errc::truncated, true, 200, 1},
        {"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", errc::http_status, true, 404, 0},
        {"401", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", errc::authentication_refused, true, 401, 0},
        {"429", "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", errc::server_busy, true, 429, 0},
        {"502", "HTTP/1.1 502 Bad\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", errc::server_busy, true,
         502, 0},
        {"503", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", errc::server_busy, false, 503,
         0},
        {"504", "HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n", errc::server_busy, true, 504, 0},
        {"500", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", errc::http_status, true, 500, 0},
        {"a redirect", "HTTP/1.1 302 Found\r\nLocation: /login?secret\r\nContent-Length: 0\r\n\r\n", errc::redirected,
         true, 302, 0},
        {"encoded", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz", errc::content_encoded,
         true, 200, 0},
    };
    for (const row& each : rows) {
        INFO(each.what);
        every_split(each.answer, [&](const std::vector<std::string_view>& parts) {
            connection with;
            const noted_ptr who = with.ask();
            with.write();
            for (const std::string_view part : parts)
                with.receive(part, 7ms);
            if (each.goes_on && with.subject->ended())
                FAIL("the connection has ended");
            const std::vector<session_report> reports = with.reports();
            const auto found = std::ranges::find_if(reports, [](const session_report& one) {
                return one.what == kind::answered || one.what == kind::ended;
            });
            REQUIRE(found != reports.end());
            CHECK(found->who == who);
            CHECK(found->why.code == each.code);
            CHECK_FALSE(found->why.kept);
            CHECK(who->diagnostics.http_status == each.status);
            CHECK(who->attempts == 1);
            CHECK(who->completions == each.completions);
            CHECK(who->openings == (each.completions == 0 ? 0 : 1));
            CHECK(who->ends == 0);
            CHECK(who->latency == 7ms);
            if (!each.code)
                CHECK(who->body == document);
            if (each.goes_on) {
                CHECK(found->what == kind::answered);
                CHECK(with.subject->answered() == 1);
                CHECK(with.subject->is_drained());
                CHECK(with.subject->deadline() == policy::time_point::max());
            }
        });
    }
}

TEST_CASE("bytes behind an answer end the connection, at once or when they come") {
    every_split(ok + "x", [](const std::vector<std::string_view>& parts) {
        connection with;
        const noted_ptr who = with.ask();
        with.write();
        for (const std::string_view part : parts)
            with.receive(part);
        CHECK(with.subject->ended());
        CHECK_FALSE(with.subject->wants_bytes());
        CHECK(who->body == document);
        CHECK(with.subject->calls().empty());
    });
}

TEST_CASE("what a header says of the time to come back is told") {
    connection with;
    with.ask();
    with.write();
    with.receive("HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n");
    const session_report told = with.outcome();
    CHECK(told.why.retry_after == std::chrono::milliseconds(120s));
    CHECK(told.why.http_status == 503);
}

TEST_CASE("a redirect's place is told without what stands after its path") {
    connection with;
    const noted_ptr who = with.ask();
    with.write();
    with.receive("HTTP/1.1 302 Found\r\nLocation: /login?SysPwd=x#y\r\nContent-Length: 0\r\n\r\n");
    CHECK(who->diagnostics.detail == "/login");
}

TEST_CASE("requests that are sent ahead are answered in their order, wherever the answers are cut") {
    every_split(ok + chunked + ok, [](const std::vector<std::string_view>& parts) {
        connection with;
        const noted_ptr first = with.ask();
        const noted_ptr second = with.ask();
        const noted_ptr third = with.ask();
        CHECK(second->attempts == 0);
        const std::string requests = with.write();
        CHECK(std::ranges::count(requests, '}') == 3);
        for (const std::string_view part : parts)
            with.receive(part);
        std::vector<noted_ptr> order;
        for (const session_report& one : with.reports())
            if (one.what == kind::answered)
                order.push_back(std::static_pointer_cast<noted_call>(one.who));
        CHECK(order == std::vector<noted_ptr>{first, second, third});
        CHECK(with.subject->answered() == 3);
        for (const noted_ptr& who : order) {
            CHECK(who->body == document);
            CHECK(who->attempts == 1);
        }
    });
}

TEST_CASE("an answer that comes before its request is none") {
    SECTION("nobody asked") {
        connection with;
        with.receive(ok);
        const session_report told = with.outcome();
        CHECK(told.what == kind::ended);
        CHECK(told.who == nullptr);
        CHECK(told.why.code == errc::http_malformed);
    }
    SECTION("the request is not on its way") {
        connection with;
        const noted_ptr who = with.ask();
        with.receive(ok);
        const session_report told = with.outcome();
        CHECK(told.what == kind::ended);
        CHECK(told.who == who);
        // The query has no part in it.
        CHECK(told.why.kept);
        CHECK_FALSE(told.why.answer_begun);
        CHECK(who->body.empty());
    }
    SECTION("the second request is not on its way") {
        connection with;
        const noted_ptr first = with.ask();
        with.write();
        const noted_ptr second = with.ask();
        with.receive(ok + ok);
        std::vector<session_report> all = with.reports();
        REQUIRE(all.back().what == kind::ended);
        CHECK(all.back().who == second);
        CHECK(second->body.empty());
        CHECK(first->body == document);
    }
    SECTION("a part of it was written: the answer stands, and the connection ends") {
        connection with;
        const noted_ptr who = with.ask();
        with.subject->wrote(10, at(0s).steady);
        with.receive("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        const session_report told = with.outcome();
        CHECK(told.what == kind::ended);
        CHECK(told.why.code == errc::http_status);
        CHECK(with.subject->to_write().empty());
    }
}

TEST_CASE("a connection that is lost tells what was under way") {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n";
    for (std::size_t size = 0; size != ok.size(); ++size) {
        INFO("after " << size << " bytes");
        for (const bool by_reset : {false, true}) {
            connection with;
            const noted_ptr first = with.ask();
            const noted_ptr second = with.ask();
            with.write();
            with.receive(std::string_view(ok).substr(0, size));
            if (by_reset)
                with.subject->lost(reset, false, at(1s));
            else
                with.subject->end_of_stream(at(1s));
            const session_report told = with.outcome();
            CHECK(told.what == kind::ended);
            CHECK(told.who == first);
            CHECK(told.why.code == errc::connection_lost);
            CHECK(told.why.phase == phase::read);
            CHECK(told.why.answer_begun == (size >= head.size()));
            CHECK_FALSE(told.why.kept);
            CHECK(with.subject->take_calls() == std::deque<engine::call_ptr>{second});
            CHECK(first->completions == 0);
        }
    }
}

TEST_CASE("a loss after other answers says that the connection was kept") {
    connection with;
    with.ask();
    with.write();
    with.receive(ok);
    with.reports();
    const noted_ptr second = with.ask(1s);
    CHECK(with.subject->was_idle());
    with.subject->seen_silent();
    CHECK_FALSE(with.subject->was_idle());
    with.subject->lost(reset, false, at(1s));
    const session_report told = with.outcome();
    CHECK(told.who == second);
    CHECK(told.why.kept);
    CHECK(told.why.phase == phase::write);
    CHECK(told.why.cause == reset);
    CHECK(second->diagnostics.cause == reset);
}

TEST_CASE("an alert before the first answer belongs to the handshake, and no other") {
    SECTION("before") {
        connection with;
        with.ask();
        with.write();
        with.subject->lost(reset, true, at(0s));
        const session_report told = with.outcome();
        CHECK(told.why.code == errc::handshake_failed);
        CHECK(told.why.phase == phase::handshake);
    }
    SECTION("in the answer") {
        connection with;
        with.ask();
        with.write();
        with.receive("HTTP/1.1 200");
        with.subject->lost(reset, true, at(0s));
        CHECK(with.outcome().why.code == errc::connection_lost);
    }
    SECTION("after an answer") {
        connection with;
        with.ask();
        with.write();
        with.receive(ok);
        with.reports();
        with.ask();
        with.write();
        with.subject->lost(reset, true, at(0s));
        CHECK(with.outcome().why.code == errc::connection_lost);
    }
}

TEST_CASE("a body that only the end of the connection ends") {
    struct row {
        const char* what;
        std::string body;
        bool broken;
        error_code code;
    };
    for (const row& each : std::vector<row>{
             {"whole, then the end", document, false, {}},
             {"whole, then broken", document, true, {}},
             {"cut, then the end", "{\"Sta", false, errc::truncated},
             {"cut, then broken", "{\"Sta", true, errc::connection_lost},
             {"nothing, then the end", "", false, errc::not_json},
             {"nothing, then broken", "", true, errc::connection_lost},
             {"a page, then broken", "<html>", true, errc::not_json},
         }) {
        INFO(each.what);
        every_split("HTTP/1.1 200 OK\r\n\r\n" + each.body, [&](const std::vector<std::string_view>& parts) {
            connection with;
            const noted_ptr who = with.ask();
            with.write();
            for (const std::string_view part : parts)
                with.receive(part);
            if (each.broken)
                with.subject->lost(reset, false, at(0s));
            else
                with.subject->end_of_stream(at(0s));
            const session_report told = with.outcome();
            CHECK(told.what == kind::ended);
            CHECK(told.why.code == each.code);
            CHECK(who->completions == 1);
        });
    }
    // A length or a last chunk that is missing stays an error.
    for (const std::string& short_one : {ok.substr(0, ok.size() - 1), chunked.substr(0, chunked.size() - 5)}) {
        connection with;
        const noted_ptr who = with.ask();
        with.write();
        with.receive(short_one);
        with.subject->lost(reset, false, at(0s));
        CHECK(with.outcome().why.code == errc::connection_lost);
        CHECK(who->completions == 0);
    }
}

TEST_CASE("the verdict of a refusal's header stands, whatever becomes of its body") {
    const std::string head = "HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 100000\r\n\r\n";
    const auto expect = [](connection& with, const noted_ptr& who) {
        const session_report told = with.outcome();
        CHECK(told.what == kind::ended);
        CHECK(told.who == who);
        CHECK(told.why.code == errc::server_busy);
        CHECK(told.why.http_status == 503);
        CHECK(told.why.retry_after == std::chrono::milliseconds(9s));
    };
    SECTION("lost") {
        connection with;
        const noted_ptr who = with.ask();
        with.write();
        with.receive(head + "x");
        with.subject->lost(reset, false, at(0s));
        expect(with, who);
    }
    SECTION("closed") {
        connection with;
        const noted_ptr who = with.ask();
        with.write();
        with.receive(head + "x");
        with.subject->end_of_stream(at(0s));
        expect(with, who);
    }
    SECTION("too long") {
        connection with;
        const noted_ptr who = with.ask();
        with.write();
        with.receive(head + std::string(65 * 1024, 'x'));
        expect(with, who);
    }
    SECTION("dripping") {
        connection with;
        const noted_ptr who = with.ask();
        with.write();
        with.receive(head);
        for (int second = 1; second != 5; ++second)
            with.receive("x", std::chrono::seconds(second));
        // Bytes that nobody reads are no progress.
        CHECK(with.subject->deadline() == at(5s).steady);
        with.subject->due(at(5s));
        expect(with, who);
    }
    SECTION("out of time") {
        connection with;
        const noted_ptr who = with.ask();
        const noted_ptr other = with.ask();
        with.write();
        CHECK_FALSE(with.subject->cut_refusal(*who, at(0s)));
        with.receive(head);
        CHECK_FALSE(with.subject->cut_refusal(*other, at(0s)));
        CHECK(with.subject->cut_refusal(*who, at(0s)));
        expect(with, who);
        CHECK(with.subject->take_calls() == std::deque<engine::call_ptr>{other});
        CHECK_FALSE(with.subject->cut_refusal(*who, at(0s)));
    }
}

TEST_CASE("a refusal's body of up to 64 KiB is passed over, and the connection goes on") {
    connection with;
    with.ask();
    with.write();
    with.receive("HTTP/1.1 503 Busy\r\nContent-Length: 65536\r\n\r\n" + std::string(65536, 'x'));
    CHECK(with.outcome().what == kind::answered);
    const noted_ptr next = with.ask();
    with.write();
    with.receive(ok);
    CHECK(with.outcome().why.code == error_code());
    CHECK(next->body == document);
}

TEST_CASE("a silence that is too long ends the connection") {
    connection with;
    CHECK(with.subject->deadline() == policy::time_point::max());
    const noted_ptr who = with.ask(1s);
    CHECK(with.subject->deadline() == at(6s).steady);
    with.subject->wrote(1, at(2s).steady);
    CHECK(with.subject->deadline() == at(7s).steady);
    with.write(3s);
    with.receive("H", 4s);
    CHECK(with.subject->deadline() == at(9s).steady);
    with.subject->due(at(9s - 1ns));
    CHECK_FALSE(with.subject->ended());
    with.subject->due(at(9s));
    const session_report told = with.outcome();
    CHECK(told.who == who);
    CHECK(told.why.code == errc::read_timeout);
    CHECK(told.why.phase == phase::read);
    CHECK(with.subject->deadline() == policy::time_point::max());

    connection unwritten;
    unwritten.ask();
    unwritten.subject->due(at(5s));
    CHECK(unwritten.outcome().why.phase == phase::write);

    connection patient(1024, 0ms);
    patient.ask();
    CHECK(patient.subject->deadline() == policy::time_point::max());
}

TEST_CASE("a header that is too long is refused, and no more memory is taken for it") {
    connection with(256);
    const noted_ptr who = with.ask();
    with.write();
    std::size_t most = 0;
    for (int more = 0; more != 2'000 && !with.subject->ended(); ++more) {
        with.receive(more == 0 ? "HTTP/1.1 200 OK\r\nX: " : "y");
        most = std::max(most, with.subject->ended() ? 0 : with.subject->room().size());
    }
    CHECK(with.outcome().why.code == errc::http_header_limit);
    CHECK(most <= engine::buffer_pool::buffer_bytes + 256);
    CHECK(who->body.empty());
}

TEST_CASE("a stream waits for its reader, and nothing is read meanwhile") {
    every_split(ok, [](const std::vector<std::string_view>& parts) {
        connection with;
        const noted_ptr who = with.ask(0s, true);
        who->pauses = true;
        with.write();
        int pauses = 0;
        for (std::string_view part : parts) {
            with.receive(part, 1s);
            while (!with.subject->ended() && !with.subject->wants_bytes()) {
                ++pauses;
                CHECK(who->book.paused);
                CHECK(who->book.opened);
                CHECK(with.subject->deadline() == policy::time_point::max());
                with.subject->resume(at(2s));
            }
        }
        CHECK(pauses >= 2);
        CHECK(who->body == document);
        CHECK_FALSE(who->book.paused);
        std::size_t paused = 0;
        for (const session_report& one : with.reports())
            paused += one.what == kind::paused ? 1 : 0;
        CHECK(paused == static_cast<std::size_t>(pauses));
        CHECK(with.subject->answered() == 1);
    });
}

TEST_CASE("a stream's reader keeps what it was given when the connection goes") {
    for (const bool closed : {false, true}) {
        connection with;
        const noted_ptr who = with.ask(0s, true);
        with.write();
        with.receive("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"Sta");
        REQUIRE_FALSE(with.subject->wants_bytes());
        if (closed)
            with.subject->close();
        else
            with.subject->lost(reset, false, at(0s));
        CHECK(who->kept_memory);
        CHECK(with.subject->ended());
    }
}

TEST_CASE("a call that runs out of memory, or says what is wrong, ends its connection with that") {
    connection with;
    const noted_ptr first = with.ask();
    const noted_ptr second = with.ask();
    first->throws = true;
    with.write();
    with.receive(ok);
    const session_report told = with.outcome();
    CHECK(told.what == kind::ended);
    CHECK(told.who == first);
    CHECK(told.why.code == system_errc::not_enough_memory);
    CHECK(told.why.phase == phase::decode);
    CHECK(with.subject->take_calls() == std::deque<engine::call_ptr>{second});

    connection other;
    const noted_ptr who = other.ask();
    who->piece_error = errc::json_syntax;
    other.write();
    other.receive(ok);
    CHECK(other.outcome().why.code == errc::json_syntax);
    CHECK(who->completions == 0);
}

TEST_CASE("a large piece may be taken with the memory it is in") {
    connection with;
    const noted_ptr who = with.ask();
    who->takes_memory = true;
    with.write();
    const std::string body = "{" + std::string(10'000, ' ') + "}";
    with.receive("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    CHECK(with.outcome().why.code == error_code());
    CHECK(who->body == body);
    CHECK(who->body_bytes == body.size());
    CHECK(who->taken);
    const noted_ptr next = with.ask();
    with.write();
    with.receive(ok);
    CHECK(next->body == document);
}

TEST_CASE("once it has ended nothing changes a session") {
    connection with;
    const noted_ptr who = with.ask();
    with.write();
    with.subject->lost(reset, false, at(0s));
    with.reports();
    const std::string before = who->body;
    with.subject->received(0, at(1s));
    with.subject->end_of_stream(at(1s));
    with.subject->lost(reset, true, at(1s));
    with.subject->due(at(1h));
    with.subject->wrote(5, at(1s).steady);
    with.subject->resume(at(1s));
    with.subject->close();
    CHECK(with.reports().empty());
    CHECK(with.subject->to_write().empty());
    CHECK_FALSE(with.subject->wants_bytes());
    CHECK(who->body == before);
}

TEST_CASE("a connection that waits holds no memory to read into") {
    connection with;
    with.ask();
    with.write();
    const char* const first = with.subject->room().data();
    with.subject->release_buffer();
    CHECK(with.subject->room().data() == first);
    with.receive("HTTP");
    with.subject->release_buffer();
    CHECK_FALSE(with.subject->is_drained());
    with.receive(ok.substr(4));
    CHECK(with.outcome().why.code == error_code());
}

TEST_CASE("a cookie of the server goes back with the next request") {
    connection with;
    with.ask();
    CHECK(with.write().find("Cookie") == std::string::npos);
    with.receive("HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=7; Path=/obs\r\nContent-Length: 15\r\n\r\n" + document);
    with.ask();
    CHECK(with.write().find("Cookie: JSESSIONID=7\r\n") != std::string::npos);
}

}  // namespace session_test

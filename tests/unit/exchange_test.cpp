// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/exchange.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

struct response final : wire::body_sink {
    void on_head(const wire::response_head& head, error_code&) override {
        ++heads;
        status = head.status;
        retry_after = head.retry_after;
        location = head.location;
        content_encoded = head.content_encoded;
        content_length = head.content_length;
    }
    void on_body(std::string_view piece, error_code&) override { body += piece; }

    int heads = 0;
    unsigned status = 0;
    std::string retry_after;
    std::string location;
    bool content_encoded = false;
    std::optional<std::uint64_t> content_length;
    std::string body;
    std::string cookie;
    std::string left;
    error_code ec;
    bool done = false;
    bool keep_alive = false;
};

/// Feeds the pieces as a connection does; what is left of one comes again before the next. `ends`: the peer closes.
response read(const std::vector<std::string_view>& pieces, bool ends) {
    wire::exchange subject(256, "/obs/api");
    subject.begin();
    response result;
    std::string pending;
    for (const std::string_view piece : pieces) {
        pending += piece;
        if (result.ec || subject.done())
            continue;
        const std::vector<char> bytes(pending.begin(), pending.end());
        pending.erase(0, subject.feed({bytes.data(), bytes.size()}, result, result.ec));
    }
    if (ends && !result.ec && !subject.done())
        subject.finish(result.ec);
    result.left = pending;
    result.cookie = subject.cookie();
    result.done = subject.done();
    result.keep_alive = result.done && subject.keep_alive();
    return result;
}

response read_every_way(std::string_view text, bool ends = false) {
    const response whole = read({text}, ends);
    const auto hold = [&](const response& other, std::size_t cut) {
        const bool same = other.ec == whole.ec && other.done == whole.done && other.keep_alive == whole.keep_alive &&
                          other.cookie == whole.cookie && other.heads == whole.heads &&
                          (whole.ec || (other.body == whole.body && other.left == whole.left));
        if (!same)
            FAIL("cut at " << cut << ": " << error_name(other.ec) << ", whole: " << error_name(whole.ec) << ", of "
                           << text);
    };
    std::vector<std::string_view> bytes;
    for (std::size_t cut = 0; cut != text.size(); ++cut) {
        hold(read({text.substr(0, cut), text.substr(cut)}, ends), cut);
        bytes.push_back(text.substr(cut, 1));
    }
    hold(read(bytes, ends), text.size());
    return whole;
}

const std::string ok = "HTTP/1.1 200 OK\r\n";

}  // namespace

TEST_CASE("a response's end is found, however its length is told") {
    struct row {
        std::string text;
        std::string body;
        bool ends;
        bool keep_alive;
    };
    for (const row& each : std::vector<row>{
             {ok + "Content-Length: 5\r\n\r\nhello", "hello", false, true},
             {ok + "Content-Length: 0\r\n\r\n", "", false, true},
             {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n003\r\nllo\r\n0\r\n\r\n", "hello", false, true},
             {ok + "Transfer-Encoding: chunked\r\n\r\n5;a=b;c\r\nhello\r\n0;d\r\nX: y\r\n\r\n", "hello", false, true},
             {ok + "Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", "0123456789", false, true},
             {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", false, true},
             {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", "", false, true},
             {ok + "\r\nhello", "hello", true, false},
             {"HTTP/1.0 200 OK\r\n\r\nhello", "hello", true, false},
             {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false, false},
             {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "hello", false, true},
             {ok + "Connection: close\r\nContent-Length: 5\r\n\r\nhello", "hello", false, false},
             {"HTTP/1.1 204 No Content\r\n\r\n", "", false, true},
             {"HTTP/1.1 304 Not Modified\r\n\r\n", "", false, true},
             {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok +
                  "Content-Length: 2\r\n\r\nhi",
              "hi", false, true},
         }) {
        INFO(each.text);
        const response found = read_every_way(each.text, each.ends);
        CHECK_FALSE(found.ec);
        CHECK(found.heads == 1);
        CHECK(found.body == each.body);
        CHECK(found.done);
        CHECK(found.keep_alive == each.keep_alive);
        CHECK(found.left.empty());
    }
}

TEST_CASE("bytes behind a response are left") {
    const response found = read_every_way(ok + "Content-Length: 2\r\n\r\nhiHTTP/1.1 200");
    CHECK(found.done);
    CHECK(found.body == "hi");
    CHECK(found.left == "HTTP/1.1 200");
}

TEST_CASE("what is no HTTP response is refused") {
    for (const std::string& text : std::vector<std::string>{
             "SSH-2.0-OpenSSH\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 099 No\r\n\r\n",
             "HTTP/1.1 600 No\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", ok + "No colon\r\n\r\n",
             ok + "Content-Length: x\r\n\r\n", ok + "Content-Length: -1\r\n\r\n",
             ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
             ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
             ok + "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
             ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"}) {
        INFO(text);
        CHECK(error_name(read_every_way(text).ec) == "http_malformed");
    }
}

TEST_CASE("a header may have as many bytes as its limit, and one that is too long is told before it is judged") {
    const std::string start = ok + "Content-Length: 0\r\nX: ";
    const std::string fits = start + std::string(256 - start.size() - 4, 'x') + "\r\n\r\n";
    REQUIRE(fits.size() == 256);
    CHECK_FALSE(read_every_way(fits).ec);
    for (const std::string& text :
         {start + std::string(256 - start.size() - 3, 'x') + "\r\n\r\n", ok + std::string(300, 'x') + "\r\n\r\n",
          "HTTP/1.1 2x0 OK\r\n" + std::string(300, 'x'), ok + "X: y\r\nno colon" + std::string(240, '\xFF'),
          "HTTP/1.1 100 Continue\r\n\r\n" + ok + std::string(300, 'x')}) {
        INFO(text);
        CHECK(error_name(read_every_way(text).ec) == "http_header_limit");
    }
}

TEST_CASE("a response cut short by its peer is a lost connection") {
    for (const std::string& text : std::vector<std::string>{
             "", "HTTP/1.", ok, ok + "Content-Length: 5\r\n\r\nhell",
             ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "HTTP/1.1 100 Continue\r\n\r\n"}) {
        INFO(text);
        CHECK(error_name(read_every_way(text, true).ec) == "connection_lost");
    }
}

TEST_CASE("a head's own fields are handed out") {
    const response found = read_every_way(
        "HTTP/1.1 503 Busy\r\nretry-after: 7\r\nLOCATION: /login\r\nContent-Encoding: gzip\r\n"
        "Set-Cookie: other=1\r\nSet-Cookie: JSESSIONID=0A; Path=/obs; Secure\r\nContent-Length: 0\r\n\r\n");
    CHECK(found.status == 503);
    CHECK(found.retry_after == "7");
    CHECK(found.location == "/login");
    CHECK(found.content_encoded);
    CHECK(found.content_length == 0);
    CHECK(found.cookie == "JSESSIONID=0A");
}

TEST_CASE("of all cookies only the server's session on our path is kept") {
    struct row {
        const char* header;
        bool concerns_us;
        const char* pair;
    };
    for (const row& each : std::vector<row>{{"JSESSIONID=0A1B; Path=/obs; Secure; HttpOnly", true, "JSESSIONID=0A1B"},
                                            {" JSESSIONID=0A ;path=/", true, "JSESSIONID=0A"},
                                            {"JSESSIONID=0A", true, "JSESSIONID=0A"},
                                            {"JSESSIONID=0A; Path=/obs/", true, "JSESSIONID=0A"},
                                            {"JSESSIONID=0A; Path=/ob", false, "JSESSIONID=0A"},
                                            {"JSESSIONID=0A; Path=/other", false, "JSESSIONID=0A"},
                                            {"JSESSIONID=; Path=/obs", true, ""},
                                            {"JSESSIONID=0A; Max-Age=0", true, ""},
                                            {"JSESSIONID=0A; Max-Age=-1", true, ""},
                                            {"JSESSIONID=0\\A", false, "JSESSIONID=0\\A"},
                                            {"jsessionid=0A", false, ""},
                                            {"other=1", false, ""},
                                            {"", false, ""}}) {
        INFO(each.header);
        const wire::session_cookie found = wire::parse_set_cookie(each.header, "/obs/api");
        CHECK(found.concerns_us == each.concerns_us);
        CHECK(found.pair == each.pair);
    }
}

TEST_CASE("Retry-After is read in all of its forms") {
    const std::chrono::sys_seconds now = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min + 30s;
    for (const char* text :
         {"7", " 7 ", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
        INFO(text);
        CHECK(wire::parse_retry_after(text, now) == 7s);
    }
    CHECK(wire::parse_retry_after("Sun, 06 Nov 1994 08:49:29 GMT", now) == 0s);
    for (const char* text :
         {"", "soon", "-1", "1.5", "7s", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
          "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 anF 1994 08:49:37 GMT", "99999999999"}) {
        INFO(text);
        CHECK_FALSE(wire::parse_retry_after(text, now));
    }
}

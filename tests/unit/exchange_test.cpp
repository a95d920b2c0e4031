// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/exchange.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

namespace exchange_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

struct response final : wire::body_sink {
    void on_head(const wire::response_head& head, error_code&) override {
        ++heads;
        status = head.status;
        retry_after = head.retry_after;
        date = head.date;
        location = head.location;
        content_encoded = head.content_encoded;
        content_length = head.content_length;
    }
    void on_body(std::string_view piece, error_code&) override { body += piece; }

    int heads = 0;
    unsigned status = 0;
    std::string retry_after;
    std::string date;
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
             {ok + "Transfer-Encoding: chunked\r\n\r\n2 \r\nhe\r\n3  \t \r\nllo\r\n0  \r\n\r\n", "hello", false, true},
             {ok + "Transfer-Encoding: chunked\r\n\r\n" + std::string(20, '0') + "5\r\nhello\r\n0000\r\n\r\n", "hello",
              false, true},
             {ok + "Transfer-Encoding: chunked\r\n\r\n5 ;;=\t\"a\\\"\";\xFF\r\nhello\r\n0 ; x y\r\n\r\n", "hello",
              false, true},
             {ok + "Transfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", false, true},
             {ok + "Transfer-Encoding: identity\r\n\r\nhello", "hello", true, false},
             {ok + "Transfer-Encoding: identity, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", false, true},
             {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
              "hello", false, false},
             {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", false, false},
             {"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "hello", false, true},
             {"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "hello", false, true},
             {"HTTP/1.1 200 OK\nContent-Length: 5\r\n\nhello", "hello", false, true},
             {"HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\nhello", "hello", false, true},
             {"HTTP/1.1 200\nTransfer-Encoding: chunked\n\n5 \r\nhello\r\n0\r\n\r\n", "hello", false, true},
             {"HTTP/1.1 200 OK\n\r\nhello", "hello", true, false},
             {ok + "Server : x\r\nContent-Length: 5\r\n\r\nhello", "hello", false, true},
             {ok + "Connection: a b\r\nContent-Length: 5\r\n\r\nhello", "hello", false, false},
             {"\r\n" + ok + "Content-Length: 5\r\n\r\nhello", "hello", false, true},
             {"\n\r\n\n" + ok + "Content-Length: 5\r\n\r\nhello", "hello", false, true},
             {"HTTP/1.1 100\r\n\r\n\r\n" + ok + "Content-Length: 5\r\n\r\nhello", "hello", false, true},
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
             "HTTP/1.1 600 No\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 101\r\n\r\n",
             ok + "No colon\r\n\r\n", "\rHTTP/1.1 200 OK\r\n\r\n", "\r\r\nHTTP/1.1 200 OK\r\n\r\n",
             " " + ok + "\r\n"}) {
        INFO(text);
        CHECK(error_name(read_every_way(text).ec) == "http_malformed");
    }
}

TEST_CASE("framing that could be read in two ways is refused") {
    for (const std::string& fields :
         std::vector<std::string>{"Content-Length: x",
                                  "Content-Length:",
                                  "Content-Length: -5",
                                  "Content-Length: +5",
                                  "Content-Length: 0x5",
                                  "Content-Length: 5;",
                                  "Content-Length: 5 5",
                                  "Content-Length: 5, 6",
                                  "Content-Length: 5,",
                                  "Content-Length: 18446744073709551616",
                                  "Content-Length: 1\r\nContent-Length: 2",
                                  "Content-Length : 5",
                                  "Content-Length\t: 5",
                                  "Content Length: 5",
                                  "Content-Length\x01: 5",
                                  "Content-Length: 5\x01",
                                  "Content-Length:\r\n 5",
                                  "Content-Length: 5\r\n ",
                                  "Content-Length: 1\r\n 5",
                                  "X: y\r\nContent-Length:\n 5",
                                  "Transfer-Encoding : chunked",
                                  "Transfer-Encoding:\r\n chunked",
                                  "Transfer-Encoding: chunked\r\n\t",
                                  "Transfer-Encoding: xchunked",
                                  "Transfer-Encoding: \"chunked\"",
                                  "Transfer-Encoding: chunked;x",
                                  "Transfer-Encoding:",
                                  "Transfer-Encoding: ,chunked",
                                  "Transfer-Encoding: chunked,",
                                  "Transfer-Encoding: chunked, chunked",
                                  "Transfer-Encoding: chunked, gzip",
                                  "Transfer-Encoding: chunked, identity",
                                  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                                  "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                                  "Transfer-Encoding: \x0b chunked",
                                  "Content-Length: 5\r\nTransfer-Encoding: chunked",
                                  "Transfer-Encoding: chunked\r\nContent-Length: 5",
                                  "Content-Length: 5\r\nTransfer-Encoding: identity",
                                  "Transfer-Encoding: identity\r\nContent-Length: 5",
                                  "Transfer-Encoding: gzip\r\nContent-Length: 5"}) {
        INFO(fields);
        CHECK(error_name(read_every_way(ok + fields + "\r\n\r\n").ec) == "http_malformed");
        CHECK(error_name(read_every_way("HTTP/1.1 200\nX : y\n" + fields + "\n\n").ec) == "http_malformed");
    }
    for (const std::string& chunks : std::vector<std::string>{"x\r\n\r\n",
                                                              "\r\nhello",
                                                              "+5\r\nhello",
                                                              "-5\r\nhello",
                                                              "-0\r\n\r\n",
                                                              "0x5\r\nhello",
                                                              " 5\r\nhello",
                                                              "\t5\r\nhello",
                                                              "5 5\r\nhello",
                                                              "5 x\r\nhello",
                                                              "5,\r\nhello",
                                                              "5h\r\nhello",
                                                              "5\nhello\r\n0\r\n\r\n",
                                                              "5;a\nhello\r\n",
                                                              "5\rhello\r\n",
                                                              "5\r\r\nhello",
                                                              "5;a\rb\r\nhello",
                                                              "5;a=\"b\r\nhello\"\r\nhello",
                                                              "5;a=\"\\\"\r\nhello",
                                                              "5;a=\"\\\r\nhello",
                                                              std::string("5;a\0b\r\nhello", 12),
                                                              "10000000000000000\r\nhello",
                                                              "1\r\nab\r\n0\r\n\r\n",
                                                              "1\r\na\n0\r\n\r\n",
                                                              "1\r\na0\r\n\r\n",
                                                              "1\r\na\r0\r\n\r\n",
                                                              "0\r\n\n",
                                                              "0\r\nX: y\n\n",
                                                              "0\r\nX: y\r\n\n",
                                                              "0\r\nno colon\r\n\r\n",
                                                              "0\r\nX : y\r\n\r\n"}) {
        INFO(chunks);
        CHECK(error_name(read_every_way(ok + "Transfer-Encoding: chunked\r\n\r\n" + chunks).ec) == "http_malformed");
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

TEST_CASE("all of a response that is no body has one budget") {
    const std::string head = ok + "Transfer-Encoding: chunked\r\n\r\n";
    const std::size_t left = 256 - head.size();
    const auto times = [](std::size_t count, std::string_view text) {
        std::string out;
        for (std::size_t turn = 0; turn != count; ++turn)
            out += text;
        return out;
    };
    struct row {
        /// Uses up the budget: a byte more, put in for the @, is too much.
        std::string text;
        std::string more;
    };
    const std::string body = "1\r\na\r\n";
    for (const row& each : std::vector<row>{
             {head + "1;@" + std::string(left - 1, 'x') + "\r\na\r\n0\r\n\r\n", "x"},
             {head + "1;@" + std::string(left - 3, 'x') + "\r\na\r\n0;x\r\n\r\n", "x"},
             {head + times(left, "1;\r\na\r\n") + "0@\r\n\r\n", ";"},
             {head + times((left - 1) / 8, "1;a=b;cd;\r\na\r\n") + "0;@" + std::string((left - 1) % 8, 'x') +
                  "\r\n\r\n",
              "x"},
             {head + "1@" + std::string(left + 23, ' ') + "\r\na\r\n0\r\n\r\n", " "},
             {head + "@" + std::string(left + 23, '0') + "1\r\na\r\n0\r\n\r\n", "0"},
             {head + body + "0\r\nX: @" + std::string(left - 5, 'y') + "\r\n\r\n", "y"},
             {head + body + "0;x\r\n" + times((left - 6) / 6, "X: y\r\n") + "X:@" + std::string((left - 6) % 6, 'y') +
                  "\r\n\r\n",
              "y"},
             {times(left / 2, "\r\n") + std::string(left % 2, '\n') + "@" + head + body + "0\r\n\r\n", "\n"},
             {"HTTP/1.1 100 @" + std::string(left - 17, 'x') + "\r\n\r\n" + head + body + "0\r\n\r\n", "x"},
             {times((left - 1) / 16, "HTTP/1.1 103\r\n\r\n") + std::string((left - 1) % 16 + 1, '\n') + "@" + head +
                  body + "0\r\n\r\n",
              "\n"},
         }) {
        INFO(each.text);
        std::string fits = each.text;
        fits.erase(fits.find('@'), 1);
        std::string too_long = each.text;
        too_long.replace(too_long.find('@'), 1, each.more);
        CHECK(error_name(read_every_way(fits).ec) == error_name({}));
        CHECK(read_every_way(fits).done);
        CHECK(error_name(read_every_way(too_long).ec) == "http_header_limit");
    }
    // Each response has a budget of its own, and what its chunks need is free.
    const response found = read_every_way(head + times(500, "0001   \r\na\r\n") + "0\r\n\r\n");
    CHECK_FALSE(found.ec);
    CHECK(found.body.size() == 500);
}

TEST_CASE("what never ends is refused, and no more of it is kept than the limit") {
    const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
    for (const std::string& start :
         {std::string(), ok, ok + "X: ", std::string("HTTP/1.1 200"), chunked + "1;", chunked + "1;a=\"",
          chunked + "0;", chunked + "1\r\na\r\n1;", chunked + "0\r\nX: ", chunked + "0\r\n X", chunked, chunked + "1 "})
        for (const std::string_view more :
             {"x", "\n", "\r\n", " ", "0", "\"", ";x=y", "X: y\r\n", "\r\n ", "1;x\r\na\r\n", "HTTP/1.1 103\r\n\r\n"}) {
            INFO(start << "..." << more);
            wire::exchange subject(4096, "/");
            subject.begin();
            response sink;
            error_code ec;
            std::string pending = start;
            std::size_t fed = 0;
            for (; fed < 1'000'000 && !ec && !subject.done(); fed += more.size()) {
                pending += more;
                pending.erase(0, subject.feed(pending, sink, ec));
                if (pending.size() > 4096 + more.size())
                    FAIL(pending.size() << " bytes are kept");
            }
            // Body, or blank lines that became a malformed response: otherwise it is the limit that ends it.
            CHECK((ec || subject.done() || sink.body.size() > 4096));
        }
}

TEST_CASE("bytes that are left are not searched again") {
    // With a search from the start at each byte this takes minutes.
    static constexpr std::size_t limit = 1'000'000;
    const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
    for (const std::string& start : {ok + "X: ", chunked + "1;", chunked + "0\r\nX: "}) {
        wire::exchange subject(limit, "/");
        subject.begin();
        response sink;
        error_code ec;
        std::string text = start;
        text.resize(2 * limit, 'x');
        std::size_t taken = 0;
        std::size_t seen = 0;
        while (!ec && seen != text.size())
            taken += subject.feed(std::string_view(text).substr(taken, ++seen - taken), sink, ec);
        CHECK(error_name(ec) == "http_header_limit");
        CHECK(seen <= limit + 64);
    }
}

TEST_CASE("blank lines between two responses belong to none") {
    wire::exchange subject(256, "/");
    response sink;
    error_code ec;
    const std::string answer = ok + "Content-Length: 0\r\n\r\n";
    for (int turn = 0; turn != 3; ++turn) {
        subject.begin();
        CHECK(subject.skip_blank_lines("\n") == 1);
        CHECK(subject.skip_blank_lines("\r") == 1);
        CHECK(subject.skip_blank_lines("\r") == 0);
        CHECK(subject.skip_blank_lines("\nHTTP") == 1);
        CHECK_FALSE(subject.started());
        CHECK(subject.feed("\r\n", sink, ec) == 2);
        CHECK_FALSE(subject.started());
        CHECK(subject.feed("\r\n" + answer, sink, ec) == 2 + answer.size());
        CHECK(subject.done());
        CHECK(subject.started());
        CHECK(subject.skip_blank_lines("\r\n\r\n") == 4);
    }
    CHECK(subject.skip_blank_lines(std::string(1000, '\n')) == 252);
    CHECK(subject.skip_blank_lines("\n") == 0);
    subject.begin();
    CHECK(subject.feed("\n" + answer, sink, ec) == 0);
    CHECK(error_name(ec) == "http_header_limit");
}

TEST_CASE("a coding that changes bytes is told from what is none") {
    struct row {
        const char* fields;
        bool encoded;
    };
    for (const row& each : std::vector<row>{{"Content-Encoding: gzip", true},
                                            {"Content-Encoding: GZIP", true},
                                            {"Content-Encoding: x-gzip", true},
                                            {"Content-Encoding: deflate", true},
                                            {"Content-Encoding: compress", true},
                                            {"Content-Encoding: br", true},
                                            {"Content-Encoding: zstd", true},
                                            {"Content-Encoding: lzma", true},
                                            {"Content-Encoding: \"gzip\"", true},
                                            {"Content-Encoding: gzip;q=1", true},
                                            {"Content-Encoding: utf-8, gzip", true},
                                            {"Content-Encoding: gzip, identity", true},
                                            {"Content-Encoding: gzip\r\nContent-Encoding: identity", true},
                                            {"Content-Encoding: identity\r\nContent-Encoding: br", true},
                                            {"Content-Encoding:\r\n gzip", true},
                                            {"Content-Encoding : gzip", true},
                                            {"Transfer-Encoding: gzip, chunked", true},
                                            {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", true},
                                            {"Transfer-Encoding: gzip", true},
                                            {"Content-Encoding: identity", false},
                                            {"Content-Encoding: Identity", false},
                                            {"Content-Encoding:", false},
                                            {"Content-Encoding: none", false},
                                            {"Content-Encoding: binary", false},
                                            {"Content-Encoding: 8bit", false},
                                            {"Content-Encoding: utf-8", false},
                                            {"Content-Encoding: UTF8", false},
                                            {"Content-Encoding: iso-8859-1", false},
                                            {"Content-Encoding: windows-1252", false},
                                            {"Content-Encoding: charset=utf-8", false},
                                            {"Content-Encoding: application/json", false},
                                            {"Content-Encoding: ,", false},
                                            {"Content-Encoding: \"\"", false},
                                            {"X-Content-Encoding: gzip", false}}) {
        INFO(each.fields);
        const response found = read_every_way(ok + each.fields + "\r\n\r\n");
        CHECK_FALSE(found.ec);
        CHECK(found.heads == 1);
        CHECK(found.content_encoded == each.encoded);
    }
}

TEST_CASE("a header that is refused sets no cookie") {
    CHECK(read_every_way(ok + "Set-Cookie: JSESSIONID=0A\r\nno colon\r\n\r\n").cookie.empty());
    CHECK(read_every_way(ok + "Set-Cookie : JSESSIONID=0A\r\nContent-Length: 0\r\n\r\n").cookie == "JSESSIONID=0A");
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
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Set-Cookie: other=1\r\nSet-Cookie: JSESSIONID=0A; Path=/obs; Secure\r\nContent-Length: 0\r\n\r\n");
    CHECK(found.status == 503);
    CHECK(found.retry_after == "7");
    CHECK(found.date == "Sun, 06 Nov 1994 08:49:37 GMT");
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
        CHECK(wire::parse_retry_after(text, {}, now) == 7s);
    }
    CHECK(wire::parse_retry_after("Sun, 06 Nov 1994 08:49:29 GMT", {}, now) == 0s);
    // The server's clock, where it tells it.
    CHECK(wire::parse_retry_after("Sun, 06 Nov 1994 09:49:37 GMT", "Sun, 06 Nov 1994 09:49:30 GMT", now) == 7s);
    CHECK(wire::parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "yesterday", now) == 7s);
    CHECK(wire::parse_retry_after("7", "Sun, 06 Nov 1994 09:49:30 GMT", now) == 7s);
    for (const char* text :
         {"", "soon", "-1", "1.5", "7s", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
          "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 anF 1994 08:49:37 GMT", "99999999999"}) {
        INFO(text);
        CHECK_FALSE(wire::parse_retry_after(text, {}, now));
    }
}

}  // namespace exchange_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/head_repair.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

namespace head_repair_test {

using namespace jobmode;

namespace {

namespace http = boost::beast::http;

/// Whether the strict reader takes it.
bool is_strict(std::string_view head) {
    http::response_parser<http::empty_body> parser;
    parser.skip(true);
    boost::system::error_code ec;
    const std::size_t taken = parser.put({head.data(), head.size()}, ec);
    return !ec && taken == head.size() && parser.is_header_done();
}

const std::string ok = "HTTP/1.1 200 OK\r\n";

}  // namespace

TEST_CASE("a head that a strict reader takes is left alone") {
    for (const std::string& head : std::vector<std::string>{
             ok + "\r\n",
             "HTTP/1.0 200 \r\n\r\n",
             "HTTP/1.1 200  O\tK \r\n\r\n",
             "HTTP/1.1 200 \xFF\x80\r\n\r\n",
             ok + "Content-Length: 5\r\n\r\n",
             ok + "content-length:5 \t\r\n\r\n",
             ok + "Content-Length:\r\n 5\r\n\r\n",
             ok + "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n",
             ok + "Transfer-Encoding:\r\n\tchunked\r\n\r\n",
             ok + "X:\r\n\r\n",
             ok + "X:y\r\nX: y \t\r\nX: \xE4\r\n\r\n",
             ok + "X: a\r\n b\r\n\tc\r\n \r\nY: z\r\n\r\n",
             ok + "!#$%&'*+-.^_`|~09AZaz: y\r\n\r\n",
             ok + "Content_Length: 5\r\nContentLength: 6\r\n\r\n",
             ok + "Connection: close , ,keep-alive\r\nProxy-Connection:\r\n\r\n",
         }) {
        INFO(head);
        REQUIRE(is_strict(head));
        CHECK(wire::repair_head(head) == head);
    }
}

TEST_CASE("a head that peers take becomes one that a strict reader takes") {
    struct row {
        std::string head;
        std::string repaired;
    };
    for (const row& each : std::vector<row>{
             {"HTTP/1.1 200\r\n\r\n", "HTTP/1.1 200 \r\n\r\n"},
             {"HTTP/1.0 404\r\nX: y\r\n\r\n", "HTTP/1.0 404 \r\nX: y\r\n\r\n"},
             {"HTTP/1.1  200 OK\r\n\r\n", ok + "\r\n"},
             {"HTTP/1.1\t200 OK\r\n\r\n", ok + "\r\n"},
             {"HTTP/1.1 \t 200\tOK\r\n\r\n", ok + "\r\n"},
             {"HTTP/1.1 200OK\r\n\r\n", ok + "\r\n"},
             {"HTTP/1.2 200 OK\r\n\r\n", ok + "\r\n"},
             {"HTTP/1.9 200\r\n\r\n", "HTTP/1.1 200 \r\n\r\n"},
             {"HTTP/1.1 200 O\x01K\x7F\r\n\r\n", "HTTP/1.1 200 O K \r\n\r\n"},
             {"HTTP/1.1 200 OK\n\n", ok + "\r\n"},
             {"HTTP/1.1 200 OK\nX: y\n\r\n", ok + "X: y\r\n\r\n"},
             {ok + "X: y\nContent-Length: 5\r\n\n", ok + "X: y\r\nContent-Length: 5\r\n\r\n"},
             {ok + "Content-Length: 5\nX: y\n\n", ok + "Content-Length: 5\r\nX: y\r\n\r\n"},
             {ok + "Transfer-Encoding: chunked\n\n", ok + "Transfer-Encoding: chunked\r\n\r\n"},
             {ok + "X : y\r\n\r\n", ok + "X: y\r\n\r\n"},
             {ok + "X\t \t:y\r\n\r\n", ok + "X: y\r\n\r\n"},
             {ok + "Set-Cookie : a=b\r\n\r\n", ok + "Set-Cookie: a=b\r\n\r\n"},
             {ok + ": y\r\nZ: a\r\n\r\n", ok + "Z: a\r\n\r\n"},
             {ok + "X(1): y\r\nZ: a\r\n\r\n", ok + "Z: a\r\n\r\n"},
             {ok + "X Y: z\r\n more\r\nZ: a\r\n\r\n", ok + "Z: a\r\n\r\n"},
             {ok + "X\xE4: y\r\n\r\n", ok + "\r\n"},
             {ok + "X\x01: y\r\n\r\n", ok + "\r\n"},
             {ok + "X: a\x01" + "b\x1B\x7F\r\n\r\n", ok + "X: a b  \r\n\r\n"},
             {ok + "X: a\n b\r\n\tc\r\n\r\n", ok + "X: a b c\r\n\r\n"},
             {ok + "X: a\r\n \x01\r\n\r\n", ok + "X: a  \r\n\r\n"},
             {ok + "Connection: keep alive\r\n\r\n", ok + "Connection: close\r\n\r\n"},
             {ok + "connection: keep-alive;\r\n\r\n", ok + "connection: close\r\n\r\n"},
             {ok + "Proxy-Connection: \"x\"\r\n\r\n", ok + "Proxy-Connection: close\r\n\r\n"},
             {ok + "Connection : keep-alive\r\n\r\n", ok + "Connection: keep-alive\r\n\r\n"},
             {ok + "Connection: a\r\n b\r\n\r\n", ok + "Connection: close\r\n\r\n"},
         }) {
        INFO(each.head);
        const std::string found = wire::repair_head(each.head);
        CHECK(found == each.repaired);
        CHECK(is_strict(found));
        CHECK(wire::repair_head(found) == found);
    }
}

TEST_CASE("a head that could be repaired in two ways is left for the strict reader to refuse") {
    for (const std::string& head : std::vector<std::string>{
             "",
             "HTTP/1.1 200 OK",
             ok,
             ok + "X: y",
             ok + "X : y\r\n",
             ok + "X : y\r\n\r\nbody",
             "HTTP/1.1\r\n\r\n",
             "HTTP/1.1 \r\n\r\n",
             "HTTP/1.10 200 OK\r\n\r\n",
             "HTTP/1. 200 OK\r\n\r\n",
             "HTTP/2.0 200 OK\r\n\r\n",
             "http/1.1 200 OK\r\n\r\n",
             "HTTP/1.1200 OK\r\n\r\n",
             "HTTP/1.1 20\r\n\r\n",
             "HTTP/1.1 2000 OK\r\n\r\n",
             "HTTP/1.1 200.1 OK\r\n\r\n",
             "HTTP/1.1 200\x01 OK\r\n\r\n",
             "HTTP/1.1 +20 OK\r\n\r\n",
             std::string("HTTP/1.1 200 O\0K\r\n\r\n", 20),
             ok + std::string("X: \0\r\n\r\n", 8),
             "HTTP/1.1 200 OK\rX : y\r\n\r\n",
             ok + "X : y\rz\r\n\r\n",
             ok + "X : y\r\r\n\r\n",
             ok + "no colon\r\n\r\n",
             ok + " X: y\r\n\r\n",
             ok + "\tX: y\n\n",
             ok + "Content-Length : 5\r\n\r\n",
             ok + "CONTENT-LENGTH\t: 5\r\n\r\n",
             ok + "Content Length: 5\r\n\r\n",
             ok + "\"Content-Length\": 5\r\n\r\n",
             ok + "Content-Length\x0B: 5\r\n\r\n",
             ok + "Content-Length: 5\x01\r\n\r\n",
             ok + "Content-Length: 1\n 5\r\n\r\n",
             ok + "Transfer-Encoding : chunked\r\n\r\n",
             ok + "Transfer-Encoding\xA0: chunked\r\n\r\n",
             ok + "Transfer-Encoding: \x0B" + "chunked\r\n\r\n",
             ok + "Transfer-Encoding:\n chunked\r\n\r\n",
             "HTTP/1.1 200\nX : y\nContent-Length : 5\n\n",
         }) {
        INFO(head);
        REQUIRE_FALSE(is_strict(head));
        CHECK(wire::repair_head(head) == head);
    }
    // What the fields say is not its business.
    const std::string both = "HTTP/1.1 200\r\nContent-Length: x\r\nTransfer-Encoding: y\r\n\r\n";
    CHECK(wire::repair_head(both) == ok.substr(0, 13) + "\r\nContent-Length: x\r\nTransfer-Encoding: y\r\n\r\n");
}

TEST_CASE("where framing means nothing it is left out") {
    for (const std::string field :
         {"Content-Length: x", "content-length : 5", "Content Length: 5", "Transfer-Encoding: chunked",
          "Transfer-Encoding: a\r\n b", "Transfer-Encoding:\n chunked", "Content-Length: \x01"}) {
        INFO(field);
        CHECK(wire::repair_head(ok + field + "\r\nX: y\r\n\r\n", wire::framing::ignored) == ok + "X: y\r\n\r\n");
    }
}

TEST_CASE("a head's end is found in text that grows") {
    struct row {
        std::string text;
        std::size_t end;
    };
    for (const row& each : std::vector<row>{{"", 0},
                                            {"a\r\n", 0},
                                            {"a\r\n\r", 0},
                                            {"a\r\n\r\n", 5},
                                            {"a\r\n\r\nb\r\n\r\n", 5},
                                            {"a\n\nb", 3},
                                            {"a\n\r\nb", 4},
                                            {"a\r\n\nb", 4},
                                            {"a\n\r\r\n", 0},
                                            {"a\nb\r\nc\n\n", 8},
                                            {"\r\r\n\r\r\n\n", 7}}) {
        INFO(each.text);
        std::size_t whole = 0;
        CHECK(wire::end_of_head(each.text, whole) == each.end);
        std::size_t scanned = 0;
        std::size_t found = 0;
        for (std::size_t size = 0; size <= each.text.size() && found == 0; ++size)
            found = wire::end_of_head(each.text.substr(0, size), scanned);
        CHECK(found == each.end);
    }
}

}  // namespace head_repair_test

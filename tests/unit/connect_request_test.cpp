// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/connect_request.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"

namespace connect_request_test {

using namespace jobmode;

namespace {

std::string encoded(std::string_view host, std::string_view agent, std::string_view user, std::string_view password) {
    const cleansed_buffer out = wire::encode_connect(host, "443", agent, user, secret(password));
    return {out.begin(), out.end()};
}

struct outcome {
    error_code error;
    unsigned status = 0;
    std::string reason;
    std::size_t taken = 0;
    bool done = false;
};

/// Feeds a response in pieces of a size, as long as it is not complete.
outcome fed(std::string_view bytes, std::size_t piece, std::size_t limit = 1024) {
    wire::connect_response response(limit);
    outcome out;
    while (!out.error && !response.done() && out.taken != bytes.size())
        out.taken += response.feed(bytes.substr(out.taken, piece), out.error);
    out.status = response.status();
    out.reason = response.reason();
    out.done = response.done();
    return out;
}

}  // namespace

TEST_CASE("CONNECT is written as the RFC has it") {
    CHECK(encoded("cbs.example.com", "", "", "") ==
          "CONNECT cbs.example.com:443 HTTP/1.1\r\nHost: cbs.example.com:443\r\n\r\n");
    CHECK(encoded("::1", "jobmode", "", "") ==
          "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nUser-Agent: jobmode\r\n\r\n");
    CHECK(encoded("fe80::1%eth0", "", "", "") == "CONNECT [fe80::1]:443 HTTP/1.1\r\nHost: [fe80::1]:443\r\n\r\n");
}

TEST_CASE("Basic credentials are written as the RFC has them") {
    struct row {
        const char* user;
        const char* password;
        const char* credentials;
    };
    for (const row& each : std::vector<row>{
             {"Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
             {"test", "123\xC2\xA3", "dGVzdDoxMjPCow=="},
             {"a", "", "YTo="},
             {"a", "b", "YTpi"},
             {"a", "b:c", "YTpiOmM="},
         })
        CHECK_THAT(
            encoded("host", "", each.user, each.password),
            Catch::Matchers::EndsWith("\r\nProxy-Authorization: Basic " + std::string(each.credentials) + "\r\n\r\n"));
}

TEST_CASE("a proxy's response is understood in pieces of any size, and what is behind it is left") {
    struct row {
        std::string header;
        error_code error;
        unsigned status;
        const char* reason;
    };
    const std::string plain = "HTTP/1.1 200 Connection established\r\n\r\n";
    for (const row& each : std::vector<row>{
             {plain, {}, 200, "Connection established"},
             {"HTTP/1.0 200 OK\r\nProxy-agent: tinyproxy/1.11.1\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 200\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1  200\tOK\nX : y\n\n", {}, 200, "OK"},
             {"HTTP/1.1 200 \r\n\r\n", {}, 200, "OK"},
             // A length means nothing here, whatever it is.
             {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n 6\r\n\r\n", {}, 200, "OK"},
             {"HTTP/1.1 204 Fine\r\n\r\n", {}, 204, "Fine"},
             {"HTTP/1.1 100 Continue\r\n\r\n" + plain, {}, 200, "Connection established"},
             {"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", errc::proxy_refused, 302, "Found"},
             {"HTTP/1.1 400 Bad\x01s\r\n\r\n", errc::proxy_refused, 400, "Bad s"},
             {std::string("HTTP/1.1 400 Bad\0\r\n\r\n", 21), errc::http_malformed, 0, ""},
             {"HTTP/1.1 400 Bad\xFFs\r\n\r\n", errc::proxy_refused, 400, "Bad?s"},
             {"HTTP/1.1 403 Forbidden\r\n\r\n", errc::proxy_refused, 403, "Forbidden"},
             {"HTTP/1.1 403 " + std::string(100, 'x') + "\r\n\r\n", errc::proxy_refused, 403,
              "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
             {"HTTP/1.1 401 Unauthorized\r\n\r\n", errc::proxy_authentication_required, 401, "Unauthorized"},
             {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
              errc::proxy_authentication_required, 407, "Proxy Authentication Required"},
             {"HTTP/1.1 500 Oops\r\n\r\n", errc::proxy_refused, 500, "Oops"},
             {"HTTP/1.1 502 Bad Gateway\r\n\r\n", errc::server_busy, 502, "Bad Gateway"},
             {"HTTP/1.1 503 Busy\r\n\r\n", errc::server_busy, 503, "Busy"},
             {"HTTP/1.1 504 Late\r\n\r\n", errc::server_busy, 504, "Late"},
             {"HTTP/1.1 abc OK\r\n\r\n", errc::http_malformed, 0, ""},
             {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", errc::http_malformed, 0, ""},
         }) {
        INFO(each.header);
        for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
            const outcome found = fed(each.header + "\x15\x03\x03\r\n\r\n", piece);
            CHECK(found.error == each.error);
            CHECK(found.status == each.status);
            CHECK(found.reason == each.reason);
            CHECK(found.taken == each.header.size());
            CHECK(found.done == (each.status != 0));
        }
    }
}

TEST_CASE("what is no HTTP from a proxy is refused at once") {
    for (const char* const bytes : {"SSH-2.0-OpenSSH\r\n", "\x15\x03\x01\x00\x02\x02\x50", "HTTP/2.0 200 OK\r\n",
                                    "<html>", "\r\n\r\n", "HTTP/1x"})
        for (const std::size_t piece : {1U, 1000U}) {
            const outcome found = fed(bytes, piece);
            CHECK(found.error == errc::http_malformed);
            CHECK_FALSE(found.done);
        }
}

TEST_CASE("half a response of a proxy is no response") {
    const outcome found = fed("HTTP/1.1 200 OK\r\nA: b\r\n", 5);
    CHECK_FALSE(found.error);
    CHECK_FALSE(found.done);
    CHECK(found.status == 0);
}

TEST_CASE("a proxy's header is limited") {
    const std::string start = "HTTP/1.1 200 OK\r\nX: ";
    for (const std::size_t piece : {1U, 100U, 5000U}) {
        CHECK_FALSE(fed(start + std::string(1024 - start.size() - 4, 'x') + "\r\n\r\n", piece).error);
        CHECK(fed(start + std::string(1025 - start.size() - 4, 'x') + "\r\n\r\n", piece).error ==
              errc::http_header_limit);
        const outcome endless = fed(start + std::string(100'000, 'x'), piece);
        CHECK(endless.error == errc::http_header_limit);
        CHECK(endless.taken <= 1024 + piece);
    }
    // Interim responses count together with the one that follows.
    const std::string two = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    for (const std::size_t piece : {1U, 1000U}) {
        CHECK_FALSE(fed(two, piece, two.size()).error);
        CHECK(fed(two, piece, two.size() - 1).error == errc::http_header_limit);
    }
}

}  // namespace connect_request_test

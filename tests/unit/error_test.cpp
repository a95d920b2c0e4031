// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/error.hpp>
#include <jobmode/secret.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <cstdlib>
#include <set>
#include <string>

#include "catch.hpp"

namespace error_test {

using namespace jobmode;

TEST_CASE("every code has a name and a sentence of its own") {
    std::set<std::string> names;
    std::set<std::string> sentences;
    for (int code = 1; code <= static_cast<int>(errc::answer_limit); ++code) {
        const error_code ec(code, error_category());
        CHECK(names.insert(error_name(ec)).second);
        CHECK(sentences.insert(ec.message()).second);
        CHECK(ec.message() != "unknown error");
    }
    CHECK(error_name(errc::invalid_query) == "invalid_query");
    CHECK(error_name(errc::connection_lost) == "connection_lost");
    CHECK(error_name(errc::answer_limit) == "answer_limit");
    CHECK(error_name({0, error_category()}) == "jobmode:0");
    CHECK(error_name({1000, error_category()}) == "jobmode:1000");
    CHECK(error_code(-1, error_category()).message() == "unknown error");
    CHECK(error_name(boost::asio::error::eof) == "asio.misc:2");
    CHECK(std::string(error_category().name()) == "jobmode");
}

TEST_CASE("a failure is described in one line") {
    diagnostics about;
    CHECK(about.describe(errc::api_error) == "the server answered with an error");
    about.attempt = 1;
    about.http_status = 200;
    about.phase = phase::decode;
    about.server_message = "No such user";
    CHECK(about.describe(errc::api_error) == "the server answered with an error (decode): No such user");
    about.attempt = 3;
    about.http_status = 503;
    CHECK(about.describe(errc::server_busy) ==
          "the server, or a proxy before it, cannot answer now (decode, HTTP 503, attempt 3): No such user");
    diagnostics bad;
    bad.phase = phase::decode;
    bad.offset = 17;
    bad.excerpt = "{\\x01";
    CHECK(bad.describe(errc::json_syntax) ==
          "the answer is not well-formed JSON (decode, at byte 17): near \"{\\x01\"");
    diagnostics caused;
    caused.cause = boost::asio::error::eof;
    CHECK(caused.describe(errc::connection_lost).ends_with(": " + error_code(boost::asio::error::eof).message()));
    caused.detail = "10.0.0.1:443";
    CHECK(caused.describe(errc::connection_lost).ends_with("complete: 10.0.0.1:443"));
}

TEST_CASE("phases have their names") {
    CHECK(to_string(phase::none) == "none");
    CHECK(to_string(phase::resolve) == "resolve");
    CHECK(to_string(phase::connect) == "connect");
    CHECK(to_string(phase::handshake) == "handshake");
    CHECK(to_string(phase::write) == "write");
    CHECK(to_string(phase::read) == "read");
    CHECK(to_string(phase::decode) == "decode");
}

TEST_CASE("a secret has its text, and is read from the environment by name") {
    CHECK(secret().empty());
    const secret word("s3cret");
    const secret copy = word;
    CHECK(copy.reveal() == "s3cret");
    CHECK(copy.reveal().data() != word.reveal().data());
    ::setenv("JOBMODE_TEST_SECRET", "from outside", 1);
    CHECK(secret::from_environment("JOBMODE_TEST_SECRET").reveal() == "from outside");
    ::unsetenv("JOBMODE_TEST_SECRET");
    try {
        secret::from_environment("JOBMODE_TEST_SECRET");
        FAIL("a variable that is not set was read");
    } catch (const boost::system::system_error& error) {
        CHECK(error.code() == errc::invalid_config);
        CHECK(std::string(error.what()).find("JOBMODE_TEST_SECRET") != std::string::npos);
    }
}

}  // namespace error_test

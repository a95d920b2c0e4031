// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <string>

#include "catch.hpp"
#include "wire/redactor.hpp"

namespace redactor_test {

using namespace jobmode;

namespace {

std::string redacted(const char* password, std::string text) {
    wire::redactor({secret(password)}).redact(text);
    return text;
}

std::string redacted_excerpt(const char* password, std::string text) {
    wire::redactor({secret(password)}).redact_excerpt(text);
    return text;
}

}  // namespace

TEST_CASE("a password is taken out of what a server says, however it is escaped") {
    CHECK(redacted("s3cr3t", "you sent s3cr3t, and s3cr3t again") == "you sent [password], and [password] again");
    CHECK(redacted("s3cr3t", "nothing of it: s3cr3") == "nothing of it: s3cr3");
    CHECK(redacted("a\"b\\c", R"(raw a"b\c, JSON a\"b\\c)") == "raw [password], JSON [password]");
    CHECK(redacted("p\xC3\xA4ss", R"(printable p\xc3\xa4ss)") == "printable [password]");
    CHECK(redacted("password", "[password]") == "[[password]]");
}

TEST_CASE("a password is taken out of pages and URLs, too") {
    CHECK(redacted("a&b<'\">", "value=\"a&amp;b&lt;&#39;&quot;&gt;\"") == "value=\"[password]\"");
    CHECK(redacted("a\"b<", "{&quot;SysPwd&quot;:&quot;a\\&quot;b&lt;&quot;}") ==
          "{&quot;SysPwd&quot;:&quot;[password]&quot;}");
    CHECK(redacted("a\"b", "?body=%22a%5C%22b%22") == "?body=%22[password]%22");
    CHECK(redacted("p@ss/w\xC3\xB6rd", "/login?SysPwd=p%40ss%2Fw%C3%B6rd&x=1") == "/login?SysPwd=[password]&x=1");
}

TEST_CASE("several secrets are taken out, the longest first, and an empty one is none") {
    std::string text = "one, one-two, two";
    wire::redactor({secret("one"), secret(""), secret("one-two")}).redact(text);
    CHECK(text == "[password], [password], two");
    std::string untouched = "text";
    wire::redactor({secret("")}).redact_excerpt(untouched);
    CHECK(untouched == "text");
}

TEST_CASE("a password that an excerpt cuts is taken out, too") {
    const std::string password = "correct-horse";
    for (std::size_t part = 4; part != password.size(); ++part) {
        CHECK(redacted_excerpt("correct-horse", password.substr(password.size() - part) + "\",\"x\":1") ==
              "[password]\",\"x\":1");
        CHECK(redacted_excerpt("correct-horse", "\"SysPwd\":\"" + password.substr(0, part)) ==
              "\"SysPwd\":\"[password]");
    }
    CHECK(redacted_excerpt("correct-horse", "houses eat cor") == "houses eat cor");
    CHECK(redacted_excerpt("ab", "ab cd") == "[password] cd");
}

}  // namespace redactor_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// RFC 8259's grammar, by tables: each text stands as a value that is passed over, and as a field's.
#include <string>
#include <vector>

#include "catch.hpp"
#include "decode.hpp"

namespace json_conformance_test {

using namespace jobmode;
using jobmode::test::decode_every_way;

namespace {

std::string passed_over(const std::string& value) {
    return R"({"X":)" + value + R"(,"Y":[)" + value + "," + value + R"(],"Status":"OK"})";
}

std::string in_field(const std::string& value) {
    return R"({"Status":"OK","Data":[{"ID":)" + value + "}]}";
}

}  // namespace

TEST_CASE("JSON that the grammar has is taken") {
    for (const std::string& value : std::vector<std::string>{
             // Numbers.
             "0", "-0", "1", "10", "-12", "0.0", "0.10", "-0.5", "1e1", "1E1", "1e+1", "1e-1", "0e0", "0E+00",
             "1.5e007", "9223372036854775808", "-9223372036854775809", "1e400", "-1e400", "1e-400", "0.1e1",
             "3.14159265358979323846264338327950288",
             // Strings.
             R"("")", R"(" ")", R"("/")", R"("\"\\\/\b\f\n\r\t")", R"("\u0000")", R"("\u001f\u007F\uFFFF\uabCD")",
             R"("\ud800\udc00")", R"("\uDBFF\uDFFF")", R"("\uD83D\uDE00 x")", "\"\x7F\"", "\"\xE2\x80\xA8\"",
             R"("\\u0041")", R"("{\"a\":[}]")",
             // Literals.
             "null", "true", "false",
             // Structure.
             "[]", "{}", "[ ]", "{ }", "[1]", "[ 1 , 2 ]", "[[],[[]],{}]", R"({"":0})", R"({"a":1,"a":2})",
             R"({ "a" : { "b" : [ null ] } })", "\t\r\n 1 \n\r\t", R"([1,"1",true,null,{},[]])"}) {
        INFO(value);
        CHECK(error_name(decode_every_way(passed_over(value)).ec) == error_name({}));
        const test::decoded found = decode_every_way(in_field(value));
        CHECK(error_name(found.ec) == error_name({}));
        CHECK(found.records.size() == 1);
    }
}

TEST_CASE("JSON that the grammar does not have is refused") {
    for (const std::string& value : std::vector<std::string>{
             // Numbers.
             "00", "01", "-01", "-", "+1", ".5", "1.", "1.e1", "-.5", "1e", "1e+", "1e-", "1e1.5", "1e1e1", "0x10",
             "1_0", "--1", "1-", "0.1.2", "NaN", "-NaN", "Infinity", "-Infinity", "1f", "1,5e",
             // Strings.
             R"("\x41")", R"("\a")", R"("\')", R"("\U0041")", R"("\u")", R"("\u00")", R"("\u004")", R"("\u004g")",
             R"("\u+041")", R"("\ 0")", "\"\n\"", "\"\t\"", std::string("\"\0\"", 3), "\"\x1F\"", "'a'", "a",
             "\"a\"\"b\"", "\"a\" \"b\"",
             // Literals.
             "nul", "nulll", "NULL", "True", "tru", "falze", "undefined", "n", "t e",
             // Structure.
             "", "[", "[1", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1;2]", "[}", "{]", "{,}", R"({"a"})", R"({"a":})",
             R"({"a":1,})", R"({"a" 1})", R"({"a"::1})", R"({a:1})", "{1:1}", "{null:1}", R"({"a":1 "b":2})",
             R"({"a":1,,"b":2})", "[1}", "]", "}", ":", ",", "// c\n1", "/* c */ 1", "1 # c", "\v1", "\f1",
             "\xC2\xA0"
             "1",
             "\xEF\xBB\xBF"
             "1",
             "\xE2\x80\xA8"
             "1"}) {
        INFO(value);
        CHECK(error_name(decode_every_way(passed_over(value)).ec) == "json_syntax");
        CHECK(error_name(decode_every_way(in_field(value)).ec) == "json_syntax");
    }
}

TEST_CASE("an escape that is no Unicode character is refused") {
    for (const std::string value :
         {R"("\uD800")", R"("\uDBFFx")", R"("\uD800\n")", R"("\uD800\uD800")", R"("\uD800\u0041")", R"("\uD800\uE000")",
          R"("\uDC00")", R"("\uDFFF\uD800")", R"("a\uDE00\uD83D")"}) {
        INFO(value);
        CHECK(error_name(decode_every_way(passed_over(value)).ec) == "bad_utf8");
        CHECK(error_name(decode_every_way(in_field(value)).ec) == "bad_utf8");
    }
}

TEST_CASE("escapes mean what the grammar says") {
    struct row {
        std::string escaped;
        std::string text;
    };
    for (const row& each : std::vector<row>{{R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
                                            {R"(\u0000)", std::string(1, '\0')},
                                            {R"(\u007f\u0080)", "\x7F\xC2\x80"},
                                            {R"(\u07FF\u0800)", "\xDF\xBF\xE0\xA0\x80"},
                                            {R"(\uD7FF\uE000\uffff)", "\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"},
                                            {R"(\uD800\uDC00)", "\xF0\x90\x80\x80"},
                                            {R"(\udbff\udfff)", "\xF4\x8F\xBF\xBF"},
                                            {R"(a\u00e9b\n)",
                                             "a\xC3\xA9"
                                             "b\n"}}) {
        INFO(each.escaped);
        const test::decoded found = decode_every_way(in_field("\"" + each.escaped + "\""));
        REQUIRE(found.records.size() == 1);
        CHECK(found.records[0].id == each.text);
    }
}

}  // namespace json_conformance_test

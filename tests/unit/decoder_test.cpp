// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/decoder.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "decode.hpp"

namespace decoder_test {

using namespace jobmode;
using namespace std::chrono_literals;
using jobmode::test::decode_every_way;
using jobmode::test::decoded;

namespace {

/// An answer whose one record has these members.
std::string answer(std::string_view members) {
    return R"({"Status":"OK","Data":[{)" + std::string(members) + "}]}";
}

record only_record(std::string_view document) {
    const decoded result = decode_every_way(document);
    INFO(document);
    REQUIRE(error_name(result.ec) == error_name({}));
    REQUIRE(result.records.size() == 1);
    return result.records.front();
}

struct fault_row {
    std::string document;
    errc code;
    std::uint64_t offset;
    std::size_t records = 0;
};

void require_faults(const std::vector<fault_row>& rows, const decoder_limits& limits = {}) {
    for (const fault_row& each : rows) {
        INFO(each.document);
        const decoded result = decode_every_way(each.document, limits);
        CHECK(error_name(result.ec) == error_name(each.code));
        CHECK(result.offset == each.offset);
        CHECK(result.records.size() == each.records);
    }
}

}  // namespace

TEST_CASE("the vendor's own answer is decoded byte for byte") {
    const record found = only_record(test::data_file("doc-example.response.json"));
    CHECK(found.has(field::id) == presence::absent);
    CHECK(found.id.empty());
    CHECK(found.login_name == "obm");
    CHECK(found.has(field::owner) == presence::text);
    CHECK(found.owner.empty());
    CHECK(found.user_id == "obm");
    CHECK(found.backup_set_id == "1687750405259");
    CHECK(found.backup_set_name == "v6 File Backup");
    CHECK(found.backup_job_mode() == job_mode::manual);
    CHECK(found.start_time_text == "2024-06-26 11:33:52");
    CHECK(found.end_time_text == "2024-06-26 11;34:15");
    CHECK(found.start_time() == std::chrono::local_days(2024y / 6 / 26) + 11h + 33min + 52s);
    CHECK(found.end_time() == std::chrono::local_days(2024y / 6 / 26) + 11h + 34min + 15s);
}

TEST_CASE("an answer's keys may stand in any order") {
    const std::string data = R"("Data":[{"ID":"1","LoginName":"a"},{"LoginName":"b","ID":"2"}])";
    for (const std::string& document :
         {R"({"Status":"OK",)" + data + "}", "{" + data + R"(,"Status":"OK"})",
          R"({"X":[{"Data":[]}],)" + data + R"(,"Y":{"Status":"Error"},"Status":"OK","Message":null})"}) {
        INFO(document);
        const decoded result = decode_every_way(document);
        REQUIRE_FALSE(result.ec);
        REQUIRE(result.records.size() == 2);
        CHECK(result.records[0].id == "1");
        CHECK(result.records[0].login_name == "a");
        CHECK(result.records[1].id == "2");
        CHECK(result.records[1].login_name == "b");
    }
}

TEST_CASE("every key of a record goes to its own field") {
    for (std::size_t index = 0; index != field_count; ++index) {
        const auto which = static_cast<field>(index);
        const record found = only_record(answer("\"" + std::string(key_of(which)) + "\":\"value\""));
        for (std::size_t other = 0; other != field_count; ++other) {
            CHECK(found.text(static_cast<field>(other)) == (other == index ? "value" : ""));
            CHECK(found.has(static_cast<field>(other)) == (other == index ? presence::text : presence::absent));
        }
    }
}

TEST_CASE("a record's value may be of any type") {
    struct row {
        const char* value;
        presence has;
        const char* text;
    };
    for (const row& each :
         std::vector<row>{{"\"a\"", presence::text, "a"},
                          {"\"\"", presence::text, ""},
                          {"null", presence::null, ""},
                          {"42", presence::text, "42"},
                          {"-0.50e+07", presence::text, "-0.50e+07"},
                          {"123456789012345678901234567890", presence::text, "123456789012345678901234567890"},
                          {"1e999999999999", presence::text, "1e999999999999"},
                          {"true", presence::text, "true"},
                          {"false", presence::text, "false"},
                          {"{}", presence::absent, ""},
                          {"[]", presence::absent, ""},
                          {"[{\"UserId\":\"no\"},[[\"\"]]]", presence::absent, ""},
                          {"{\"UserId\":\"no\",\"a\":{\"b\":[1,null]}}", presence::absent, ""}}) {
        const record found = only_record(answer("\"UserId\" : " + std::string(each.value) + " , \"ID\":\"7\""));
        CHECK(found.has(field::user_id) == each.has);
        CHECK(found.user_id == each.text);
        CHECK(found.id == "7");
    }
}

TEST_CASE("a key that is not known is passed over, whatever its value") {
    for (const char* value : {"\"x\"", "null", "1.5", "true", "[]", "{}", "[[[1,{\"a\":[]}]],\"]\",\"}\"]",
                              "{\"ID\":\"no\",\"Data\":[{\"ID\":\"no\"}],\"Status\":{}}"}) {
        const std::string v = value;
        const record found = only_record("{\"A\":" + v + R"(,"Status":"OK","Data":[{"id":)" + v + R"(,"ID":"1","B":)" +
                                         v + R"(}],"C":)" + v + "}");
        CHECK(found.id == "1");
        record expected;
        expected.id = "1";
        expected.set(field::id, presence::text);
        CHECK(found == expected);
    }
}

TEST_CASE("of a key that stands twice in a record the last value counts") {
    CHECK(only_record(answer(R"("ID":"1","ID":"22")")).id == "22");
    CHECK(only_record(answer(R"("ID":"1","ID":null)")).has(field::id) == presence::null);
    CHECK(only_record(answer(R"("ID":"1","ID":null)")).id.empty());
    CHECK(only_record(answer(R"("ID":null,"ID":"1")")).has(field::id) == presence::text);
    CHECK(only_record(answer(R"("ID":"1","ID":[2])")).has(field::id) == presence::absent);
}

TEST_CASE("an escaped key is the same key") {
    CHECK(only_record(answer(R"("\u0049D":"1")")).id == "1");
    CHECK(only_record(R"({"\u0053tatus":"\u004fK","D\u0061ta":[{"ID":"1"}]})").id == "1");
}

TEST_CASE("an answer without records is an empty list") {
    for (const char* document :
         {R"({"Status":"OK"})", R"({"Status":"OK","Data":null})", R"({"Data":null,"Status":"OK"})",
          R"({"Status":"OK","Data":[]})", " \t\r\n{ \"Status\" : \"OK\" , \"Data\" : [ ] } \r\n\t "}) {
        INFO(document);
        const decoded result = decode_every_way(document);
        CHECK_FALSE(result.ec);
        CHECK(result.records.empty());
        CHECK(result.bytes == std::string_view(document).size());
    }
}

TEST_CASE("an empty record is a record") {
    const decoded result = decode_every_way(R"({"Status":"OK","Data":[{},{}]})");
    CHECK_FALSE(result.ec);
    CHECK(result.records == std::vector<record>(2));
}

TEST_CASE("an unknown BackupJobMode is kept") {
    struct row {
        const char* value;
        job_mode mode;
        const char* text;
    };
    for (const row& each : std::vector<row>{{"\"R\"", job_mode::remote, "R"},
                                            {"\"M\"", job_mode::manual, "M"},
                                            {"\"S\"", job_mode::scheduled, "S"},
                                            {"null", job_mode::none, ""},
                                            {"\"\"", job_mode::none, ""},
                                            {"\" \"", job_mode::none, " "},
                                            {"\"null\"", job_mode::none, "null"},
                                            {"\"NULL\"", job_mode::none, "NULL"},
                                            {"\"nullified\"", job_mode::unknown, "nullified"},
                                            {"\"r\"", job_mode::unknown, "r"},
                                            {"\"Remote\"", job_mode::unknown, "Remote"},
                                            {"7", job_mode::unknown, "7"},
                                            {"[]", job_mode::none, ""}}) {
        const record found = only_record(answer("\"BackupJobMode\":" + std::string(each.value)));
        CHECK(found.backup_job_mode() == each.mode);
        CHECK(found.backup_job_mode_text == each.text);
    }
    CHECK(only_record(answer("")).backup_job_mode() == job_mode::none);
}

TEST_CASE("an error answer that says that there was no backup is an empty list") {
    for (const char* message :
         {"[Error] No Backup Job on that day", "no backup job on that day", "[Error] No Backup Job on that day."}) {
        const std::string text = std::string(R"({"Status":"Error","Message":")") + message + R"(","ExptType":"x.y"})";
        const auto found = decode_every_way(text);
        CHECK(found.ec == error_code());
        CHECK(found.records.empty());
    }
}

TEST_CASE("an error answer is told by its Message, never by its ExptType") {
    struct row {
        const char* message;
        errc code;
    };
    for (const row& each :
         std::vector<row>{{"Incorrect system username/password", errc::authentication_refused},
                          {"INCORRECT SYSTEM USERNAME/PASSWORD.", errc::authentication_refused},
                          {"System user 'nosuchuser' does not exist", errc::authentication_refused},
                          {"User 'obm' does not exist", errc::api_error},
                          {"System user 'api' is locked", errc::authentication_refused},
                          {"[Error] System User 'api' has been suspended.", errc::authentication_refused},
                          {"System user 'api' not found", errc::authentication_refused},
                          {"Your password has expired and must be changed. Please log in to the web "
                           "console.",
                           errc::authentication_refused},
                          {"YOUR PASSWORD HAS EXPIRED", errc::authentication_refused},
                          {"Your account is locked out", errc::authentication_refused},
                          {"The password of user 'obm' has expired", errc::api_error},
                          {"User 'obm' is suspended", errc::api_error},
                          {"Backup user 'obm' is locked", errc::api_error},
                          {"[UserCacheManager.NoSuchUserExpt] User 'obm' not found.", errc::no_such_user},
                          {"[UserCacheManager.NoSuchUserExpt] Benutzer 'obm' nicht gefunden.", errc::no_such_user},
                          {"User 'obm' not found", errc::no_such_user},
                          {"Backup set '7' not found", errc::api_error},
                          {"No backup job", errc::api_error},
                          {"", errc::api_error}}) {
        for (const char* type : {"com.ahsay.obs.core.dbs.c", "org.json.JSONException"}) {
            const std::string message = each.message;
            const std::string text =
                R"({"Status":"Error","Message":")" + message + R"(","ExptType":")" + std::string(type) + "\"}";
            const decoded result = decode_every_way(text);
            INFO(text);
            CHECK(error_name(result.ec) == error_name(each.code));
            CHECK(result.message == message);
            CHECK(result.expt_type == type);
            CHECK(result.records.empty());
        }
    }
    CHECK(decode_every_way(R"({"Status":"Error"})").ec == errc::api_error);
    CHECK(decode_every_way(R"({"Status":"Error","Message":null,"ExptType":7})").ec == errc::api_error);
}

TEST_CASE("records before a Status of Error are handed out, and the answer is an error") {
    const decoded result =
        decode_every_way(R"({"Data":[{"ID":"1"}],"Message":"caf\u00e9 \"x\"","Status":"Error","ExptType":"t"})");
    CHECK(result.ec == errc::api_error);
    CHECK(result.records.size() == 1);
    CHECK(result.message == "caf\xC3\xA9 \"x\"");
    CHECK(result.expt_type == "t");
}

TEST_CASE("what is not this API's answer has its own error, at its own byte") {
    require_faults({
        {R"({})", errc::no_status, 2},
        {R"({"Data":[]})", errc::no_status, 11},
        {R"({"Data":[{"ID":"1"}]})", errc::no_status, 21, 1},
        {R"({"Status":null})", errc::no_status, 15},
        {R"({"Status":""})", errc::no_status, 13},
        {R"({"Status":"ok"})", errc::no_status, 15},
        {R"({"Status":"Fine","Data":[{}]})", errc::no_status, 29, 1},
        {R"({"status":"OK"})", errc::no_status, 15},
        {R"({"Status":1})", errc::wrong_type, 10},
        {R"({"Status":true})", errc::wrong_type, 10},
        {R"({"Status":[]})", errc::wrong_type, 10},
        {R"({"Status":{}})", errc::wrong_type, 10},
        {R"({"Data":"x"})", errc::wrong_type, 8},
        {R"({"Data":17})", errc::wrong_type, 8},
        {R"({"Data":false})", errc::wrong_type, 8},
        {R"({"Data":{}})", errc::wrong_type, 8},
        {R"({"Data":["x"]})", errc::wrong_type, 9},
        {R"({"Data":[1]})", errc::wrong_type, 9},
        {R"({"Data":[null]})", errc::wrong_type, 9},
        {R"({"Data":[[]]})", errc::wrong_type, 9},
        {R"({"Data":[{"ID":"1"},true]})", errc::wrong_type, 20, 1},
        {R"({"Status":"OK","Status":"OK"})", errc::duplicate_key, 22},
        {R"({"Status":"OK","Status":"Error"})", errc::duplicate_key, 22},
        {R"({"Data":[],"Data":[]})", errc::duplicate_key, 16},
        {R"({"Data":null,"Data":[]})", errc::duplicate_key, 18},
        {R"({"Data":[{"Status":"a","Status":"b"}],"Data":[]})", errc::duplicate_key, 43, 1},
        {"", errc::not_json, 0},
        {" \r\n\t ", errc::not_json, 5},
        {"[]", errc::not_json, 0},
        {"\"Status\"", errc::not_json, 0},
        {"null", errc::not_json, 0},
        {"17", errc::not_json, 0},
        {"\n<!DOCTYPE html><html><body>Login</body></html>", errc::not_json, 1},
        {"<html>", errc::not_json, 0},
        {"OK", errc::not_json, 0},
        {std::string("\0{}", 3), errc::not_json, 0},
        {R"({"Status":"OK"}{"Status":"OK"})", errc::trailing_data, 15},
        {R"({"Status":"OK"} x)", errc::trailing_data, 16},
        {R"({"Status":"OK"},)", errc::trailing_data, 15},
        {R"({"Status":"OK"}})", errc::trailing_data, 15},
        {std::string(R"({"Status":"OK"})") + '\0', errc::trailing_data, 15},
    });
}

TEST_CASE("an error in a record is at its own byte, however much the records before it are like it") {
    const std::string records = R"({"A":7,"ID":"1"},{"A":7,"ID":"1"},{"A":7,"ID":"1"},)";
    const std::size_t start = 9 + records.size();
    require_faults({{R"({"Data":[)" + records + R"({"A":-,"ID":"2"})", errc::json_syntax, start + 6, 3},
                    {R"({"Data":[)" + records + R"({"A":-,"ID"::"2"})", errc::json_syntax, start + 6, 3},
                    {R"({"Data":[)" + records + R"({"A":07,"ID":"2"})", errc::json_syntax, start + 6, 3},
                    {R"({"Data":[)" + records + R"({"A":nulx,"ID":"2"})", errc::json_syntax, start + 8, 3},
                    {R"({"Data":[)" + records + "{\"A\":7,\"ID\":\"\xFF", errc::bad_utf8, start + 13, 3},
                    {R"({"Data":[)" + records + R"({"A":7,"ID":"2"})", errc::truncated, start + 16, 4}});
}

TEST_CASE("a repeated Message counts with its last value") {
    const decoded result = decode_every_way(R"({"Status":"Error","Message":"a","Message":"bb"})");
    CHECK(result.ec == errc::api_error);
    CHECK(result.message == "bb");
}

TEST_CASE("a byte order mark is passed over at the very start, and nowhere else") {
    CHECK(only_record("\xEF\xBB\xBF" + answer(R"("ID":"1")")).id == "1");
    CHECK(only_record("\xEF\xBB\xBF \n" + answer(R"("ID":"1")")).id == "1");
    CHECK(only_record(answer("\"ID\":\"\xEF\xBB\xBF\"")).id == "\xEF\xBB\xBF");
    require_faults({
        {"\xEF\xBB\xBF", errc::not_json, 3},
        {"\xEF\xBB", errc::not_json, 2},
        {"\xEF\xBB{}", errc::not_json, 2},
        {"\xEF {}", errc::not_json, 1},
        {" \xEF\xBB\xBF{}", errc::not_json, 1},
        {"\xEF\xBB\xBF\xEF\xBB\xBF{}", errc::not_json, 3},
        {"\xFE\xFF{}", errc::not_json, 0},
        {std::string("{\0\"\0", 4), errc::json_syntax, 1},
        {"{\xEF\xBB\xBF\"Status\":\"OK\"}", errc::json_syntax, 1},
        {"{\"Status\":\"OK\"}\xEF\xBB\xBF", errc::trailing_data, 15},
    });
}

TEST_CASE("an answer cut short anywhere is truncated") {
    const std::string whole = test::data_file("doc-example.response.json");
    const std::size_t end = whole.rfind('}');
    for (std::size_t size = 0; size <= end; ++size) {
        const decoded result = decode_every_way(std::string_view(whole).substr(0, size));
        INFO("cut to " << size);
        CHECK(error_name(result.ec) == (size == 0 ? "not_json" : "truncated"));
        CHECK(result.offset == size);
        CHECK(result.records.size() <= 1);
    }
}

TEST_CASE("the depth limit allows exactly its number of levels") {
    const auto nested = [](std::size_t levels, char open, char close, const char* key) {
        return R"({"Status":"OK","A":)" + [&] {
            std::string text;
            for (std::size_t level = 1; level < levels; ++level)
                (text += open) += level + 1 < levels ? key : "";
            return text + std::string(levels - 1, close);
        }() + "}";
    };
    for (const std::size_t limit : {std::size_t{3}, std::size_t{4}, std::size_t{32}, std::size_t{70}}) {
        decoder_limits limits;
        limits.depth = limit;
        CHECK_FALSE(decode_every_way(nested(limit, '[', ']', ""), limits).ec);
        CHECK_FALSE(decode_every_way(nested(limit, '{', '}', "\"k\":"), limits).ec);
        require_faults({{nested(limit + 1, '[', ']', ""), errc::depth_limit, 19 + limit - 1},
                        {nested(limit + 1, '{', '}', "\"k\":"), errc::depth_limit, 19 + 5 * (limit - 1)}},
                       limits);
        CHECK_FALSE(decode_every_way(answer(R"("ID":"1")"), limits).ec);
    }
    std::string deep(100000, '[');
    decoder subject;
    error_code ec;
    subject.feed("{\"A\":" + deep, ec);
    CHECK(ec == errc::depth_limit);
    CHECK(subject.offset() == 5 + 31);
}

TEST_CASE("the field limit counts decoded bytes, of what is skipped as well") {
    decoder_limits limits;
    limits.field_bytes = 9;
    for (const char* text : {"123456789", "1234\\n6789", "1234567\\u00e9", "12345\\uD83D\\uDE00", "1234567\xC3\xA9"}) {
        CHECK_FALSE(decode_every_way(answer("\"ID\":\"" + std::string(text) + "\""), limits).ec);
        CHECK_FALSE(decode_every_way(answer("\"" + std::string(text) + "\":1"), limits).ec);
        CHECK_FALSE(decode_every_way("{\"X\":[\"" + std::string(text) + "\"],\"Status\":\"OK\"}", limits).ec);
    }
    CHECK_FALSE(decode_every_way(answer("\"ID\":-12345.e7"), limits).ec == errc::field_limit);
    CHECK_FALSE(decode_every_way(answer("\"ID\":-1234.5e7"), limits).ec);
    require_faults(
        {
            {R"({"A":"1234567890"})", errc::field_limit, 15},
            {R"({"A":"123456789)", errc::truncated, 15},
            {R"({"1234567890":0})", errc::field_limit, 11},
            {R"({"A":[{"1234567890":0}]})", errc::field_limit, 17},
            {R"({"A":"12345678\u00e9"})", errc::field_limit, 19},
            {R"({"A":"123456\uD83D\uDE00"})", errc::field_limit, 23},
            {R"({"A":"123456789\n"})", errc::field_limit, 16},
            {R"({"A":1234567890})", errc::field_limit, 14},
            {R"({"A":-1234.5e+7})", errc::field_limit, 14},
            {"{\"A\":\"12345678\xC3\xA9\"}", errc::field_limit, 15},
            {"{\"A\":\"12345678\xFF\xA9\"}", errc::bad_utf8, 14},
            {"{\"A\":\"123456789\x01\"}", errc::json_syntax, 15},
            {"{\"Data\":[{\"ID\":\"1\"},{\"ID\":\"1234567890\"}]}", errc::field_limit, 36, 1},
        },
        limits);
}

TEST_CASE("the answer limit allows exactly its number of bytes") {
    const std::string document = answer(R"("ID":"1")") + "\n";
    decoder_limits limits;
    limits.answer_bytes = document.size();
    CHECK_FALSE(decode_every_way(document, limits).ec);
    require_faults({{document + " ", errc::answer_limit, document.size(), 1},
                    {document + "x", errc::answer_limit, document.size(), 1}},
                   limits);
    for (std::size_t size = 1; size != document.size(); ++size) {
        limits.answer_bytes = size;
        const decoded result = decode_every_way(document, limits);
        CHECK(error_name(result.ec) == "answer_limit");
        CHECK(result.offset == size);
    }
    // An error within the limit comes first.
    limits.answer_bytes = 3;
    require_faults({{"{x                 ", errc::json_syntax, 1}, {"  <               ", errc::not_json, 2}}, limits);
    limits.answer_bytes = 0;
    CHECK_FALSE(decode_every_way(document, limits).ec);
}

TEST_CASE("bytes that are not UTF-8 are refused where they cease to be") {
    struct row {
        std::string bytes;
        std::size_t at;
    };
    for (const row& each : std::vector<row>{{"\x80", 0},
                                            {"\xBF", 0},
                                            {"\xC0\x80", 0},
                                            {"\xC1\xBF", 0},
                                            {"\xC3", 1},
                                            {"\xC3(", 1},
                                            {"\xC3\xC3\xA9", 1},
                                            {"\xE0\x80\x80", 1},
                                            {"\xE0\x9F\xBF", 1},
                                            {"\xE2\x82", 2},
                                            {"\xE2\x82(", 2},
                                            {"\xED\xA0\x80", 1},
                                            {"\xED\xBF\xBF", 1},
                                            {"\xF0\x80\x80\x80", 1},
                                            {"\xF0\x8F\xBF\xBF", 1},
                                            {"\xF0\x9F\x98", 3},
                                            {"\xF4\x90\x80\x80", 1},
                                            {"\xF5\x80\x80\x80", 0},
                                            {"\xF8\x88\x80\x80\x80", 0},
                                            {"\xFE", 0},
                                            {"\xFF", 0},
                                            {"caf\xE9", 4},
                                            {"\xC3\\u00a9", 1},
                                            {"\xE2\\n", 1},
                                            {"abcdefghijklmnop\xFFqrst", 16}}) {
        const std::string in_field = "\"ID\":\"" + each.bytes + "\"";
        const std::string in_key = "\"" + each.bytes + "\":1";
        const std::size_t start = 24;
        require_faults({{answer(in_field), errc::bad_utf8, start + 6 + each.at},
                        {answer(in_key), errc::bad_utf8, start + 1 + each.at},
                        {"{\"A\":[\"" + each.bytes + "\"]}", errc::bad_utf8, 7 + each.at}});
    }
    for (const char* good :
         {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
          "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "abcdefgh\xF0\x9F\x98\x80ijklmnop"})
        CHECK(only_record(answer("\"ID\":\"" + std::string(good) + "\"")).id == good);
}

TEST_CASE("an error stays until the decoder is reset, and then it is as new") {
    decoder subject;
    error_code ec;
    CHECK(subject.feed(R"({"Status":"Error","Message":"m","ExptType":"t","Data":[{"ID":"1"},{"ID":"22)", ec).size() ==
          1);
    CHECK_FALSE(ec);
    CHECK(subject.feed("2\x01", ec).empty());
    CHECK(ec == errc::json_syntax);
    const std::uint64_t offset = subject.offset();
    const std::string excerpt = subject.excerpt();
    CHECK(excerpt == "2\\x01");
    for (int turn = 0; turn != 3; ++turn) {
        CHECK(subject.feed(R"({"Status":"OK","Data":[{}]})", ec).empty());
        CHECK(ec == errc::json_syntax);
        subject.finish(ec);
        CHECK(ec == errc::json_syntax);
        CHECK(subject.offset() == offset);
        CHECK(subject.bytes() == offset);
        CHECK(subject.excerpt() == excerpt);
        CHECK(subject.records() == 1);
        CHECK(subject.message() == "m");
        CHECK(subject.expt_type() == "t");
    }
    subject.reset();
    CHECK(subject.offset() == 0);
    CHECK(subject.bytes() == 0);
    CHECK(subject.excerpt().empty());
    CHECK(subject.records() == 0);
    CHECK(subject.message().empty());
    CHECK(subject.expt_type().empty());
    const std::string again = answer(R"("LoginName":"a")");
    const record_batch batch = subject.feed(again, ec);
    CHECK_FALSE(ec);
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].has(field::id) == presence::absent);
    CHECK(batch[0].login_name == "a");
    subject.finish(ec);
    CHECK_FALSE(ec);
}

TEST_CASE("a decoder that is reset within anything forgets it") {
    const std::string document =
        "\xEF\xBB\xBF"
        R"({"Message":"\uD83D\uDE00","A":[{"b":-1.5e+7}],"Data":[{"ID":"x\n\u00e9y"}],"Status":"OK"})";
    decoder fresh;
    const decoded expected = test::decode(fresh, {document});
    REQUIRE_FALSE(expected.ec);
    decoder subject;
    for (std::size_t cut = 0; cut != document.size(); ++cut) {
        error_code ec;
        subject.feed(std::string_view(document).substr(0, cut), ec);
        subject.reset();
        CHECK(test::decode(subject, {document}) == expected);
        subject.reset();
    }
}

TEST_CASE("a decoder that is moved goes on where it was") {
    decoder first;
    error_code ec;
    first.feed(R"({"Data":[{"ID":"12)", ec);
    decoder second(std::move(first));
    const record_batch batch = second.feed(R"(3"}],"Status":"OK"})", ec);
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].id == "123");
    second.finish(ec);
    CHECK_FALSE(ec);
}

TEST_CASE("an excerpt is printable, and short") {
    CHECK(wire::printable_excerpt("", 0).empty());
    CHECK(wire::printable_excerpt("abc", 3) == "abc");
    CHECK(wire::printable_excerpt("a\"\\\n\t\x7F\xC3\xA9", 0) == R"(a"\\\n\x09\x7f\xc3\xa9)");
    const std::string text = "0123456789012345678901234567890123456789";
    CHECK(wire::printable_excerpt(text + text + text, 30) == (text + text + text).substr(6, 64));
    CHECK(wire::printable_excerpt(text, 1000).empty());
}

}  // namespace decoder_test

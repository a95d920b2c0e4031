// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/request.hpp"

#include <boost/json/parse.hpp>

#include <string>
#include <string_view>

#include "catch.hpp"
#include "decode.hpp"
#include "wire/list_decoder.hpp"

namespace request_test {

using namespace jobmode;

namespace {

struct parts {
    std::string head;
    std::string body;
};

parts take_apart(const cleansed_buffer& request) {
    const std::string text(request.begin(), request.end());
    const std::size_t end = text.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    const parts found{text.substr(0, end + 4), text.substr(end + 4)};
    CHECK(found.head.find("\r\nContent-Length: " + std::to_string(found.body.size()) + "\r\n") != std::string::npos);
    return found;
}

/// What a document is decoded to, after it was made sure that the result does not depend on where it is cut.
template <class Decoder>
typename Decoder::result_type decode_list(std::string_view document, error_code& ec) {
    Decoder whole({});
    ec = {};
    whole.feed(document, ec);
    const auto result = whole.finish(ec);
    for (std::size_t cut = 0; cut <= document.size(); ++cut) {
        Decoder subject({});
        error_code other;
        subject.feed(document.substr(0, cut), other);
        subject.feed(document.substr(cut), other);
        if (subject.finish(other) != result || other != ec || subject.offset() != whole.offset())
            FAIL("cut at " << cut << " of " << document);
    }
    Decoder subject({});
    error_code other;
    for (std::size_t at = 0; at != document.size(); ++at)
        subject.feed(document.substr(at, 1), other);
    CHECK(subject.finish(other) == result);
    CHECK(other == ec);
    CHECK(subject.offset() == whole.offset());
    return result;
}

std::vector<std::string> users(std::string_view document, error_code& ec) {
    return decode_list<wire::user_list_decoder>(document, ec);
}

/// A list of jobs in short: `set:id,id;`.
std::string jobs(std::string_view document, error_code& ec) {
    std::string text;
    for (const backup_set_jobs& set : decode_list<wire::backup_job_list_decoder>(document, ec)) {
        text += set.backup_set_id + ":";
        for (const std::string& id : set.job_ids)
            text += id + ",";
        text += ";";
    }
    return text;
}

}  // namespace

TEST_CASE("a request has exactly these bytes") {
    const wire::request_encoder encoder("cbs.example.com:8443", "/prefix", "jobmode/1", "api", secret("pass"));
    cleansed_buffer out;
    encoder.encode(out, wire::list_backup_job_mode, {"obm", "2024-06-26", "77"}, "JSESSIONID=0A");
    CHECK(std::string(out.begin(), out.end()) ==
          "POST /prefix/obs/api/json/ListBackupJobMode.do HTTP/1.1\r\n"
          "Host: cbs.example.com:8443\r\n"
          "User-Agent: jobmode/1\r\n"
          "Accept: application/json\r\n"
          "Content-Type: application/json\r\n"
          "Content-Length: 96\r\n"
          "Cookie: JSESSIONID=0A\r\n"
          "\r\n"
          R"({"SysUser":"api","SysPwd":"pass","LoginName":"obm","BackupSetID":"77","BackupDate":"2024-06-26"})");
    out.clear();
    encoder.encode(out, wire::list_users, {}, "");
    CHECK(take_apart(out).head.find("Cookie") == std::string::npos);
    CHECK(take_apart(out).head.starts_with("POST /prefix/obs/api/json/2/ListUsers.do HTTP/1.1\r\n"));
    CHECK(take_apart(out).body == R"({"SysUser":"api","SysPwd":"pass","LoginNameOnly":true})");
    out.clear();
    encoder.encode(out, wire::list_backup_jobs, {"o\"b", {}}, "JSESSIONID=0A");
    CHECK(take_apart(out).head.find("\r\nCookie: JSESSIONID=0A\r\n") != std::string::npos);
    CHECK(take_apart(out).head.starts_with("POST /prefix/obs/api/json/ListBackupJobs.do HTTP/1.1\r\n"));
    CHECK(take_apart(out).body == R"({"SysUser":"api","SysPwd":"pass","LoginName":"o\"b","SkipEmpty":false})");
}

TEST_CASE("the vendor's own request is what is sent") {
    const wire::request_encoder encoder("h", "", "", "system", secret("system1"));
    cleansed_buffer out;
    encoder.encode(out, wire::list_backup_job_mode, {"obm", "2024-06-26-11-33-52"}, "");
    CHECK(take_apart(out).head.find("User-Agent") == std::string::npos);
    CHECK(boost::json::parse(take_apart(out).body) == boost::json::parse(test::data_file("doc-example.request.json")));
}

TEST_CASE("every text of a request is escaped, and two requests follow each other") {
    std::string all;
    for (int byte = 0; byte != 0x80; ++byte)
        all += static_cast<char>(byte);
    all += "caf\xC3\xA9";
    const wire::request_encoder encoder("h", "", "", all, secret(all));
    cleansed_buffer out;
    encoder.encode(out, wire::list_backup_job_mode, {all, "2024-06-26", all}, "");
    const boost::json::value body = boost::json::parse(take_apart(out).body);
    for (const char* key : {"SysUser", "SysPwd", "LoginName", "BackupSetID"})
        CHECK(std::string(body.at(key).as_string().c_str(), body.at(key).as_string().size()) == all);
    cleansed_buffer escaped;
    wire::append_json_escaped(escaped, all);
    CHECK(escaped.size() == wire::json_escaped_size(all));
    const std::size_t one = out.size();
    encoder.encode(out, wire::list_backup_job_mode, {all, "2024-06-26", all}, "");
    CHECK(out.size() == 2 * one);
    CHECK(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(one),
                     out.begin() + static_cast<std::ptrdiff_t>(one)));
}

TEST_CASE("a list of users is its login names") {
    error_code ec;
    CHECK(users(R"({"Status":"OK","User":[{"LoginName":"a"},{"X":1,"LoginName":"b","Y":[{"LoginName":"no"}]},{}]})",
                ec) == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(ec);
    CHECK(users(R"({"User":[{"LoginName":"a","LoginName":"c"},{"LoginName":null}],"Data":7,"Status":"OK"})", ec) ==
          std::vector<std::string>{"c"});
    CHECK_FALSE(ec);
    CHECK(users(R"({"Status":"OK"})", ec).empty());
    CHECK_FALSE(ec);
    CHECK(users(R"({"User":[{"LoginName":"a"}],"Status":"Error"})", ec).empty());
    CHECK(ec == errc::api_error);
    CHECK(users(R"({"Status":"OK","User":{}})", ec).empty());
    CHECK(ec == errc::wrong_type);
}

TEST_CASE("a list of jobs is the job IDs of each set") {
    error_code ec;
    CHECK(jobs(R"({"Status":"OK","Data":[{"BackupSetID":"1","Removed":false,"BackupJob":["a","b\u0021"]},)"
               R"({"BackupJob":[],"X":[["no"],{"BackupJob":["no"]}],"BackupSetID":22},{"BackupJob":null},{}]})",
               ec) == "1:a,b!,;22:;:;:;");
    CHECK_FALSE(ec);
    CHECK(jobs(R"({"Data":[{"BackupJob":[1687,true],"BackupJob":["c"]}],"Status":"OK"})", ec) == ":1687,true,c,;");
    CHECK_FALSE(ec);
    CHECK(jobs(R"({"Status":"OK","Data":null})", ec).empty());
    CHECK_FALSE(ec);
    CHECK(jobs(R"({"Data":[{"BackupJob":["a"]}],"Status":"Error","Message":"Incorrect system username/password"})", ec)
              .empty());
    CHECK(ec == errc::authentication_refused);
}

TEST_CASE("a list of jobs that is none is refused, and not taken for an empty one") {
    for (const char* const value : {R"("a")", "7", "true", "{}", R"([null])", R"([["a"]])", R"([{"ID":"a"}])"}) {
        error_code ec;
        INFO(value);
        CHECK(
            jobs(R"({"Status":"OK","Data":[{"BackupSetID":"1","BackupJob":)" + std::string(value) + "}]}", ec).empty());
        CHECK(ec == errc::wrong_type);
    }
    error_code ec;
    CHECK(jobs(R"({"Status":"OK","Data":[{"BackupSetID":"1","BackupJob":["a")", ec).empty());
    CHECK(ec == errc::truncated);
}

}  // namespace request_test

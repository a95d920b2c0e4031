// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/request.hpp"

#include <boost/json/parse.hpp>

#include <string>
#include <string_view>

#include "catch.hpp"
#include "decode.hpp"
#include "wire/user_list.hpp"

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

std::vector<std::string> users(std::string_view document, error_code& ec) {
    wire::user_list_decoder whole({});
    whole.feed(document, ec);
    const std::vector<std::string> names = whole.finish(ec);
    for (std::size_t cut = 0; cut <= document.size(); ++cut) {
        wire::user_list_decoder subject({});
        error_code other;
        subject.feed(document.substr(0, cut), other);
        subject.feed(document.substr(cut), other);
        if (subject.finish(other) != names || other != ec)
            FAIL("cut at " << cut << " of " << document);
    }
    return names;
}

}  // namespace

TEST_CASE("a request has exactly these bytes") {
    const wire::request_encoder encoder("cbs.example.com:8443", "/prefix", "jobmode/1", "api", secret("pass"));
    cleansed_buffer out;
    encoder.encode(out, {"obm", "2024-06-26", "77"}, "JSESSIONID=0A");
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
    encoder.encode_list_users(out, "");
    CHECK(take_apart(out).head.find("Cookie") == std::string::npos);
    CHECK(take_apart(out).head.starts_with("POST /prefix/obs/api/json/2/ListUsers.do HTTP/1.1\r\n"));
    CHECK(take_apart(out).body == R"({"SysUser":"api","SysPwd":"pass","LoginNameOnly":true})");
}

TEST_CASE("the vendor's own request is what is sent") {
    const wire::request_encoder encoder("h", "", "", "system", secret("system1"));
    cleansed_buffer out;
    encoder.encode(out, {"obm", "2024-06-26-11-33-52"}, "");
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
    encoder.encode(out, {all, "2024-06-26", all}, "");
    const boost::json::value body = boost::json::parse(take_apart(out).body);
    for (const char* key : {"SysUser", "SysPwd", "LoginName", "BackupSetID"})
        CHECK(std::string(body.at(key).as_string().c_str(), body.at(key).as_string().size()) == all);
    cleansed_buffer escaped;
    wire::append_json_escaped(escaped, all);
    CHECK(escaped.size() == wire::json_escaped_size(all));
    const std::size_t one = out.size();
    encoder.encode(out, {all, "2024-06-26", all}, "");
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

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// `jobmode query` against the simulated server.
#include <string>
#include <vector>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"

namespace query_test {

using namespace jobmode;

namespace {

const std::vector<std::string> example{"--login-name", "obm", "--date", "2024-06-26-11-33-52"};

std::vector<std::string> example_and(std::vector<std::string> more) {
    more.insert(more.begin(), example.begin(), example.end());
    return more;
}

sim::server_config answering(const std::string& answer) {
    sim::server_config config;
    config.script = [answer](const sim::request_info&) {
        std::vector<sim::script_step> steps;
        steps.emplace_back(sim::script_step::kind::send, answer);
        steps.emplace_back(sim::script_step::kind::close);
        return std::optional(steps);
    };
    return config;
}

}  // namespace

TEST_CASE("query writes the vendor's example as NDJSON where there is no terminal") {
    const test::fleet_fixture with;
    const auto result = with.run("query", example);
    CHECK(result.out == R"({"LoginName":"obm","Owner":"","UserId":"obm","StartTime":"2024-06-26T11:33:52",)"
                        R"("EndTime":"2024-06-26T11:34:15","BackupSetID":"1687750405259",)"
                        R"("BackupSetName":"v6 File Backup","BackupJobMode":"M","BackupDate":"2024-06-26-11-33-52",)"
                        R"("Server":")" +
                            with.server.url().substr(8) + "\",\"QueryLoginName\":\"obm\"}\n");
    CHECK(result.err == "");
    CHECK(result.exit_code == 0);
}

TEST_CASE("query writes CSV with a header") {
    const test::fleet_fixture with;
    const auto result = with.run("query", example_and({"--format", "csv"}));
    CHECK(result.out ==
          "ID,LoginName,Owner,UserId,StartTime,EndTime,BackupSetID,BackupSetName,BackupJobMode,BackupDate,Server,"
          "QueryLoginName\r\n"
          ",obm,,obm,2024-06-26T11:33:52,2024-06-26T11:34:15,1687750405259,v6 File Backup,M,2024-06-26-11-33-52," +
              with.server.url().substr(8) + ",obm\r\n");
    CHECK(result.exit_code == 0);
}

TEST_CASE("query writes a table with its columns in line") {
    const test::fleet_fixture with;
    const auto result = with.run("query", example_and({"--format", "table"}));
    CHECK(result.out ==
          "StartTime            EndTime              Mode    BackupSetID    BackupSetName\n"
          "2024-06-26T11:33:52  2024-06-26T11:34:15  manual  1687750405259  v6 File Backup\n");
}

TEST_CASE("query writes an answer of any length") {
    const test::fleet_fixture with;
    const auto result = with.run("query", {"--login-name", "bulk-20000", "--date", "2024-06-26"});
    CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 20000);
    CHECK(result.exit_code == 0);
}

TEST_CASE("query says what went wrong on stderr, and ends with the code for it") {
    SECTION("the API's error") {
        const test::fleet_fixture with;
        const auto result = with.run("query", {"--login-name", "nosuchuser", "--date", "2024-06-26"});
        CHECK(result.exit_code == 1);
        CHECK(result.out == "");
        CHECK(result.err.find("Backup user 'nosuchuser' does not exist") != std::string::npos);
    }
    SECTION("no answer of this API") {
        const test::fleet_fixture with(answering("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n<html>log in</html>\n"));
        const auto result = with.run("query", example);
        CHECK(result.exit_code == 1);
        CHECK(result.err.find("<html>log in") != std::string::npos);
    }
    SECTION("a redirect") {
        const test::fleet_fixture with(
            answering("HTTP/1.1 302 Found\r\nLocation: https://elsewhere/login\r\nContent-Length: 0\r\n\r\n"));
        const auto result = with.run("query", example);
        CHECK(result.exit_code == 1);
        CHECK(result.err.find("https://elsewhere/login") != std::string::npos);
    }
    SECTION("a wrong password") {
        const test::fleet_fixture with;
        const auto result = with.run("query", example, "not-the-password");
        CHECK(result.exit_code == 3);
        CHECK(result.err.find("not-the-password") == std::string::npos);
        CHECK(with.server.counters().refused == 1);
    }
    SECTION("a server that is not trusted") {
        const test::fleet_fixture with;
        const test::fleet_fixture other;
        const auto result = test::run_program({"query", "--url", with.server.url(), "--sys-user", "system", "--pin",
                                               other.server.pin(), "--login-name", "obm", "--date", "2024-06-26"},
                                              {{"JOBMODE_SYS_PWD", "system1"}});
        CHECK(result.exit_code == 4);
        CHECK(result.err.find("public key") != std::string::npos);
        CHECK(with.server.counters().requests == 0);
    }
    SECTION("a server that is not there") {
        std::string url;
        {
            const test::fleet_fixture gone;
            url = gone.server.url();
        }
        const auto result = test::run_program(
            {"query", "--url", url, "--sys-user", "system", "--login-name", "obm", "--date", "2024-06-26"},
            {{"JOBMODE_SYS_PWD", "system1"}});
        CHECK(result.exit_code == 4);
        CHECK(result.err.find("refused") != std::string::npos);
    }
}

TEST_CASE("query refuses what cannot be meant before it sends anything") {
    const test::fleet_fixture with;
    const auto refused = [&](const std::vector<std::string>& arguments, const std::string& word) {
        const auto result = test::run_program(arguments, {{"JOBMODE_SYS_PWD", "system1"}});
        CHECK(result.exit_code == 2);
        CHECK(result.out == "");
        CHECK(result.err.find(word) != std::string::npos);
    };
    refused(with.arguments("query", {"--login-name", "obm", "--date", "2024-02-30"}), "date");
    refused(with.arguments("query", {"--login-name", "", "--date", "2024-02-28"}), "login name");
    refused(with.arguments("query", {"--date", "2024-02-28"}), "--login-name");
    refused(with.arguments("query", example_and({"--format", "xml"})), "xml");
    refused(with.arguments("query", example_and({"--insecure"})), "--insecure");
    refused(
        {"query", "--url", "http://localhost:1", "--sys-user", "system", "--login-name", "obm", "--date", "2024-06-26"},
        "--allow-http");
    refused({"query", "--url", "https://localhost:1", "--ca", with.folder.path("nothing.pem"), "--sys-user", "system",
             "--login-name", "obm", "--date", "2024-06-26"},
            "nothing.pem");
    CHECK(with.server.counters().connections == 0);
}

TEST_CASE("the password comes from the environment or from a file, and is asked for nowhere without a terminal") {
    const test::fleet_fixture with;
    const std::string file = with.folder.write("password", "system1\r\nsecond line\n");
    CHECK(test::run_program(with.arguments("query", example_and({"--sys-pwd-file", file}))).exit_code == 0);
    const auto result = test::run_program(with.arguments("query", example));
    CHECK(result.exit_code == 2);
    CHECK(result.err.find("JOBMODE_SYS_PWD") != std::string::npos);
    CHECK(result.err.find("--sys-pwd-file") != std::string::npos);
    const std::string empty = with.folder.write("empty", "\n");
    CHECK(test::run_program(with.arguments("query", example_and({"--sys-pwd-file", empty}))).exit_code == 2);
}

}  // namespace query_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// `jobmode check` against the simulated server.
#include <chrono>
#include <string>
#include <vector>

#include "catch.hpp"
#include "cli/process.hpp"
#include "integration/support.hpp"

namespace check_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

/// Answers every query for a date that is in `days` with one job of the day's mode.
struct days_of {
    std::vector<std::pair<std::string, std::string>> days;
    std::string login_name = "anna";

    std::optional<std::vector<sim::script_step>> operator()(const sim::request_info& request) const {
        std::string data;
        for (const auto& [date, mode] : days)
            if (request.body.find('"' + date + '"') != std::string_view::npos)
                data = R"({"LoginName":")" + login_name + R"(","StartTime":")" + date +
                       R"( 22:10:00","BackupJobMode":)" + (mode == "null" ? mode : '"' + mode + '"') + "}";
        const std::string body = R"({"Status":"OK","Data":[)" + data + "]}";
        std::vector<sim::script_step> steps;
        steps.emplace_back(sim::script_step::kind::send,
                           "HTTP/1.1 200 \r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        return steps;
    }
};

class check_fixture {
public:
    explicit check_fixture(sim::server_config config = sim::server_config())
        : server(std::move(config)), ca_(server.ca_pem()) {}
    explicit check_fixture(const days_of& days) : check_fixture(scripted(days)) {}

    test::program_result run(std::vector<std::string> more, const std::string& login_name = "anna",
                             const std::string& password = "system1") const {
        std::vector<std::string> arguments{"check",    "--url",  server.url(), "--sys-user",   "system",  "--ca",
                                           ca_.path(), "--date", "2024-06-30", "--login-name", login_name};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return test::run_program(arguments, {{"JOBMODE_SYS_PWD", password}});
    }

    sim::server server;

private:
    static sim::server_config scripted(const days_of& days) {
        sim::server_config config;
        config.script = days;
        return config;
    }
    test::temporary_file ca_;
};

}  // namespace

TEST_CASE("check is OK when the newest scheduled job is recent enough, and asks no further") {
    const check_fixture with(days_of{{{"2024-06-29", "S"}, {"2024-06-28", "S"}}});
    const auto result = with.run({"--warn-age-days", "1"});
    CHECK(result.out == "JOBMODE OK - anna: scheduled backup 2024-06-29 22:10 (1 day ago) | age_days=1;1;3;0\n");
    CHECK(result.err == "");
    CHECK(result.exit_code == 0);
    CHECK(with.server.counters().requests == 2);
}

TEST_CASE("check warns of a job that is older than the limit for warnings") {
    const check_fixture with(days_of{{{"2024-06-28", "S"}}});
    const auto result = with.run({"--warn-age-days", "1"});
    CHECK(result.out == "JOBMODE WARNING - anna: scheduled backup 2024-06-28 22:10 (2 days ago) | age_days=2;1;3;0\n");
    CHECK(result.exit_code == 1);
}

TEST_CASE("check is critical without a job of the wanted kind, and names one of another kind") {
    const check_fixture with(days_of{{{"2024-06-30", "null"}, {"2024-06-29", "M"}, {"2024-06-26", "S"}}});
    const auto result = with.run({});
    CHECK(
        result.out ==
        "JOBMODE CRITICAL - anna: no scheduled backup from 2024-06-27 to 2024-06-30; the last of another kind: manual "
        "2024-06-29 22:10 | age_days=U;;3;0\n");
    CHECK(result.exit_code == 2);
    CHECK(with.server.counters().requests == 4);
}

TEST_CASE("check takes any job where any will do, but not a record of no backup") {
    const check_fixture with(days_of{{{"2024-06-30", "null"}, {"2024-06-29", "R"}}});
    const auto found = with.run({"--require", "any"});
    CHECK(found.out == "JOBMODE OK - anna: backup 2024-06-29 22:10 (1 day ago) | age_days=1;;3;0\n");
    CHECK(found.exit_code == 0);
    const auto missed = with.run({"--require", "any", "--max-age-days", "0"});
    CHECK(missed.out == "JOBMODE CRITICAL - anna: no backup from 2024-06-30 to 2024-06-30 | age_days=U;;0;0\n");
    CHECK(missed.exit_code == 2);
}

TEST_CASE("check writes one line, whatever the name is") {
    const check_fixture with(days_of{{{"2024-06-30", "S"}}});
    const auto result = with.run({}, "a|b");
    CHECK(result.out == "JOBMODE OK - a/b: scheduled backup 2024-06-30 22:10 (0 days ago) | age_days=0;;3;0\n");
}

TEST_CASE("check asks for the backup set it is told") {
    const check_fixture with;
    const std::string user = with.server.fleet().login_names().front();
    const auto other = with.run({"--backup-set-id", "no-such-set", "--require", "any"}, user);
    CHECK(other.exit_code == 2);
    const auto sets = with.server.fleet().sets(user);
    REQUIRE_FALSE(sets.empty());
    const auto own = with.run({"--backup-set-id", sets.front().id, "--require", "any", "--max-age-days", "30"}, user);
    CHECK(own.out.find("JOBMODE OK - ") == 0);
    CHECK(own.exit_code == 0);
}

TEST_CASE("check does not know when it is refused, and never tells the password") {
    const check_fixture with;
    const auto result = with.run({}, "anna", "wrong-password");
    CHECK(result.out.find("JOBMODE UNKNOWN - anna: ") == 0);
    CHECK((result.out + result.err).find("wrong-password") == std::string::npos);
    CHECK(result.exit_code == 3);
    CHECK(with.server.counters().refused == 1);
}

TEST_CASE("check does not know when the server cannot be reached or trusted") {
    const check_fixture with;
    const auto untrusted =
        test::run_program({"check", "--url", with.server.url(), "--sys-user", "system", "--login-name", "anna"},
                          {{"JOBMODE_SYS_PWD", "system1"}});
    CHECK(untrusted.out.find("JOBMODE UNKNOWN - anna: the server's certificate was not accepted") == 0);
    CHECK(untrusted.exit_code == 3);
    const auto unreadable = test::run_program(
        {"check", "--url", with.server.url(), "--sys-user", "system", "--login-name", "anna", "--ca", "/nonexistent"},
        {{"JOBMODE_SYS_PWD", "system1"}});
    CHECK(unreadable.out.find("JOBMODE UNKNOWN - --ca: cannot read ") == 0);
    CHECK(unreadable.exit_code == 3);
}

TEST_CASE("check does not know when its options are wrong, and says so on stdout") {
    for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
             {"--max-age-days", "soon"},
             {"--max-age-days", "1", "--warn-age-days", "2"},
             {"--require", "some"},
             {"--no-such-option"},
             {"--date", "2024-02-30"},
             {"--backup-set-id", ""},
             {"--url", "ftp://localhost"},
         }) {
        std::vector<std::string> arguments{"check"};
        const bool has_date = wrong.front() == "--date" || wrong.front() == "--url";
        if (wrong.front() != "--url")
            arguments.insert(arguments.end(), {"--url", "https://localhost:1"});
        if (!has_date)
            arguments.insert(arguments.end(), {"--date", "2024-06-30"});
        arguments.insert(arguments.end(), {"--sys-user", "system", "--login-name", "anna"});
        arguments.insert(arguments.end(), wrong.begin(), wrong.end());
        const auto result = test::run_program(arguments, {{"JOBMODE_SYS_PWD", "system1"}});
        CAPTURE(wrong.front(), result.out, result.err);
        CHECK(result.out.find("JOBMODE UNKNOWN - ") == 0);
        CHECK(result.out.find('\n') == result.out.size() - 1);
        CHECK(result.exit_code == 3);
    }
    CHECK(test::run_program({"check"}).exit_code == 3);
    const auto no_password =
        test::run_program({"check", "--url", "https://localhost:1", "--sys-user", "system", "--login-name", "anna"});
    CHECK(no_password.out.find("JOBMODE UNKNOWN - there is no password") == 0);
    CHECK(no_password.exit_code == 3);
}

}  // namespace check_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// `jobmode check` against the simulated server.
#include "cli/messages/plugin.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "catch.hpp"
#include "cli/process.hpp"
#include "integration/support.hpp"
#include "store/day.hpp"

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
        const bool list = request.target.find("/ListBackupJobs.") != std::string_view::npos;
        if (list) {
            for (const auto& day : days)
                data += (data.empty() ? "\"" : ",\"") + day.first + "-22-10-00\"";
            data = R"({"BackupSetID":"7","BackupJob":[)" + data + "]}";
        }
        for (const auto& [date, mode] : days)
            if (request.body.find('"' + date + '"') != std::string_view::npos)
                data = R"({"LoginName":")" + login_name + R"(","StartTime":")" + date +
                       R"( 22:10:00","BackupSetID":"7","BackupJobMode":)" + (mode == "null" ? mode : '"' + mode + '"') +
                       "}";
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

TEST_CASE("check is OK when the newest job is recent enough, and asks no further") {
    const check_fixture with(days_of{{{"2024-06-29", "S"}, {"2024-06-28", "S"}}});
    const auto result = with.run({"--warn-age-days", "1"});
    CHECK(result.out == "JOBMODE OK - anna: backup 2024-06-29 22:10 (1 day ago) | age_days=1;1;3;0\n");
    CHECK(result.err == "");
    CHECK(result.exit_code == 0);
    CHECK(with.server.counters().requests == 2);
}

TEST_CASE("check warns of a job that is older than the limit for warnings") {
    const check_fixture with(days_of{{{"2024-06-28", "S"}}});
    const auto result = with.run({"--warn-age-days", "1"});
    CHECK(result.out == "JOBMODE WARNING - anna: backup 2024-06-28 22:10 (2 days ago) | age_days=2;1;3;0\n");
    CHECK(result.exit_code == 1);
}

TEST_CASE("check is critical without a job of the wanted kind, and names one of another kind") {
    const check_fixture with(days_of{{{"2024-06-30", "null"}, {"2024-06-29", "M"}, {"2024-06-26", "S"}}});
    const auto result = with.run({"--require", "scheduled"});
    CHECK(
        result.out ==
        "JOBMODE CRITICAL - anna: no scheduled backup from 2024-06-27 to 2024-06-30; the last of another kind: manual "
        "2024-06-29 22:10 | age_days=U;;3;0\n"
        "7: no scheduled backup, last job on 2024-06-30\n");
    CHECK(result.exit_code == 2);
    // The list, and the two days within the limit that have jobs.
    CHECK(with.server.counters().requests == 3);
}

TEST_CASE("check takes any job where any will do, but not a record of no backup") {
    const check_fixture with(days_of{{{"2024-06-30", "null"}, {"2024-06-29", "R"}}});
    const auto found = with.run({});
    CHECK(found.out == "JOBMODE OK - anna: backup 2024-06-29 22:10 (1 day ago) | age_days=1;;3;0\n");
    CHECK(found.exit_code == 0);
    const auto missed = with.run({"--max-age-days", "0"});
    CHECK(missed.out ==
          "JOBMODE CRITICAL - anna: no backup from 2024-06-30 to 2024-06-30 | age_days=U;;0;0\n"
          "7: no backup, last job on 2024-06-30\n");
    CHECK(missed.exit_code == 2);
}

TEST_CASE("check writes one line, whatever the name is") {
    const check_fixture with(days_of{{{"2024-06-30", "S"}}});
    const auto result = with.run({}, "a|b");
    CHECK(result.out == "JOBMODE OK - a/b: backup 2024-06-30 22:10 (0 days ago) | age_days=0;;3;0\n");
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
             {"-w", "1"},
             {"-t", "0"},
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

namespace {

/// A crawl's output in which `obm` has a set that goes on, and one that stopped some days before 2024-06-30.
class season {
public:
    explicit season(int stopped, bool answered = true) {
        std::string rows;
        for (int day = 0; day != 40; ++day) {
            const std::string date = store::day_text(last - std::chrono::days(day));
            for (const char* set : {"Files", "Mail"})
                if (std::string_view(set) == "Files" || day >= stopped)
                    rows += R"({"BackupSetID":")" + std::string(set) + R"(","BackupSetName":")" + set +
                            R"(","BackupJobMode":"M","BackupDate":")" + date +
                            R"(","Server":"a","QueryLoginName":"obm"})" + "\n";
        }
        out = folder.write("night.ndjson", rows);
        folder.write("night.ndjson.asked.ndjson",
                     line("obm", "answered") + (answered ? line("anna", "answered") : line("anna", "failed")));
    }
    static std::string line(const std::string& user, const std::string& ended) {
        return R"({"Server":"a","LoginName":")" + user + R"(","From":"2024-05-22","To":"2024-06-30","Ended":")" +
               ended + R"(","Error":"busy","At":"2024-07-01T07:00:00+02:00"})" + "\n";
    }
    test::program_result check(std::vector<std::string> more) const {
        std::vector<std::string> arguments{"check", out};
        if (std::ranges::find(more, "--now") == more.end())
            more.insert(more.end(), {"--now", "2024-07-01 08:00"});
        arguments.insert(arguments.end(), more.begin(), more.end());
        return test::run_program(arguments);
    }

    static constexpr std::chrono::sys_days last{std::chrono::year(2024) / 6 / 30};
    test::temporary_folder folder;
    std::string out;
};

}  // namespace

TEST_CASE("check asks the model about a file: one missing day warns, three are critical") {
    const auto obm = [](int stopped, std::vector<std::string> more = {}) {
        more.insert(more.end(), {"--login-name", "obm"});
        return season(stopped).check(more);
    };
    const test::program_result fine = obm(0);
    CHECK(fine.out ==
          "JOBMODE OK - obm: 0 of 2 sets silent, as of 2024-06-30 | missed=0;@1:;@3:;0 silent=0;;;0;2 "
          "unknown=0;;;0;2\n");
    CHECK(fine.exit_code == 0);
    CHECK(obm(1).exit_code == 1);
    CHECK(obm(2).exit_code == 1);
    const test::program_result late = obm(3);
    CHECK(late.out ==
          "JOBMODE CRITICAL - obm: 1 of 2 sets silent, up to 3 expected days missing, as of 2024-06-30 | "
          "missed=3;@1:;@3:;0 silent=1;;;0;2 unknown=0;;;0;2\n"
          "obm, Mail: stopped, last on 2024-06-27, 3 expected days missing [a]\n");
    CHECK(late.exit_code == 2);
    CHECK(late.err == "");
    CHECK(obm(3, {"-w", "3", "-c", "10"}).exit_code == 0);
    CHECK(obm(3, {"-w", "2", "-c", "10"}).exit_code == 1);
    CHECK(obm(3, {"-w", "~:2", "-c", "~:2"}).exit_code == 2);
    CHECK(obm(3, {"-c", "@2:3"}).exit_code == 2);
    CHECK(obm(3, {"--require", "scheduled", "-c", "0"}).exit_code == 2);
    CHECK(obm(0, {"--require", "scheduled"}).exit_code == 2);
}

TEST_CASE("check does not know what was not answered, who is not there, and what is old") {
    const season all(0, false);
    const test::program_result unknown = all.check({});
    CHECK(unknown.out.find("JOBMODE UNKNOWN - 0 of 3 sets silent, 1 unknown, as of 2024-06-30 | ") == 0);
    CHECK(unknown.exit_code == 3);
    CHECK(all.check({"--login-name", "obm"}).exit_code == 0);
    CHECK(all.check({"--login-name", "nobody"}).exit_code == 3);
    const test::program_result old = all.check({"--login-name", "obm", "--now", "2024-07-02 19:00:01"});
    CHECK(old.out.find("the newest complete answer is 37 hours old") != std::string::npos);
    CHECK(old.exit_code == 3);
    // Never without a line of its own kind, whatever is wrong.
    for (const std::vector<std::string>& wrong :
         std::vector<std::vector<std::string>>{{"-w", "x"}, {"-c", "3:1"}, {"--now", "x"}, {"--url", "https://a"}}) {
        const test::program_result refused = all.check(wrong);
        CHECK(refused.out.find("JOBMODE UNKNOWN - ") == 0);
        CHECK(refused.exit_code == 3);
    }
    CHECK(test::run_program({"check", all.folder.path("gone")}).exit_code == 3);
    // A user without any set is one who has no backup.
    CHECK(season(0).check({"--login-name", "anna"}).exit_code == 2);
}

TEST_CASE("check names sets in lines that end nothing, whatever their names are") {
    const season made(3);
    made.folder.write("night.ndjson.asked.ndjson",
                      season::line("obm", "answered") + season::line("x|y\\n\\u001bz", "answered"));
    const test::program_result result = made.check({});
    CHECK(std::ranges::count(result.out, '\n') == 3);
    CHECK(std::ranges::count(result.out, '|') == 1);
    CHECK(result.out.find('\x1b') == std::string::npos);
}

TEST_CASE("a range alerts as the guidelines for plugins say") {
    const auto alerts = [](const char* text, double value) {
        const auto range = cli::plugin_range::parse(text);
        REQUIRE(range);
        return range->alerts(value);
    };
    for (const auto& [text, quiet, loud] :
         std::vector<std::tuple<const char*, std::vector<double>, std::vector<double>>>{
             {"10", {0, 10}, {-1, 11}},
             {"10:", {10, 1e9}, {9}},
             {"~:10", {-1e9, 10}, {11}},
             {"10:20", {10, 20}, {9, 21}},
             {"@10:20", {9, 21}, {10, 20}},
             {"@1:", {0}, {1, 1e9}},
             {"1.5:2.5", {2}, {1, 3}},
         }) {
        CAPTURE(text);
        for (const double value : quiet)
            CHECK_FALSE(alerts(text, value));
        for (const double value : loud)
            CHECK(alerts(text, value));
    }
    for (const char* wrong : {"", "x", "@", "2:1", "1:2:3", "~", "1,5", "10 ", "nan", "1e3"})
        CHECK_FALSE(cli::plugin_range::parse(wrong));
}

TEST_CASE("a user with two sets of which one stopped is not OK for check, asked of the server") {
    // One customer in twelve has stopped; of the others, one who has two sets.
    const check_fixture with;
    std::string user;
    for (const std::string& name : with.server.fleet().login_names())
        if (user.empty() && with.server.fleet().sets(name).size() == 2 &&
            std::ranges::all_of(with.server.fleet().sets(name), [&](const sim::backup_set& set) {
                return !with.server.fleet().jobs(name, std::chrono::year(2024) / 6 / 30, set.id).empty();
            }))
            user = name;
    REQUIRE_FALSE(user.empty());
    const auto both = with.run({"-t", "60"}, user);
    CHECK(both.out.find(", the oldest of 2 sets: ") != std::string::npos);
    CHECK(both.exit_code == 0);

    sim::server_config config;
    config.script = [](const sim::request_info& request) -> std::optional<std::vector<sim::script_step>> {
        const bool list = request.target.find("/ListBackupJobs.") != std::string_view::npos;
        const std::string data =
            list ? R"({"BackupSetID":"7","BackupJob":["2024-06-30-22-10-00"]},)"
                   R"({"BackupSetID":"8","BackupJob":["2024-06-10-22-10-00"]},{"BackupSetID":"9","BackupJob":[]})"
                 : R"({"BackupSetID":"7","StartTime":"2024-06-30 22:10:00","BackupJobMode":"S"})";
        const std::string body = R"({"Status":"OK","Data":[)" + data + "]}";
        return std::vector<sim::script_step>{
            {sim::script_step::kind::send,
             "HTTP/1.1 200 \r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body}};
    };
    const check_fixture stopped(std::move(config));
    const auto result = stopped.run({});
    CHECK(result.out ==
          "JOBMODE CRITICAL - anna: no backup from 2024-06-27 to 2024-06-30 in 2 of 3 sets | age_days=U;;3;0\n"
          "8: no backup, last job on 2024-06-10\n"
          "9: no backup, no job at all\n");
    CHECK(result.exit_code == 2);
    CHECK(stopped.server.counters().requests == 2);
    CHECK(stopped.run({"--backup-set-id", "7"}).exit_code == 0);
}

TEST_CASE("check ends when its time is over, whatever it waits for") {
    // A pipe that nobody writes to.
    const test::temporary_folder folder;
    const std::string pipe = folder.path("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const test::program_result result = test::run_program({"check", pipe, "-t", "1"});
    CHECK(result.out == "JOBMODE UNKNOWN - it took longer than 1 seconds\n");
    CHECK(result.exit_code == 3);
}

}  // namespace check_test

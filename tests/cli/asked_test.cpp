// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What was asked is part of every output, so that a user without a record is known to have none.
#include "store/asked_log.hpp"

#include <boost/json.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"
#include "cli/process.hpp"
#include "report/crawl_lines.hpp"
#include "report/report_data.hpp"
#include "report/report_input.hpp"
#include "store/database.hpp"
#include "store/record_sink.hpp"

namespace asked_test {

using namespace jobmode;
using test::fleet_fixture;
namespace json = boost::json;

namespace {

constexpr store::moment noon{std::chrono::seconds(1'719'403'200)};

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t end = text.find('\n', from);
        lines.push_back(text.substr(from, end - from));
        from = end + 1;
    }
    return lines;
}

/// How each user's days ended, as the lines of a list say together.
std::map<std::pair<std::string, std::string>, std::set<std::string>> endings_of(const std::string& text) {
    std::map<std::pair<std::string, std::string>, std::set<std::string>> found;
    for (const std::string& line : lines_of(text)) {
        const json::object row = json::parse(line).as_object();
        // Who the users are is asked of the server as a whole.
        if (row.at("Ended") == "listed")
            continue;
        const date_or_job_id from(std::string(row.at("From").as_string()));
        const date_or_job_id to(std::string(row.at("To").as_string()));
        for (std::chrono::sys_days day = from.date(); day <= std::chrono::sys_days(to.date());
             day += std::chrono::days(1))
            found[{std::string(row.at("LoginName").as_string()),
                   std::string(date_or_job_id(std::chrono::year_month_day(day)).text())}]
                .insert(std::string(row.at("Ended").as_string()));
    }
    return found;
}

json::object page_of(const report::report_data& data) {
    return json::parse(data.to_json("Title", "2024-07-01 08:00", data.model().assess({}), 1)).as_object();
}

std::string cells_of(const json::object& page, std::string_view user) {
    for (const json::value& one : page.at("users").as_array())
        if (one.at("n").as_string() == user)
            return std::string(one.at("c").as_string());
    return "not there";
}

}  // namespace

TEST_CASE("days in a row that ended in the same way share a line") {
    store::asked_log log;
    log.answered("b", query("anna", "2024-06-03"), noon + std::chrono::seconds(2));
    log.answered("b", query("anna", "2024-06-01"), noon + std::chrono::seconds(1));
    log.answered("b", query("anna", "2024-06-02"), noon);
    log.answered("b", query("anna", "2024-06-05"), noon);
    log.failed("b", query("anna", "2024-06-04"), "server_busy", noon);
    log.skipped("b", query("anna", "2024-06-06"), noon);
    log.answered("b", query("Anna \"1\"\n", "2024-02-29"), noon);
    query of_set("anna", "2024-06-06");
    of_set.backup_set_id = "7";
    log.answered("b", of_set, noon);
    log.unseen("a", "connect_failed", noon);
    const std::string at = ",\"At\":\"" + store::moment_text(noon) + "\"}";
    CHECK(
        lines_of(log.take_lines()) ==
        std::vector<std::string>{
            R"({"Server":"a","Ended":"unseen","Error":"connect_failed")" + at,
            R"({"Server":"b","LoginName":"Anna \"1\"\u000a","From":"2024-02-29","To":"2024-02-29","Ended":"answered")" +
                at,
            R"({"Server":"b","LoginName":"anna","From":"2024-06-01","To":"2024-06-03","Ended":"answered")" + at,
            R"({"Server":"b","LoginName":"anna","From":"2024-06-05","To":"2024-06-05","Ended":"answered")" + at,
            R"({"Server":"b","LoginName":"anna","From":"2024-06-04","To":"2024-06-04","Ended":"failed","Error":"server_busy")" +
                at,
            R"({"Server":"b","LoginName":"anna","From":"2024-06-06","To":"2024-06-06","Ended":"skipped")" + at,
            R"({"Server":"b","LoginName":"anna","BackupSetID":"7","From":"2024-06-06","To":"2024-06-06","Ended":"answered")" +
                at,
        });
    CHECK(log.take_lines().empty());
}

TEST_CASE("what was asked stands beside the records, also of users who have none") {
    const fleet_fixture with;
    for (const std::string format : {"ndjson", "csv"}) {
        INFO(format);
        const std::string out = with.folder.path("out." + format);
        REQUIRE(with.run("crawl", fleet_fixture::whole_fleet({"--out", out, "--format", format})).exit_code == 0);
        const auto endings = endings_of(with.folder.read("out." + format + ".asked.ndjson"));
        CHECK(endings.size() == 40 * 10);
        for (const auto& [key, ended] : endings)
            CHECK(ended == std::set<std::string>{"answered"});
        report::report_data data;
        REQUIRE(report::read_crawl(data, out) == "");
        CHECK(data.users() == 40);
        CHECK(data.days()->second - data.days()->first == std::chrono::days(9));
    }
    const std::string tables = with.folder.path("out.sqlite");
    REQUIRE(with.run("crawl", fleet_fixture::whole_fleet({"--out", tables, "--format", "sqlite"})).exit_code == 0);
    store::database file(tables);
    store::statement count =
        file.prepare("SELECT count(*) FROM queries WHERE AnsweredAt IS NOT NULL AND FailedAt IS NULL");
    REQUIRE(count.step());
    CHECK(count.integer(0) == 400);
}

TEST_CASE("a crawl that is killed and resumed has asked the same as one that is not") {
    for (const std::uint64_t at : {3U, 57U, 200U}) {
        fleet_fixture with;
        std::vector<std::string> arguments =
            fleet_fixture::whole_fleet({"--out", with.folder.path("out"), "--sync-interval", "0.001", "--resume"});
        {
            std::atomic<test::program*> victim = nullptr;
            with.trigger.arm(at, [&] {
                while (!victim)
                    std::this_thread::yield();
                victim.load()->send(SIGKILL);
            });
            test::program killed(with.arguments("crawl", arguments), {{"JOBMODE_SYS_PWD", "system1"}});
            victim = &killed;
            CHECK(killed.wait().exit_code == 128 + SIGKILL);
            with.trigger.arm(0, {});
        }
        REQUIRE(with.run("crawl", arguments).exit_code == 0);
        const auto endings = endings_of(with.folder.read("out.asked.ndjson"));
        CHECK(endings.size() == 400);
        for (const auto& [key, ended] : endings)
            CHECK(ended == std::set<std::string>{"answered"});
    }
}

TEST_CASE("tables of an earlier version get the columns that they lack") {
    const test::temporary_folder folder;
    const std::string path = folder.path("old.sqlite");
    {
        store::database old(path);
        old.execute(
            "CREATE TABLE queries(Server TEXT NOT NULL, LoginName TEXT NOT NULL, BackupDate TEXT NOT NULL, BackupSetID "
            "TEXT NOT NULL, Error TEXT, Records INTEGER NOT NULL, PRIMARY KEY(Server, LoginName, BackupDate, "
            "BackupSetID)) WITHOUT ROWID; INSERT INTO queries VALUES('a', 'anna', '2024-06-01', '', NULL, 0)");
    }
    const auto sink = make_file_sink(sink_format::sqlite, path, {"a"});
    sink->resume({});
    const query asked("anna", "2024-06-02");
    sink->add({"a", asked, record_list(), {}, noon});
    sink->add({"a", asked, record_list(), "server_busy", noon + std::chrono::seconds(60)});
    sink->sync();
    store::database file(path);
    store::statement rows =
        file.prepare("SELECT BackupDate, Error, AnsweredAt, FailedAt FROM queries ORDER BY BackupDate");
    REQUIRE(rows.step());
    CHECK(rows.text(2).empty());
    REQUIRE(rows.step());
    // It was answered, and it failed later: both are kept.
    CHECK(rows.text(1) == "server_busy");
    CHECK(rows.text(2) == store::moment_text(noon));
    CHECK(rows.text(3) == store::moment_text(noon + std::chrono::seconds(60)));
}

TEST_CASE("a report tells what is missing from what is not known") {
    report::report_data data;
    const auto asked = [&](const char* user, const char* from, const char* to, const char* ended, const char* at) {
        json::object line{{"Server", "a"}, {"LoginName", user}, {"From", from},
                          {"To", to},      {"Ended", ended},    {"At", at}};
        if (std::string_view(ended) == "failed")
            line["Error"] = "connect_failed";
        REQUIRE(report::add_asked_line(data, json::serialize(line)) == "");
    };
    // Nobody has a record of any of them.
    asked("never", "2024-06-01", "2024-06-05", "answered", "2024-06-07T09:00:00+02:00");
    asked("away", "2024-06-01", "2024-06-02", "answered", "2024-06-03T09:00:00+02:00");
    asked("away", "2024-06-03", "2024-06-05", "failed", "2024-06-07T09:00:00+02:00");
    asked("early", "2024-06-01", "2024-06-04", "answered", "2024-06-05T07:00:00+02:00");
    asked("early", "2024-06-05", "2024-06-05", "answered", "2024-06-05T07:00:00+02:00");
    // Failed at first and answered later, and the other way round.
    asked("again", "2024-06-01", "2024-06-05", "failed", "2024-06-06T09:00:00+02:00");
    asked("again", "2024-06-01", "2024-06-05", "answered", "2024-06-07T09:00:00+02:00");
    asked("later", "2024-06-01", "2024-06-05", "answered", "2024-06-07T09:00:00+02:00");
    asked("later", "2024-06-05", "2024-06-05", "failed", "2024-06-08T09:00:00+02:00");
    asked("skipped", "2024-06-01", "2024-06-05", "skipped", "2024-06-07T09:00:00+02:00");
    CHECK(report::add_asked_line(
              data, R"({"Server":"b","Ended":"unseen","Error":"connect_failed","At":"2024-06-07T09:00:00+02:00"})") ==
          "");
    const json::object page = page_of(data);
    CHECK(cells_of(page, "never") == "NNNNN");
    CHECK(cells_of(page, "away") == "NNXXX");
    CHECK(cells_of(page, "early") == "NNNNP");
    CHECK(cells_of(page, "again") == "NNNNN");
    CHECK(cells_of(page, "later") == "NNNNN");
    CHECK(cells_of(page, "skipped") == "NNNNN");
    CHECK(page.at("unseen") == (json::array{json::array{"b", "connect_failed"}}));
    for (const char* wrong :
         {"", "{}", "[]", R"({"Server":"a","LoginName":"x","From":"2024-06-01","To":"x","Ended":"answered"})",
          R"({"Server":"a","LoginName":"x","From":"2024-06-01","To":"2024-06-01","Ended":"eaten"})"})
        CHECK(report::add_asked_line(data, wrong) != "");
}

TEST_CASE("a day is over six hours after midnight, where it was asked") {
    for (const auto& [at, cell] : std::map<std::string, std::string>{{"2024-06-01T23:00:00+02:00", "P"},
                                                                     {"2024-06-02T05:59:59+02:00", "P"},
                                                                     {"2024-06-02T06:00:00-11:00", "N"},
                                                                     {"2024-06-03T00:00:00+14:00", "N"}}) {
        INFO(at);
        report::report_data data;
        REQUIRE(report::add_asked_line(
                    data,
                    R"({"Server":"a","LoginName":"x","From":"2024-06-01","To":"2024-06-01","Ended":"answered","At":")" +
                        at + "\"}") == "");
        CHECK(cells_of(page_of(data), "x") == cell);
    }
}

TEST_CASE("a report reads CSV, and who was asked counts and not what a record calls them") {
    const test::temporary_folder folder;
    const std::string path =
        folder.write("out.csv",
                     "ID,LoginName,Owner,UserId,StartTime,EndTime,BackupSetID,BackupSetName,BackupJobMode,BackupDate,"
                     "Server,QueryLoginName\r\n"
                     "1,obm,,,2024-06-01T22:00:00,,7,\"a \"\"set\"\",\r\nof two lines\",S,2024-06-01,a,OBM\r\n"
                     "2,,,,,,7,x,M,2024-06-02,a,OBM\r\n"
                     "3,else,,,,,7,x,,2024-06-03,a,OBM\r\n");
    report::report_data data;
    REQUIRE(report::read_crawl(data, path) == "");
    const json::object page = page_of(data);
    REQUIRE(page.at("users").as_array().size() == 1);
    CHECK(cells_of(page, "OBM") == "SMN");
    CHECK(page.at("sets").at(0) == "a \"set\",\r\nof two lines");
    report::report_data broken;
    const std::string torn = folder.write("torn.csv", "ID,LoginName,BackupDate\r\n1,anna\r\n");
    CHECK(report::read_crawl(broken, torn) == torn + ", line 2: it has 2 values, and the first line has 3");
}

TEST_CASE("a server that cannot be seen is named, and its users are not taken to be fine") {
    const fleet_fixture with;
    const std::string file =
        with.folder.write("servers", "[here]\nurl = " + with.server.url() +
                                         "\nca = ca.pem\n\n[gone]\nurl = https://127.0.0.1:1\nca = ca.pem\n");
    with.folder.write("ca.pem", with.server.ca_pem());
    for (const std::string format : {"ndjson", "sqlite"}) {
        const std::string out = with.folder.path("out." + format);
        std::vector<std::string> arguments{"crawl", "--servers", file,       "--sys-user", "system",
                                           "--out", out,         "--format", format};
        const std::vector<std::string> range = fleet_fixture::whole_fleet({});
        arguments.insert(arguments.end(), range.begin(), range.end());
        CHECK(test::run_program(arguments, {{"JOBMODE_SYS_PWD", "system1"}}).exit_code != 0);
        report::report_data data;
        REQUIRE(report::read_crawl(data, out) == "");
        const json::object page = page_of(data);
        REQUIRE(page.at("unseen").as_array().size() == 1);
        CHECK(page.at("unseen").at(0).at(0) == "gone");
        CHECK(page.at("users").as_array().size() == 40);
    }
}

}  // namespace asked_test

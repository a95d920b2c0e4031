// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The data of `jobmode report`, and the page it is put into; what a browser makes of it is tests/browser.
#include <boost/json.hpp>

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"
#include "cli/process.hpp"
#include "policy/date.hpp"
#include "report/crawl_lines.hpp"
#include "report/report_data.hpp"
#include "report/report_page.hpp"
#include "store/database.hpp"
#include "store/day.hpp"
#include "store/row_writer.hpp"

namespace report_test {

using namespace jobmode;

namespace {

namespace json = boost::json;

/// A job as `jobmode crawl` writes it.
std::string row(std::string_view login_name, std::string_view day, std::string_view mode,
                std::string_view start = "2024-06-26 22:00:00", std::string_view end = "2024-06-26 22:34:15",
                std::string_view server = "cbs.example.com", std::string_view set = "Documents") {
    record_view record;
    const auto give = [&](field which, std::string_view text) {
        record.set(which, presence::text);
        record.text(which) = text;
    };
    give(field::login_name, login_name);
    give(field::start_time, start);
    give(field::end_time, end);
    give(field::backup_set_name, set);
    if (mode == "null")
        record.set(field::backup_job_mode, presence::null);
    else
        give(field::backup_job_mode, mode);
    std::string line;
    store::append_ndjson(line, record, {server, login_name, day});
    line.pop_back();
    return line;
}

std::string failure(std::string_view login_name, std::string_view day, std::string_view message) {
    json::object line{{"LoginName", login_name},
                      {"BackupDate", day},
                      {"Server", "cbs.example.com"},
                      {"Error", "server_busy"},
                      {"Message", message}};
    return json::serialize(line);
}

report::report_data data_of(const std::vector<std::string>& lines) {
    report::report_data data;
    for (const std::string& line : lines)
        REQUIRE(report::add_record_line(data, line) == "");
    return data;
}

report::assessment said_of(const report::report_data& data) {
    return data.model().assess(std::chrono::local_days(*policy::parse_date("2024-07-01")));
}

json::object parsed(const report::report_data& data) {
    return json::parse(data.to_json("Title", "2024-07-01 08:00", said_of(data), 1)).as_object();
}

std::string cells(const report::report_data& data, std::size_t user = 0) {
    return std::string(parsed(data)["users"].at(user).at("c").as_string());
}

}  // namespace

TEST_CASE("A report's days go from the first to the last that the input has") {
    const report::report_data data = data_of({row("anna", "2024-03-01", "S"), row("bert", "2024-02-27", "M")});
    const json::object page = parsed(data);
    CHECK(page.at("from") == "2024-02-27");
    CHECK(page.at("days") == 4);
    CHECK(cells(data, 0) == "...S");
    CHECK(cells(data, 1) == "M...");
}

TEST_CASE("A report's limits widen and narrow its days") {
    report::report_data data;
    data.limit(policy::parse_date("2024-06-24"), policy::parse_date("2024-06-27"));
    CHECK(report::add_record_line(data, row("anna", "2024-06-23", "S")) == "");
    CHECK(report::add_record_line(data, row("anna", "2024-06-26", "R")) == "");
    CHECK(report::add_record_line(data, row("anna", "2024-06-28", "S")) == "");
    CHECK(parsed(data).at("from") == "2024-06-24");
    CHECK(cells(data) == "..R.");
}

TEST_CASE("A report's cell shows the job that says most, and every mode has its letter") {
    CHECK(cells(data_of({row("anna", "2024-06-26", "S")})) == "S");
    CHECK(cells(data_of({row("anna", "2024-06-26", "M")})) == "M");
    CHECK(cells(data_of({row("anna", "2024-06-26", "R")})) == "R");
    CHECK(cells(data_of({row("anna", "2024-06-26", "Q")})) == "U");
    CHECK(cells(data_of({row("anna", "2024-06-26", "null")})) == "N");
    CHECK(cells(data_of({row("anna", "2024-06-26", "M"), row("anna", "2024-06-26", "S"),
                         row("anna", "2024-06-26", "R")})) == "S");
    CHECK(cells(data_of({row("anna", "2024-06-26", "Q"), row("anna", "2024-06-26", "R"),
                         row("anna", "2024-06-26", "M")})) == "M");
}

TEST_CASE("A failed query hides no answer in a report") {
    report::report_data data = data_of({row("anna", "2024-06-26", "S"), row("anna", "2024-06-27", "M")});
    for (const char* const day : {"2024-06-26", "2024-06-27", "2024-06-28"})
        CHECK(report::add_failure_line(data, failure("anna", day, "busy")) == "");
    CHECK(cells(data) == "SMX");
    const json::object page = parsed(data);
    CHECK(page.at("reasons") == json::array{"busy"});
    CHECK(page.at("users").at(0).at("f") == (json::array{0, 0, 1, 0, 2, 0}));
}

TEST_CASE("A failed query without a message is explained by its error's name in a report") {
    report::report_data data;
    CHECK(report::add_failure_line(data, failure("anna", "2024-06-26", "")) == "");
    CHECK(parsed(data).at("reasons") == json::array{"server_busy"});
}

TEST_CASE("A report's days that were not asked show as such where the days asked are known") {
    report::report_data data;
    const auto day = [](const char* text) { return *policy::parse_date(text); };
    data.add_asked("cbs.example.com", "anna", day("2024-06-24"), {});
    data.add_asked("cbs.example.com", "anna", day("2024-06-27"), {});
    CHECK(report::add_record_line(data, row("anna", "2024-06-27", "S")) == "");
    CHECK(report::add_record_line(data, row("bert", "2024-06-27", "S")) == "");
    CHECK(cells(data, 0) == "N..S");
    CHECK(cells(data, 1) == "...S");
}

TEST_CASE("A report tells when each job ran, in minutes since its day began") {
    const report::report_data data = data_of({
        row("anna", "2024-06-26", "S", "2024-06-26 22:10:40", "2024-06-26 23:00:10"),
        row("anna", "2024-06-27", "M", "2024-06-28 00:05:00", "2024-06-28 00:05:59"),
        row("anna", "2024-06-27", "R", "2024-06-26 23:59:00", "not a time"),
        row("anna", "2024-06-28", "S", "yesterday", "2024-06-28 00:05:59", "cbs.example.com", "Mail"),
    });
    const json::object page = parsed(data);
    CHECK(page.at("sets") == (json::array{"Documents", "Mail"}));
    CHECK(page.at("users").at(0).at("j") == (json::array{0, 3, 0, 1330,    49,       //
                                                         1, 1, 0, -1,      nullptr,  //
                                                         0, 2, 0, 1445,    0,        //
                                                         1, 3, 1, nullptr, nullptr}));
}

TEST_CASE("A report takes a job that two files have once") {
    const report::report_data data = data_of({row("anna", "2024-06-26", "S"), row("anna", "2024-06-26", "S")});
    CHECK(parsed(data).at("users").at(0).at("j").as_array().size() == 5);
}

TEST_CASE("A report tells users of the same name on two servers apart") {
    const report::report_data data = data_of({row("anna", "2024-06-26", "S", "", "", "b.example.com"),
                                              row("anna", "2024-06-26", "M", "", "", "a.example.com")});
    const json::object page = parsed(data);
    CHECK(page.at("servers") == (json::array{"a.example.com", "b.example.com"}));
    REQUIRE(data.users() == 2);
    CHECK(page.at("users").at(0).at("s") == 0);
    CHECK(cells(data, 0) == "M");
    CHECK(page.at("users").at(1).at("s") == 1);
    CHECK(cells(data, 1) == "S");
}

TEST_CASE("A report takes users without any record from a list") {
    report::report_data data = data_of({row("bert", "2024-06-26", "S")});
    data.add_users({"anna", "bert", "anna"});
    REQUIRE(data.users() == 2);
    CHECK(parsed(data).at("users").at(0).at("n") == "anna");
    CHECK(parsed(data).at("servers") == json::array{"cbs.example.com"});
    CHECK(cells(data, 0) == ".");
    CHECK(cells(data, 1) == "S");

    report::report_data two = data_of({row("bert", "2024-06-26", "S", "", "", "a.example.com"),
                                       row("bert", "2024-06-26", "S", "", "", "b.example.com")});
    two.add_users({"anna", "bert"});
    REQUIRE(two.users() == 3);
    CHECK(parsed(two).at("servers") == (json::array{"", "a.example.com", "b.example.com"}));
    CHECK(parsed(two).at("users").at(0).at("n") == "anna");
}

TEST_CASE("A report takes the day of a job's ID") {
    CHECK(parsed(data_of({row("anna", "2024-06-26-11-33-52", "S")})).at("from") == "2024-06-26");
}

TEST_CASE("A report says what is wrong with a line that no crawl wrote") {
    report::report_data data;
    CHECK(report::add_record_line(data, "{\"LoginName\":\"anna\"").find("it is not JSON") == 0);
    CHECK(report::add_record_line(data, "[]") == "it is not a JSON object");
    CHECK(report::add_record_line(data, "{}").find("it has no BackupDate") == 0);
    CHECK(report::add_record_line(data, "{\"BackupDate\":\"2024-02-30\"}") ==
          "its BackupDate is no date: '2024-02-30'");
    CHECK(report::add_record_line(data, "{\"LoginName\":\"\xff\",\"BackupDate\":\"2024-02-29\"}") != "");
    CHECK(data.users() == 0);
    CHECK(report::add_record_line(data, "{\"BackupDate\":\"2024-02-29\"}") == "");
    CHECK(data.rows_without_user() == 1);
}

TEST_CASE("A report without input has neither users nor days") {
    const json::object page = parsed(report::report_data());
    CHECK(page.at("days") == 0);
    CHECK(page.at("users") == json::array{});
}

TEST_CASE("No name can end a report's data or its title before their time") {
    const std::string evil = "</script><script>alert(\"1\")</script>&amp;{{data}}";
    const report::report_data data = data_of({row(evil, "2024-06-26", "S")});
    const std::string text = data.to_json(evil, "now", said_of(data), 1);
    CHECK(text.find('<') == std::string::npos);
    CHECK(json::parse(text).at("users").at(0).at("n").as_string() == evil);

    const std::string page = report::report_page(evil, text);
    CHECK(page.find("alert(\"1\")") == std::string::npos);
    CHECK(
        page.find("<title>&lt;/script&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;{{data}}</title>") !=
        std::string::npos);
    CHECK(page.find(text) != std::string::npos);
}

TEST_CASE("A report's page names no other place") {
    const std::string page = report::report_page("Title", "{}");
    CHECK(page.find("http://") == std::string::npos);
    CHECK(page.find("https://") == std::string::npos);
    CHECK(page.find("src=") == std::string::npos);
    CHECK(page.find("url(") == std::string::npos);
    CHECK(page.find("default-src 'none'; script-src 'sha256-") != std::string::npos);
}

TEST_CASE("report reads what a crawl left and writes its page beside it") {
    const test::temporary_folder folder;
    const std::string crawl = folder.write("crawl.ndjson", row("anna", "2024-06-26", "S") + "\n");
    folder.write("crawl.ndjson.failed.ndjson", failure("bert", "2024-06-27", "the server is busy") + "\n");
    const std::string users = folder.write("users.txt", "carla\r\nanna\n\n");
    const auto result = test::run_program({"report", crawl, "--users", users});
    CHECK(result.out == "");
    CHECK(result.exit_code == 0);
    const std::string page = folder.read("crawl.html");
    CHECK(page.find("<title>Backup jobs</title>") != std::string::npos);
    CHECK(page.find(R"({"n":"anna","s":0,"c":"S.")") != std::string::npos);
    CHECK(page.find(R"({"n":"bert","s":0,"c":".X")") != std::string::npos);
    CHECK(page.find(R"({"n":"carla","s":0,"c":"..")") != std::string::npos);

    const auto to_stdout = test::run_program({"report", crawl, "--out", "-", "--title", "Week 26", "--missed", "7"});
    CHECK(to_stdout.exit_code == 0);
    CHECK(to_stdout.out.find("<title>Week 26</title>") != std::string::npos);
    CHECK(to_stdout.out.find("\"missed\":7,") != std::string::npos);
}

TEST_CASE("report says which line of which file it cannot read, and writes nothing") {
    const test::temporary_folder folder;
    const std::string crawl = folder.write("crawl.ndjson", row("anna", "2024-06-26", "S") + "\n{\"LoginName\"");
    const auto result = test::run_program({"report", crawl});
    CHECK(result.err.find("jobmode: " + crawl + ", line 2: it is not JSON") == 0);
    CHECK(result.exit_code == 1);
    CHECK(folder.read("crawl.html") == "");
    const auto missing = test::run_program({"report", crawl + ".gone"});
    CHECK(missing.err.find("jobmode: cannot read ") == 0);
    CHECK(missing.exit_code == 1);
}

TEST_CASE("report refuses days that make no sense, and to overwrite what it reads") {
    const test::temporary_folder folder;
    const std::string crawl =
        folder.write("crawl.html", row("anna", "2024-06-26", "S") + "\n" + row("anna", "1999-06-26", "S") + "\n");
    for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
             {"--from", "2024-02-30"},
             {"--to", "tomorrow"},
             {"--from", "2024-06-27", "--to", "2024-06-26"},
             {"--missed", "0"},
             {},
             {"--out", folder.path("page.html")},
         }) {
        std::vector<std::string> arguments{"report", crawl};
        arguments.insert(arguments.end(), wrong.begin(), wrong.end());
        const auto result = test::run_program(arguments);
        CAPTURE(result.err, wrong);
        CHECK(result.exit_code == 2);
        CHECK(result.err != "");
    }
    CHECK(folder.read("page.html") == "");
    CHECK(test::run_program({"report", crawl, "--from", "2024-01-01", "--out", folder.path("page.html")}).exit_code ==
          0);
}

TEST_CASE("report reads what a crawl left in SQLite, and knows which days were asked") {
    const test::temporary_folder folder;
    const std::string crawl = folder.path("crawl.sqlite");
    {
        store::database made(crawl);
        made.execute(
            "CREATE TABLE queries(Server TEXT, LoginName TEXT, BackupDate TEXT, BackupSetID TEXT, Error TEXT, Records "
            "INTEGER);"
            "CREATE TABLE records(Server TEXT, QueryLoginName TEXT, BackupDate TEXT, QueryBackupSetID TEXT, Number "
            "INTEGER, ID TEXT, LoginName TEXT, Owner TEXT, UserId TEXT, StartTime TEXT, EndTime TEXT, BackupSetID TEXT,"
            " BackupSetName TEXT, BackupJobMode TEXT);"
            "INSERT INTO queries VALUES('cbs.example.com', 'anna', '2024-06-24', '', NULL, 1),"
            " ('cbs.example.com', 'anna', '2024-06-25', '', NULL, 0),"
            " ('cbs.example.com', 'anna', '2024-06-26', '', NULL, 1),"
            " ('cbs.example.com', 'anna', '2024-06-28', '', 'connection_lost', 0),"
            " ('cbs.example.com', 'bert', '2024-06-28', '', 'server_busy', 0);"
            "INSERT INTO records VALUES('cbs.example.com', 'anna', '2024-06-24', '', 0, NULL, 'anna', '', NULL,"
            " '2024-06-24T22:00:00', '2024-06-24T22:30:00', '17', NULL, 'S'),"
            " ('cbs.example.com', 'anna', '2024-06-26', '', 0, NULL, 'anna', '', NULL, '', '', '17', 'Mail', NULL);");
    }
    folder.write("crawl.sqlite.failed.ndjson", failure("bert", "2024-06-28", "the server is busy") + "\n");
    const auto result = test::run_program({"report", crawl, "--out", "-"});
    CHECK(result.err == "");
    CHECK(result.exit_code == 0);
    CHECK(result.out.find(R"("reasons":["the server is busy","connection_lost"])") != std::string::npos);
    CHECK(result.out.find(R"({"n":"anna","s":0,"c":"SNN.X","j":[0,3,0,1320,30,2,0,0,null,null],"f":[4,1],"k":[[1,")") !=
          std::string::npos);
    CHECK(result.out.find(R"({"n":"bert","s":0,"c":"....X","j":[],"f":[4,0],"k":[[null,"u",0,null,)") !=
          std::string::npos);
}

namespace {

/// The data of a page.
json::object page_of(const std::string& page) {
    static constexpr std::string_view before = R"(<script type="application/json" id="data">)";
    const std::size_t begin = page.find(before);
    REQUIRE(begin != std::string::npos);
    const std::size_t end = page.find("</script>", begin);
    return json::parse(page.substr(begin + before.size(), end - begin - before.size())).as_object();
}

}  // namespace

TEST_CASE("a page's silent sets are exactly those that silent names, whatever is asked") {
    // A season of a fleet of which one user in twelve has stopped; the last days are not all asked about.
    sim::server_config config;
    config.fleet.users = 150;
    config.fleet.days = 90;
    const test::fleet_fixture with(std::move(config));
    const std::string out = with.folder.path("season.sqlite");
    REQUIRE(with.run("crawl",
                     {"--all-users", "--from", "2024-04-02", "--to", "2024-06-30", "--format", "sqlite", "--out", out})
                .exit_code == 0);
    {
        // The server was down for two nights, for a tenth of the users.
        store::database changed(out);
        changed.execute(
            "UPDATE queries SET Error = 'connect_failed', AnsweredAt = NULL, Records = 0 "
            "WHERE BackupDate >= '2024-06-29' AND LoginName LIKE '%7'; "
            "DELETE FROM records WHERE BackupDate >= '2024-06-29' AND QueryLoginName LIKE '%7'");
    }
    for (const std::vector<std::string>& asked :
         std::vector<std::vector<std::string>>{{},
                                               {"--require", "scheduled"},
                                               {"--now", "2024-06-10"},
                                               {"--now", "2024-06-30 07:00", "--require", "any"}}) {
        CAPTURE(asked);
        std::vector<std::string> arguments{"silent", out, "--format", "json"};
        arguments.insert(arguments.end(), asked.begin(), asked.end());
        const test::program_result named = test::run_program(arguments);
        std::map<std::string, std::set<std::string>> right;
        const json::value judged = json::parse(named.out);
        for (const json::value& line : judged.at("rows").as_array()) {
            const json::object& row = line.as_object();
            const bool unknown = row.at("reason") == "unknown";
            right[unknown ? "u" : "s"].insert(json::serialize(
                json::array{row.at("login_name"), row.at("set_name"), row.at("missed"), row.at("last_good")}));
        }
        arguments = {"report", out, "--out", "-"};
        arguments.insert(arguments.end(), asked.begin(), asked.end());
        const json::object page = page_of(test::run_program(arguments).out);
        const std::chrono::sys_days first = *policy::parse_date(std::string(page.at("from").as_string()));
        std::map<std::string, std::set<std::string>> shown;
        for (const json::value& user : page.at("users").as_array())
            for (const json::value& line : user.at("k").as_array()) {
                const json::array& set = line.as_array();
                const std::string is(set[1].as_string());
                if (is != "s" && is != "u")
                    continue;
                const json::value name =
                    set[0].is_int64() ? page.at("sets").at(static_cast<std::size_t>(set[0].as_int64())) : set[0];
                const json::value last =
                    set[3].is_null()
                        ? set[3]
                        : json::value(store::day_text(first + std::chrono::days(static_cast<int>(set[3].as_int64()))));
                shown[is].insert(
                    json::serialize(json::array{user.at("n"), name.is_null() ? json::value("") : name, set[2], last}));
            }
        CHECK(shown == right);
        CHECK(right["s"].size() > 3);
        CHECK(named.exit_code == 1);
    }
}

TEST_CASE("report does not take an SQLite file that no crawl wrote") {
    const test::temporary_folder folder;
    const std::string other = folder.path("other.sqlite");
    store::database(other).execute("CREATE TABLE songs(title TEXT)");
    const auto result = test::run_program({"report", other});
    CHECK(result.err.find("jobmode: cannot use " + other + ": no such table") == 0);
    CHECK(result.exit_code == 1);
}

}  // namespace report_test

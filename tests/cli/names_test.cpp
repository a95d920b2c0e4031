// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Names that customers chose, and what servers say, in front of a terminal, a spreadsheet and a page.
#include <boost/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"
#include "cli/messages/terminal.hpp"
#include "store/csv_text.hpp"

namespace names_test {

using namespace jobmode;
using sim::script_step;

namespace {

/// What a terminal obeys or what turns a line around, each with the code that is to stand in its place.
const std::vector<std::pair<std::string, std::string>>& obeyed() {
    static const std::vector<std::pair<std::string, std::string>> all{{"\x1b[2J", "1b"},
                                                                      {"\x1b]0;title\x07", "7"},
                                                                      {"\xc2\x9b"
                                                                       "31m",
                                                                       "9b"},
                                                                      {"\xc2\x80", "80"},
                                                                      {"\x7f", "7f"},
                                                                      {"\r", "d"},
                                                                      {"\n", "a"},
                                                                      {std::string(1, '\0'), "0"},
                                                                      {"\xe2\x80\x8e", "200e"},
                                                                      {"\xe2\x80\x8f", "200f"},
                                                                      {"\xe2\x80\xaa", "202a"},
                                                                      {"\xe2\x80\xae", "202e"},
                                                                      {"\xe2\x81\xa6", "2066"},
                                                                      {"\xe2\x81\xa9", "2069"},
                                                                      {"\xd8\x9c", "61c"}};
    return all;
}

std::string hostile() {
    std::string text = "X";
    for (const auto& [bytes, code] : obeyed())
        text += bytes;
    return text + "Y";
}

/// What of a text a terminal would obey; line ends are none, if there are as many of them as there should be.
std::string obeyed_in(const std::string& text, std::ptrdiff_t lines) {
    if (std::ranges::count(text, '\n') != lines)
        return "lines: " + text;
    for (const auto& [bytes, code] : obeyed())
        if (bytes != "\n" && text.find(bytes) != std::string::npos)
            return code;
    return {};
}

std::string answer(const boost::json::value& body) {
    const std::string text = boost::json::serialize(body);
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
}

sim::server_config answering(const boost::json::value& body) {
    sim::server_config config;
    config.script = [said = answer(body)](const sim::request_info&) {
        return std::optional(
            std::vector{script_step(script_step::kind::send, said), script_step(script_step::kind::close)});
    };
    return config;
}

boost::json::value job_named(const std::string& name) {
    return {{"Status", "OK"},
            {"Data",
             {{{"LoginName", "obm"},
               {"Owner", name},
               {"UserId", "1"},
               {"StartTime", "2024-06-26 22:00:00"},
               {"EndTime", "2024-06-26 23:00:00"},
               {"BackupSetID", name},
               {"BackupSetName", name},
               {"BackupJobMode", name}}}}};
}

std::vector<std::string> crawl_of(const test::fleet_fixture& with, std::vector<std::string> more) {
    std::vector<std::string> all{"--users",   with.folder.write("users", "obm\n"), "--from", "2024-06-26", "--to",
                                 "2024-06-26"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

}  // namespace

TEST_CASE("whatever a terminal obeys is written as its code") {
    for (const auto& [bytes, code] : obeyed()) {
        CAPTURE(code);
        CHECK(cli::terminal_text("a" + bytes + "b").find("\\u{" + code + "}") != std::string::npos);
        const std::string json = boost::json::serialize(boost::json::value("a" + bytes + "b"));
        const std::string shown = cli::terminal_json(json);
        CHECK(obeyed_in(shown, 0) == "");
        CHECK(boost::json::parse(shown) == boost::json::parse(json));
    }
    CHECK(cli::terminal_text("caf\xc3\xa9 \xd7\x90 \xe2\x82\xac") == "caf\xc3\xa9 \xd7\x90 \xe2\x82\xac");
    CHECK(cli::terminal_text("\xff\xc2") == "\\xff\\xc2");
    CHECK(cli::terminal_json("{\"a\":1}\n{\"b\":2}\n") == "{\"a\":1}\n{\"b\":2}\n");
    CHECK(cli::terminal_csv("a,b\r\n\"c\r\x1b[2J\n\"\r\n") == "a,b\r\n\"c\\u{d}\\u{1b}[2J\\u{a}\"\r\n");
}

TEST_CASE("no name in a table does more than stand there") {
    const test::fleet_fixture with(answering(job_named(hostile())));
    const auto table = with.run("query", {"--login-name", "obm", "--date", "2024-06-26", "--format", "table"});
    CHECK(table.exit_code == 0);
    CHECK(obeyed_in(table.out, 2) == "");
    CHECK(table.out.find("X\\u{1b}[2J") != std::string::npos);
}

TEST_CASE("a terminal is shown records of every format without what it would obey, and a file gets them as they are") {
    const test::fleet_fixture with(answering(job_named("X\x1b[2J\xc2\x9bY")));
    const std::string format = GENERATE("ndjson", "csv", "table", "");
    std::vector<std::string> asked{"--login-name", "obm", "--date", "2024-06-26"};
    if (!format.empty())
        asked.insert(asked.end(), {"--format", format});
    test::terminal terminal;
    test::restrictions on_terminal;
    on_terminal.terminal = terminal.path();
    on_terminal.out_on_terminal = true;
    test::program query(with.arguments("query", asked), {{"JOBMODE_SYS_PWD", "system1"}}, on_terminal);
    CHECK(query.wait().exit_code == 0);
    terminal.wait_for(format == "ndjson" ? "X\\u001b[2J\\u009bY" : "X\\u{1b}[2J\\u{9b}Y");
    CHECK(terminal.shown().find('\x1b') == std::string::npos);
    CHECK(terminal.shown().find("\xc2\x9b") == std::string::npos);
    if (format == "csv")
        CHECK(with.run("query", asked).out.find("X\x1b[2J\xc2\x9bY") != std::string::npos);
}

TEST_CASE("nothing that a server says does more than stand there") {
    const test::fleet_fixture with(answering({{"Status", "Error"}, {"ExptType", hostile()}, {"Message", hostile()}}));
    const auto query = with.run("query", {"--login-name", "obm", "--date", "2024-06-26"});
    CHECK(query.exit_code == 1);
    CHECK(query.err.find("\\u{1b}[2J") != std::string::npos);
    CHECK(obeyed_in(query.err, 1) == "");
    const auto check = with.run("check", {"--login-name", "obm", "--date", "2024-06-26"});
    CHECK(check.exit_code == 3);
    CHECK(check.out.find("\\u{1b}[2J") != std::string::npos);
    CHECK(obeyed_in(check.out, 1) == "");
    const auto crawl = with.run("crawl", crawl_of(with, {"--out", "-", "--progress", "always"}));
    CHECK(crawl.exit_code == 1);
    CHECK(crawl.err.find("\\u{1b}[2J") != std::string::npos);
    CHECK(crawl.err.find("\x1b[2J") == std::string::npos);
    CHECK(crawl.err.find("\xc2\x9b") == std::string::npos);
    const auto json = with.run("crawl", crawl_of(with, {"--out", "-", "--log-format", "json"}));
    CHECK(obeyed_in(json.err, std::ranges::count(json.err, '\n')) == "");
    for (std::string_view rest = json.err; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
        const boost::json::value line = boost::json::parse(rest.substr(0, rest.find('\n')));
        CHECK(line.as_object().contains("level"));
    }
}

TEST_CASE("no word of a command line is obeyed when it is repeated") {
    const auto result = test::run_program({"crawl", "--" + std::string("\x1b[2J\xc2\x9b")});
    CHECK(result.exit_code == 2);
    CHECK(obeyed_in(result.err, 1) == "");
}

TEST_CASE("no name in the list of silent sets does more than stand there") {
    const test::temporary_folder folder;
    std::string lines;
    for (int day = 1; day <= 28; ++day) {
        const std::string date = "2024-05-" + std::string(day < 10 ? "0" : "") + std::to_string(day);
        lines += boost::json::serialize(boost::json::value{{"LoginName", hostile()},
                                                           {"StartTime", date + " 22:00:00"},
                                                           {"EndTime", date + " 22:30:00"},
                                                           {"BackupSetID", "=1"},
                                                           {"BackupSetName", hostile()},
                                                           {"BackupJobMode", "S"},
                                                           {"BackupDate", date},
                                                           {"Server", hostile()},
                                                           {"QueryLoginName", hostile()}}) +
                 "\n";
    }
    lines += R"({"LoginName":"b","BackupJobMode":"S","BackupDate":"2024-06-28","Server":"s","QueryLoginName":"b"})"
             "\n";
    const std::string file = folder.write("crawl.ndjson", lines);
    const auto text = test::run_program({"silent", file, "--now", "2024-06-29"});
    INFO(text.out << text.err);
    REQUIRE(text.out.find("X\\u{1b}[2J") != std::string::npos);
    CHECK(obeyed_in(text.out, std::ranges::count(text.out, '\n')) == "");
    const auto safe = test::run_program({"silent", file, "--now", "2024-06-29", "--format", "csv", "--csv-safe"});
    CHECK(safe.out.find(",'=1,") != std::string::npos);
    CHECK(test::run_program({"silent", file, "--now", "2024-06-29", "--csv-safe"}).exit_code == 2);
}

TEST_CASE(
    "a cell that a spreadsheet would take for a formula is guarded where that is asked for, and read without it") {
    for (const std::string_view formula : {"=1+1", "+1", "-1", "@A1", "\tx", "\rx"}) {
        std::string plain;
        std::string safe;
        store::append_csv_value(plain, formula);
        store::append_csv_value(safe, formula, store::csv_cells::safe);
        const bool quoted = formula.front() == '\r';
        CHECK(plain == (quoted ? "\"" + std::string(formula) + "\"" : std::string(formula)));
        CHECK(safe == (quoted ? "\"'" + std::string(formula) + "\"" : "'" + std::string(formula)));
        CHECK(store::without_guard("'" + std::string(formula)) == formula);
    }
    std::string safe;
    store::append_csv_value(safe, "a=1", store::csv_cells::safe);
    store::append_csv_value(safe, "", store::csv_cells::safe);
    CHECK(safe == "a=1");
    CHECK(store::without_guard("'tis") == "'tis");

    const test::fleet_fixture with(answering(job_named("=cmd()")));
    const std::vector<std::string> asked{"--login-name", "obm", "--date", "2024-06-26", "--format"};
    const auto query = [&](std::vector<std::string> more) {
        more.insert(more.begin(), asked.begin(), asked.end());
        return with.run("query", more);
    };
    CHECK(query({"csv"}).out.find(",=cmd(),") != std::string::npos);
    CHECK(query({"csv", "--csv-safe"}).out.find(",'=cmd(),") != std::string::npos);
    CHECK(query({"ndjson", "--csv-safe"}).exit_code == 2);

    const std::string out = with.folder.path("out.csv");
    CHECK(with.run("crawl", crawl_of(with, {"--out", out, "--csv-safe"})).exit_code == 0);
    CHECK(with.folder.read("out.csv").find(",'=cmd(),") != std::string::npos);
    // Half an output of the one kind and half of the other would be of no use.
    const auto other = with.run("crawl", crawl_of(with, {"--out", out, "--resume"}));
    CHECK(other.exit_code == 2);
    CHECK(other.err.find("--csv-safe") != std::string::npos);
    CHECK(with.run("crawl", crawl_of(with, {"--out", with.folder.path("x.ndjson"), "--csv-safe"})).exit_code == 2);
    // The page has the names as they are.
    CHECK(test::run_program({"report", out, "--out", with.folder.path("page.html")}).exit_code == 0);
    const std::string page = with.folder.read("page.html");
    CHECK(page.find("\"=cmd()\"") != std::string::npos);
    CHECK(page.find("\"'=cmd()\"") == std::string::npos);
}

TEST_CASE("a page isolates the texts that come from elsewhere") {
    const test::temporary_folder folder;
    const std::string file = folder.write("crawl.ndjson", "");
    REQUIRE(test::run_program({"report", file, "--out", folder.path("page.html")}).exit_code == 0);
    const std::string page = folder.read("page.html");
    CHECK(page.find("<h1 dir=\"auto\">") != std::string::npos);
    CHECK(page.find("createElement(\"bdi\")") != std::string::npos);
}

TEST_CASE("a server that is not trusted is told with the name, whom to trust, and the cause") {
    const test::fleet_fixture with;
    const test::fleet_fixture other;
    const auto query = [&](std::vector<std::string> trust) {
        std::vector<std::string> all{"query",        "--url", with.server.url(), "--sys-user", "system",
                                     "--login-name", "obm",   "--date",          "2024-06-26"};
        all.insert(all.end(), trust.begin(), trust.end());
        return test::run_program(all, {{"JOBMODE_SYS_PWD", "system1"}});
    };
    const auto says = [](const test::program_result& result, const std::vector<std::string>& words) {
        CAPTURE(result.err, words);
        for (const std::string& word : words)
            CHECK(result.err.find(word) != std::string::npos);
        CHECK(result.err.find("[jobmode:") == std::string::npos);
    };
    const std::string authority = other.folder.write("other.pem", other.server.ca_pem());
    says(query({"--ca", authority}), {"localhost", "--ca " + authority, "certificate was not accepted", "signature"});
    says(query({}), {"localhost", "the system's authorities", "issuer"});
    says(query({"--pin", other.server.pin()}), {"localhost", "--pin is " + other.server.pin(), "public key"});
    says(query({"--ca", with.folder.path("none.pem")}), {"--ca: cannot read", "none.pem: No such file or directory"});
    says(query({"--ca", with.folder.write("empty.pem", "")}), {"empty.pem", "no certificate"});
    const auto crawl =
        test::run_program({"crawl", "--url", with.server.url(), "--sys-user", "system", "--ca", authority,
                           "--all-users", "--from", "2024-06-26", "--to", "2024-06-26", "--out", "-"},
                          {{"JOBMODE_SYS_PWD", "system1"}});
    CHECK(crawl.exit_code == 4);
    says(crawl, {"localhost", "--ca " + authority, "signature"});
    CHECK(with.server.counters().requests == 0);
}

}  // namespace names_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// `jobmode crawl --servers`: several servers in one crawl.
#include <boost/json.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "cli/command/crawl_problem.hpp"
#include "cli/fleet_fixture.hpp"
#include "cli/options/server_list.hpp"
#include "integration/black_hole.hpp"
#include "store/database.hpp"

namespace servers_test {

using namespace jobmode;
using test::fleet_fixture;

namespace {

sim::server_config fleet_of(unsigned users, std::uint64_t seed) {
    sim::server_config config = fleet_fixture::small_fleet();
    config.fleet.users = users;
    config.fleet.seed = seed;
    return config;
}

/// Two servers with equal login names and different passwords, and the file that names them.
struct two_servers {
    explicit two_servers(sim::server_config first = fleet_of(39, 1), sim::server_config second = fleet_of(19, 2))
        : cologne(std::move(first)), berlin(with_password(std::move(second))) {
        folder().write("cologne.pem", cologne.server.ca_pem());
        folder().write("berlin.pem", berlin.server.ca_pem());
        folder().write("berlin.pwd", "other-secret\n");
        file = folder().write("servers", "# two of them\n\n[cologne]\nurl = " + cologne.server.url() +
                                             "\nca = cologne.pem\nsys-pwd-env = COLOGNE\n\n[berlin]\n  url=" +
                                             berlin.server.url() + "\r\nca = berlin.pem\nsys-pwd-file = berlin.pwd\n");
    }

    const test::temporary_folder& folder() const { return cologne.folder; }
    std::vector<std::string> arguments(const std::string& out, const std::vector<std::string>& more = {}) const {
        std::vector<std::string> all{"crawl", "--servers", file, "--sys-user", "system", "--out", folder().path(out)};
        const std::vector<std::string> range = fleet_fixture::whole_fleet(more);
        all.insert(all.end(), range.begin(), range.end());
        return all;
    }
    test::program_result run(const std::string& out, const std::vector<std::string>& more = {}) const {
        return test::run_program(arguments(out, more), variables());
    }
    static test::environment variables() { return {{"COLOGNE", "system1"}}; }
    std::uint64_t queries() const { return cologne.server.counters().queries + berlin.server.counters().queries; }

    fleet_fixture cologne;
    fleet_fixture berlin;
    std::string file;

private:
    static sim::server_config with_password(sim::server_config config) {
        config.sys_pwd = "other-secret";
        return config;
    }
};

std::vector<std::string> sorted_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
}

std::map<std::string, std::size_t> records_by_server(const std::string& ndjson) {
    std::map<std::string, std::size_t> counts;
    for (const std::string& line : sorted_lines(ndjson))
        ++counts[boost::json::parse(line).at("Server").as_string().c_str()];
    return counts;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string problem_of(const test::temporary_folder& folder, const std::string& contents) {
    try {
        cli::connection_options defaults;
        defaults.sys_user = "api";
        cli::read_servers(folder.write("servers", contents), defaults);
        return {};
    } catch (const cli::usage_problem& problem) {
        return problem.what();
    }
}

}  // namespace

TEST_CASE("a file of servers is read") {
    const test::temporary_folder folder;
    cli::connection_options defaults;
    defaults.url = "https://nobody.example.com";
    defaults.sys_user = "api";
    defaults.ca = "everywhere.pem";
    defaults.timeout = 7;
    const std::vector<cli::listed_server> servers = cli::read_servers(
        folder.write("servers",
                     "\xEF\xBB\xBF; one\r\n [ a b ] \r\nurl = https://a.example.com/x \r\n\n#[c]\n[d]\nurl=https://d\n"
                     "sys-user =  other = user \npin = sha256//x=\nsys-pwd-file = d.pwd\n"
                     "users = /all/users\nallow-http = yes\nproxy = http://p:3128"),
        defaults);
    REQUIRE(servers.size() == 2);
    CHECK(servers[0].name == "a b");
    CHECK(servers[0].connection.url == "https://a.example.com/x");
    CHECK(servers[0].connection.sys_user == "api");
    CHECK(servers[0].connection.ca == "everywhere.pem");
    CHECK(servers[0].users_file == "");
    CHECK(servers[1].name == "d");
    CHECK(servers[1].connection.sys_user == "other = user");
    CHECK(servers[1].connection.ca == "");
    CHECK(servers[1].connection.pin == "sha256//x=");
    CHECK(servers[1].connection.sys_pwd_file == folder.path("d.pwd"));
    CHECK(servers[1].connection.allow_http);
    CHECK(servers[1].connection.proxy == "http://p:3128");
    CHECK(servers[1].connection.timeout == 7);
    CHECK(servers[1].users_file == "/all/users");
}

TEST_CASE("what is wrong in a file of servers is said with its line") {
    const test::temporary_folder folder;
    struct row {
        const char* contents;
        const char* words;
    };
    for (const row& each : {
             row{"", "names no server"},
             row{"# nothing\n", "names no server"},
             row{"url = https://a\n", "line 1: there is no [NAME] before it"},
             row{"[a\n", "line 1: a section is [NAME]"},
             row{"[]\n", "line 1: a server needs a name"},
             row{"[a]\nurl = https://a\n[a]\n", "line 3: there is a server [a] before"},
             row{"[a]\nurl https://a\n", "line 2: a line is key = value"},
             row{"[a]\nurl =\n", "line 2: 'url' has no value"},
             row{"[a]\nurl = x\nurl = y\n", "line 3: 'url' stands twice in [a]"},
             row{"\n[a]\nca = x\n", "line 2: [a] has no url"},
             row{"[a]\nurl = x\nuser = y\n", "line 3: 'user' is no key"},
             row{"[a]\nurl = x\nsys-pwd = hunter2\n", "line 3: a password does not belong in this file"},
             row{"[a]\nurl = x\nPassword = hunter2\n", "line 3: 'Password' is no key"},
             row{"[a]\nurl = x\nsys-pwd-file = y\nsys-pwd-env = z\n", "line 4: the password comes from a file or"},
             row{"[a]\nurl = x\ninsecure = maybe\n", "line 3: 'insecure' is yes or no"},
             row{"[a]\nurl = x\ninsecure = yes\npin = y\n", "line 1: [a] is insecure and has a ca or a pin"},
             row{"[a]\nurl = x\nclient-key = y\n", "line 1: [a] needs both"},
         }) {
        INFO(each.contents);
        const std::string problem = problem_of(folder, each.contents);
        INFO(problem);
        CHECK(problem.find(folder.path("servers")) == 0);
        CHECK(contains(problem, each.words));
        CHECK_FALSE(contains(problem, "hunter2"));
    }
}

TEST_CASE("a crawl of two servers keeps the records of both, under their names") {
    const two_servers with;
    const std::vector<std::string> more =
        GENERATE(std::vector<std::string>{}, std::vector<std::string>{"--threads", "2", "--plan", "jobs"});
    const auto result = with.run("out.ndjson", more);
    INFO(result.err);
    CHECK(result.exit_code == 0);
    const auto counts = records_by_server(with.folder().read("out.ndjson"));
    CHECK(counts.size() == 2);
    CHECK(counts.at("cologne") == with.cologne.server.counters().records);
    CHECK(counts.at("berlin") == with.berlin.server.counters().records);
    CHECK(contains(result.err, "cologne: "));
    CHECK(contains(result.err, "berlin: "));
    CHECK_FALSE(contains(result.err, "other-secret"));

    const std::uint64_t queries = with.queries();
    std::vector<std::string> again = more;
    again.emplace_back("--resume");
    CHECK(contains(with.run("out.ndjson", again).err, "nothing is left to do"));
    CHECK(with.queries() == queries);
}

TEST_CASE("equal login names on two servers stay two users, in tables and in the report") {
    const two_servers with;
    REQUIRE(with.run("out.db", {"--format", "sqlite"}).exit_code == 0);
    {
        store::database out(with.folder().path("out.db"));
        store::statement users = out.prepare("SELECT count(*) FROM (SELECT DISTINCT Server, LoginName FROM queries)");
        users.step();
        CHECK(users.integer(0) == 60);
    }
    REQUIRE(test::run_program({"report", with.folder().path("out.db")}).exit_code == 0);
    const std::string page = with.folder().read("out.html");
    CHECK(contains(page, R"("servers":["berlin","cologne"])"));
    std::size_t found = 0;
    for (auto at = page.find(R"({"n":"customer-0001","s":)"); at != std::string::npos;
         at = page.find(R"({"n":"customer-0001","s":)", at + 1))
        ++found;
    CHECK(found == 2);
}

TEST_CASE("a server that does not answer delays and spoils no other") {
    const two_servers with;
    const test::black_hole dark;
    // It is known neither who its users are, nor when that will be.
    const std::string users = with.folder().write("users", "obm\ncustomer-0001\n");
    const std::string listing = GENERATE(std::string(), std::string("users = users\n"));
    const std::string both = with.folder().read("servers");
    with.folder().write("servers", both + "[dark]\nurl = https://127.0.0.1:" + std::to_string(dark.port()) +
                                       "\ninsecure = yes\nsys-pwd-env = COLOGNE\n" + listing);
    // Enough for the two that answer, whatever else the machine does.
    const std::vector<std::string> options{"--connect-timeout",           "3", "--retries", "0", "--metrics-file",
                                           with.folder().path("out.prom")};
    const auto result = with.run("out.ndjson", options);
    INFO(result.err);
    CHECK(result.exit_code == 1);
    CHECK(contains(result.err, "dark: "));
    CHECK(contains(result.err, "--resume"));
    const auto counts = records_by_server(with.folder().read("out.ndjson"));
    CHECK(counts.size() == 2);
    CHECK(counts.at("cologne") == with.cologne.server.counters().records);
    CHECK(counts.at("berlin") == with.berlin.server.counters().records);
    CHECK(with.queries() == 600);
    const std::string numbers = with.folder().read("out.prom");
    CHECK(contains(numbers, "jobmode_crawl_queries_done{server=\"cologne\"} 400\n"));
    CHECK(contains(numbers, "jobmode_crawl_queries_done{server=\"berlin\"} 200\n"));
    CHECK(contains(numbers, "jobmode_crawl_queries_done{server=\"dark\"} 0\n"));

    // Resumed, the others are not asked again; and all of it is there once the third can be reached.
    std::vector<std::string> resumed = options;
    resumed.emplace_back("--resume");
    CHECK(with.run("out.ndjson", resumed).exit_code == 1);
    CHECK(with.queries() == 600);
}

TEST_CASE("a server that can be reached later is crawled then, and what the others said stays") {
    two_servers with;
    std::atomic<bool> down = true;
    sim::server_config config = fleet_of(9, 3);
    config.script = [&](const sim::request_info&) {
        std::optional<std::vector<sim::script_step>> steps;
        if (down)
            steps.emplace({sim::script_step(sim::script_step::kind::send,
                                            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")});
        return steps;
    };
    const fleet_fixture third(std::move(config));
    with.folder().write("third.pem", third.server.ca_pem());
    with.folder().write("servers", with.folder().read("servers") + "[third]\nurl = " + third.server.url() +
                                       "\nca = third.pem\nsys-pwd-env = COLOGNE\n");
    const auto first = with.run("out.ndjson", {"--plan", "jobs"});
    INFO(first.err);
    CHECK(first.exit_code == 1);
    CHECK(contains(first.err, "third: the users cannot be listed"));
    down = false;
    const std::uint64_t queries = with.queries();
    const auto second = with.run("out.ndjson", {"--plan", "jobs", "--resume"});
    INFO(second.err);
    CHECK(second.exit_code == 0);
    CHECK(with.queries() == queries);
    const auto counts = records_by_server(with.folder().read("out.ndjson"));
    CHECK(counts.at("third") == third.server.counters().records);
    CHECK(counts.at("cologne") == with.cologne.server.counters().records);
    const auto lines = sorted_lines(with.folder().read("out.ndjson"));
    CHECK(std::adjacent_find(lines.begin(), lines.end()) == lines.end());
}

TEST_CASE("a wrong password for one server ends that server's part alone") {
    const two_servers with;
    with.folder().write("berlin.pwd", "wrong-password\n");
    const auto result = with.run("out.ndjson");
    INFO(result.err);
    CHECK(result.exit_code == 1);
    CHECK(contains(result.err, "berlin: the users cannot be listed"));
    CHECK_FALSE(contains(result.err, "wrong-password"));
    CHECK(with.berlin.server.counters().refused == 1);
    CHECK(with.cologne.server.counters().queries == 400);

    with.folder().write("cologne.pwd", "wrong-password\n");
    std::string file = with.folder().read("servers");
    file.replace(file.find("sys-pwd-env = COLOGNE"), 21, "sys-pwd-file = cologne.pwd");
    with.folder().write("servers", file);
    // What all servers say is said.
    CHECK(with.run("other.ndjson").exit_code == 3);
    CHECK(::access(with.folder().path("other.ndjson").c_str(), F_OK) != 0);
}

TEST_CASE("a server whose certificate authority cannot be read is given up alone, now and when resumed") {
    const two_servers with;
    const std::string users = with.folder().write("users", "obm\n");
    with.folder().write("servers", with.folder().read("servers") +
                                       "[third]\nurl = https://localhost:1\nca = missing.pem\n"
                                       "sys-pwd-env = COLOGNE\nusers = users\n");
    for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--resume"}}) {
        const auto result = with.run("out.ndjson", more);
        INFO(result.err);
        CHECK(result.exit_code == 1);
        CHECK(contains(result.err, "third: "));
        CHECK(contains(result.err, "missing.pem"));
        CHECK(with.queries() == 600);
    }
    with.folder().write("servers", "[third]\nurl = https://localhost:1\nca = missing.pem\nsys-pwd-env = COLOGNE\n");
    CHECK(with.run("alone.ndjson").exit_code == 2);
}

TEST_CASE("a crawl of several servers that is killed and resumed ends as one run through") {
    sim::server_config slow = fleet_of(39, 1);
    slow.latency = *sim::latency_spec::parse("uniform:0ms,2ms");
    two_servers with(std::move(slow));
    REQUIRE(with.run("whole.ndjson").exit_code == 0);
    const auto whole = sorted_lines(with.folder().read("whole.ndjson"));
    for (const std::uint64_t moment : {1U, 2U, 3U, 20U, 120U, 300U}) {
        const std::string name = "out-" + std::to_string(moment) + ".ndjson";
        const std::vector<std::string> crawl =
            with.arguments(name, {"--resume", "--sync-interval", "0.002", "--max-in-flight", "8"});
        std::atomic<test::program*> victim = nullptr;
        with.cologne.trigger.arm(moment, [&] {
            while (!victim)
                std::this_thread::yield();
            victim.load()->send(SIGKILL);
        });
        test::program killed(crawl, two_servers::variables());
        victim = &killed;
        CHECK(killed.wait().exit_code == 128 + SIGKILL);
        with.cologne.trigger.arm(0, {});
        const auto result = test::run_program(crawl, two_servers::variables());
        INFO(result.err);
        REQUIRE(result.exit_code == 0);
        REQUIRE(sorted_lines(with.folder().read(name)) == whole);
    }
}

TEST_CASE("Ctrl-C ends a crawl whose servers have not yet said who their users are") {
    sim::server_config silent = fleet_fixture::small_fleet();
    silent.script = [](const sim::request_info&) {
        return std::optional<std::vector<sim::script_step>>({sim::script_step(sim::script_step::kind::stall)});
    };
    const fleet_fixture with(std::move(silent));
    test::program stalled(with.arguments("crawl", fleet_fixture::whole_fleet({"--out", with.folder.path("out")})),
                          {{"JOBMODE_SYS_PWD", "system1"}});
    while (with.server.counters().requests < 1)
        std::this_thread::yield();
    stalled.send(SIGINT);
    const auto result = stalled.wait();
    CHECK(result.exit_code == 130);
    CHECK(with.folder.files().empty());
}

TEST_CASE("the servers are part of what a state is of, and --servers stands alone") {
    const two_servers with;
    REQUIRE(with.run("out.ndjson").exit_code == 0);
    const std::string file = with.folder().read("servers");
    // Another order is no other crawl.
    const auto second = file.find("[berlin]");
    with.folder().write("servers", file.substr(second) + "\n" + file.substr(0, second));
    CHECK(contains(with.run("out.ndjson", {"--resume"}).err, "nothing is left to do"));
    with.folder().write("servers", file.substr(0, second));
    const auto fewer = with.run("out.ndjson", {"--resume"});
    CHECK(fewer.exit_code == 2);
    CHECK(contains(fewer.err, "the servers are others"));

    CHECK(contains(with.run("out2", {"--url", "https://localhost:1"}).err, "--servers"));
    const auto none = test::run_program(
        {"crawl", "--all-users", "--from", "2024-06-01", "--to", "2024-06-02", "--out", with.folder().path("out3")});
    CHECK(none.exit_code == 2);
    CHECK(contains(none.err, "--url"));
    with.folder().write("servers", "[a]\nurl = ftp://a\n");
    const auto wrong = with.run("out3");
    CHECK(wrong.exit_code == 2);
    CHECK(contains(wrong.err, "line 1: [a]: the URL must begin with https://"));
    with.folder().write("servers", "[a]\nurl = https://a\nsys-pwd-env = NOT_THERE\n");
    CHECK(contains(with.run("out3").err, "the variable NOT_THERE is not set"));
}

}  // namespace servers_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// `jobmode crawl` against the simulated server.
#include <boost/json.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "catch.hpp"
#include "cli/checkpoints.hpp"
#include "cli/fleet_fixture.hpp"
#include "cli/text.hpp"
#include "patience.hpp"
#include "store/database.hpp"

namespace crawl_test {

using namespace jobmode;
using test::fleet_fixture;

namespace {

namespace json = boost::json;

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

std::vector<std::string> sorted_lines(const std::string& text) {
    std::vector<std::string> lines = lines_of(text);
    std::sort(lines.begin(), lines.end());
    return lines;
}

/// Every record that the fleet has in the dates that are crawled.
std::size_t records_of(const sim::fleet& fleet) {
    std::size_t count = 0;
    const auto last = std::chrono::sys_days(std::chrono::year(2024) / std::chrono::June / 30);
    for (const std::string& name : fleet.login_names())
        for (auto day = last - std::chrono::days(9); day <= last; day += std::chrono::days(1))
            count += fleet.jobs(name, day).size();
    return count;
}

std::vector<std::string> to_file(const fleet_fixture& with, const std::string& name,
                                 std::vector<std::string> more = {}) {
    std::vector<std::string> all{"--out", with.folder.path(name)};
    all.insert(all.end(), more.begin(), more.end());
    return fleet_fixture::whole_fleet(all);
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a crawl keeps every record once, and says so") {
    const fleet_fixture with;
    const auto result = with.run("crawl", to_file(with, "out.ndjson"));
    CHECK(result.exit_code == 0);
    CHECK(result.out == "");
    CHECK(contains(result.err, "400 of 400 queries answered"));
    const std::vector<std::string> lines = sorted_lines(with.folder.read("out.ndjson"));
    CHECK(lines.size() == records_of(with.server.fleet()));
    CHECK(lines.size() == with.server.counters().records);
    CHECK(with.server.counters().queries == 400);
    for (const std::string& line : lines) {
        const json::object row = json::parse(line).as_object();
        CHECK(row.at("Server").as_string() == with.server.url().substr(8).c_str());
        CHECK(row.at("BackupDate").as_string().size() == 10);
    }
    CHECK(with.folder.read("out.ndjson.failed.ndjson") == "");
}

TEST_CASE("threads share the work and the limits") {
    const fleet_fixture with;
    const auto result = with.run(
        "crawl", to_file(with, "out.ndjson", {"--threads", "3", "--connections", "4", "--max-in-flight", "4"}));
    CHECK(result.exit_code == 0);
    CHECK(with.server.counters().queries == 400);
    CHECK(with.server.counters().most_in_flight <= 4);
    CHECK(lines_of(with.folder.read("out.ndjson")).size() == records_of(with.server.fleet()));
}

TEST_CASE("more threads than the limits allow do not exceed them") {
    // Every answer takes a moment, so that threads without a share of the limits would be seen together.
    sim::server_config config = fleet_fixture::small_fleet();
    config.latency = sim::latency_spec::parse("2ms").value();
    const fleet_fixture with(std::move(config));
    const std::vector<std::string> limit =
        GENERATE(std::vector<std::string>{"--connections", "2"}, std::vector<std::string>{"--max-in-flight", "2"});
    std::vector<std::string> more{"--threads", "8"};
    more.insert(more.end(), limit.begin(), limit.end());
    CHECK(with.run("crawl", to_file(with, "out.ndjson", more)).exit_code == 0);
    CHECK(with.server.counters().most_in_flight <= 2);
    CHECK(with.server.counters().queries == 400);
}

TEST_CASE("a crawl of a list of users asks only for them, and for each set if there are sets") {
    const fleet_fixture with;
    const std::string users = with.folder.write("users", "obm\r\n\nobm\ncustomer-0001\n");
    const std::vector<std::string> what{"--users", users, "--from", "2024-06-25", "--to", "2024-06-26"};
    std::vector<std::string> plain = what;
    plain.insert(plain.end(), {"--out", "-", "--format", "csv"});
    const auto result = with.run("crawl", plain);
    CHECK(result.exit_code == 0);
    CHECK(contains(result.out, "BackupDate,Server,QueryLoginName\r\n"));
    CHECK(contains(result.out, ",obm,,obm,2024-06-26T11:33:52,2024-06-26T11:34:15,"));
    CHECK(with.server.counters().queries == 4);

    std::vector<std::string> sets = what;
    sets.insert(sets.end(), {"--out", "-", "--backup-set-id", "1687750405259", "--backup-set-id", "17"});
    const auto by_set = with.run("crawl", sets);
    CHECK(by_set.exit_code == 0);
    CHECK(with.server.counters().queries == 12);
    CHECK(lines_of(by_set.out).size() == 1);
}

TEST_CASE("a crawl killed at any moment and resumed ends as one run through") {
    sim::server_config config = fleet_fixture::small_fleet();
    config.latency = *sim::latency_spec::parse("uniform:0ms,2ms");
    fleet_fixture with(std::move(config));
    REQUIRE(with.run("crawl", to_file(with, "whole.ndjson")).exit_code == 0);
    const std::vector<std::string> whole = sorted_lines(with.folder.read("whole.ndjson"));
    REQUIRE(whole.size() == records_of(with.server.fleet()));

    std::mt19937 random(20240626);
    for (int round = 0; round != 20; ++round) {
        const std::string name = "out-" + std::to_string(round) + ".ndjson";
        const std::vector<std::string> crawl = with.arguments(
            "crawl", to_file(with, name, {"--resume", "--sync-interval", "0.002", "--max-in-flight", "8"}));
        // ListUsers is a request, too.
        const std::uint64_t kills = 1 + random() % 3;
        for (std::uint64_t kill = 0; kill != kills; ++kill) {
            std::atomic<test::program*> victim = nullptr;
            with.trigger.arm(1 + random() % 300, [&] {
                while (!victim)
                    std::this_thread::yield();
                victim.load()->send(SIGKILL);
            });
            test::program killed(crawl, {{"JOBMODE_SYS_PWD", "system1"}});
            victim = &killed;
            const int code = killed.wait().exit_code;
            with.trigger.arm(0, {});
            CHECK((code == 128 + SIGKILL || code == 0));
        }
        const auto result = test::run_program(crawl, {{"JOBMODE_SYS_PWD", "system1"}});
        INFO(result.err);
        REQUIRE(result.exit_code == 0);
        REQUIRE(sorted_lines(with.folder.read(name)) == whole);
    }
}

TEST_CASE("a crawl that lists the jobs first has the same records, and asks less") {
    const fleet_fixture with;
    const std::vector<std::string> range{"--all-users", "--from", "2024-06-11", "--to", "2024-06-30"};
    const auto crawl = [&](const std::string& out, std::vector<std::string> more) {
        std::vector<std::string> all = range;
        all.insert(all.end(), {"--out", with.folder.path(out)});
        all.insert(all.end(), more.begin(), more.end());
        return with.run("crawl", all);
    };
    const std::vector<std::string> options =
        GENERATE(std::vector<std::string>{}, std::vector<std::string>{"--threads", "3"},
                 std::vector<std::string>{"--backup-set-id", "1687750405259", "--backup-set-id", "1687000003000"},
                 std::vector<std::string>{"--format", "csv"}, std::vector<std::string>{"--shard", "2/3"});
    const auto daily = crawl("daily", options);
    REQUIRE(daily.exit_code == 0);
    const std::uint64_t asked_daily = with.server.counters().queries;
    std::vector<std::string> jobs = options;
    jobs.insert(jobs.end(), {"--plan", "jobs"});
    const auto planned = crawl("jobs", jobs);
    INFO(planned.err);
    REQUIRE(planned.exit_code == 0);
    CHECK(sorted_lines(with.folder.read("jobs")) == sorted_lines(with.folder.read("daily")));
    CHECK_FALSE(with.folder.read("jobs").empty());
    const std::uint64_t asked = with.server.counters().queries - asked_daily;
    // The fleet has had jobs for half of the days only.
    CHECK(asked <= asked_daily / 2);
    CHECK(contains(planned.err, cli::grouped(asked) + " of " + cli::grouped(asked) + " queries answered"));
    CHECK(contains(planned.err,
                   cli::grouped(asked_daily - asked) + " of " + cli::grouped(asked_daily) + " queries saved"));
    CHECK(with.server.counters().job_lists <= with.server.fleet().login_names().size());
}

TEST_CASE("tables of a crawl that lists the jobs first say the same as those of one that asks every day") {
    const fleet_fixture with;
    const auto rows = [&](const std::string& name, const char* sql) {
        store::database out(with.folder.path(name));
        store::statement all = out.prepare(sql);
        std::vector<std::string> found;
        while (all.step())
            found.push_back(all.text(0));
        return found;
    };
    REQUIRE(with.run("crawl", to_file(with, "daily", {"--format", "sqlite"})).exit_code == 0);
    REQUIRE(with.run("crawl", to_file(with, "jobs", {"--format", "sqlite", "--plan", "jobs"})).exit_code == 0);
    for (const char* const sql : {"SELECT LoginName || BackupDate || Records FROM queries",
                                  "SELECT QueryLoginName || BackupDate || BackupSetID || Number FROM records"}) {
        CHECK(rows("jobs", sql).size() >= 400);
        CHECK(rows("jobs", sql) == rows("daily", sql));
    }
}

TEST_CASE("a user whose jobs cannot be listed is asked about daily, and that is said") {
    sim::server_config config = fleet_fixture::small_fleet();
    const std::string page = GENERATE(std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
                                      std::string("HTTP/1.1 200 OK\r\nContent-Length: 58\r\n\r\n"
                                                  R"({"Status":"OK","Data":[{"BackupJob":["yesterday, 10 pm"]}]})"));
    config.script = [page](const sim::request_info& request) {
        std::optional<std::vector<sim::script_step>> steps;
        if (request.target.find("ListBackupJobs") != std::string_view::npos &&
            request.body.find("\"obm\"") != std::string_view::npos)
            steps.emplace({sim::script_step(sim::script_step::kind::send, page)});
        return steps;
    };
    const fleet_fixture with(std::move(config));
    const std::string users = with.folder.write("users", "obm\ncustomer-0001\n");
    const auto result = with.run("crawl", {"--users", users, "--from", "2024-05-01", "--to", "2024-06-30", "--out",
                                           with.folder.path("out.ndjson"), "--plan", "jobs"});
    INFO(result.err);
    CHECK(result.exit_code == 0);
    CHECK(contains(result.err, "the jobs of 1 of 2 users could not be listed"));
    CHECK(contains(result.err,
                   "dates with jobs only; users whose jobs could not be listed, and who were asked about daily: 1"));
    // All days of the one, and of the other no day before the fleet's first.
    CHECK(with.server.counters().queries >= 61);
    CHECK(with.server.counters().queries <= 71);
    CHECK(contains(with.folder.read("out.ndjson"), "2024-06-26T11:33:52"));
}

TEST_CASE("a plan is kept with the crawl: resumed, it neither asks again nor loses anything") {
    sim::server_config config = fleet_fixture::small_fleet();
    config.latency = *sim::latency_spec::parse("1ms");
    fleet_fixture with(std::move(config));
    const std::vector<std::string> options{"--plan", "jobs", "--resume", "--sync-interval", "0.002"};
    REQUIRE(with.run("crawl", to_file(with, "whole.ndjson", {"--plan", "jobs"})).exit_code == 0);
    const sim::server_counters whole = with.server.counters();

    const std::vector<std::string> crawl = with.arguments("crawl", to_file(with, "out.ndjson", options));
    std::atomic<test::program*> victim = nullptr;
    // Behind the lists of users and of jobs.
    with.trigger.arm(1 + 40 + 150, [&] {
        // What has been answered is written a little later.
        while (!victim || with.folder.read("out.ndjson").empty())
            std::this_thread::yield();
        victim.load()->send(SIGKILL);
    });
    test::program killed(crawl, {{"JOBMODE_SYS_PWD", "system1"}});
    victim = &killed;
    REQUIRE(killed.wait().exit_code == 128 + SIGKILL);
    const auto rest = test::run_program(crawl, {{"JOBMODE_SYS_PWD", "system1"}});
    INFO(rest.err);
    CHECK(rest.exit_code == 0);
    CHECK(contains(rest.err, "queries saved"));
    CHECK(sorted_lines(with.folder.read("out.ndjson")) == sorted_lines(with.folder.read("whole.ndjson")));
    CHECK(with.server.counters().job_lists == 2 * whole.job_lists);
    CHECK(with.server.counters().queries < 3 * whole.queries);
    const auto third = test::run_program(crawl, {{"JOBMODE_SYS_PWD", "system1"}});
    CHECK(contains(third.err, "nothing is left to do: all " + std::to_string(whole.queries)));
    const auto daily = with.run("crawl", to_file(with, "out.ndjson", {"--resume"}));
    CHECK(daily.exit_code == 2);
    CHECK(contains(daily.err, "--plan was jobs and is daily now"));
}

TEST_CASE("a plan without a single job is an empty output, and a wrong password ends a plan at its first user") {
    const fleet_fixture with;
    const std::vector<std::string> range{"--all-users", "--from",     "2023-01-01",
                                         "--to",        "2023-01-31", "--plan",
                                         "jobs",        "--out",      with.folder.path("out.ndjson")};
    const auto result = with.run("crawl", range);
    INFO(result.err);
    CHECK(result.exit_code == 0);
    CHECK(with.server.counters().queries == 0);
    CHECK(::access(with.folder.path("out.ndjson").c_str(), F_OK) == 0);
    CHECK(contains(result.err, "1,240 of 1,240 queries saved"));
    const std::string users = with.folder.write("users", "obm\ncustomer-0001\n");
    const auto refused = with.run("crawl",
                                  {"--users", users, "--from", "2024-06-01", "--to", "2024-06-30", "--out",
                                   with.folder.path("other.ndjson"), "--plan", "jobs"},
                                  "wrong-password");
    CHECK(refused.exit_code == 3);
    CHECK(with.server.counters().refused == 1);
    CHECK(::access(with.folder.path("other.ndjson").c_str(), F_OK) != 0);
}

TEST_CASE("the shards of a crawl are the whole crawl, without overlap") {
    const fleet_fixture with;
    REQUIRE(with.run("crawl", to_file(with, "whole.ndjson")).exit_code == 0);
    const std::uint64_t whole_queries = with.server.counters().queries;
    std::vector<std::string> all;
    for (const std::string shard : {"1/3", "2/3", "3/3"}) {
        const std::string name = "part-" + shard.substr(0, 1) + ".ndjson";
        const auto result = with.run("crawl", to_file(with, name, {"--shard", shard}));
        INFO(result.err);
        REQUIRE(result.exit_code == 0);
        const std::vector<std::string> part = lines_of(with.folder.read(name));
        CHECK_FALSE(part.empty());
        all.insert(all.end(), part.begin(), part.end());
    }
    std::sort(all.begin(), all.end());
    CHECK(all == sorted_lines(with.folder.read("whole.ndjson")));
    CHECK(with.server.counters().queries == 2 * whole_queries);
}

TEST_CASE("a shard is part of what a state is of, and must be one") {
    const fleet_fixture with;
    REQUIRE(with.run("crawl", to_file(with, "out.ndjson", {"--shard", "1/2"})).exit_code == 0);
    const std::uint64_t queries = with.server.counters().queries;
    const auto again = with.run("crawl", to_file(with, "out.ndjson", {"--shard", "1/2", "--resume"}));
    CHECK(again.exit_code == 0);
    CHECK(contains(again.err, "nothing is left to do"));
    for (const std::vector<std::string>& other :
         {std::vector<std::string>{"--shard", "2/2", "--resume"}, {"--resume"}}) {
        const auto refused = with.run("crawl", to_file(with, "out.ndjson", other));
        CHECK(refused.exit_code == 2);
        CHECK(contains(refused.err, "--shard was 1/2"));
    }
    for (const char* wrong : {"0/2", "3/2", "1", "1/", "/2", "1/2x", "-1/2", "a/b", "1/0"}) {
        const auto refused = with.run("crawl", to_file(with, "wrong.ndjson", {"--shard", wrong}));
        CHECK(refused.exit_code == 2);
        CHECK(contains(refused.err, "such as 2/8"));
    }
    CHECK(with.server.counters().queries == queries);
}

TEST_CASE("what stands behind the last complete query is cut off") {
    const fleet_fixture with;
    const std::vector<std::string> arguments = to_file(with, "out.ndjson", {"--resume"});
    REQUIRE(with.run("crawl", arguments).exit_code == 0);
    const std::vector<std::string> whole = sorted_lines(with.folder.read("out.ndjson"));
    // As a crash between the output's and the state's turn leaves it: bytes that the state knows nothing of.
    test::undo(with.folder.path("out.ndjson.state"), ~std::uint64_t{0}, sink_position());
    std::ofstream(with.folder.path("out.ndjson"), std::ios::app) << R"({"LoginName":"torn)";
    const auto result = with.run("crawl", arguments);
    CHECK(result.exit_code == 0);
    CHECK(sorted_lines(with.folder.read("out.ndjson")) == whole);
}

TEST_CASE("what failed is listed, and tried again by --resume") {
    sim::server_config config = fleet_fixture::small_fleet();
    config.faults.emplace_back(sim::fault_kind::bad_json, 0.2);
    fleet_fixture with(std::move(config));
    // From a file, since ListUsers would be spoiled, too.
    std::string names;
    for (const std::string& name : with.server.fleet().login_names())
        names += name + '\n';
    const std::string users = with.folder.write("users", names);
    const auto crawl = [&](std::vector<std::string> more) {
        std::vector<std::string> all{"--users", users,        "--from", "2024-06-21",
                                     "--to",    "2024-06-30", "--out",  with.folder.path("out.ndjson")};
        all.insert(all.end(), more.begin(), more.end());
        return with.run("crawl", all);
    };
    const auto first = crawl({});
    with.server.set_faults({});
    CHECK(first.exit_code == 1);
    CHECK(contains(first.err, "json_syntax"));
    const std::vector<std::string> failed = lines_of(with.folder.read("out.ndjson.failed.ndjson"));
    REQUIRE_FALSE(failed.empty());
    for (const std::string& line : failed) {
        const json::object row = json::parse(line).as_object();
        CHECK(row.at("Error").as_string() == "json_syntax");
        CHECK(row.at("Attempts").as_int64() == 1);
        CHECK_FALSE(row.at("Message").as_string().empty());
    }
    const std::uint64_t before = with.server.counters().queries;
    const auto second = crawl({"--resume"});
    CHECK(second.exit_code == 0);
    CHECK(with.server.counters().queries == before + failed.size());
    CHECK(lines_of(with.folder.read("out.ndjson")).size() == records_of(with.server.fleet()));
    CHECK(::access(with.folder.path("out.ndjson.failed.ndjson").c_str(), F_OK) != 0);
    const auto third = crawl({"--resume"});
    CHECK(third.exit_code == 0);
    CHECK(contains(third.err, "nothing is left to do"));
    CHECK(with.server.counters().queries == before + failed.size());
}

TEST_CASE("a state is only used for the crawl that it is of") {
    const fleet_fixture with;
    REQUIRE(with.run("crawl", to_file(with, "out.ndjson")).exit_code == 0);
    const std::string before = with.folder.read("out.ndjson");
    const auto refused = [&](std::vector<std::string> arguments, const std::string& word) {
        const auto result = with.run("crawl", std::move(arguments));
        CHECK(result.exit_code == 2);
        CHECK(contains(result.err, word));
        CHECK(with.folder.read("out.ndjson") == before);
    };
    const std::string out = with.folder.path("out.ndjson");
    refused({"--all-users", "--from", "2024-06-20", "--to", "2024-06-30", "--out", out, "--resume"}, "2024-06-20");
    refused({"--all-users", "--from", "2024-06-21", "--to", "2024-06-29", "--out", out, "--resume"}, "--to");
    refused(to_file(with, "out.ndjson", {"--resume", "--format", "csv"}), "--format");
    refused(to_file(with, "out.ndjson", {"--resume", "--backup-set-id", "1"}), "sets");
    const std::string users = with.folder.write("users", "obm\n");
    refused({"--users", users, "--from", "2024-06-21", "--to", "2024-06-30", "--out", out, "--resume"}, "users");
    refused(to_file(with, "other.ndjson", {"--resume", "--state", out + ".state"}), "--out");
    refused(to_file(with, "other.ndjson", {"--state", with.folder.write("text", "not a database, but long enough")}),
            "no SQLite file");
}

TEST_CASE("an unfinished crawl is not begun anew by mistake, nor by two at a time") {
    fleet_fixture with;
    const std::vector<std::string> crawl = with.arguments("crawl", to_file(with, "out.ndjson"));
    {
        std::atomic<test::program*> running = nullptr;
        with.trigger.arm(50, [&] {
            while (!running || with.folder.read("out.ndjson").empty())
                std::this_thread::yield();
            // While the first one waits for this very answer, a second one comes.
            const auto second = test::run_program(crawl, {{"JOBMODE_SYS_PWD", "system1"}});
            CHECK(second.exit_code == 2);
            CHECK(contains(second.err, "in use by another process"));
            running.load()->send(SIGKILL);
        });
        test::program first(crawl, {{"JOBMODE_SYS_PWD", "system1"}});
        running = &first;
        CHECK(first.wait().exit_code == 128 + SIGKILL);
    }
    const auto again = test::run_program(crawl, {{"JOBMODE_SYS_PWD", "system1"}});
    CHECK(again.exit_code == 2);
    CHECK(contains(again.err, "--resume"));
    const auto resumed = with.run("crawl", to_file(with, "out.ndjson", {"--resume"}));
    CHECK(resumed.exit_code == 0);
    // Finished, it can be repeated.
    CHECK(test::run_program(crawl, {{"JOBMODE_SYS_PWD", "system1"}}).exit_code == 0);
    CHECK(lines_of(with.folder.read("out.ndjson")).size() == records_of(with.server.fleet()));
}

TEST_CASE("an output that was moved away or cut is noticed") {
    const fleet_fixture with;
    REQUIRE(with.run("crawl", to_file(with, "out.ndjson")).exit_code == 0);
    test::undo(with.folder.path("out.ndjson.state"), ~std::uint64_t{0});
    REQUIRE(::truncate(with.folder.path("out.ndjson").c_str(), 10) == 0);
    const auto result = with.run("crawl", to_file(with, "out.ndjson", {"--resume"}));
    CHECK(result.exit_code == 1);
    CHECK(contains(result.err, "shorter"));
}

TEST_CASE("an output that is gone is noticed, also when nothing is left to do, and whatever its format") {
    const fleet_fixture with;
    for (const std::string format : {"ndjson", "csv", "sqlite"}) {
        for (const bool finished : {true, false}) {
            INFO(format << (finished ? ", finished" : ", unfinished"));
            const std::string name = format + (finished ? ".finished" : ".unfinished");
            const std::vector<std::string> arguments = to_file(with, name, {"--format", format, "--resume"});
            REQUIRE(with.run("crawl", arguments).exit_code == 0);
            if (!finished)
                test::undo(with.folder.path(name + ".state"), 8);
            REQUIRE(::unlink(with.folder.path(name).c_str()) == 0);
            const auto result = with.run("crawl", arguments);
            CHECK(result.exit_code == 1);
            CHECK(contains(result.err, "put the file back"));
            CHECK(::access(with.folder.path(name).c_str(), F_OK) != 0);
        }
    }
}

TEST_CASE("a crawl killed at its very end leaves no list of failures behind once it is resumed") {
    const fleet_fixture with;
    const std::vector<std::string> arguments = to_file(with, "out.ndjson", {"--resume"});
    REQUIRE(with.run("crawl", arguments).exit_code == 0);
    const std::string failed = with.folder.write("out.ndjson.failed.ndjson", "{}\n");
    CHECK(with.run("crawl", arguments).exit_code == 0);
    CHECK(::access(failed.c_str(), F_OK) != 0);
}

TEST_CASE("a disk that is full, and a folder that cannot be written, are said") {
    const fleet_fixture with;
    const auto full = with.run("crawl", fleet_fixture::whole_fleet({"--out", "/dev/full"}));
    CHECK(full.exit_code == 1);
    CHECK(contains(full.err, "/dev/full"));
    const auto nowhere = with.run("crawl", fleet_fixture::whole_fleet({"--out", "/nonexistent/out.ndjson"}));
    CHECK(nowhere.exit_code != 0);
    CHECK(contains(nowhere.err, "/nonexistent/out.ndjson"));
}

TEST_CASE("a second crawl into SQLite updates what the first one wrote") {
    const fleet_fixture with;
    const auto count = [&](const char* sql) {
        store::database out(with.folder.path("out.db"));
        store::statement ask = out.prepare(sql);
        ask.step();
        return static_cast<std::size_t>(ask.integer(0));
    };
    for (int time = 0; time != 2; ++time) {
        const auto result = with.run("crawl", to_file(with, "out.db", {"--format", "sqlite"}));
        INFO(result.err);
        REQUIRE(result.exit_code == 0);
        CHECK(count("SELECT count(*) FROM queries") == 400);
        CHECK(count("SELECT count(*) FROM records") == records_of(with.server.fleet()));
    }
    CHECK(count("SELECT count(*) FROM records WHERE LoginName = 'obm' AND EndTime = '2024-06-26T11:34:15'") == 1);
    CHECK(count("SELECT count(*) FROM records WHERE BackupJobMode IS NULL") > 0);
}

TEST_CASE("a wrong password costs one attempt") {
    const fleet_fixture with;
    const std::string users = with.folder.write("users", "obm\ncustomer-0001\ncustomer-0002\n");
    const auto result = with.run(
        "crawl",
        {"--users", users, "--from", "2024-01-01", "--to", "2024-06-30", "--out", with.folder.path("out.ndjson")},
        "wrong-password");
    CHECK(result.exit_code == 3);
    CHECK_FALSE(contains(result.err, "wrong-password"));
    CHECK(with.server.counters().requests == 1);
    CHECK(with.server.counters().refused == 1);
}

TEST_CASE("a server that cannot be reached ends a crawl with its first query") {
    std::string url;
    {
        const fleet_fixture gone;
        url = gone.server.url();
    }
    const fleet_fixture with;
    const std::string users = with.folder.write("users", "obm\n");
    const auto result =
        test::run_program({"crawl", "--url", url, "--sys-user", "system", "--users", users, "--from", "2024-01-01",
                           "--to", "2024-06-30", "--out", with.folder.path("out.ndjson"), "--retries", "1"},
                          {{"JOBMODE_SYS_PWD", "system1"}});
    CHECK(result.exit_code == 4);
    CHECK(contains(result.err, "refused"));
    CHECK(contains(result.err, "begins again"));
    CHECK(with.folder.files() == std::vector<std::string>{"users"});
}

TEST_CASE("a finished output stays as it is until the first answer of the crawl that replaces it") {
    fleet_fixture with;
    const std::string users = with.folder.write("users", "obm\ncustomer-0001\n");
    const std::vector<std::string> crawl{"--users", users,        "--from", "2024-06-21",
                                         "--to",    "2024-06-30", "--out",  with.folder.path("out.ndjson")};
    REQUIRE(with.run("crawl", crawl).exit_code == 0);
    const std::string before = with.folder.read("out.ndjson");
    REQUIRE_FALSE(before.empty());
    const auto is_as_before = [&] {
        CHECK(with.folder.read("out.ndjson") == before);
        CHECK(with.folder.files() ==
              std::vector<std::string>{"out.ndjson", "out.ndjson.asked.ndjson", "out.ndjson.state", "users"});
        std::vector<std::string> resume = crawl;
        resume.emplace_back("--resume");
        CHECK(contains(with.run("crawl", resume).err, "nothing is left to do"));
    };
    SECTION("a wrong password") {
        const auto refused = with.run("crawl", crawl, "wrong-password");
        CHECK(refused.exit_code == 3);
        CHECK(contains(refused.err, "nothing was written"));
        is_as_before();
    }
    SECTION("answers that are none") {
        with.server.set_faults({sim::fault_spec(sim::fault_kind::html, 1)});
        const auto failed = with.run("crawl", crawl);
        CHECK(failed.exit_code == 4);
        CHECK(contains(failed.err, "not a JSON object"));
        CHECK(contains(failed.err, "nothing was written"));
        with.server.set_faults({});
        is_as_before();
    }
    SECTION("a crawl killed before its first answer") {
        std::atomic<test::program*> victim = nullptr;
        with.trigger.arm(1, [&] {
            while (!victim)
                std::this_thread::yield();
            victim.load()->send(SIGKILL);
        });
        test::program killed(with.arguments("crawl", crawl), {{"JOBMODE_SYS_PWD", "system1"}});
        victim = &killed;
        CHECK(killed.wait().exit_code == 128 + SIGKILL);
        is_as_before();
    }
    SECTION("answers") {
        CHECK(with.run("crawl", crawl).exit_code == 0);
        CHECK(sorted_lines(with.folder.read("out.ndjson")) == sorted_lines(before));
    }
}

TEST_CASE("failures before the first answer are kept with those after it") {
    sim::server_config config = fleet_fixture::small_fleet();
    std::atomic<int> asked = 0;
    config.script = [&asked](const sim::request_info&) {
        std::optional<std::vector<sim::script_step>> steps;
        if (asked++ < 3)
            steps.emplace(
                {sim::script_step(sim::script_step::kind::send, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]")});
        return steps;
    };
    const fleet_fixture with(std::move(config));
    const std::string users = with.folder.write("users", "obm\ncustomer-0001\n");
    const std::string format = GENERATE("ndjson", "sqlite");
    const std::vector<std::string> crawl{"--users",  users,        "--from",          "2024-06-21",
                                         "--to",     "2024-06-30", "--out",           with.folder.path("out"),
                                         "--format", format,       "--max-in-flight", "1"};
    const auto result = with.run("crawl", crawl);
    CHECK(result.exit_code == 1);
    CHECK(contains(result.err, "17 of 20 queries answered"));
    CHECK(lines_of(with.folder.read("out.failed.ndjson")).size() == 3);
    if (format == "sqlite") {
        store::database out(with.folder.path("out"));
        store::statement failed = out.prepare("SELECT count(*) FROM queries WHERE Error = 'json_syntax'");
        failed.step();
        CHECK(failed.integer(0) == 3);
    }
}

TEST_CASE("an output that no crawl is known to have written is replaced only by --force") {
    const fleet_fixture with;
    const std::string kept = "somebody's work\n";
    const std::string out = with.folder.write("out.ndjson", kept);
    for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--resume"}}) {
        const auto refused = with.run("crawl", to_file(with, "out.ndjson", more));
        CHECK(refused.exit_code == 2);
        CHECK(contains(refused.err, "--force"));
        CHECK(with.folder.read("out.ndjson") == kept);
    }
    CHECK(with.server.counters().requests == 0);
    CHECK(with.run("crawl", to_file(with, "out.ndjson", {"--force"})).exit_code == 0);
    CHECK(lines_of(with.folder.read("out.ndjson")).size() == records_of(with.server.fleet()));
    // An empty file is nobody's work.
    with.folder.write("empty.ndjson", "");
    CHECK(with.run("crawl", to_file(with, "empty.ndjson")).exit_code == 0);
    // A state of another output says nothing of this one.
    const auto other = with.run("crawl", to_file(with, "empty.ndjson", {"--state", out + ".state"}));
    CHECK(other.exit_code == 2);
    CHECK(contains(other.err, "--force"));
}

TEST_CASE("a reader who has had enough ends a crawl without a word") {
    // The crawl gets so far while it is read, and so far once nobody reads.
    constexpr int read = 100;
    constexpr int unread = 150;
    std::promise<void> closed;
    int asked = 0;
    sim::server_config config = fleet_fixture::small_fleet();
    config.script = [&](const sim::request_info&) {
        std::optional<std::vector<sim::script_step>> steps;
        if (++asked == read)
            closed.get_future().wait_for(test::patience);
        if (asked > unread)
            steps.emplace({sim::script_step(sim::script_step::kind::stall)});
        return steps;
    };
    const fleet_fixture with(std::move(config));
    test::program crawl(with.arguments("crawl", fleet_fixture::whole_fleet({"--out", "-", "--sync-interval", "0.002",
                                                                            "--max-in-flight", "2"})),
                        {{"JOBMODE_SYS_PWD", "system1"}});
    crawl.read_out_and_close();
    closed.set_value();
    const auto result = crawl.wait();
    CHECK(result.exit_code == 0);
    CHECK(result.err == "");
    CHECK(lines_of(result.out).size() >= 1);
}

TEST_CASE("a user whom the server lists twice is asked for once") {
    sim::server_config config = fleet_fixture::small_fleet();
    config.script = [](const sim::request_info& request) {
        std::optional<std::vector<sim::script_step>> steps;
        const std::string body =
            R"({"Status":"OK","User":[{"LoginName":"obm"},{"LoginName":"customer-0001"},{"LoginName":"obm"}]})";
        if (request.target.find("ListUsers") != std::string_view::npos)
            steps.emplace({sim::script_step(
                sim::script_step::kind::send,
                "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body)});
        return steps;
    };
    const fleet_fixture with(std::move(config));
    CHECK(with.run("crawl", to_file(with, "out.ndjson")).exit_code == 0);
    CHECK(with.server.counters().queries == 20);
}

TEST_CASE("Ctrl-C lets what is in flight end, and the crawl can be resumed") {
    fleet_fixture with;
    const std::vector<std::string> crawl = with.arguments("crawl", to_file(with, "out.ndjson", {"--resume"}));
    std::atomic<test::program*> running = nullptr;
    std::promise<void> noticed;
    with.trigger.arm(100, [&] {
        while (!running)
            std::this_thread::yield();
        running.load()->send(SIGINT);
        noticed.get_future().wait_for(test::patience);
    });
    test::program interrupted(crawl, {{"JOBMODE_SYS_PWD", "system1"}});
    running = &interrupted;
    interrupted.wait_for_err("once more");
    noticed.set_value();
    const auto result = interrupted.wait();
    CHECK(result.exit_code == 130);
    CHECK(contains(result.err, "--resume"));
    const std::uint64_t before = with.server.counters().queries;
    CHECK(before < 400);
    const auto rest = test::run_program(crawl, {{"JOBMODE_SYS_PWD", "system1"}});
    CHECK(rest.exit_code == 0);
    // Nothing that had been answered is asked again.
    CHECK(with.server.counters().queries == 400);
    CHECK(lines_of(with.folder.read("out.ndjson")).size() == records_of(with.server.fleet()));
}

TEST_CASE("a second Ctrl-C ends at once") {
    sim::server_config config = fleet_fixture::small_fleet();
    config.script = [](const sim::request_info& request) {
        std::optional<std::vector<sim::script_step>> steps;
        if (request.target.find("ListUsers") == std::string_view::npos)
            steps.emplace({sim::script_step(sim::script_step::kind::stall)});
        return steps;
    };
    fleet_fixture with(std::move(config));
    test::program stalled(with.arguments("crawl", to_file(with, "out.ndjson")), {{"JOBMODE_SYS_PWD", "system1"}});
    while (with.server.counters().requests < 2)
        std::this_thread::yield();
    stalled.send(SIGINT);
    stalled.wait_for_err("once more");
    stalled.send(SIGINT);
    const auto result = stalled.wait();
    CHECK(result.exit_code == 130);
    CHECK(contains(result.err, "begins again"));
}

TEST_CASE("a list of users is read as people and their editors write it") {
    const fleet_fixture with;
    const std::string users = with.folder.write(
        "users", "\xEF\xBB\xBF# our own\r\nobm  \r\n\r\n \t\r\n  # not: customer-0002\r\n\tcustomer-0001\t\nobm");
    const auto result = with.run("crawl", {"--users", users, "--from", "2024-06-26", "--to", "2024-06-26", "--out",
                                           with.folder.path("out.ndjson")});
    INFO(result.err);
    CHECK(result.exit_code == 0);
    const auto asked = lines_of(with.folder.read("out.ndjson.asked.ndjson"));
    REQUIRE(asked.size() == 2);
    CHECK(contains(asked[0], "\"LoginName\":\"customer-0001\""));
    CHECK(contains(asked[1], "\"LoginName\":\"obm\""));
    const std::string none = with.folder.write("none", "\xEF\xBB\xBF\n# nobody\n");
    const auto empty = with.run("crawl", {"--users", none, "--from", "2024-06-26", "--to", "2024-06-26", "--out", "-"});
    CHECK(empty.exit_code == 2);
    CHECK(contains(empty.err, "there is no user in " + none));
}

TEST_CASE("crawl refuses what cannot be meant") {
    const fleet_fixture with;
    const auto refused = [&](std::vector<std::string> arguments, const std::string& word) {
        const auto result = with.run("crawl", std::move(arguments));
        INFO(result.err);
        CHECK(result.exit_code == 2);
        CHECK(contains(result.err, word));
    };
    const std::string out = with.folder.path("out");
    refused({"--all-users", "--from", "2024-02-30", "--to", "2024-06-30", "--out", out}, "2024-02-30");
    refused({"--all-users", "--from", "2024-06-30", "--to", "2024-06-29", "--out", out}, "--to is before --from");
    refused({"--from", "2024-06-29", "--to", "2024-06-30", "--out", out}, "--users");
    refused({"--all-users", "--users", "x", "--from", "2024-06-29", "--to", "2024-06-30", "--out", out}, "--users");
    refused({"--users", with.folder.path("none"), "--from", "2024-06-29", "--to", "2024-06-30", "--out", out}, "none");
    refused({"--users",
             with.folder.write("bad",
                               "fine\nnot\x01"
                               "fine\n"),
             "--from", "2024-06-29", "--to", "2024-06-30", "--out", out},
            "line 2");
    refused(fleet_fixture::whole_fleet({"--out", "-", "--format", "sqlite"}), "sqlite");
    refused(fleet_fixture::whole_fleet({"--out", "-", "--resume"}), "--out");
    refused(fleet_fixture::whole_fleet({"--out", out, "--max-in-flight", "many"}), "many");
    CHECK(with.server.counters().queries == 0);
}

}  // namespace crawl_test

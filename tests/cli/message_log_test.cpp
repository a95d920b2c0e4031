// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What `jobmode crawl` says on stderr, as text and as JSON.
#include "cli/messages/message_log.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "cli/command/crawl.hpp"
#include "cli/fleet_fixture.hpp"
#include "cli/messages/progress.hpp"

namespace message_log_test {

using namespace jobmode;
using cli::message_log;
using test::fleet_fixture;

namespace {

namespace json = boost::json;

/// Messages by their event; every line must be one.
std::multimap<std::string, json::object> messages(const std::string& text) {
    std::multimap<std::string, json::object> found;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        INFO(line);
        boost::system::error_code ec;
        const json::value value = json::parse(line, ec);
        REQUIRE_FALSE(ec);
        const json::object& message = value.as_object();
        const std::string time = message.at("time").as_string().c_str();
        CHECK(time.size() == 24);
        CHECK(time.back() == 'Z');
        const std::string level = message.at("level").as_string().c_str();
        CHECK((level == "info" || level == "warning" || level == "error"));
        CHECK_FALSE(message.at("message").as_string().empty());
        found.emplace(message.at("event").as_string().c_str(), message);
    }
    return found;
}

std::string text_of(const json::object& message, const char* key) {
    return message.at(key).as_string().c_str();
}

std::uint64_t number_of(const json::object& message, const char* key) {
    return message.at(key).to_number<std::uint64_t>();
}

}  // namespace

TEST_CASE("a message is a sentence, or an object with its parts") {
    using namespace std::chrono;
    const system_clock::time_point now = sys_days(year(2024) / June / 9) + 5h + 7min + 8s + 45ms;
    message_log log;
    CHECK(log.line(message_log::level::info, "e", "All is well", {{"n", std::uint64_t{1}}}, now) == "All is well\n");
    CHECK(log.line(message_log::level::warning, "e", "Not quite", {}, now) == "jobmode: Not quite\n");
    log.written = message_log::format::json;
    CHECK(log.line(message_log::level::error, "server_given_up", "it said \"no\"\n",
                   {{"server", "a\\b"}, {"n", std::uint64_t{18446744073709551615U}}, {"seconds", 0.25}}, now) ==
          R"({"time":"2024-06-09T05:07:08.045Z","level":"error","event":"server_given_up",)"
          R"("message":"it said \"no\"\u000a","server":"a\\b","n":18446744073709551615,"seconds":0.25})"
          "\n");
    const std::string bytes = log.line(message_log::level::info, "e", "caf\xC3\xA9", {{"file", "caf\xE9"}}, now);
    CHECK(text_of(json::parse(bytes).as_object(), "message") == "caf\xC3\xA9");
    CHECK(text_of(json::parse(bytes).as_object(), "file") == "caf?");
}

TEST_CASE("everything that a crawl says in JSON is an object a line") {
    const fleet_fixture with;
    const std::vector<std::string> json_log{"--log-format", "json", "--progress", "always", "--plan", "jobs"};
    const auto crawl = [&](std::vector<std::string> more, const std::string& password = "system1") {
        std::vector<std::string> all = fleet_fixture::whole_fleet({"--out", with.folder.path("out.ndjson")});
        all.insert(all.end(), json_log.begin(), json_log.end());
        all.insert(all.end(), more.begin(), more.end());
        return with.run("crawl", all, password);
    };
    const auto good = crawl({});
    CHECK(good.exit_code == 0);
    const auto said = messages(good.err);
    const json::object& summary = said.find("summary")->second;
    CHECK(number_of(summary, "done") == with.server.counters().queries);
    CHECK(number_of(summary, "total") + number_of(summary, "skipped") == 400);
    CHECK(number_of(summary, "records") == with.server.counters().records);
    CHECK(number_of(summary, "failed") == 0);
    CHECK(text_of(said.find("output")->second, "out") == with.folder.path("out.ndjson"));
    CHECK(said.count("plan") == 1);
    CHECK(said.count("connections") == 1);

    CHECK(messages(crawl({"--resume"}).err).count("nothing_left") == 1);

    const auto refused = crawl({}, "wrong-password");
    CHECK(refused.exit_code == 3);
    const auto why = messages(refused.err);
    CHECK(text_of(why.find("error")->second, "level") == "error");
    CHECK(number_of(why.find("error")->second, "exit_code") == 3);
    CHECK(refused.err.find("wrong-password") == std::string::npos);
}

TEST_CASE("failures and interruptions are objects, too") {
    sim::server_config config = fleet_fixture::small_fleet();
    config.script = [](const sim::request_info& request) {
        std::optional<std::vector<sim::script_step>> steps;
        if (request.body.find("\"obm\"") != std::string_view::npos)
            steps.emplace(
                {sim::script_step(sim::script_step::kind::send, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")});
        if (request.body.find("\"customer-0009\"") != std::string_view::npos)
            steps.emplace({sim::script_step(sim::script_step::kind::stall)});
        return steps;
    };
    const fleet_fixture with(std::move(config));
    const auto crawl = [&](const std::string& names) {
        return with.arguments("crawl", {"--users", with.folder.write("users", names), "--from", "2024-06-29", "--to",
                                        "2024-06-30", "--out", "-", "--log-format=json"});
    };
    const auto failed = test::run_program(crawl("customer-0001\nobm\n"), {{"JOBMODE_SYS_PWD", "system1"}});
    CHECK(failed.exit_code == 1);
    const auto said = messages(failed.err);
    REQUIRE(said.count("query_failed") == 2);
    const json::object& one = said.find("query_failed")->second;
    CHECK(text_of(one, "login_name") == "obm");
    CHECK(text_of(one, "backup_date") == "2024-06-29");
    CHECK(text_of(one, "error") == "not_json");
    CHECK(text_of(one, "server") == with.server.url().substr(8));
    CHECK(number_of(one, "attempts") == 2);

    const std::uint64_t before = with.server.counters().requests;
    test::program stalled(crawl("customer-0009\n"), {{"JOBMODE_SYS_PWD", "system1"}});
    while (with.server.counters().requests == before)
        std::this_thread::yield();
    stalled.send(SIGINT);
    stalled.wait_for_err("interrupted");
    stalled.send(SIGINT);
    const auto result = stalled.wait();
    CHECK(result.exit_code == 130);
    CHECK(messages(result.err).count("interrupted") == 1);
}

TEST_CASE("a command line that is wrong is said in JSON if it asks for that") {
    for (const std::vector<std::string>& wrong :
         {std::vector<std::string>{"crawl", "--log-format", "json"},
          {"crawl", "--log-format=json", "--no-such-option"},
          {"crawl", "--log-format", "json", "--url", "https://localhost:1", "--sys-user", "x", "--all-users", "--from",
           "yesterday", "--to", "2024-06-30", "--out", "-"}}) {
        const auto result = test::run_program(wrong);
        CHECK(result.exit_code == 2);
        const auto said = messages(result.err);
        REQUIRE(said.size() == 1);
        CHECK(said.begin()->first == "error");
        CHECK(number_of(said.begin()->second, "exit_code") == 2);
    }
    CHECK(test::run_program({"crawl", "--log-format", "xml"}).err.find("{\"time") == std::string::npos);
    CHECK(test::run_program({"query", "--log-format", "json"}).err.find("{\"time") == std::string::npos);
}

TEST_CASE("progress in JSON is an object and never a bar") {
    const test::temporary_folder folder;
    const int before = ::dup(STDERR_FILENO);
    const int file = ::open(folder.path("err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ::dup2(file, STDERR_FILENO);
    message_log log;
    log.written = message_log::format::json;
    bool never_silent = false;
    {
        cli::progress_figures figures;
        figures.done = 3;
        figures.total = 8;
        cli::progress(cli::progress::mode::always, log).show(figures);
        cli::progress(cli::progress::mode::automatic, log).show(figures);
        never_silent = cli::progress(cli::progress::mode::never, log).interval().count() != 0;
    }
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    ::close(file);
    CHECK_FALSE(never_silent);
    const auto said = messages(folder.read("err"));
    REQUIRE(said.count("progress") == 2);
    CHECK(number_of(said.begin()->second, "done") == 3);
    CHECK(number_of(said.begin()->second, "total") == 8);
}

}  // namespace message_log_test

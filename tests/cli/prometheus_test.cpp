// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/prometheus.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "catch.hpp"
#include "cli/process.hpp"
#include "integration/support.hpp"

namespace prometheus_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

/// Samples by name and labels. Every line has to be one that the format allows, and each metric's type has to stand
/// before its samples, once.
std::map<std::string, double> parsed(const std::string& text) {
    static const std::regex comment(R"(# (HELP|TYPE) ([a-z_]+) (.+))");
    static const std::regex sample(
        R"(([a-z_]+)(\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\}) ([0-9.e+-]+))");
    std::map<std::string, double> samples;
    std::set<std::string> typed;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        std::smatch match;
        if (std::regex_match(line, match, comment)) {
            if (match[1] == "TYPE")
                CHECK(typed.insert(match[2]).second);
            continue;
        }
        REQUIRE(std::regex_match(line, match, sample));
        const std::string family = std::regex_replace(match[1].str(), std::regex("_(bucket|sum|count)$"), "");
        CHECK(typed.count(family) == 1);
        CHECK(samples.emplace(match[1].str() + match[2].str(), std::stod(match[3])).second);
    }
    return samples;
}

void add(latency_histogram& histogram, std::chrono::nanoseconds latency) {
    ++histogram.buckets[latency_histogram::bucket_of(latency)];
    ++histogram.count;
    histogram.sum += latency;
}

}  // namespace

TEST_CASE("Prometheus text has every number once, with its type before it") {
    metrics numbers;
    numbers.queries = 12;
    numbers.failures = 3;
    numbers.bytes_received = 5'000'000'000'000'000;
    numbers.in_flight_limit = 64;
    cli::progress_figures crawl;
    crawl.total = 9000;
    crawl.done = 4;
    crawl.failed = 2;
    const std::string text = cli::prometheus_text({{"cbs.example.com:8443", numbers, crawl}});
    CHECK(text.back() == '\n');
    const auto samples = parsed(text);
    CHECK(samples.at(R"(jobmode_queries_total{server="cbs.example.com:8443"})") == 12);
    CHECK(samples.at(R"(jobmode_query_failures_total{server="cbs.example.com:8443"})") == 3);
    CHECK(samples.at(R"(jobmode_received_bytes_total{server="cbs.example.com:8443"})") == 5e15);
    CHECK(samples.at(R"(jobmode_in_flight_limit{server="cbs.example.com:8443"})") == 64);
    CHECK(samples.at(R"(jobmode_crawl_queries{server="cbs.example.com:8443"})") == 9000);
    CHECK(samples.at(R"(jobmode_crawl_queries_done{server="cbs.example.com:8443"})") == 4);
    CHECK(samples.at(R"(jobmode_crawl_queries_failed{server="cbs.example.com:8443"})") == 2);
    CHECK(text.find("# TYPE jobmode_in_flight_limit gauge\n") != std::string::npos);
    CHECK(text.find("# TYPE jobmode_queries_total counter\n") != std::string::npos);
    CHECK(text.find("_total{server=\"cbs.example.com:8443\"} 5000000000000000\n") != std::string::npos);
}

TEST_CASE("Prometheus buckets grow from each to the next and count what lies below their limits") {
    metrics numbers;
    for (const auto latency : {100us, 255us, 256us, 1023us, 1024us, 50'000us})
        add(numbers.latency, latency);
    add(numbers.latency, 67s);
    add(numbers.latency, 68s);
    const auto samples = parsed(cli::prometheus_text({{"s", numbers, cli::progress_figures()}}));
    const auto below = [&](const std::string& limit) {
        return samples.at("jobmode_query_duration_seconds_bucket{server=\"s\",le=\"" + limit + "\"}");
    };
    CHECK(below("0.000256") == 2);
    CHECK(below("0.000512") == 3);
    CHECK(below("0.001024") == 4);
    CHECK(below("0.002048") == 5);
    CHECK(below("0.032768") == 5);
    CHECK(below("0.065536") == 6);
    CHECK(below("67.108864") == 7);
    CHECK(below("+Inf") == 8);
    CHECK(samples.at(R"(jobmode_query_duration_seconds_count{server="s"})") == 8);
    CHECK(std::abs(samples.at(R"(jobmode_query_duration_seconds_sum{server="s"})") - 135.052658) < 1e-9);
}

TEST_CASE("Prometheus buckets and count agree in a snapshot taken between the two") {
    metrics numbers;
    add(numbers.latency, 1ms);
    ++numbers.latency.count;
    const auto samples = parsed(cli::prometheus_text({{"s", numbers, cli::progress_figures()}}));
    CHECK(samples.at(R"(jobmode_query_duration_seconds_count{server="s"})") ==
          samples.at(R"(jobmode_query_duration_seconds_bucket{server="s",le="+Inf"})"));
}

TEST_CASE("Prometheus labels are escaped") {
    const auto samples = parsed(cli::prometheus_text({{"a\"b\\c\nd", metrics(), cli::progress_figures()}}));
    CHECK(samples.count(R"(jobmode_queries_total{server="a\"b\\c\nd"})") == 1);
}

TEST_CASE("Prometheus text has what the model says of each set, the worst first, and no more sets than are wanted") {
    const auto row = [](std::string login_name, report::verdict is, unsigned missed) {
        report::coverage_row made;
        made.server = "a";
        made.login_name = std::move(login_name);
        made.set_id = "7";
        made.set_name = "x\"y\n";
        made.said.is = is;
        made.said.missed = missed;
        if (is == report::verdict::good)
            made.said.last_good = std::chrono::sys_days(std::chrono::days(19'900));
        made.said.due = std::chrono::sys_days(std::chrono::days(19'901));
        return made;
    };
    report::assessment said;
    said.rows = {row("anna", report::verdict::good, 0), row("bert", report::verdict::silent, 2),
                 row("carla", report::verdict::silent, 30), row("dora", report::verdict::unknown, 1),
                 row("emil", report::verdict::pending, 0)};
    report::coverage_row unseen;
    unseen.server = "b";
    unseen.said.is = report::verdict::unknown;
    said.rows.push_back(unseen);
    const auto samples = parsed(cli::coverage_text(said));
    const auto of = [](const char* name) {
        return "{server=\"a\",login_name=\"" + std::string(name) + R"(",set_id="7",set_name="x\"y\n"})";
    };
    CHECK(samples.at(R"(jobmode_sets{server="a"})") == 5);
    CHECK(samples.at(R"(jobmode_silent_sets{server="a"})") == 2);
    CHECK(samples.at(R"(jobmode_unknown_sets{server="a"})") == 1);
    CHECK(samples.at(R"(jobmode_pending_sets{server="a"})") == 1);
    CHECK(samples.at(R"(jobmode_unknown_sets{server="b"})") == 1);
    CHECK(samples.at(R"(jobmode_sets_left_out{server="a"})") == 0);
    CHECK(samples.at("jobmode_set_missed_days" + of("carla")) == 30);
    CHECK(samples.at("jobmode_set_last_good_day" + of("anna")) == 19'900);
    // A set that never had a backup has no such day, and a series all the same.
    CHECK(samples.count("jobmode_set_last_good_day" + of("carla")) == 0);
    CHECK(samples.at("jobmode_set_due_day" + of("carla")) == 19'901);

    const auto bounded = parsed(cli::coverage_text(said, 2));
    CHECK(bounded.count("jobmode_set_missed_days" + of("carla")) == 1);
    CHECK(bounded.count("jobmode_set_missed_days" + of("bert")) == 1);
    CHECK(bounded.count("jobmode_set_missed_days" + of("dora")) == 0);
    CHECK(bounded.at(R"(jobmode_sets_left_out{server="a"})") == 3);
}

TEST_CASE("crawl leaves its numbers in the metrics file, and nothing else beside it") {
    const test::fixture server;
    const test::temporary_folder folder;
    const std::string ca = folder.write("ca.pem", server.server.ca_pem());
    const std::string users = folder.write("users.txt", "obm\n");
    const std::string file = folder.path("jobmode.prom");
    const auto crawl = [&](const std::string& to) {
        return test::run_program(
            {"crawl", "--url", server.server.url(), "--sys-user", "system", "--ca", ca, "--users", users, "--from",
             "2024-06-01", "--to", "2024-06-30", "--out", folder.path("out.ndjson"), "--metrics-file", to},
            {{"JOBMODE_SYS_PWD", "system1"}});
    };
    const auto result = crawl(file);
    CHECK(result.err.find(file) == std::string::npos);
    CHECK(result.exit_code == 0);
    const std::string name = server.server.url().substr(std::string("https://").size());
    const auto samples = parsed(folder.read("jobmode.prom"));
    CHECK(samples.at("jobmode_queries_total{server=\"" + name + "\"}") == 30);
    CHECK(samples.at("jobmode_query_duration_seconds_count{server=\"" + name + "\"}") == 30);
    CHECK(samples.at("jobmode_crawl_queries_done{server=\"" + name + "\"}") == 30);
    CHECK(samples.at("jobmode_queries_in_flight{server=\"" + name + "\"}") == 0);
    // What the output says of the one set, which ran on the 26th.
    CHECK(samples.at("jobmode_sets{server=\"" + name + "\"}") == 1);
    CHECK(samples.at("jobmode_silent_sets{server=\"" + name + "\"}") == 1);
    const auto last = std::ranges::find_if(
        samples, [](const auto& one) { return one.first.starts_with("jobmode_set_last_good_day{"); });
    REQUIRE(last != samples.end());
    CHECK(last->second == 19'900);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path("")))
        CHECK(entry.path().filename().string().find("jobmode.prom.") == std::string::npos);

    const auto refused = crawl(folder.path("no-such-folder/jobmode.prom"));
    CHECK(refused.err.find("jobmode: --metrics-file: cannot write ") == 0);
    CHECK(refused.exit_code == 2);
}

}  // namespace prometheus_test

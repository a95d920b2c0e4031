// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What is expected in place of what is learned.
#include "report/expectations.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "cli/process.hpp"
#include "report/coverage.hpp"

namespace expectations_test {

using namespace jobmode;
using report::expectation;
using report::expectations;
using report::subject;
using report::verdict;
using std::chrono::days;
using std::chrono::sys_days;

namespace {

// A Monday.
constexpr sys_days monday{std::chrono::year(2024) / 6 / 3};

expectations read(std::string_view text) {
    expectations made;
    REQUIRE(made.parse(text).empty());
    return made;
}

expectation asked(std::string_view text, const subject& who) {
    return read(text).of(who);
}

const subject files{"cbs", "reseller", "customer-7", "1468", "Files"};

report::history run(int good, int missing) {
    report::history made;
    made.first = monday;
    made.days.assign(static_cast<std::size_t>(good), report::day_state::good);
    made.days.insert(made.days.end(), static_cast<std::size_t>(missing), report::day_state::missing);
    return made;
}

verdict judged(const report::history& of, std::string_view text) {
    return report::judge(of, of.last(), asked(text, files).wanted).is;
}

}  // namespace

TEST_CASE("nothing is expected of whom no section is about") {
    for (const std::string_view text :
         {"", "# nothing\n; here\n\n", "[user customer-70]\nignored = yes", "[user Customer-7]\nignored = yes",
          "[group customer-]\nignored = yes", "[owner resell]\nignored = yes", "[set 146]\nignored = yes",
          "[set Files]\nuser = other\nignored = yes", "[default]\nserver = other\nignored = yes"}) {
        CAPTURE(text);
        const expectation found = asked(text, files);
        CHECK_FALSE(found.ignored);
        CHECK_FALSE(found.wanted);
        CHECK_FALSE(found.acknowledged);
        CHECK(found.problem.empty());
    }
}

TEST_CASE("each kind of section finds its subjects") {
    for (const std::string_view header : {"[default]", "[owner reseller]", "[group *]", "[group customer-*]",
                                          "[group *-7]", "[group c*er-?]", "[group customer-7**]", "[group c*t*m*7]",
                                          "[user customer-7]", "[set 1468]", "[set Files]", "[ set  Files ]"}) {
        CAPTURE(header);
        CHECK(asked(std::string(header) + "\nignored = yes\n", files).ignored);
        CHECK(asked("\xEF\xBB\xBF" + std::string(header) + "\r\n  server=cbs\r\nignored=yes", files).ignored);
    }
    for (const std::string_view glob : {"customer-7?", "?", "customer", "*8", "Customer-*", "7*"})
        CHECK_FALSE(asked("[group " + std::string(glob) + "]\nignored = yes\n", files).ignored);
}

TEST_CASE("the most specific section that says something has its way") {
    const std::string_view all =
        "[default]\ndays = mon\nignored = yes\nacknowledged-until = 2024-01-01\n"
        "[owner reseller]\ndays = tue\n[group customer-*]\ndays = wed\nacknowledged-until = 2024-02-02\n"
        "[user customer-7]\ndays = thu\n[set Files]\nignored = no\n";
    const expectation set = asked(all, files);
    CHECK(set.wanted->weekdays[4]);
    CHECK_FALSE(set.ignored);
    CHECK(set.acknowledged == sys_days(std::chrono::year(2024) / 2 / 2));
    const expectation group = asked(all, {"cbs", "reseller", "customer-8", "9", "Mail"});
    CHECK(group.wanted->weekdays[3]);
    CHECK(group.ignored);
    CHECK(asked(all, {"cbs", "reseller", "obm", "", ""}).wanted->weekdays[2]);
    CHECK(asked(all, {"cbs", "", "obm", "", ""}).wanted->weekdays[1]);
}

TEST_CASE("two sections of one level about one subject are an error, and of two levels are none") {
    const expectation two = asked("[group c*]\ndays = mon\n\n[group *7]\nignored = yes\n", files);
    CHECK(two.problem == "the sections of line 1 and line 4 are both about customer-7, Files");
    CHECK_FALSE(two.ignored);
    CHECK_FALSE(asked("[set Files]\nignored=no\n[set 1468]\nignored=no\n", files).problem.empty());
    CHECK_FALSE(asked("[default]\nignored=no\n[default]\nignored=no\n", files).problem.empty());
    CHECK(asked("[group c*]\nignored=no\n[group x*]\nignored=no\n", files).problem.empty());
    CHECK(asked("[set Files]\nuser=a\nignored=no\n[set Files]\nuser=customer-7\nignored=no\n", files).problem.empty());
    CHECK(asked("[default]\nserver=cbs\nignored=no\n[default]\nserver=b\nignored=no\n", files).problem.empty());
}

TEST_CASE("weekdays and ages are read, and what is neither is told with its line") {
    const auto weekdays = [](std::string_view text) {
        std::string found;
        const expectation expected = asked("[default]\ndays = " + std::string(text), files);
        for (const bool one : expected.wanted->weekdays)
            found += one ? '1' : '0';
        return found;
    };
    CHECK(weekdays("mon-fri") == "0111110");
    CHECK(weekdays("Sat-Mon") == "1100001");
    CHECK(weekdays("mon, wed ,SAT") == "0101001");
    CHECK(weekdays("sun") == "1000000");
    CHECK(weekdays("mon-tue,thu-fri") == "0110110");
    const auto age = [](std::string_view text) {
        return asked("[default]\nmax-age = " + std::string(text), files).wanted->max_age.count();
    };
    CHECK(age("1h") == 1);
    CHECK(age("24h") == 1);
    CHECK(age("25h") == 2);
    CHECK(age("36h") == 2);
    CHECK(age("3d") == 3);
    CHECK(age("3660d") == 3660);
    for (const std::string_view line : {"days = someday",
                                        "days = mon,",
                                        "days = ,",
                                        "days = mon-",
                                        "days = monday",
                                        "max-age = 3",
                                        "max-age = 0d",
                                        "max-age = -1d",
                                        "max-age = 3661d",
                                        "max-age = 99999999999d",
                                        "max-age = 3 d",
                                        "ignored = maybe",
                                        "acknowledged-until = soon",
                                        "acknowledged-until = 2024-02-30",
                                        "colour = red",
                                        "user = x",
                                        "days",
                                        "days =",
                                        "ignored = no\nignored = no",
                                        "days = mon\nmax-age = 3d",
                                        "[user]",
                                        "[set ]",
                                        "[host x]",
                                        "[default"}) {
        CAPTURE(line);
        expectations made;
        const std::string problem = made.parse("# first\n[default]\n" + std::string(line) + "\n");
        CHECK(problem.starts_with(line.find('\n') == std::string_view::npos ? "line 3: " : "line 4: "));
        CHECK_FALSE(made.of(files).ignored);
    }
    CHECK(expectations().parse("days = mon\n").starts_with("line 1: "));
}

TEST_CASE("what is expected takes the place of what was learned") {
    // Nightly for thirty days; then Wednesday to Friday had none.
    CHECK(judged(run(30, 1), "[default]\nignored = no") == verdict::silent);
    CHECK(judged(run(30, 3), "[default]\ndays = sat") == verdict::good);
    CHECK(judged(run(30, 4), "[default]\ndays = sat") == verdict::silent);
    CHECK(judged(run(30, 4), "[default]\nmax-age = 5d") == verdict::good);
    CHECK(judged(run(30, 5), "[default]\nmax-age = 5d") == verdict::silent);
    CHECK(judged(run(30, 50), "[default]\nmax-age = 90d") == verdict::good);
    CHECK(report::judge(run(30, 1), monday + days(30), asked("[default]\nmax-age=90d", files).wanted).due ==
          monday + days(119));
    // A set that is new, or never ran, is late on the first day that is expected.
    CHECK(judged(run(0, 1), "[default]\ndays = mon-fri") == verdict::silent);
    CHECK(judged(run(0, 4), "[default]\ndays = fri") == verdict::good);
    CHECK(judged(run(0, 5), "[default]\ndays = fri") == verdict::silent);
}

TEST_CASE("what is ignored or acknowledged is not named, until the day after") {
    report::coverage known;
    for (int day = 0; day != 5; ++day)
        known.add_asked("cbs", "customer-7", std::chrono::year_month_day(monday + days(day)), std::nullopt);
    known.add_unseen("dead", "connect_failed");
    const auto reason = [&](std::string_view text) {
        const auto rows = known.judge_all(monday + days(9), read(text));
        REQUIRE(rows.size() == 2);
        // A server that was not seen is named in any case.
        CHECK(rows[0].said.is == verdict::unknown);
        CHECK((rows[1].said.is == verdict::good) == (rows[1].reason != "never ran"));
        return std::string(rows[1].reason);
    };
    CHECK(reason("") == "never ran");
    CHECK(reason("[default]\nignored = yes") == "ignored");
    CHECK(reason("[user customer-7]\nacknowledged-until = 2024-06-07") == "acknowledged");
    CHECK(reason("[user customer-7]\nacknowledged-until = 2024-06-06") == "never ran");
    CHECK(reason("[user customer-8]\nignored = yes") == "never ran");
}

TEST_CASE("silent takes a file of expectations, and refuses one that contradicts itself") {
    const test::temporary_folder folder;
    const std::string crawled = folder.write("june.ndjson", "");
    folder.write("june.ndjson.asked.ndjson",
                 R"({"Server":"cbs","LoginName":"obm","From":"2024-06-01","To":"2024-06-30","Ended":"answered",)"
                 R"("At":"2024-07-01T11:33:52+00:00"})"
                 "\n");
    const auto silent = [&](std::string_view expected) {
        return test::program({"silent", crawled, "--now", "2024-07-01", "--expect", folder.write("e.ini", expected)})
            .wait();
    };
    const test::program_result named = silent("[user somebody]\nignored = yes\n");
    CHECK(named.exit_code == 1);
    CHECK(named.out.starts_with("obm: never ran"));
    const test::program_result acknowledged = silent("[user obm]\nacknowledged-until = 2024-07-15\n");
    CHECK(acknowledged.exit_code == 0);
    CHECK(acknowledged.out.empty());
    CHECK(acknowledged.err.find("0 silent, 0 unknown, 1 ignored or acknowledged, of 1") != std::string::npos);
    const test::program_result twice = silent("[group o*]\nignored = yes\n[group *]\nignored = no\n");
    CHECK(twice.exit_code == 2);
    CHECK(twice.err.find("line 1 and line 3 are both about obm") != std::string::npos);
    const test::program_result hostile = silent("[default]\n\x1B]0;x\a = 1\n");
    CHECK(hostile.exit_code == 2);
    CHECK(hostile.err.find("line 2: ") != std::string::npos);
    CHECK(hostile.err.find('\x1B') == std::string::npos);
    CHECK(test::program({"silent", crawled, "--expect", folder.path("none")}).wait().exit_code == 2);
}

}  // namespace expectations_test

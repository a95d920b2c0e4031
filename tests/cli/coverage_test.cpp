// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Which set is silent: the model, clause by clause, and against an oracle that shares nothing with it.
#include "report/coverage.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"
#include "cli/process.hpp"
#include "report/report_input.hpp"

namespace coverage_test {

using namespace jobmode;
using report::coverage;
using report::coverage_row;
using report::day_state;
using report::history;
using report::judgement;
using report::verdict;
using std::chrono::days;
using std::chrono::sys_days;

namespace {

// A Monday.
constexpr sys_days monday{std::chrono::year(2024) / 6 / 3};

/// `G` good, `-` missing, `P` pending, `?` unknown.
history days_of(std::string_view letters, sys_days first = monday) {
    history made;
    made.first = first;
    for (const char letter : letters)
        made.days.push_back(letter == 'G'   ? day_state::good
                            : letter == 'P' ? day_state::pending
                            : letter == '?' ? day_state::unknown
                                            : day_state::missing);
    return made;
}

std::string times(std::string_view text, int count) {
    std::string all;
    for (int time = 0; time != count; ++time)
        all += text;
    return all;
}

judgement judged(const std::string& letters, sys_days first = monday) {
    const history of = days_of(letters, first);
    return report::judge(of, of.last());
}

record_view job(std::string_view set, std::string_view mode = "S", std::string_view name = "Files") {
    record_view made;
    const auto give = [&](field which, std::string_view text) {
        made.set(which, presence::text);
        made.text(which) = text;
    };
    give(field::backup_set_id, set);
    give(field::backup_set_name, name);
    give(field::backup_job_mode, mode);
    return made;
}

std::chrono::local_seconds later(sys_days day) {
    return std::chrono::local_days(day.time_since_epoch()) + days(2);
}

const coverage_row& row_of(const std::vector<coverage_row>& rows, std::string_view user, std::string_view set = {}) {
    const auto found = std::ranges::find_if(
        rows, [&](const coverage_row& row) { return row.login_name == user && row.set_id == set; });
    REQUIRE(found != rows.end());
    return *found;
}

}  // namespace

TEST_CASE("the morning after the first missed night tells that a nightly set is late") {
    CHECK(judged(times("G", 30)).is == verdict::good);
    const judgement late = judged(times("G", 30) + "-");
    CHECK(late.is == verdict::silent);
    CHECK(late.missed == 1);
    CHECK(late.last_good == monday + days(29));
    CHECK(late.due == monday + days(30));
    CHECK(judged(times("G", 30) + "---").missed == 3);
}

TEST_CASE("a set of working days is quiet at weekends, and late on Monday") {
    const std::string weeks = times("GGGGG--", 5);
    CHECK(judged(weeks).is == verdict::good);
    CHECK(judged(weeks).due == monday + days(35));
    CHECK(judged(weeks + "-").is == verdict::silent);
    CHECK(judged(weeks + "-").missed == 1);
    // The weekend between is not missed.
    CHECK(judged(weeks + "-----" + "--" + "-").missed == 6);
}

TEST_CASE("a weekly set raises no daily alarm, and one that misses its day does") {
    const std::string weeks = times("---G---", 8);
    CHECK(judged(weeks).is == verdict::good);
    CHECK(judged(weeks + "---").is == verdict::good);
    CHECK(judged(weeks + "----").is == verdict::silent);
}

TEST_CASE("neither one bad week nor a dead set teaches silence") {
    CHECK(judged(times("G", 49) + times("-", 7) + times("G", 3) + "-").is == verdict::silent);
    CHECK(judged(times("G", 60) + times("-", 90)).is == verdict::silent);
    CHECK(judged(times("G", 60) + times("-", 90)).missed == 90);
}

TEST_CASE("three quarters of a weekday's known answers make it expected") {
    // Mondays only, in eight weeks: six of eight, then five of eight, with the rest of the week filled by chance.
    const auto mondays = [](std::string_view which) {
        std::string letters;
        for (const char monday_had : which)
            letters += std::string(1, monday_had) + "------";
        return letters;
    };
    CHECK(report::learn(days_of(mondays("GG-GG-GG")), monday + days(49)).weekdays[1]);
    CHECK_FALSE(report::learn(days_of(mondays("GG-G--GG")), monday + days(49)).weekdays[1]);
    // What was not answered does not count.
    CHECK(report::learn(days_of(mondays("GG??????G")), monday + days(56)).weekdays[1]);
    CHECK_FALSE(report::learn(days_of(mondays("GGGGGGGG")), monday + days(49)).weekdays[2]);
}

TEST_CASE("without an expected weekday the gaps tell how old a backup may be") {
    // Every ten days: no weekday has three quarters.
    std::string letters;
    for (int time = 0; time != 9; ++time)
        letters += "G" + times("-", 9);
    const history of = days_of(letters);
    const report::rhythm found = report::learn(of, monday + days(80));
    CHECK_FALSE(found.by_weekday());
    CHECK(found.max_age == days(13));
    CHECK(judged(letters.substr(0, 81) + times("-", 12)).is == verdict::good);
    CHECK(judged(letters.substr(0, 81) + times("-", 13)).is == verdict::silent);
    // The 90th percentile of ten gaps is the ninth: one long gap of ten teaches nothing.
    std::string steady;
    for (int time = 0; time != 10; ++time)
        steady += "G" + times("-", time == 4 ? 24 : 9);
    CHECK(report::learn(days_of(steady + "G"), monday + days(115)).max_age == days(13));
    // Never more than 35 days.
    std::string rare;
    for (int time = 0; time != 5; ++time)
        rare += "G" + times("-", 60);
    CHECK(report::learn(days_of(rare), monday + days(244)).max_age == days(35));
}

TEST_CASE("less than three weeks tell nothing but every three days") {
    CHECK(judged("GGGGG--").is == verdict::good);
    CHECK(judged("GGGGG---").is == verdict::silent);
    CHECK(judged("G").due == monday + days(3));
}

TEST_CASE("a set that never ran is silent after three days, and not before") {
    CHECK(judged("--").is == verdict::good);
    const judgement never = judged("---");
    CHECK(never.is == verdict::silent);
    CHECK_FALSE(never.last_good);
    CHECK(judged("??").is == verdict::good);
    CHECK(judged("-?-").is == verdict::unknown);
}

TEST_CASE("a day that is not known may have had a backup, and one that was asked too early rescues nobody") {
    const std::string nightly = times("G", 30);
    CHECK(judged(nightly + "?").is == verdict::unknown);
    CHECK(judged(nightly + "???").is == verdict::unknown);
    CHECK(judged(nightly + "-?").is == verdict::unknown);
    CHECK(judged(nightly + "?-").is == verdict::silent);
    CHECK(judged(nightly + "P").is == verdict::pending);
    CHECK(judged(nightly + "-P").is == verdict::silent);
    CHECK(judged(nightly + "?P").is == verdict::unknown);
    // Nobody expects anything of a Sunday.
    const std::string weeks = times("GGGGG--", 5);
    CHECK(judged(weeks.substr(0, 34) + "?").is == verdict::good);
    CHECK(judged("?" + nightly).is == verdict::good);
    CHECK(judged(nightly + "?" + "G").is == verdict::good);
}

TEST_CASE("a judgement is of its day, and not of what came later") {
    const history of = days_of(times("G", 30) + "---G");
    CHECK(report::judge(of, monday + days(29)).is == verdict::good);
    CHECK(report::judge(of, monday + days(31)).is == verdict::silent);
    CHECK(report::judge(of, monday + days(33)).is == verdict::good);
    CHECK(report::judge(of, monday + days(400)).is == verdict::good);
}

TEST_CASE("a user without any record is named, and so is a set that stopped beside one that goes on") {
    coverage known;
    for (int day = 0; day != 40; ++day) {
        const sys_days date = monday + days(day);
        for (const char* user : {"nobody", "obm"})
            known.add_asked("a", user, date, later(date));
        known.add_job("a", "obm", date, job("1"));
        if (day < 20)
            known.add_job("a", "obm", date, job("2", "S", "Mail"));
    }
    const std::vector<coverage_row> rows = known.judge_all(monday + days(100));
    CHECK(rows.size() == 3);
    CHECK(row_of(rows, "nobody").said.is == verdict::silent);
    CHECK(row_of(rows, "nobody").reason == "never ran");
    CHECK(row_of(rows, "obm", "1").said.is == verdict::good);
    CHECK(row_of(rows, "obm", "2").said.is == verdict::silent);
    CHECK(row_of(rows, "obm", "2").reason == "stopped");
    CHECK(row_of(rows, "obm", "2").set_name == "Mail");
    CHECK(row_of(rows, "obm", "2").said.last_good == monday + days(19));
}

TEST_CASE("a server that was down makes its users unknown, and one that was never seen is named") {
    coverage known;
    for (int day = 0; day != 33; ++day) {
        const sys_days date = monday + days(day);
        if (day < 30) {
            known.add_asked("a", "obm", date, later(date));
            known.add_job("a", "obm", date, job("1"));
        } else {
            known.add_failure("a", "obm", date, "connect_failed");
        }
    }
    known.add_unseen("b", "cannot be reached");
    const std::vector<coverage_row> rows = known.judge_all(monday + days(33));
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].server == "b");
    CHECK(rows[0].said.is == verdict::unknown);
    CHECK(rows[0].reason == "not seen");
    CHECK(rows[1].said.is == verdict::unknown);
    CHECK(rows[1].detail == "3 of 33 days not answered, the last on 2024-07-05: connect_failed");
}

TEST_CASE("today is not over, also where it was not answered") {
    coverage known;
    for (int day = 0; day != 30; ++day) {
        known.add_asked("a", "obm", monday + days(day), later(monday + days(day)));
        known.add_job("a", "obm", monday + days(day), job("1"));
    }
    known.add_failure("a", "obm", monday + days(30), "connect_failed");
    CHECK(known.judge_all(monday + days(30))[0].said.is == verdict::pending);
    CHECK(known.judge_all(monday + days(31))[0].said.is == verdict::unknown);
}

TEST_CASE("only a mode that is required counts, and none that says null") {
    for (const char* mode : {"S", "M", "R", "X", "", "null"}) {
        INFO("mode '" << mode << "'");
        coverage any;
        coverage scheduled(coverage::require::scheduled);
        for (coverage* known : {&any, &scheduled})
            for (int day = 0; day != 30; ++day) {
                known->add_asked("a", "obm", monday + days(day), later(monday + days(day)));
                known->add_job("a", "obm", monday + days(day), job("1", mode));
            }
        const std::string_view text(mode);
        CHECK((any.judge_all(monday + days(30))[0].said.is == verdict::good) == (!text.empty() && text != "null"));
        CHECK((scheduled.judge_all(monday + days(30))[0].said.is == verdict::good) == (text == "S"));
    }
}

TEST_CASE("a set whose ID goes on under another login name was renamed, and two at a time were not") {
    coverage known;
    for (int day = 0; day != 60; ++day) {
        const sys_days date = monday + days(day);
        known.add_asked("a", "old", date, later(date));
        known.add_asked("a", "new", date, later(date));
        known.add_job("a", day < 30 ? "old" : "new", date, job("7"));
        known.add_job("a", "anna", date, job("9"));
        known.add_job("a", "bert", date, job("9"));
    }
    const std::vector<coverage_row> rows = known.judge_all(monday + days(60));
    CHECK(rows.size() == 3);
    CHECK(row_of(rows, "new", "7").said.is == verdict::good);
    CHECK(row_of(rows, "anna", "9").said.is == verdict::good);
    CHECK(row_of(rows, "bert", "9").said.is == verdict::good);
}

TEST_CASE("what is told twice, and in another order, is judged the same") {
    coverage once;
    coverage twice;
    std::vector<int> order(30);
    for (int day = 0; day != 30; ++day)
        order[static_cast<std::size_t>(day)] = day;
    const auto tell = [](coverage& to, int day) {
        const sys_days date = monday + days(day);
        if (day % 11 == 3)
            to.add_failure("a", "obm", date, "busy");
        else
            to.add_asked("a", "obm", date, later(date));
        if (day % 4 != 0)
            to.add_job("a", "obm", date, job("1"));
    };
    for (const int day : order)
        tell(once, day);
    std::ranges::reverse(order);
    for (int time = 0; time != 2; ++time)
        for (const int day : order)
            tell(twice, day);
    const judgement left = once.judge_all(monday + days(30))[0].said;
    const judgement right = twice.judge_all(monday + days(30))[0].said;
    CHECK(left.is == right.is);
    CHECK(left.missed == right.missed);
    CHECK(left.last_good == right.last_good);
}

TEST_CASE("a user who is new is expected from the listing on that has them first") {
    const auto morning = [](int day) {
        return std::chrono::local_days((monday + days(day)).time_since_epoch()) + std::chrono::hours(7);
    };
    // Each morning the seven days before are asked about whoever is listed.
    coverage known;
    const auto night = [&](int day, std::vector<const char*> users) {
        known.add_listing("a", morning(day));
        for (const char* user : users) {
            known.add_member("a", user, morning(day));
            for (int asked = day - 6; asked <= day; ++asked) {
                known.add_asked("a", user, monday + days(asked), morning(day) + std::chrono::minutes(5));
                if (asked < day && std::string_view(user) == "obm")
                    known.add_job("a", user, monday + days(asked), job("1"));
            }
        }
    };
    const auto is = [&](int day, const char* user) { return row_of(known.judge_all(monday + days(day)), user).said; };
    night(0, {"obm", "first"});
    // The first listing's users were always there.
    CHECK(is(0, "first").is == verdict::silent);
    night(1, {"obm", "first", "fresh"});
    CHECK(is(1, "fresh").is == verdict::good);
    night(2, {"obm", "first", "fresh"});
    night(3, {"obm", "first", "fresh"});
    CHECK(is(3, "fresh").is == verdict::pending);
    CHECK(is(3, "fresh").due == monday + days(3));
    night(4, {"obm", "first", "fresh"});
    CHECK(is(4, "fresh").is == verdict::silent);
    CHECK(is(4, "fresh").missed == 1);
}

TEST_CASE("a user who is not in the newest complete listing is removed, which is said once") {
    const auto morning = [](int day) {
        return std::chrono::local_days((monday + days(day)).time_since_epoch()) + std::chrono::hours(7);
    };
    coverage known;
    const auto ask = [&](const char* user, int day) {
        known.add_asked("a", user, monday + days(day - 1), morning(day));
        for (const char* set : {"1", "2"})
            known.add_job("a", user, monday + days(day - 1), job(set));
    };
    const auto list = [&](int day, std::vector<const char*> users) {
        known.add_listing("a", morning(day));
        for (const char* user : users)
            known.add_member("a", user, morning(day));
    };
    const auto rows_of = [&](int day, std::string_view user) {
        std::vector<coverage_row> rows = known.judge_all(monday + days(day));
        std::erase_if(rows, [&](const coverage_row& row) { return row.login_name != user; });
        return rows;
    };
    list(1, {"anna", "bert"});
    ask("anna", 1);
    ask("bert", 1);
    // A crawl of `--users` or of a shard has no complete listing.
    ask("anna", 2);
    CHECK(rows_of(2, "bert").size() == 2);
    CHECK(rows_of(2, "bert")[0].said.is != verdict::removed);
    // One that has not asked about everybody yet has listed them all the same.
    list(3, {"anna", "bert"});
    ask("anna", 3);
    CHECK(rows_of(3, "bert")[0].said.is != verdict::removed);
    // A listing of another server says nothing.
    known.add_listing("b", morning(4));
    CHECK(rows_of(4, "bert")[0].said.is != verdict::removed);
    list(4, {"anna"});
    ask("anna", 4);
    REQUIRE(rows_of(4, "bert").size() == 1);
    CHECK(rows_of(4, "bert")[0].said.is == verdict::removed);
    CHECK(rows_of(4, "bert")[0].reason == "removed");
    CHECK(rows_of(4, "anna").size() == 2);
    list(5, {"anna"});
    CHECK(rows_of(5, "bert").empty());
    // Whoever answers is there.
    ask("bert", 6);
    CHECK(rows_of(6, "bert").size() == 2);
}

TEST_CASE("a crawl of all users says who they are, one of some or of a shard does not, and silent names who is gone") {
    const test::fleet_fixture with;
    for (const std::string format : {"ndjson", "csv", "sqlite"}) {
        CAPTURE(format);
        const std::string out = with.folder.path("out." + format);
        const auto crawl = [&](std::vector<std::string> more) {
            more.insert(more.end(), {"--from", "2024-06-21", "--to", "2024-06-30", "--out", out, "--format", format,
                                     "--force", "--state", with.folder.path("state." + format)});
            REQUIRE(with.run("crawl", more).exit_code == 0);
            coverage known;
            REQUIRE(report::read_crawl(known, out) == "");
            // A listing of tomorrow without anybody in it.
            known.add_listing(with.server.url().substr(std::string("https://").size()),
                              std::chrono::local_days(std::chrono::year(2100) / 1 / 1));
            return std::ranges::count(known.judge_all(monday + days(30)), verdict::removed,
                                      [](const coverage_row& row) { return row.said.is; });
        };
        CHECK(crawl({"--all-users"}) == 40);
    }
    const std::string users = with.folder.write("users.txt", "obm\n");
    const std::string out = with.folder.path("some.ndjson");
    for (const std::vector<std::string>& scope :
         std::vector<std::vector<std::string>>{{"--users", users}, {"--all-users", "--shard", "1/2"}}) {
        std::vector<std::string> arguments{"--from", "2024-06-21", "--to", "2024-06-30", "--out", out, "--force"};
        arguments.insert(arguments.end(), scope.begin(), scope.end());
        REQUIRE(with.run("crawl", arguments).exit_code == 0);
        CHECK(with.folder.read("some.ndjson.asked.ndjson").find("\"listed\"") == std::string::npos);
    }
    // The whole fleet on Monday, and on Tuesday nobody but one.
    const std::string tuesday = with.folder.write("tuesday.ndjson", "");
    const std::string name = with.server.url().substr(std::string("https://").size());
    with.folder.write("tuesday.ndjson.asked.ndjson", R"({"Server":")" + name +
                                                         R"(","Ended":"listed","Users":["obm"],)"
                                                         R"("At":"2100-01-01T00:00:00+00:00"})"
                                                         "\n");
    const test::program_result named = test::run_program(
        {"silent", with.folder.path("out.ndjson"), tuesday, "--now", "2024-07-01", "--format", "csv"});
    CHECK(named.exit_code == 1);
    CHECK(named.err.find("39 removed") != std::string::npos);
    CHECK(named.out.find(",removed,") != std::string::npos);
}

TEST_CASE("answers are old when the newest that told all of its day is older than 36 hours") {
    using std::chrono::hours;
    const auto at = [](int day, int hour) {
        return std::chrono::local_days((monday + days(day)).time_since_epoch()) + hours(hour);
    };
    coverage known;
    known.add_asked("a", "obm", monday, at(1, 7));
    // Today's answer tells nothing of today yet, however fresh it is.
    known.add_asked("a", "obm", monday + days(2), at(2, 23));
    CHECK(known.assess(at(2, 19)).age == hours(36));
    CHECK_FALSE(known.assess(at(2, 19)).is_old());
    CHECK(known.assess(at(2, 19) + std::chrono::seconds(1)).is_old());
    coverage early;
    early.add_asked("a", "obm", monday, at(0, 23));
    CHECK(early.assess(at(0, 23)).is_old());
    // Without times, it is the newest day's end.
    coverage untimed;
    untimed.add_asked("a", "obm", monday, std::nullopt);
    CHECK_FALSE(untimed.assess(at(2, 12)).is_old());
    CHECK(untimed.assess(at(2, 13)).is_old());
}

TEST_CASE("silent ends with 3 when the newest complete answer is older than 36 hours by the clock") {
    const test::temporary_folder folder;
    const std::string out = folder.path("night.ndjson");
    folder.write("night.ndjson", R"({"BackupSetID":"7","BackupSetName":"Files","BackupJobMode":"M","LoginName":"obm",)"
                                 R"("BackupDate":"2024-06-30","Server":"a","QueryLoginName":"obm"})"
                                 "\n");
    folder.write("night.ndjson.asked.ndjson",
                 R"({"Server":"a","LoginName":"obm","From":"2024-06-30","To":"2024-06-30","Ended":"answered",)"
                 R"("At":"2024-07-01T07:00:00+02:00"})"
                 "\n");
    const auto silent = [&](const std::string& now) { return test::run_program({"silent", out, "--now", now}); };
    CHECK(silent("2024-07-01").exit_code == 0);
    CHECK(silent("2024-07-02T19:00").exit_code == 0);
    const test::program_result late = silent("2024-07-02 19:00:01");
    CHECK(late.exit_code == 3);
    CHECK(late.err.find("the newest complete answer is 37 hours old") != std::string::npos);
    for (const char* wrong : {"yesterday", "2024-02-30", "2024-07-02 25:00", "2024-07-02 1900"})
        CHECK(silent(wrong).exit_code == 2);
}

namespace {

/// A set of the season, and the nights on which it ran: what the oracle knows, and the model does not.
struct seasonal_set {
    enum class kind { nightly, working_days, weekly } runs = kind::nightly;
    int created = 0;
    int stops = 1000;

    bool due(int day) const {
        const int weekday = day % 7;
        return day >= created && (runs == kind::nightly || (runs == kind::working_days && weekday < 5) ||
                                  (runs == kind::weekly && weekday == created % 7));
    }
    bool ran(int day) const { return due(day) && day < stops; }
};

}  // namespace

TEST_CASE("in a season of nights exactly those are named who should be") {
    // Every morning the seven days before are asked. The server is down on two nights, and those days are asked again
    // with the next. 1,000 sets, some of which stop, over 120 nights.
    constexpr int nights = 120;
    constexpr int first_judged = 70;
    const std::set<int> down{80, 81};
    std::mt19937_64 random(20240603);
    std::vector<seasonal_set> sets(1000);
    for (seasonal_set& set : sets) {
        set.runs = static_cast<seasonal_set::kind>(random() % 3);
        set.created = static_cast<int>(random() % 10);
        if (random() % 4 == 0)
            set.stops = first_judged + static_cast<int>(random() % 45);
    }
    coverage known;
    std::size_t wrong = 0;
    std::size_t named = 0;
    for (int morning = 1; morning != nights; ++morning) {
        const bool answers = !down.contains(morning);
        for (std::size_t number = 0; number != sets.size(); ++number) {
            const std::string user = "user-" + std::to_string(number);
            for (int day = std::max(0, morning - 6); day <= morning; ++day) {
                const sys_days date = monday + days(day);
                if (!answers) {
                    known.add_failure("a", user, date, "connect_failed");
                    continue;
                }
                // At seven in the morning of the day after: today is pending.
                known.add_asked(
                    "a", user, date,
                    std::chrono::local_days((monday + days(morning)).time_since_epoch()) + std::chrono::hours(7));
                if (day < morning && sets[number].ran(day))
                    known.add_job("a", user, date, job(std::to_string(number)));
            }
        }
        if (morning < first_judged)
            continue;
        const std::vector<coverage_row> rows = known.judge_all(monday + days(morning));
        for (std::size_t number = 0; number != sets.size(); ++number) {
            const seasonal_set& set = sets[number];
            const coverage_row& row = row_of(rows, "user-" + std::to_string(number), std::to_string(number));
            // The newest day that was answered after it was over is the one before the last morning that had answers;
            // the day of that morning was asked too early, and those after it were not answered.
            int answered = morning;
            while (down.contains(answered))
                --answered;
            bool missed = false;
            for (int day = set.stops; day < answered; ++day)
                missed = missed || set.due(day);
            bool not_known = false;
            bool in_doubt = missed;
            for (int day = answered + 1; day < morning; ++day) {
                not_known = true;
                in_doubt = in_doubt || set.due(day);
            }
            const bool early = set.due(answered) || set.due(morning);
            const verdict right = missed && !not_known    ? verdict::silent
                                  : not_known && in_doubt ? verdict::unknown
                                  : early                 ? verdict::pending
                                                          : verdict::good;
            wrong += row.said.is != right;
            named += row.said.is == verdict::silent;
        }
    }
    CHECK(wrong == 0);
    CHECK(named > 5'000);
}

}  // namespace coverage_test

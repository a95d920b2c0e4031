// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "report/coverage.hpp"
#include "store/day.hpp"

#include <fmt/format.h>
#include <jobmode/query.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace jobmode::report {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr days learnt_from{56};
constexpr days least_history{21};
constexpr days usual_age{3};
constexpr days most_age{35};

std::size_t weekday_of(sys_days day) {
    return std::chrono::weekday(day).c_encoding();
}

/// The days between two good ones in a row, sorted.
std::vector<int> gaps_of(const history& of, sys_days last_good) {
    std::vector<int> gaps;
    std::optional<sys_days> before;
    for (sys_days day = of.first; day <= last_good; day += days(1)) {
        if (of.at(day) != day_state::good)
            continue;
        if (before)
            gaps.push_back(static_cast<int>((day - *before).count()));
        before = day;
    }
    std::ranges::sort(gaps);
    return gaps;
}

bool is_expected(const rhythm& of, sys_days day, sys_days last_good) {
    return of.by_weekday() ? of.weekdays[weekday_of(day)] : day - last_good >= of.max_age;
}

}  // namespace

bool rhythm::by_weekday() const {
    return std::ranges::find(weekdays, true) != weekdays.end();
}

rhythm learn(const history& of, sys_days last_good) {
    rhythm found;
    if (last_good - of.first + days(1) < least_history) {
        found.max_age = usual_age;
        return found;
    }
    std::array<int, 7> known{};
    std::array<int, 7> good{};
    for (sys_days day = std::max(of.first, last_good - learnt_from + days(1)); day <= last_good; day += days(1)) {
        const day_state state = of.at(day);
        if (state != day_state::good && state != day_state::missing)
            continue;
        ++known[weekday_of(day)];
        good[weekday_of(day)] += state == day_state::good ? 1 : 0;
    }
    for (std::size_t weekday = 0; weekday != found.weekdays.size(); ++weekday)
        found.weekdays[weekday] = known[weekday] != 0 && 4 * good[weekday] >= 3 * known[weekday];
    if (found.by_weekday())
        return found;
    const std::vector<int> gaps = gaps_of(of, last_good);
    if (gaps.empty()) {
        found.max_age = most_age;
        return found;
    }
    // The nearest rank.
    const std::size_t at = (gaps.size() * 9 + 9) / 10 - 1;
    // Rounded up: an age is of whole days.
    found.max_age = std::clamp(days((gaps[at] * 5 + 3) / 4), days(1), most_age);
    return found;
}

judgement judge(const history& of, sys_days as_of, const std::optional<rhythm>& wanted) {
    judgement said;
    const sys_days end = std::min(as_of, of.last());
    sys_days possible = of.first - days(1);
    for (sys_days day = of.first; day <= end; day += days(1)) {
        if (of.at(day) == day_state::good)
            said.last_good = day;
        if (of.at(day) == day_state::good || of.at(day) == day_state::unknown)
            possible = day;
    }
    // What never ran is expected as what nothing is known of, from its first day on.
    const sys_days last_good = said.last_good.value_or(of.first - days(1));
    const rhythm expected = wanted ? *wanted : said.last_good ? learn(of, last_good) : rhythm{{}, usual_age};
    const sys_days horizon = end + std::max(most_age, expected.max_age);

    bool in_doubt = false;
    bool early = false;
    for (sys_days day = last_good + days(1); day <= horizon; day += days(1)) {
        if (!is_expected(expected, day, last_good))
            continue;
        if (!said.due)
            said.due = day;
        if (day > end)
            break;
        const day_state state = of.at(day);
        if (state == day_state::missing)
            ++said.missed;
        in_doubt = in_doubt || state == day_state::missing || state == day_state::unknown;
        early = early || state == day_state::pending;
    }
    // As if every day that is not known had had a good job.
    bool certain = false;
    for (sys_days day = possible + days(1); day <= end; day += days(1))
        certain = certain || (of.at(day) == day_state::missing && is_expected(expected, day, possible));
    said.is = certain ? verdict::silent : in_doubt ? verdict::unknown : early ? verdict::pending : verdict::good;
    return said;
}

std::string_view to_string(verdict is) noexcept {
    static constexpr std::array<std::string_view, 5> names{"good", "pending", "unknown", "removed", "silent"};
    return names[static_cast<std::size_t>(is)];
}

void day_marks::add(sys_days day, std::uint8_t bits) {
    if (marks_.empty())
        first_ = day;
    if (day < first_) {
        marks_.insert(marks_.begin(), static_cast<std::size_t>((first_ - day).count()), 0);
        first_ = day;
    }
    const auto place = static_cast<std::size_t>((day - first_).count());
    if (place >= marks_.size())
        marks_.resize(place + 1);
    marks_[place] |= bits;
}

void day_marks::add(const day_marks& other) {
    sys_days day = other.first_;
    for (const std::uint8_t bits : other.marks_) {
        if (bits != 0)
            add(day, bits);
        day += days(1);
    }
}

coverage::user& coverage::user_of(std::string_view server, std::string_view login_name) {
    if (const auto known = users_.find(std::pair(server, login_name)); known != users_.end())
        return known->second;
    return users_[user_key(server, login_name)];
}

void coverage::note(sys_days day) {
    newest_ = std::max(newest_.value_or(day), day);
}

void coverage::add_job(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                       const record_view& record) {
    if (login_name.empty())
        return;
    user& who = user_of(server, login_name);
    if (who.owner.empty())
        who.owner = record.owner;
    const job_mode mode = record.backup_job_mode();
    if (mode == job_mode::none && record.backup_set_id.empty() && record.backup_set_name.empty())
        return;
    const std::string_view key = record.backup_set_id.empty() ? record.backup_set_name : record.backup_set_id;
    auto found = who.sets.find(key);
    if (found == who.sets.end())
        found = who.sets.emplace(key, backup_set{std::string(record.backup_set_id), {}, {}}).first;
    backup_set& set = found->second;
    if (!record.backup_set_name.empty())
        set.name = record.backup_set_name;
    const sys_days date(day);
    const bool counts = require_ == require::scheduled ? mode == job_mode::scheduled : mode != job_mode::none;
    set.jobs.add(date, counts ? there | enough : there);
    note(date);
}

void coverage::add_asked(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                         std::optional<std::chrono::local_seconds> answered) {
    user& who = user_of(server, login_name);
    who.listed = true;
    who.answered.add(day, is_over(day, answered) ? there | enough : there);
    has_times_ = has_times_ || answered;
    if (answered) {
        who.first_answer = std::min(who.first_answer.value_or(*answered), *answered);
        who.last_answer = std::max(who.last_answer.value_or(*answered), *answered);
    }
    if (answered && is_over(day, answered))
        newest_complete_ = std::max(newest_complete_.value_or(*answered), *answered);
    note(day);
}

void coverage::add_listed(std::string_view server, std::string_view login_name) {
    user_of(server, login_name).listed = true;
}

void coverage::add_failure(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                           std::string_view reason) {
    if (login_name.empty())
        return;
    user_of(server, login_name).failed[day] = reason;
    note(day);
}

bool coverage::has_failure(std::string_view server, std::string_view login_name,
                           std::chrono::year_month_day day) const {
    const auto known = users_.find(std::pair(server, login_name));
    return known != users_.end() && known->second.failed.contains(day);
}

void coverage::add_listing(std::string_view server, std::chrono::local_seconds at) {
    listings_[std::string(server)].insert(at);
}

void coverage::add_member(std::string_view server, std::string_view login_name, std::chrono::local_seconds at) {
    user& who = user_of(server, login_name);
    who.listed = true;
    who.first_member = std::min(who.first_member.value_or(at), at);
    who.last_member = std::max(who.last_member.value_or(at), at);
}

std::size_t coverage::listings_without(std::string_view server, const user& who) const {
    const auto listings = listings_.find(server);
    // An answer about a user says that there is one.
    const auto seen = std::max(who.last_member, who.last_answer);
    if (listings == listings_.end() || !seen)
        return 0;
    return static_cast<std::size_t>(std::distance(listings->second.upper_bound(*seen), listings->second.end()));
}

std::optional<sys_days> coverage::created(std::string_view server, const user& who) const {
    const auto listings = listings_.find(server);
    if (listings == listings_.end() || !who.first_member || who.first_member == *listings->second.begin() ||
        (who.first_answer && who.first_answer < who.first_member))
        return std::nullopt;
    return sys_days(std::chrono::floor<days>(*who.first_member).time_since_epoch());
}

void coverage::add_unseen(std::string_view server, std::string_view reason) {
    unseen_.insert_or_assign(std::string(server), std::string(reason));
}

/// The users, with the history of each set under the login name that it has now: an ID that goes on under another one,
/// without a day on which both have it, was renamed.
coverage::user_map coverage::with_renames() const {
    user_map all = users_;
    std::map<std::pair<std::string, std::string>, std::vector<user_key>> owners;
    for (const auto& [key, who] : all)
        for (const auto& [id, set] : who.sets)
            if (!set.id.empty())
                owners[{key.first, id}].push_back(key);
    for (auto& entry : owners) {
        const std::string& id = entry.first.second;
        std::vector<user_key>& names = entry.second;
        std::ranges::sort(names, {}, [&](const user_key& name) { return all[name].sets.at(id).jobs.first(); });
        for (std::size_t newer = 1; newer < names.size(); ++newer) {
            user& before = all[names[newer - 1]];
            user& after = all[names[newer]];
            backup_set& old = before.sets.at(id);
            backup_set& set = after.sets.at(id);
            const sys_days begins = set.jobs.first();
            if (old.jobs.last() >= begins)
                continue;
            // What was asked under the old name counts for the days before the new one.
            if (!before.answered.empty())
                for (sys_days day = before.answered.first(); day < begins; day += days(1))
                    if (const std::uint8_t bits = before.answered.at(day); bits != 0 && after.answered.at(day) == 0)
                        after.answered.add(day, bits);
            set.jobs.add(old.jobs);
            before.sets.erase(id);
        }
    }
    // Whoever had nothing but sets that were renamed is gone.
    std::erase_if(
        all, [this](const auto& entry) { return entry.second.sets.empty() && !users_.at(entry.first).sets.empty(); });
    return all;
}

/// A set's days; without a set, those of a user who has none.
history coverage::history_of(std::string_view server, const user& who, const backup_set* set, sys_days last,
                             sys_days today) const {
    history made;
    made.first = last;
    if (set)
        made.first = set->jobs.first();
    else if (!who.answered.empty() || !who.failed.empty())
        made.first = std::min(who.answered.empty() ? last : who.answered.first(),
                              who.failed.empty() ? last : who.failed.begin()->first);
    if (const auto from = created(server, who); from && !set)
        made.first = std::max(made.first, *from);
    for (sys_days day = made.first; day <= last; day += days(1)) {
        const std::uint8_t answer = who.answered.at(day);
        const std::uint8_t jobs = set ? set->jobs.at(day) : 0;
        if ((jobs & enough) != 0)
            made.days.push_back(day_state::good);
        else if (day >= today)
            made.days.push_back(day_state::pending);
        else if (answer != 0)
            made.days.push_back((answer & enough) != 0 ? day_state::missing : day_state::pending);
        else
            // A record of that day is an answer, too, where nothing says what was asked.
            made.days.push_back(!who.listed && jobs != 0 ? day_state::missing : day_state::unknown);
    }
    return made;
}

std::vector<coverage_row> coverage::judge_all(sys_days today, const expectations& wanted) const {
    std::vector<coverage_row> rows;
    const sys_days last = std::min(today, newest_.value_or(today));
    for (const auto& [server, reason] : unseen_) {
        coverage_row& row = rows.emplace_back();
        row.server = server;
        row.said.is = verdict::unknown;
        row.reason = "not seen";
        row.detail = reason;
    }
    const auto add = [&](const user_key& key, const user& who, const backup_set* set) {
        coverage_row& row = rows.emplace_back();
        row.server = key.first;
        row.owner = who.owner;
        row.login_name = key.second;
        if (set) {
            row.set_id = set->id;
            row.set_name = set->name;
        }
        const history seen = history_of(key.first, who, set, last, today);
        const expectation expected = wanted.of({row.server, row.owner, row.login_name, row.set_id, row.set_name});
        row.said = judge(seen, last, expected.wanted);
        // Nothing is expected of whom no answer was ever about, and nothing can be said either.
        if (!set && who.answered.empty())
            row.said.is = verdict::unknown;
        // A user who is new, of whom no day is over yet.
        else if (!set && seen.days.empty())
            row.said.is = verdict::pending;
        const bool named = row.said.is == verdict::silent || row.said.is == verdict::unknown;
        if (named && (expected.ignored || last <= expected.acknowledged)) {
            row.said.is = verdict::good;
            row.reason = expected.ignored ? "ignored" : "acknowledged";
        }
        if (row.said.is == verdict::silent)
            row.reason = row.said.last_good ? "stopped" : "never ran";
        else if (row.said.is == verdict::unknown)
            row.reason = "unknown";
        if (row.said.is != verdict::silent && row.said.is != verdict::unknown)
            return;
        const auto not_known = std::ranges::count(seen.days, day_state::unknown);
        if (!set)
            row.detail = "no record of any backup set";
        if (not_known != 0) {
            row.detail += fmt::format("{}{} of {} days not answered", row.detail.empty() ? "" : "; ", not_known,
                                      seen.days.size());
            if (!who.failed.empty())
                row.detail += fmt::format(", the last on {}: {}", store::day_text(who.failed.rbegin()->first),
                                          who.failed.rbegin()->second);
        }
    };
    for (const auto& [key, who] : with_renames()) {
        if (const std::size_t without = listings_without(key.first, who); without != 0) {
            // Said once: when the next listing has come, it is no news any more.
            if (without == 1) {
                coverage_row& row = rows.emplace_back();
                row.server = key.first;
                row.owner = who.owner;
                row.login_name = key.second;
                row.said.is = verdict::removed;
                row.reason = "removed";
                row.detail = "not among the users whom the server listed last";
            }
            continue;
        }
        if (who.sets.empty())
            add(key, who, nullptr);
        for (const auto& [id, set] : who.sets)
            add(key, who, &set);
    }
    return rows;
}

assessment coverage::assess(std::chrono::local_seconds now, const expectations& wanted) const {
    const auto day = std::chrono::floor<days>(now);
    const sys_days today(day.time_since_epoch());
    assessment made;
    made.as_of = std::min(today, newest_.value_or(today));
    made.rows = judge_all(today, wanted);
    std::optional<std::chrono::local_seconds> newest = newest_complete_;
    if (!has_times_ && newest_)
        newest = std::chrono::local_days(newest_->time_since_epoch()) + days(1);
    if (newest)
        made.age = std::chrono::ceil<std::chrono::hours>(now - *newest);
    for (const coverage_row& row : made.rows)
        // A server that was not seen is nobody whom a section is about.
        if (made.problem.empty() && !row.login_name.empty())
            made.problem = wanted.of({row.server, row.owner, row.login_name, row.set_id, row.set_name}).problem;
    return made;
}

}  // namespace jobmode::report

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "report/report_data.hpp"

#include <fmt/format.h>
#include <jobmode/query.hpp>

#include <algorithm>
#include <set>
#include <utility>

#include "store/day.hpp"
#include "store/json_text.hpp"

namespace jobmode::report {
namespace {

constexpr std::string_view letters = "NRMSU";

/// How much a job says.
int weight(job_mode mode) noexcept {
    switch (mode) {
        case job_mode::scheduled:
            return 4;
        case job_mode::manual:
            return 3;
        case job_mode::remote:
            return 2;
        case job_mode::unknown:
            return 1;
        case job_mode::none:
            break;
    }
    return 0;
}

std::int32_t number_of(std::chrono::sys_days day) noexcept {
    return static_cast<std::int32_t>(day.time_since_epoch().count());
}

void append_text(std::string& out, std::string_view text) {
    std::string quoted;
    store::append_json_string(quoted, text);
    for (const char c : quoted) {
        if (c == '<')
            out += "\\u003c";
        else
            out += c;
    }
}

template <class Range, class Append>
void append_array(std::string& out, const Range& range, Append append) {
    out += '[';
    bool first = true;
    for (const auto& element : range) {
        if (!std::exchange(first, false))
            out += ',';
        append(element);
    }
    out += ']';
}

}  // namespace

std::uint32_t report_data::names::index_of(std::string_view text) {
    if (const auto known = indices_.find(text); known != indices_.end())
        return known->second;
    const auto [added, fresh] = indices_.emplace(text, static_cast<std::uint32_t>(texts_.size()));
    texts_.push_back(&added->first);
    return added->second;
}

void report_data::limit(std::optional<std::chrono::year_month_day> from,
                        std::optional<std::chrono::year_month_day> to) {
    from_ = from;
    to_ = to;
}

bool report_data::within(std::chrono::year_month_day day) const {
    return (!from_ || std::chrono::sys_days(day) >= *from_) && (!to_ || std::chrono::sys_days(day) <= *to_);
}

report_data::user& report_data::user_of(std::string_view server, std::string_view login_name) {
    const std::pair key(server, login_name);
    if (const auto known = users_.find(key); known != users_.end())
        return known->second;
    return users_[std::pair(std::string(server), std::string(login_name))];
}

void report_data::add_listing(std::string_view server, std::chrono::local_seconds at) {
    model_.add_listing(server, at);
}

void report_data::add_member(std::string_view server, std::string_view login_name, std::chrono::local_seconds at) {
    model_.add_member(server, login_name, at);
    user_of(server, login_name);
}

void report_data::add_unseen(std::string_view server, std::string_view reason) {
    model_.add_unseen(server, reason);
    unseen_.insert_or_assign(std::string(server), std::string(reason));
}

void report_data::add_users(const std::vector<std::string>& login_names) {
    std::set<std::string_view> servers;
    std::set<std::string_view> known;
    for (const auto& [key, who] : users_) {
        servers.insert(key.first);
        known.insert(key.second);
    }
    const std::string server(servers.size() == 1 ? *servers.begin() : std::string_view());
    for (const std::string& login_name : login_names)
        if (!known.contains(login_name))
            add_listed(server, login_name);
}

void report_data::add_job(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                          const record_view& record) {
    if (login_name.empty()) {
        ++rows_without_user_;
        return;
    }
    model_.add_job(server, login_name, day, record);
    user& who = user_of(server, login_name);
    if (!within(day))
        return;
    const std::chrono::sys_days date(day);
    earliest_ = std::min(earliest_.value_or(date), date);
    latest_ = std::max(latest_.value_or(date), date);

    const job_mode mode = record.backup_job_mode();
    job added{number_of(date), no_time, no_time, no_set, mode};
    if (mode != job_mode::none || !record.backup_set_id.empty() || !record.backup_set_name.empty())
        added.set = set_of(who, record);
    const auto minutes_since = [](auto later, auto earlier) {
        return static_cast<std::int32_t>(std::chrono::floor<std::chrono::minutes>(later - earlier).count());
    };
    const auto start = record.start_time();
    const auto end = record.end_time();
    if (start) {
        added.start = minutes_since(*start, std::chrono::local_days(date.time_since_epoch()));
        if (end)
            added.minutes = minutes_since(*end, *start);
    }
    who.jobs.push_back(added);
}

std::uint32_t report_data::set_of(user& who, const record_view& record) {
    const std::string_view key = record.backup_set_id.empty() ? record.backup_set_name : record.backup_set_id;
    auto known = std::ranges::find(who.sets, key, &backup_set::key);
    if (known == who.sets.end()) {
        const std::string_view name = record.backup_set_name.empty() ? key : record.backup_set_name;
        known = who.sets.insert(known, {std::string(key), sets_.index_of(name)});
    } else if (!record.backup_set_name.empty() && sets_[known->name] != record.backup_set_name) {
        known->name = sets_.index_of(record.backup_set_name);
    }
    return static_cast<std::uint32_t>(known - who.sets.begin());
}

void report_data::add_failure(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                              std::string_view reason) {
    if (login_name.empty()) {
        ++rows_without_user_;
        return;
    }
    model_.add_failure(server, login_name, day, reason);
    user& who = user_of(server, login_name);
    if (!within(day))
        return;
    const std::chrono::sys_days date(day);
    earliest_ = std::min(earliest_.value_or(date), date);
    latest_ = std::max(latest_.value_or(date), date);
    who.failures.push_back({number_of(date), reasons_.index_of(reason)});
}

bool report_data::has_failure(std::string_view server, std::string_view login_name,
                              std::chrono::year_month_day day) const {
    return model_.has_failure(server, login_name, day);
}

void report_data::add_asked(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                            std::optional<std::chrono::local_seconds> answered) {
    model_.add_asked(server, login_name, day, answered);
    user& who = user_of(server, login_name);
    if (!within(day))
        return;
    const std::chrono::sys_days date(day);
    earliest_ = std::min(earliest_.value_or(date), date);
    latest_ = std::max(latest_.value_or(date), date);
    who.asked.push_back({number_of(date), is_over(day, answered)});
}

void report_data::add_listed(std::string_view server, std::string_view login_name) {
    model_.add_listed(server, login_name);
    user_of(server, login_name);
}

std::optional<std::pair<std::chrono::sys_days, std::chrono::sys_days>> report_data::days() const {
    const auto first = from_ ? from_ : earliest_ ? earliest_ : to_;
    const auto last = to_ ? to_ : latest_ ? latest_ : from_;
    if (!first || !last)
        return std::nullopt;
    return std::pair(*first, std::max(*first, *last));
}

std::string report_data::cells_of(const user& who, std::int32_t first, std::int32_t count,
                                  const std::vector<job>& jobs) const {
    std::vector<int> weights(static_cast<std::size_t>(count), 0);
    std::string cells(weights.size(), '.');
    const auto place = [&](std::int32_t day) { return static_cast<std::size_t>(day - first); };
    for (const answer& each : who.asked)
        if (char& cell = cells[place(each.day)]; cell != 'N')
            cell = each.over ? 'N' : 'P';
    // A record of no backup says no more than that there was an answer.
    for (const job& each : jobs)
        if (char& cell = cells[place(each.day)]; each.mode == job_mode::none && cell == '.')
            cell = 'N';
    const auto raise = [&](std::int32_t day, char letter, int by) {
        const std::size_t at = place(day);
        if (by < weights[at])
            return;
        weights[at] = by;
        cells[at] = letter;
    };
    for (const job& each : jobs)
        if (each.mode != job_mode::none)
            raise(each.day, letters[static_cast<std::size_t>(each.mode)], weight(each.mode));
    for (const failure& each : who.failures)
        // A later failure does not undo an answer.
        if (char& cell = cells[place(each.day)]; cell == '.')
            cell = 'X';
    return cells;
}

/// The rows that the model has of a user, in the order of the user's own sets.
void report_data::append_sets(std::string& out, const user& who, std::span<const coverage_row> said,
                              std::int32_t first) const {
    const auto append_row = [&](const coverage_row& row) {
        fmt::format_to(std::back_inserter(out), ",\"{}\",{}", to_string(row.said.is).front(), row.said.missed);
        for (const auto& day : {row.said.last_good, row.said.due})
            out += day ? fmt::format(",{}", number_of(*day) - first) : ",null";
        out += ',';
        append_text(out, row.detail.empty()   ? row.reason
                         : row.reason.empty() ? row.detail
                                              : fmt::format("{}: {}", row.reason, row.detail));
        out += ']';
    };
    out += ",\"k\":[";
    bool empty = true;
    for (const backup_set& set : who.sets) {
        fmt::format_to(std::back_inserter(out), "{}[{}", std::exchange(empty, false) ? "" : ",", set.name);
        const auto row = std::ranges::find_if(
            said, [&](const coverage_row& one) { return (one.set_id.empty() ? one.set_name : one.set_id) == set.key; });
        if (row == said.end())
            out += ",\"-\",0,null,null,\"\"]";
        else
            append_row(*row);
    }
    // What no job on these days is of: the user as a whole, or a set that had its jobs on others.
    for (const coverage_row& row : said) {
        const std::string& key = row.set_id.empty() ? row.set_name : row.set_id;
        if (std::ranges::find(who.sets, key, &backup_set::key) != who.sets.end())
            continue;
        out += std::exchange(empty, false) ? "[" : ",[";
        if (key.empty())
            out += "null";
        else
            append_text(out, row.set_name.empty() ? key : row.set_name);
        append_row(row);
    }
    out += ']';
}

std::string report_data::to_json(std::string_view title, std::string_view made, const assessment& said,
                                 unsigned missed) const {
    std::string out = "{\"title\":";
    append_text(out, title);
    out += ",\"made\":";
    append_text(out, made);
    const auto range = days();
    const std::int32_t first = range ? number_of(range->first) : 0;
    const std::int32_t count = range ? number_of(range->second) - first + 1 : 0;
    fmt::format_to(
        std::back_inserter(out),
        ",\"missed\":{},\"asOf\":\"{}\",\"old\":{},\"require\":\"{}\",\"from\":\"{}\",\"days\":{},\"servers\":", missed,
        store::day_text(said.as_of), said.is_old(), require_ == coverage::require::scheduled ? "scheduled" : "any",
        range ? store::day_text(range->first) : "", count);

    std::vector<std::string_view> servers;
    for (const auto& [key, who] : users_)
        if (servers.empty() || servers.back() != key.first)
            servers.push_back(key.first);
    append_array(out, servers, [&](std::string_view server) { append_text(out, server); });
    const auto append_names = [&](const char* key, const names& texts) {
        fmt::format_to(std::back_inserter(out), ",\"{}\":[", key);
        for (std::size_t index = 0; index != texts.size(); ++index) {
            out += index == 0 ? "" : ",";
            append_text(out, texts[index]);
        }
        out += ']';
    };
    append_names("sets", sets_);
    append_names("reasons", reasons_);
    out += ",\"unseen\":";
    append_array(out, unseen_, [&](const auto& server) {
        out += '[';
        append_text(out, server.first);
        out += ',';
        append_text(out, server.second);
        out += ']';
    });

    out += ",\"users\":";
    std::size_t server = 0;
    std::vector<job> jobs;
    // Both are in the order of server and login name, after what is said of servers alone.
    const auto of_users =
        std::ranges::find_if(said.rows, [](const coverage_row& row) { return !row.login_name.empty(); });
    std::span<const coverage_row> rows(of_users, said.rows.end());
    append_array(out, users_, [&](const auto& entry) {
        const auto& [key, who] = entry;
        while (servers[server] != key.first)
            ++server;
        jobs = who.jobs;
        std::ranges::sort(jobs);
        jobs.erase(std::unique(jobs.begin(), jobs.end()), jobs.end());
        out += "{\"n\":";
        append_text(out, key.second);
        fmt::format_to(std::back_inserter(out), ",\"s\":{},\"c\":\"{}\",\"j\":", server,
                       cells_of(who, first, count, jobs));
        std::int32_t before = first;
        append_array(out, jobs, [&](const job& each) {
            fmt::format_to(std::back_inserter(out), "{},{},{}", each.day - std::exchange(before, each.day),
                           static_cast<int>(each.mode), each.set == no_set ? "null" : std::to_string(each.set));
            for (const std::int32_t time : {each.start, each.minutes})
                if (time == no_time)
                    out += ",null";
                else
                    fmt::format_to(std::back_inserter(out), ",{}", time);
        });
        if (!who.failures.empty()) {
            out += ",\"f\":";
            append_array(out, who.failures, [&](const failure& each) {
                fmt::format_to(std::back_inserter(out), "{},{}", each.day - first, each.reason);
            });
        }
        const auto mine = [&owner = key](const coverage_row& row) {
            return row.login_name == owner.second && row.server == owner.first;
        };
        const auto end = std::ranges::find_if_not(rows, mine);
        append_sets(out, who, {rows.begin(), end}, first);
        rows = {end, rows.end()};
        out += '}';
    });
    out += "}\n";
    return out;
}

}  // namespace jobmode::report

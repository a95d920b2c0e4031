// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "report/report_input.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <jobmode/query.hpp>

#include <array>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "report/crawl_lines.hpp"
#include "store/database.hpp"
#include "store/file.hpp"
#include "store/list_text.hpp"

namespace jobmode::report {
namespace {

/// Hands each line of a file to `take`, which says what is wrong with it, if anything. Empty if all went well.
std::string for_each_line(const std::string& path, const std::function<std::string(std::string_view)>& take) {
    std::ifstream file;
    if (path != "-") {
        file.open(path);
        if (!file)
            return store::system_problem("read", path);
    }
    std::istream& input = path == "-" ? std::cin : file;
    const std::string name = path == "-" ? "standard input" : path;
    std::string line;
    for (std::uint64_t number = 1; std::getline(input, line); ++number) {
        if (line.ends_with('\r'))
            line.pop_back();
        if (line.empty())
            continue;
        if (const std::string problem = take(line); !problem.empty())
            return fmt::format("{}, line {}: {}", name, number, problem);
    }
    return input.bad() ? store::system_problem("read", name) : std::string();
}

bool is_sqlite(const std::string& path) {
    static constexpr std::string_view magic("SQLite format 3\0", 16);
    std::array<char, magic.size()> head{};
    std::ifstream(path, std::ios::binary).read(head.data(), head.size());
    return std::string_view(head.data(), head.size()) == magic;
}

std::optional<std::chrono::year_month_day> day_of(const store::statement& row, int column) {
    const date_or_job_id date(row.text(column));
    return date.valid() ? std::optional(date.date()) : std::nullopt;
}

void read_queries(findings& data, store::database& from) {
    // A file of an earlier version does not say when.
    store::statement has_times = from.prepare("SELECT 1 FROM pragma_table_info('queries') WHERE name = 'AnsweredAt'");
    const char* const answered_at = has_times.step() ? "AnsweredAt" : "NULL";
    store::statement query =
        from.prepare(fmt::format("SELECT Server, LoginName, BackupDate, Error, {} FROM queries", answered_at));
    while (query.step()) {
        const auto day = day_of(query, 2);
        if (!day)
            continue;
        const std::string server = query.text(0);
        const std::string login_name = query.text(1);
        data.add_listed(server, login_name);
        const std::string error = query.text(3);
        const std::string at = query.text(4);
        if (error.empty() || !at.empty())
            data.add_asked(server, login_name, *day, parse_time(std::string_view(at).substr(0, 19)));
        // The file of failed queries, which has been read, says more than the error's name.
        else if (!data.has_failure(server, login_name, *day))
            data.add_failure(server, login_name, *day, error);
    }
    store::statement has_listings = from.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'listings'");
    if (has_listings.step()) {
        const auto time = [](const store::statement& row, int column) {
            const std::string text = row.text(column);
            return parse_time(std::string_view(text).substr(0, 19));
        };
        store::statement listing = from.prepare("SELECT Server, ListedAt FROM listings");
        while (listing.step())
            if (const auto at = time(listing, 1))
                data.add_listing(listing.text(0), *at);
        store::statement member =
            from.prepare("SELECT Server, LoginName, FirstListedAt, LastListedAt FROM listed_users");
        while (member.step())
            for (const int column : {2, 3})
                if (const auto at = time(member, column))
                    data.add_member(member.text(0), member.text(1), *at);
    }
    store::statement has_unseen = from.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'unseen_servers'");
    if (!has_unseen.step())
        return;
    store::statement unseen = from.prepare("SELECT Server, Error FROM unseen_servers");
    while (unseen.step())
        data.add_unseen(unseen.text(0), unseen.text(1));
}

void read_records(findings& data, store::database& from) {
    static constexpr std::array fields{field::owner,         field::start_time,      field::end_time,
                                       field::backup_set_id, field::backup_set_name, field::backup_job_mode};
    store::statement query = from.prepare(
        "SELECT Server, QueryLoginName, BackupDate, Owner, StartTime, EndTime, BackupSetID, BackupSetName, "
        "BackupJobMode, "
        "BackupJobMode IS NOT NULL FROM records");
    while (query.step()) {
        const auto day = day_of(query, 2);
        if (!day)
            continue;
        record job;
        for (std::size_t index = 0; index != fields.size(); ++index) {
            job.text(fields[index]) = query.text(static_cast<int>(index) + 3);
            job.set(fields[index], presence::text);
        }
        if (query.integer(9) == 0)
            job.set(field::backup_job_mode, presence::null);
        data.add_job(query.text(0), query.text(1), *day, record_view(job));
    }
}

/// Reads CSV by RFC 4180, as a crawl writes it.
class csv_reader {
public:
    explicit csv_reader(std::istream& from) : from_(from) {}

    /// The next row; false at the end.
    bool next(std::vector<std::string>& values) {
        values.clear();
        if (from_.peek() == std::istream::traits_type::eof())
            return false;
        std::string value;
        for (bool quoted = false;;) {
            const int c = from_.get();
            if (c == '\n')
                ++line_;
            if (c == std::istream::traits_type::eof() || (c == '\n' && !quoted)) {
                if (value.ends_with('\r'))
                    value.pop_back();
                values.push_back(std::move(value));
                return true;
            }
            if (c == '"') {
                // Two of them within quotes are one.
                if (quoted && from_.peek() == '"')
                    value += static_cast<char>(from_.get());
                else
                    quoted = !quoted;
            } else if (c == ',' && !quoted) {
                values.push_back(std::exchange(value, {}));
            } else {
                value += static_cast<char>(c);
            }
        }
    }
    /// The number of lines read.
    std::uint64_t line() const noexcept { return line_; }

private:
    std::istream& from_;
    std::uint64_t line_ = 0;
};

bool is_csv(const std::string& path) {
    std::string head;
    std::ifstream file(path, std::ios::binary);
    std::getline(file, head);
    return head.starts_with("ID,LoginName,");
}

std::string read_csv(findings& data, const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return store::system_problem("read", path);
    csv_reader rows(file);
    std::vector<std::string> columns;
    rows.next(columns);
    std::vector<std::string> values;
    while (rows.next(values))
        if (const std::string problem = add_record_row(data, columns, values); !problem.empty())
            return fmt::format("{}, line {}: {}", path, rows.line(), problem);
    return file.bad() ? store::system_problem("read", path) : std::string();
}

}  // namespace

std::string read_crawl(findings& data, const std::string& path) {
    const std::string failures = path + ".failed.ndjson";
    std::string problem;
    if (path != "-" && ::access(failures.c_str(), F_OK) == 0)
        problem = for_each_line(failures, [&](std::string_view line) { return add_failure_line(data, line); });
    if (!problem.empty())
        return problem;
    if (path == "-" || !is_sqlite(path)) {
        const std::string asked = path + ".asked.ndjson";
        if (path != "-" && ::access(asked.c_str(), F_OK) == 0)
            problem = for_each_line(asked, [&](std::string_view line) { return add_asked_line(data, line); });
        if (!problem.empty())
            return problem;
        if (path != "-" && is_csv(path))
            return read_csv(data, path);
        return for_each_line(path, [&](std::string_view line) { return add_record_line(data, line); });
    }
    try {
        store::database from(path);
        // Both tables as they were at one moment, even while a crawl goes on.
        from.execute("BEGIN");
        read_queries(data, from);
        read_records(data, from);
    } catch (const store::database_error& failure) {
        return failure.what();
    }
    return {};
}

std::string read_report_users(report_data& data, const std::string& path) {
    std::string text;
    std::string problem;
    if (!store::read_file(path, text, problem))
        return problem;
    std::vector<std::string> names;
    problem = store::for_each_entry(text, [&](std::string_view name, std::size_t) {
        names.emplace_back(name);
        return std::string();
    });
    data.add_users(names);
    return problem;
}

}  // namespace jobmode::report

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
#include <vector>

#include "store/database.hpp"
#include "store/file.hpp"

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

void read_queries(report_data& data, store::database& from) {
    store::statement query = from.prepare("SELECT Server, LoginName, BackupDate, Error FROM queries");
    while (query.step()) {
        const auto day = day_of(query, 2);
        if (!day)
            continue;
        const std::string server = query.text(0);
        const std::string login_name = query.text(1);
        data.add_asked(server, login_name, *day);
        // The file of failed queries, which has been read, says more than the error's name.
        const std::string error = query.text(3);
        if (!error.empty() && !data.has_failure(server, login_name, *day))
            data.add_failure(server, login_name, *day, error);
    }
}

void read_records(report_data& data, store::database& from) {
    static constexpr std::array fields{field::start_time, field::end_time, field::backup_set_id, field::backup_set_name,
                                       field::backup_job_mode};
    store::statement query = from.prepare(
        "SELECT Server, QueryLoginName, BackupDate, StartTime, EndTime, BackupSetID, BackupSetName, BackupJobMode, "
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
        if (query.integer(8) == 0)
            job.set(field::backup_job_mode, presence::null);
        data.add_job(query.text(0), query.text(1), *day, record_view(job));
    }
}

}  // namespace

std::string read_crawl(report_data& data, const std::string& path) {
    const std::string failures = path + ".failed.ndjson";
    std::string problem;
    if (path != "-" && ::access(failures.c_str(), F_OK) == 0)
        problem = for_each_line(failures, [&](std::string_view line) { return data.add_failure_line(line); });
    if (!problem.empty())
        return problem;
    if (path == "-" || !is_sqlite(path))
        return for_each_line(path, [&](std::string_view line) { return data.add_record_line(line); });
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
    std::vector<std::string> names;
    std::string problem = for_each_line(path, [&](std::string_view line) {
        names.emplace_back(line);
        return std::string();
    });
    data.add_users(names);
    return problem;
}

}  // namespace jobmode::report

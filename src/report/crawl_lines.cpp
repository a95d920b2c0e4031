// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "report/crawl_lines.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>
#include <jobmode/query.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>

#include "store/csv_text.hpp"

namespace jobmode::report {
namespace {

namespace json = boost::json;

std::string_view text_of(const json::object& row, std::string_view key) {
    const json::value* const found = row.if_contains(key);
    return found && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

/// A line's object, in memory that is not asked from the heap for lines of the usual length.
class parsed_line {
public:
    explicit parsed_line(std::string_view line) : memory_(buffer_.data(), buffer_.size()) {
        boost::system::error_code ec;
        value_ = json::parse({line.data(), line.size()}, ec, &memory_);
        if (ec)
            problem_ = "it is not JSON: " + ec.message();
        else if (!value_.is_object())
            problem_ = "it is not a JSON object";
    }
    const std::string& problem() const noexcept { return problem_; }
    const json::object& row() const noexcept { return value_.get_object(); }

private:
    std::array<unsigned char, 8 * 1024> buffer_;
    json::monotonic_resource memory_;
    json::value value_;
    std::string problem_;
};

/// Which day a row belongs to; nothing, with `problem` set, if it does not say.
std::optional<std::chrono::year_month_day> day_of(const json::object& row, std::string& problem) {
    const std::string_view text = text_of(row, "BackupDate");
    const date_or_job_id date(text);
    if (date.valid())
        return date.date();
    problem = row.contains("BackupDate") ? fmt::format("its BackupDate is no date: '{}'", text)
                                         : "it has no BackupDate: this is not what `jobmode crawl` writes";
    return std::nullopt;
}

}  // namespace

std::string add_record_line(findings& to, std::string_view line) {
    const parsed_line parsed(line);
    std::string problem = parsed.problem();
    if (!problem.empty())
        return problem;
    const json::object& row = parsed.row();
    const auto day = day_of(row, problem);
    if (!day)
        return problem;
    record_view record;
    for (std::size_t index = 0; index != field_count; ++index) {
        const auto which = static_cast<field>(index);
        const json::value* const found = row.if_contains(key_of(which));
        if (!found)
            continue;
        record.set(which, found->is_string() ? presence::text : presence::null);
        record.text(which) = text_of(row, key_of(which));
    }
    // Who was asked, which a record may spell in another way, or not at all.
    const std::string_view asked = text_of(row, "QueryLoginName");
    to.add_job(text_of(row, "Server"), asked.empty() ? record.login_name : asked, *day, record);
    return {};
}

std::string add_record_row(findings& to, const std::vector<std::string>& columns,
                           const std::vector<std::string>& values) {
    if (columns.size() != values.size())
        return fmt::format("it has {} values, and the first line has {}", values.size(), columns.size());
    const auto value = [&](std::string_view name) {
        const auto found = std::ranges::find(columns, name);
        return found == columns.end() ? std::string_view()
                                      : store::without_guard(values[static_cast<std::size_t>(found - columns.begin())]);
    };
    const date_or_job_id date(value("BackupDate"));
    if (!date.valid())
        return fmt::format("its BackupDate is no date: '{}'", value("BackupDate"));
    record_view record;
    for (std::size_t index = 0; index != field_count; ++index) {
        const auto which = static_cast<field>(index);
        record.set(which, value(key_of(which)).empty() ? presence::null : presence::text);
        record.text(which) = value(key_of(which));
    }
    const std::string_view asked = value("QueryLoginName");
    to.add_job(value("Server"), asked.empty() ? record.login_name : asked, date.date(), record);
    return {};
}

std::string add_asked_line(findings& to, std::string_view line) {
    const parsed_line parsed(line);
    if (!parsed.problem().empty())
        return parsed.problem();
    const json::object& row = parsed.row();
    const std::string_view server = text_of(row, "Server");
    const std::string_view ended = text_of(row, "Ended");
    const std::string_view error = text_of(row, "Error");
    if (ended == "unseen") {
        to.add_unseen(server, error);
        return {};
    }
    if (ended == "listed") {
        const json::value* const users = row.if_contains("Users");
        const auto at = parse_time(text_of(row, "At").substr(0, 19));
        if (!users || !users->is_array() || !at)
            return "this is not what `jobmode crawl` writes into OUT.asked.ndjson";
        to.add_listing(server, *at);
        for (const json::value& user : users->get_array())
            if (user.is_string())
                to.add_member(server, std::string_view(user.get_string()), *at);
        return {};
    }
    const date_or_job_id first(text_of(row, "From"));
    const date_or_job_id last(text_of(row, "To"));
    const std::string_view login_name = text_of(row, "LoginName");
    if (login_name.empty() || !first.valid() || !last.valid() ||
        (ended != "answered" && ended != "failed" && ended != "skipped"))
        return "this is not what `jobmode crawl` writes into OUT.asked.ndjson";
    to.add_listed(server, login_name);
    // What is before the offset is a local time.
    const auto at = parse_time(text_of(row, "At").substr(0, 19));
    for (std::chrono::sys_days day = first.date(); day <= std::chrono::sys_days(last.date());
         day += std::chrono::days(1)) {
        if (ended != "failed")
            to.add_asked(server, login_name, day, at);
        // The file of failed queries, which has been read, says more than the error's name.
        else if (!to.has_failure(server, login_name, day))
            to.add_failure(server, login_name, day, error);
    }
    return {};
}

std::string add_failure_line(findings& to, std::string_view line) {
    const parsed_line parsed(line);
    std::string problem = parsed.problem();
    if (!problem.empty())
        return problem;
    const json::object& row = parsed.row();
    const auto day = day_of(row, problem);
    if (!day)
        return problem;
    const std::string_view message = text_of(row, "Message");
    to.add_failure(text_of(row, "Server"), text_of(row, "LoginName"), *day,
                   message.empty() ? text_of(row, "Error") : message);
    return {};
}

}  // namespace jobmode::report

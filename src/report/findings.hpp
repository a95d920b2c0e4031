// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/record.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace jobmode::report {

/// Takes what a crawl found out, piece by piece, in any order and perhaps more than once.
class findings {
public:
    findings() = default;
    findings(const findings&) = default;
    findings& operator=(const findings&) = default;
    virtual ~findings() = default;

    /// A job, as a record tells of it, that was listed on this day for the user who was asked about.
    virtual void add_job(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                         const record_view& record) = 0;
    /// A query that was answered, at `answered` by the clock of whoever asked; nothing if that is not known. Answers
    /// that came before the day had been over for `grace` tell nothing of what is not in them yet.
    virtual void add_asked(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                           std::optional<std::chrono::local_seconds> answered) = 0;
    /// What was asked about this user is known from a list: days that nothing else is added for were not asked.
    virtual void add_listed(std::string_view server, std::string_view login_name) = 0;
    /// A query that failed for good; `reason` is for a person. A failure on a day that was answered at any time does
    /// not count.
    virtual void add_failure(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                             std::string_view reason) = 0;
    /// Whether such a query is known for the user and the day.
    virtual bool has_failure(std::string_view server, std::string_view login_name,
                             std::chrono::year_month_day day) const = 0;
    /// A complete listing of a server's users, made at this moment: who is not among them has been removed.
    virtual void add_listing(std::string_view server, std::chrono::local_seconds at) = 0;
    /// A user who was in such a listing.
    virtual void add_member(std::string_view server, std::string_view login_name, std::chrono::local_seconds at) = 0;
    /// A server of which not even the users are known; `reason` is for a person.
    virtual void add_unseen(std::string_view server, std::string_view reason) = 0;

    /// A job that began before midnight may be listed some hours later.
    static constexpr std::chrono::hours grace{6};
    /// Whether an answer tells all that there is to know of a day.
    static bool is_over(std::chrono::year_month_day day, std::optional<std::chrono::local_seconds> answered) {
        return !answered ||
               *answered >= std::chrono::local_days(day) + std::chrono::days(1) + std::chrono::seconds(grace);
    }
};

}  // namespace jobmode::report

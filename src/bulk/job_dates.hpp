// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/backup_jobs.hpp>
#include <jobmode/bulk/bulk_crawl.hpp>
#include <jobmode/config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "store/index_set.hpp"

namespace jobmode::bulk {

/// On which days of a range users have jobs, as far as it is known. Users and days are numbered from 0.
class job_dates {
public:
    /// The days from `from` to `to`, both included; nobody has a job yet.
    job_dates(std::size_t users, std::chrono::year_month_day from, std::chrono::year_month_day to);

    /// Takes a user's jobs. False, and the user has jobs on every day, if one of them has an ID that tells no date.
    bool add(std::size_t user, const std::vector<backup_set_jobs>& sets);
    /// Whatever is not known may be: the user has jobs on every day.
    void add_every_day(std::size_t user);
    bool has_job(std::size_t user, std::uint64_t day) const noexcept { return known_.contains(day * users_ + user); }

    /// Users whose jobs could not be listed, and why not for the first of them.
    std::uint64_t unlisted = 0;
    std::string first_problem;

private:
    std::size_t users_;
    std::chrono::sys_days from_;
    std::uint64_t days_;
    store::index_set known_;
};

/// Asks the server for the jobs of each user (ListBackupJobs). A user for whom that fails has jobs on every day. What
/// everybody would meet, a wrong password or a server that cannot be reached, ends it, if the first user meets it or if
/// it is the password: then the result says what it was. `stop` ends it early, with a problem.
std::optional<bulk_problem> find_job_dates(const client_config& config, const std::vector<std::string>& users,
                                           job_dates& found, const std::stop_token& stop);

}  // namespace jobmode::bulk

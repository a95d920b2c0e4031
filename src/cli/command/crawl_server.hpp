// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/command/crawl_problem.hpp"
#include "cli/command/crawl_run.hpp"

namespace jobmode::cli {

/// Which queries a crawl asks of each server, once its users are known.
struct crawl_range {
    std::chrono::year_month_day from;
    std::chrono::year_month_day to;
    /// Backup sets; none for one query a user and date.
    std::vector<std::string> sets;
    /// Which part of the users, counted from 1, of how many.
    std::uint64_t shard = 1;
    std::uint64_t shards = 1;
    /// Only dates with jobs (ListBackupJobs).
    bool by_jobs = false;
};

/// A server of a crawl.
struct crawl_server {
    /// As records name it.
    std::string name;
    client_config config;
    /// The users, if they are given; otherwise the server lists them.
    std::optional<std::vector<std::string>> users;
    /// What is asked of it, if an earlier run of the crawl has found that out.
    std::optional<server_plan> known;
};

/// What a server was found to be asked.
struct server_preparation {
    /// Nothing if there is a problem.
    std::optional<server_plan> plan;
    std::optional<crawl_problem> problem;
    /// Users whose jobs could not be listed, who are asked about daily; and a sentence on them.
    std::uint64_t unlisted_users = 0;
    std::string why_unlisted;
};

/// Every query about these users. `listed`: the server said who they are, and the state is to keep them.
server_plan make_plan(const crawl_range& range, std::vector<std::string> users, bool listed);

/// Finds out what is to be asked of a server: its users if they are not given, and their jobs if dates are chosen by
/// them. Waits for the server; `stop` ends that early, with whatever result.
server_preparation prepare(const crawl_range& range, const crawl_server& server, const std::stop_token& stop);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/bulk_crawl.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "bulk/crawl_plan.hpp"
#include "store/index_set.hpp"

namespace jobmode::bulk {

/// What is asked of one server.
struct server_plan {
    crawl_plan queries;
    /// Those that need not be asked, by their numbers: they are known to have no records.
    store::index_set skipped;
    /// The login names, for the checkpoint to keep, if they cannot be had again.
    std::vector<std::string> users;
    /// When the server listed them, if all of them are asked about.
    std::optional<std::chrono::sys_seconds> listed_at;
};

/// What a server was found to be asked.
struct preparation {
    /// Nothing if there is a problem.
    std::optional<server_plan> plan;
    std::optional<bulk_problem> problem;
    /// Users whose jobs could not be listed, who are asked about daily; and a sentence on them.
    std::uint64_t unlisted_users = 0;
    std::string why_unlisted;
};

/// Every query about these users. `listed`: the server said who they are, and the checkpoint is to keep them.
server_plan make_plan(const bulk_options& options, std::vector<std::string> users, bool listed);

/// Asks the server for all of its users (ListUsers), each once. Nothing if that worked, else why not. `stop` ends it
/// early, with a problem.
std::optional<bulk_problem> list_users(const client_config& config, std::vector<std::string>& users,
                                       const std::stop_token& stop);

/// Finds out what is to be asked of a server: its users if they are not given, and their jobs if dates are chosen by
/// them. Waits for the server; `stop` ends that early, with whatever result.
preparation prepare(const bulk_options& options, const bulk_server& server, const std::stop_token& stop);

}  // namespace jobmode::bulk

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace jobmode::cli {

/// The options that say which users, dates and backup sets are asked about.
struct scope_options {
    std::string users_file;
    bool all_users = false;
    std::string from;
    std::string to;
    std::vector<std::string> sets;

    /// Adds them to a subcommand, in a group.
    void add_to(CLI::App& app, const char* group);
    /// The first and the last date. Puts the sets in order, each once. Throws `usage_problem` for what cannot be meant.
    std::pair<std::chrono::year_month_day, std::chrono::year_month_day> check();
};

}  // namespace jobmode::cli

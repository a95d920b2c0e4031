// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/connection_options.hpp"
#include "cli/exit_code.hpp"
#include "cli/message_log.hpp"
#include "cli/progress.hpp"
#include "cli/row_writer.hpp"

namespace jobmode::cli {

/// The command line of `jobmode crawl`.
struct crawl_command {
    /// Which dates are asked about.
    enum class planning { daily, jobs };

    connection_options connection;
    std::string servers_file;
    std::string users_file;
    bool all_users = false;
    std::string from;
    std::string to;
    std::vector<std::string> sets;
    std::string shard;
    planning plan = planning::daily;
    std::string out;
    row_format format = row_format::ndjson;
    bool force = false;
    std::string max_in_flight = "auto";
    std::size_t connections = 64;
    double rate = 0;
    unsigned retries = 3;
    unsigned threads = 1;
    std::string state;
    bool resume = false;
    double sync_interval = 1;
    progress::mode progress_mode = progress::mode::automatic;
    std::string metrics_file;
    message_log log;

    bool to_stdout() const { return out == "-"; }
    std::string failed_path() const { return out + ".failed.ndjson"; }
    /// Says why the program ends, and returns what with.
    exit_code fail(exit_code code, std::string_view message) const {
        log.say(message_log::level::error, "error", message, {{"exit_code", static_cast<std::uint64_t>(code)}});
        return code;
    }
};

/// Carries out a crawl, and says how it went.
exit_code run_crawl(crawl_command& command);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/bulk_crawl.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/messages/exit_code.hpp"
#include "cli/messages/message_log.hpp"
#include "cli/messages/progress.hpp"
#include "cli/options/connection_options.hpp"
#include "cli/options/output_options.hpp"
#include "cli/options/scope_options.hpp"

namespace jobmode::cli {

/// The command line of `jobmode crawl`.
struct crawl_command : scope_options, output_options {
    connection_options connection;
    std::string servers_file;
    std::string shard;
    bulk_plan plan = bulk_plan::daily;
    bool force = false;
    std::string max_in_flight = "auto";
    /// Without it, as many as the queries in flight need.
    std::optional<std::size_t> connections;
    double rate = 0;
    unsigned retries = 3;
    /// As given, in seconds; see `default_wait`.
    std::optional<double> wait;
    unsigned threads = 1;
    std::string state;
    bool resume = false;
    double sync_interval = 1;
    progress::mode progress_mode = progress::mode::automatic;
    std::string metrics_file;
    message_log log;

    /// How long queries wait for a server that has answered before and is away, in seconds.
    static constexpr double default_wait = 900;

    /// Says why the program ends, and returns what with.
    exit_code fail(exit_code code, std::string_view message) const {
        log.say(message_log::level::error, "error", message, {{"exit_code", static_cast<std::uint64_t>(code)}});
        return code;
    }
};

/// Carries out a crawl, and says how it went.
exit_code run_crawl(crawl_command& command);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What a crawl says at its end.
#pragma once

#include <jobmode/metrics.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/command/crawl_command.hpp"
#include "cli/command/crawl_run.hpp"

namespace jobmode::cli {

/// How a crawl ended, beside what its books say.
struct crawl_ending {
    /// What all clients have done.
    metrics seen;
    std::chrono::nanoseconds elapsed{0};
    /// Users whose jobs could not be listed, with `--plan jobs`.
    std::uint64_t unlisted_users = 0;
    /// Why it ended early is said elsewhere.
    bool explained = false;
};

/// A sentence about a server, which names it if there are several.
std::string about_server(const crawl_books& books, std::string_view server, std::string_view text);

/// Writes the list of queries that have failed for good, or says them if there is no file to write it beside. Throws
/// `output_error`.
void write_failed(const crawl_command& command, const crawl_books& books);

/// Says how many queries were answered, how fast, what failed, and where the records are.
void summarise(const crawl_command& command, const crawl_books& books, const crawl_ending& how);

/// Says what can be done about a crawl that has not answered everything.
void say_how_to_resume(const crawl_command& command, const crawl_books& books);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What a crawl says at its end.
#pragma once

#include <jobmode/bulk/bulk_crawl.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "cli/command/crawl_command.hpp"

namespace jobmode::cli {

/// A sentence about a server, which names it if there are several.
std::string about_server(std::size_t servers, std::string_view server, std::string_view text);

/// Writes the list of queries that have failed for good, or says them if there is no file to write it beside. Throws
/// `sink_error`.
void write_failed(const crawl_command& command, std::size_t servers, const bulk_crawl& crawl);

/// Says how many queries were answered, how fast, what failed, and where the records are. `explained`: why it ended
/// early is said elsewhere.
void summarise(const crawl_command& command, const bulk_crawl& crawl, const bulk_summary& how, bool explained);

/// Says what can be done about a crawl that has not answered everything. `begun`: something is kept.
void say_how_to_resume(const crawl_command& command, bool begun);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/query.hpp>

#include <string>
#include <string_view>

#include "cli/crawl_state.hpp"

namespace jobmode::cli {

/// Appends a query that failed for good as a line of JSON, as OUT.failed.ndjson has them.
void append_failed(std::string& lines, const query& asked, const failed_query& failed, std::string_view server);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/query.hpp>

#include <string>
#include <string_view>

#include "store/crawl_checkpoint.hpp"

namespace jobmode::store {

/// Appends a query that failed for good as a line of JSON, as OUT.failed.ndjson has them.
void append_failed(std::string& lines, const query& asked, const failed_query& failed, std::string_view server);

}  // namespace jobmode::store

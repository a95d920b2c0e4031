// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace jobmode::policy {

/// Reads `yyyy-MM-dd`; nothing if it is something else or no date that exists.
std::optional<std::chrono::year_month_day> parse_date(std::string_view text);

}  // namespace jobmode::policy

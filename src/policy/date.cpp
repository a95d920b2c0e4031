// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/date.hpp"

#include <jobmode/query.hpp>

namespace jobmode::policy {

std::optional<std::chrono::year_month_day> parse_date(std::string_view text) {
    const date_or_job_id parsed(text);
    return parsed.valid() && !parsed.is_job_id() ? std::optional(parsed.date()) : std::nullopt;
}

}  // namespace jobmode::policy

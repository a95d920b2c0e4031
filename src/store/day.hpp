// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/query.hpp>

#include <chrono>
#include <string>

namespace jobmode::store {

/// `2024-06-30`.
inline std::string day_text(std::chrono::sys_days day) {
    return std::string(date_or_job_id(std::chrono::year_month_day(day)).text());
}

}  // namespace jobmode::store

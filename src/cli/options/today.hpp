// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <ctime>

namespace jobmode::cli {

/// What this machine's clock says, by its time zone.
inline std::chrono::local_seconds local_now() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    return std::chrono::local_days(std::chrono::year(local.tm_year + 1900) / (local.tm_mon + 1) / local.tm_mday) +
           std::chrono::hours(local.tm_hour) + std::chrono::minutes(local.tm_min) + std::chrono::seconds(local.tm_sec);
}

/// The day that it is then.
inline std::chrono::sys_days today() {
    return std::chrono::sys_days(std::chrono::floor<std::chrono::days>(local_now()).time_since_epoch());
}

}  // namespace jobmode::cli

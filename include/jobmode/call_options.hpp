// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/export.hpp>

#include <chrono>
#include <cstdint>

namespace jobmode {

struct diagnostics;

/// Which of two queries that wait is sent first. Where both kinds wait, one of nine is of normal priority: it still
/// moves.
enum class call_priority : std::uint8_t {
    /// Somebody waits for it.
    high,
    normal,
};

/// How one operation differs from the others of its client.
struct JOBMODE_EXPORT call_options {
    call_options();
    /// Everything by default, and a place for what is known of the operation's end. So a pointer will do for options.
    call_options(jobmode::diagnostics* out);

    /// Filled before the handler runs; must outlive the operation. Null: nobody asks.
    jobmode::diagnostics* diagnostics = nullptr;
    /// As `timeout_config::total`, for this operation; 0: what that says.
    std::chrono::milliseconds total{0};
    /// Its place among those that wait.
    call_priority priority = call_priority::normal;
};

}  // namespace jobmode

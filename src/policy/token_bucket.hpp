// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>

#include <chrono>
#include <cstdint>

#include "policy/time.hpp"

namespace jobmode::policy {

/// Allows a steady rate and, after a pause, a burst. Kept as the instant at which the bucket would be full again, so
/// that nothing drifts however long it runs. Not thread-safe.
class token_bucket {
public:
    explicit token_bucket(const rate_config& config) noexcept;

    bool unlimited() const noexcept { return interval_.count() == 0; }
    /// The earliest instant, `now` or later, at which `try_take` succeeds.
    time_point next(time_point now) const noexcept;
    /// Takes a token, if there is one.
    bool try_take(time_point now) noexcept;

private:
    /// From one token to the next; 0 if there is no limit.
    std::chrono::nanoseconds interval_;
    /// How far ahead of the steady rate a burst may be.
    std::chrono::nanoseconds allowance_;
    /// When the next token comes at the steady rate.
    time_point due_{time_point::min()};
};

}  // namespace jobmode::policy

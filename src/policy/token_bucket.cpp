// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/token_bucket.hpp"

#include <algorithm>

namespace jobmode::policy {
namespace {

// Rates below one in ten days, and bursts longer than that, would overflow the arithmetic before they mean anything.
constexpr double longest = 10.0 * 24 * 3600 * 1e9;

std::chrono::nanoseconds nanoseconds(double count) noexcept {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(count, longest)));
}

}  // namespace

token_bucket::token_bucket(const rate_config& config) noexcept
    : interval_(config.queries_per_second > 0
                    ? std::max(nanoseconds(1e9 / config.queries_per_second), std::chrono::nanoseconds(1))
                    : std::chrono::nanoseconds(0)),
      allowance_(nanoseconds((config.burst - 1) * static_cast<double>(interval_.count()))) {}

time_point token_bucket::next(time_point now) const noexcept {
    if (unlimited() || due_ == time_point::min())
        return now;
    return std::max(now, due_ - allowance_);
}

bool token_bucket::try_take(time_point now) noexcept {
    if (unlimited())
        return true;
    if (next(now) > now)
        return false;
    due_ = std::max(due_, now) + interval_;
    return true;
}

}  // namespace jobmode::policy

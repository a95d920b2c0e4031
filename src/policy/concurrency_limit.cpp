// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/concurrency_limit.hpp"

#include <algorithm>
#include <cmath>

namespace jobmode::policy {
namespace {

// An average of fewer answers says more about chance than about the server.
constexpr std::size_t least_answers = 32;
// Latency counts as risen beyond this much above the baseline, and what chance alone may do to an average of so many
// answers.
constexpr double tolerance = 0.08;
constexpr double deviations = 0.8;
// Windows between two measurements of the baseline.
constexpr unsigned windows_between_probes = 50;

}  // namespace

concurrency_limit::concurrency_limit(const concurrency_config& config) noexcept
    : fixed_(config.max_in_flight),
      ceiling_(static_cast<double>(config.ceiling)),
      limit_(static_cast<double>(config.initial)) {}

std::size_t concurrency_limit::limit() const noexcept {
    return fixed_ != 0 ? fixed_ : std::max<std::size_t>(static_cast<std::size_t>(limit_), 1);
}

void concurrency_limit::on_answer(std::chrono::nanoseconds latency, std::size_t in_flight, time_point) noexcept {
    if (fixed_ != 0)
        return;
    if (stale_ != 0) {
        --stale_;
        return;
    }
    sum_ += static_cast<double>(latency.count());
    ++count_;
    saturated_ = saturated_ || in_flight >= limit();
    if (count_ >= std::max(least_answers, 2 * limit()))
        end_window();
}

void concurrency_limit::on_overload(time_point now) noexcept {
    if (fixed_ != 0 || now < quiet_until_)
        return;
    starting_ = false;
    limit_ = std::max(1.0, (resume_at_ != 0 ? resume_at_ : limit_) / 2);
    resume_at_ = 0;
    // What was sent together fails together; one such wave is one sign.
    quiet_until_ =
        now + std::chrono::milliseconds(10) + std::chrono::nanoseconds(static_cast<std::int64_t>(2 * baseline_));
    begin_window(0);
}

void concurrency_limit::end_window() noexcept {
    const double average = sum_ / static_cast<double>(count_);
    const double chance = deviations / std::sqrt(static_cast<double>(count_));
    ++windows_;
    if (resume_at_ != 0) {
        baseline_ = average;
        limit_ = resume_at_;
        resume_at_ = 0;
        begin_window(0);
        return;
    }
    baseline_ = baseline_ == 0 ? average : std::min(baseline_, average);
    const double excess = average / baseline_;
    const double before = limit_;
    if (excess > 1 + tolerance + chance) {
        starting_ = false;
        limit_ = std::max(1.0, limit_ * std::max(0.5, (1 + tolerance) / excess));
    } else if (saturated_) {
        limit_ = std::min(ceiling_, starting_ ? limit_ * 2 : limit_ + std::max(1.0, limit_ / 20));
    }
    if (windows_ >= windows_between_probes && !starting_ && limit_ >= 2) {
        windows_ = 0;
        resume_at_ = limit_;
        limit_ = std::floor(limit_ / 2);
    }
    begin_window(limit_ != before ? static_cast<std::size_t>(before) : 0);
}

void concurrency_limit::begin_window(std::size_t stale) noexcept {
    sum_ = 0;
    count_ = 0;
    saturated_ = false;
    stale_ = stale;
}

}  // namespace jobmode::policy

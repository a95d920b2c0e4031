// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/concurrency_limit.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace jobmode::policy {
namespace {

// An average of fewer answers says more about chance than about the server; of more, it says nothing new.
constexpr std::size_t least_answers = 32;
constexpr std::size_t most_answers = 2000;
// Windows go on until chance moves their average by no more than this share of it.
constexpr double precision = 0.04;
// Latency counts as risen beyond this share above the baseline, and what chance alone may do.
constexpr double tolerance = 0.05;
// At the start the limit grows with each answer by this much, so that it doubles, or grows by an eighth, in the time of
// one. It has grown as much again when the first sign of queueing is seen; Tomcat has 200 workers unless it is told
// otherwise, so the steps are small where that would matter most.
constexpr double start_growth = 1;
constexpr double careful_growth = 0.125;
constexpr double careful_from = 128;
// The windows of the start are parts of the time of an answer.
constexpr std::size_t least_start_answers = 16;
constexpr unsigned risen_windows = 2;
constexpr double clear_of_start = 4;
constexpr double start_tolerance = 0.1;
// A baseline that is measured to be so far off is another one; what is less far off is averaged.
constexpr double surprise = 0.15;
constexpr double averaging = 0.25;
// The share by which the limit grows in the first window after it shrank; it doubles from one to the next.
constexpr double least_growth = 0.025;
constexpr double most_growth = 0.5;
// Windows between two measurements of the baseline, and after one that was a surprise.
constexpr unsigned windows_between_probes = 50;
constexpr unsigned windows_after_surprise = 2;

}  // namespace

concurrency_limit::concurrency_limit(const concurrency_config& config) noexcept
    : fixed_(config.max_in_flight),
      ramp_(fixed_),
      initial_(static_cast<double>(config.initial)),
      ceiling_(static_cast<double>(config.ceiling)),
      limit_(initial_),
      growth_(least_growth) {}

std::size_t concurrency_limit::limit() const noexcept {
    return fixed_ != 0 ? ramp_ : std::max<std::size_t>(static_cast<std::size_t>(limit_), 1);
}

void concurrency_limit::on_answer(std::chrono::nanoseconds latency, std::size_t in_flight, time_point) noexcept {
    if (fixed_ != 0) {
        ramp_ = std::min(fixed_, ramp_ + 1);
        return;
    }
    if (stale_ != 0) {
        --stale_;
        return;
    }
    const bool saturated = in_flight >= limit();
    const auto value = static_cast<double>(latency.count());
    sum_ += value;
    sum_of_squares_ += value * value;
    ++count_;
    saturated_ = saturated_ || saturated;
    if (starting_) {
        if (saturated)
            limit_ = std::min(limit_ + answer_growth(), ceiling_);
        if (count_ >= std::max(least_start_answers, limit() / 4))
            end_window();
    } else if (count_ >= std::max(least_answers, 2 * limit()) && (count_ >= most_answers || chance() <= precision)) {
        end_window();
    }
}

double concurrency_limit::answer_growth() const noexcept {
    return limit_ < careful_from ? start_growth : careful_growth;
}

void concurrency_limit::restart() noexcept {
    ramp_ = std::min(fixed_, static_cast<std::size_t>(initial_));
    limit_ = initial_;
    growth_ = least_growth;
    resume_at_ = baseline_ = 0;
    starting_ = true;
    windows_to_probe_ = shrunk_ = 0;
    start_answers_ = 0;
    risen_ = 0;
    quiet_until_ = time_point::min();
    begin_window();
    stale_ = 0;
}

void concurrency_limit::on_overload(time_point now) noexcept {
    if (fixed_ != 0 || now < quiet_until_)
        return;
    if (std::exchange(starting_, false))
        windows_to_probe_ = windows_after_surprise;
    shrink((resume_at_ != 0 ? resume_at_ : limit_) / 2);
    resume_at_ = 0;
    // What was sent together fails together; one such wave is one sign.
    quiet_until_ =
        now + std::chrono::milliseconds(10) + std::chrono::nanoseconds(static_cast<std::int64_t>(2 * baseline_));
    begin_window();
}

double concurrency_limit::chance() const noexcept {
    const auto count = static_cast<double>(count_);
    const double mean = sum_ / count;
    const double variance = std::max(sum_of_squares_ / count - mean * mean, 0.0);
    return mean > 0 ? std::sqrt(variance / count) / mean : 0;
}

void concurrency_limit::end_window() noexcept {
    const double average = sum_ / static_cast<double>(count_);
    if (resume_at_ != 0)
        end_probe(average);
    else if (starting_)
        end_start_window(average);
    else
        end_steady_window(average);
    begin_window();
}

void concurrency_limit::end_start_window(double average) noexcept {
    const auto before = static_cast<double>(start_answers_);
    const auto count = static_cast<double>(count_);
    // Chance moves the baseline, too, while it is the average of few.
    const double uncertain = before == 0 ? 0 : 2 * chance() * std::sqrt(1 + count / before);
    const double excess = before == 0 ? 1 : average / baseline_;
    if (excess > 1 + start_tolerance + uncertain) {
        // One such window can be chance.
        if (++risen_ < risen_windows)
            return;
        starting_ = false;
        // A baseline taken far below the limit is one without queueing.
        windows_to_probe_ = limit_ >= clear_of_start * initial_ ? windows_between_probes : windows_after_surprise;
        // What was answered just now was sent before the limit had grown to this.
        shrink(limit_ / (1 + answer_growth()) / excess);
        return;
    }
    risen_ = 0;
    start_answers_ += count_;
    baseline_ += (average - baseline_) * count / (before + count);
    if (limit_ >= ceiling_ && start_answers_ >= 2 * limit()) {
        starting_ = false;
        windows_to_probe_ = windows_after_surprise;
    }
}

void concurrency_limit::end_steady_window(double average) noexcept {
    // One query alone waits for nobody.
    if (baseline_ == 0 || limit_ < 2)
        baseline_ = average;
    const double excess = average / baseline_;
    bool doubtful = excess < 1 - surprise;
    if (excess > 1 + tolerance + chance()) {
        shrink(limit_ / std::min(excess, 2.0));
        // Less load should have helped.
        doubtful = ++shrunk_ > 1;
    } else {
        shrunk_ = 0;
        if (saturated_)
            set_limit(limit_ + std::max(1.0, limit_ * std::exchange(growth_, std::min(1.5 * growth_, most_growth))));
    }
    if (windows_to_probe_ != 0)
        --windows_to_probe_;
    if ((windows_to_probe_ == 0 || doubtful) && limit_ >= 2) {
        resume_at_ = limit_;
        set_limit(std::floor(limit_ / 2));
    }
}

void concurrency_limit::end_probe(double average) noexcept {
    const bool surprised = std::abs(average / baseline_ - 1) > surprise;
    baseline_ = surprised ? average : baseline_ + averaging * (average - baseline_);
    windows_to_probe_ = surprised ? windows_after_surprise : windows_between_probes;
    set_limit(resume_at_);
    resume_at_ = 0;
    shrunk_ = 0;
}

void concurrency_limit::shrink(double limit) noexcept {
    growth_ = least_growth;
    set_limit(limit);
}

void concurrency_limit::set_limit(double limit) noexcept {
    const std::size_t before = this->limit();
    limit_ = std::clamp(limit, 1.0, ceiling_);
    if (this->limit() != before)
        stale_ = before;
}

void concurrency_limit::begin_window() noexcept {
    sum_ = 0;
    sum_of_squares_ = 0;
    count_ = 0;
    saturated_ = false;
}

}  // namespace jobmode::policy

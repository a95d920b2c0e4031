// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "policy/time.hpp"

namespace jobmode::policy {

/// How many queries may be in flight at a time: a fixed number, or one that adapts to what the server can take.
///
/// Adapting rests on one fact: while the server has a worker to spare, latency does not depend on how many queries are
/// in flight; once it has not, they queue, and latency grows in proportion. Latencies are averaged over windows of at
/// least as many answers as are in flight. The baseline, the latency of a server that does not queue, is the smallest
/// average seen; from time to time it is measured anew at half the limit, so that a server that has become slower or
/// faster for good is understood. The limit doubles at each window until the first sign of queueing, then grows by a
/// twentieth while the average stays at the baseline, and shrinks in proportion to the excess when it does not. A
/// failure that speaks of overload halves it, at most once a window.
///
/// Costs an addition or two an answer. Not thread-safe.
class concurrency_limit {
public:
    explicit concurrency_limit(const concurrency_config& config) noexcept;

    /// How many queries may be in flight; at least 1.
    std::size_t limit() const noexcept;
    /// An answer has begun to come, `latency` after its request, while `in_flight` queries, this one included, were
    /// under way.
    void on_answer(std::chrono::nanoseconds latency, std::size_t in_flight, time_point now) noexcept;
    /// A query has failed in a way that speaks of overload.
    void on_overload(time_point now) noexcept;

private:
    void end_window() noexcept;
    void begin_window(std::size_t stale) noexcept;

    std::size_t fixed_;
    double ceiling_;
    double limit_;
    /// While the baseline is being measured: the limit to return to.
    double resume_at_ = 0;
    double baseline_ = 0;
    bool starting_ = true;

    double sum_ = 0;
    std::size_t count_ = 0;
    bool saturated_ = false;
    /// Answers still to come of queries sent before the limit was changed, which say nothing about the new one.
    std::size_t stale_ = 0;
    unsigned windows_ = 0;
    time_point quiet_until_{time_point::min()};
};

}  // namespace jobmode::policy

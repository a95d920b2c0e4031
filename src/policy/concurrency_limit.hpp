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
/// Adapting rests on two facts. While the server has a worker to spare, latency does not depend on how many queries are
/// in flight. Once it has not, whatever is in flight beyond its workers queues: throughput stays, and by Little's law
/// (in flight = throughput x latency) latency grows in proportion to the limit. So if `excess` is the average latency
/// over that of a server that does not queue, the baseline, the server's capacity is limit / excess, and one
/// measurement of a limit that is too high tells which would have been right. A limit that is too low tells nothing,
/// hence it must be tried: the limit grows while excess is 1, and goes to limit / excess when it is not.
///
/// - Averages are of windows, as long as it takes for chance to matter little: the more latency varies by itself, the
///   longer. Excess counts from what chance can do, so that a server of very uneven latency is not taken for one that
///   queues.
/// - At the start the limit grows by one with each answer, so that it doubles in the time of one, and by an eighth in
///   that time from 128 on, until the first sign of queueing. Then it grows by a small share, which increases from
///   window to window, so that it overshoots little where it is right and comes up quickly where it is not.
/// - The baseline is measured at half the limit from time to time, since a smallest average ever seen would be too
///   small by chance, and never rise again when the server becomes slower for good; and at once when there is reason
///   to doubt it: less load did not help, or latency is below it. Halving tells even if half is still too much: the
///   limit is halved then, by the same rule, until it is not.
/// - A failure that speaks of overload halves the limit, at most once a wave. Refusals have no latency that would
/// count.
///
/// Against a queue with 8 workers or more it keeps within a tenth of them (tests/unit/capacity_test.cpp); with fewer,
/// one query more or less is a larger part than that. Costs a few multiplications an answer. Not thread-safe.
class concurrency_limit {
public:
    explicit concurrency_limit(const concurrency_config& config) noexcept;

    /// How many queries may be in flight; at least 1.
    std::size_t limit() const noexcept;
    /// An answer, and not a refusal, has begun to come, `latency` after its request, while `in_flight` queries, this
    /// one included, were under way.
    void on_answer(std::chrono::nanoseconds latency, std::size_t in_flight, time_point now) noexcept;
    /// Whether the limit still grows from its start, so that more will soon be in flight.
    bool starting() const noexcept { return fixed_ != 0 ? ramp_ < fixed_ : starting_; }
    /// A query has failed in a way that speaks of overload.
    void on_overload(time_point now) noexcept;
    /// The server was away: what was learnt of it no longer holds, and the limit begins again at its start. A fixed one
    /// is come up to from there, by one with each answer.
    void restart() noexcept;

private:
    /// What chance does to the window's average, as a share of it (its standard error).
    double chance() const noexcept;
    /// By how much the start's limit grows with an answer.
    double answer_growth() const noexcept;
    void end_window() noexcept;
    void end_start_window(double average) noexcept;
    void end_steady_window(double average) noexcept;
    void end_probe(double average) noexcept;
    void shrink(double limit) noexcept;
    void set_limit(double limit) noexcept;
    void begin_window() noexcept;

    std::size_t fixed_;
    /// On the way up to the fixed limit, how far that is.
    std::size_t ramp_;
    double initial_;
    double ceiling_;
    double limit_;
    /// The share by which the limit grows next.
    double growth_;
    /// While the baseline is being measured: the limit to return to.
    double resume_at_ = 0;
    double baseline_ = 0;
    bool starting_ = true;
    /// Answers that the start's baseline is the average of.
    std::size_t start_answers_ = 0;
    /// Windows of the start in a row in which latency had risen.
    unsigned risen_ = 0;
    unsigned windows_to_probe_ = 0;
    /// Windows in a row at which the limit shrank.
    unsigned shrunk_ = 0;

    double sum_ = 0;
    double sum_of_squares_ = 0;
    std::size_t count_ = 0;
    bool saturated_ = false;
    /// Answers still to come of queries sent before the limit was changed, which say nothing about the new one.
    std::size_t stale_ = 0;
    time_point quiet_until_{time_point::min()};
};

}  // namespace jobmode::policy

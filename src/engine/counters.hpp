// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/metrics.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "policy/time.hpp"

namespace jobmode::engine {

/// A number that one thread at a time changes and any thread reads. A change is a plain load and store, not a locked
/// instruction.
class counter {
public:
    void add(std::uint64_t amount) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// `metrics`, as it is kept while the client works. See there for what each counts.
struct counters {
    counter queries;
    counter failures;
    counter records;
    counter bytes_sent;
    counter bytes_received;
    counter retries;
    counter resends;
    counter connections_opened;
    counter connections_resumed;
    counter connections_failed;
    counter connections_reused;
    counter in_flight;
    counter waiting;
    counter connections;
    counter in_flight_limit;
    /// Since when the server has been away, and when it is tried next, in milliseconds of the steady clock; 0 for not.
    counter away_since;
    counter next_try;
    std::array<counter, latency_histogram::bucket_count> latency_buckets;
    counter latency_sum;
    counter latency_max;

    void add_latency(std::chrono::nanoseconds latency) noexcept;
    jobmode::metrics snapshot(policy::time_point now) const;
};

}  // namespace jobmode::engine

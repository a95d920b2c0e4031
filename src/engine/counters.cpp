// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "engine/counters.hpp"

#include <algorithm>

namespace jobmode::engine {

void counters::add_latency(std::chrono::nanoseconds latency) noexcept {
    const auto ticks = static_cast<std::uint64_t>(latency.count());
    latency_buckets[latency_histogram::bucket_of(latency)].add(1);
    latency_sum.add(ticks);
    if (ticks > latency_max.get())
        latency_max.set(ticks);
}

jobmode::metrics counters::snapshot(policy::time_point now) const {
    jobmode::metrics result;
    result.queries = queries.get();
    result.failures = failures.get();
    result.records = records.get();
    result.bytes_sent = bytes_sent.get();
    result.bytes_received = bytes_received.get();
    result.retries = retries.get();
    result.resends = resends.get();
    result.connections_opened = connections_opened.get();
    result.connections_resumed = connections_resumed.get();
    result.connections_failed = connections_failed.get();
    result.connections_reused = connections_reused.get();
    result.in_flight = in_flight.get();
    result.waiting = waiting.get();
    result.connections = connections.get();
    result.in_flight_limit = in_flight_limit.get();
    const auto now_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
    if (const std::uint64_t since = away_since.get(); since != 0) {
        result.away_seconds = std::max<std::uint64_t>((now_ms - std::min(since, now_ms)) / 1000, 1);
        const std::uint64_t due = next_try.get();
        result.next_try_seconds = due > now_ms ? (due - now_ms + 999) / 1000 : 0;
    }
    for (std::size_t bucket = 0; bucket != latency_buckets.size(); ++bucket) {
        result.latency.buckets[bucket] = latency_buckets[bucket].get();
        result.latency.count += result.latency.buckets[bucket];
    }
    result.latency.sum = std::chrono::nanoseconds(static_cast<std::int64_t>(latency_sum.get()));
    result.latency.max = std::chrono::nanoseconds(static_cast<std::int64_t>(latency_max.get()));
    return result;
}

}  // namespace jobmode::engine

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/metrics.hpp>

#include <algorithm>
#include <bit>
#include <cmath>

namespace jobmode {
namespace {

// A microsecond is the unit; eight buckets an octave need three bits below the leading one.
constexpr unsigned fraction_bits = 3;
constexpr std::uint64_t unit = 1000;

}  // namespace

latency_histogram::latency_histogram() = default;
metrics::metrics() = default;

std::size_t latency_histogram::bucket_of(std::chrono::nanoseconds latency) noexcept {
    const std::uint64_t eighths =
        std::max<std::uint64_t>(static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0)) * 8 / unit, 8);
    const auto octave = static_cast<unsigned>(std::bit_width(eighths)) - 1 - fraction_bits;
    const std::uint64_t fraction = (eighths >> octave) - 8;
    return std::min(static_cast<std::size_t>(octave * 8 + fraction), bucket_count - 1);
}

std::chrono::nanoseconds latency_histogram::upper_bound(std::size_t bucket) noexcept {
    const std::uint64_t eighths = (8 + bucket % 8 + 1) << (bucket / 8);
    return std::chrono::nanoseconds(static_cast<std::int64_t>((eighths * unit + 7) / 8 - 1));
}

std::chrono::nanoseconds latency_histogram::quantile(double q) const noexcept {
    if (count == 0)
        return std::chrono::nanoseconds(0);
    const auto wanted =
        std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count))), 1, count);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket != bucket_count; ++bucket) {
        seen += buckets[bucket];
        if (seen >= wanted)
            return std::min(upper_bound(bucket), max);
    }
    return max;
}

void latency_histogram::merge(const latency_histogram& other) noexcept {
    for (std::size_t bucket = 0; bucket != bucket_count; ++bucket)
        buckets[bucket] += other.buckets[bucket];
    count += other.count;
    sum += other.sum;
    max = std::max(max, other.max);
}

void metrics::merge(const metrics& other) noexcept {
    queries += other.queries;
    failures += other.failures;
    records += other.records;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    retries += other.retries;
    resends += other.resends;
    connections_opened += other.connections_opened;
    connections_resumed += other.connections_resumed;
    connections_failed += other.connections_failed;
    connections_reused += other.connections_reused;
    in_flight += other.in_flight;
    waiting += other.waiting;
    connections += other.connections;
    in_flight_limit += other.in_flight_limit;
    away_seconds = std::max(away_seconds, other.away_seconds);
    next_try_seconds = std::max(next_try_seconds, other.next_try_seconds);
    latency.merge(other.latency);
}

}  // namespace jobmode

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/export.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace jobmode {

/// Latencies counted in buckets whose width is an eighth of their size, from 1 us to 12 days.
struct JOBMODE_EXPORT latency_histogram {
    /// Octaves of eight buckets each.
    static constexpr std::size_t bucket_count = 8 * 38;

    latency_histogram();

    /// Latencies counted, by bucket.
    std::array<std::uint64_t, bucket_count> buckets{};
    /// Their number.
    std::uint64_t count = 0;
    /// Their sum.
    std::chrono::nanoseconds sum{0};
    /// The largest.
    std::chrono::nanoseconds max{0};

    /// The bucket that a latency is counted in.
    static std::size_t bucket_of(std::chrono::nanoseconds latency) noexcept;
    /// The largest latency that is counted in a bucket.
    static std::chrono::nanoseconds upper_bound(std::size_t bucket) noexcept;
    /// The latency that a share `q` of all (0 to 1) do not exceed, true to an eighth; 0 if none was counted.
    std::chrono::nanoseconds quantile(double q) const noexcept;
    /// Adds another's counts, as when several clients work on one crawl.
    void merge(const latency_histogram& other) noexcept;
};

/// What a client has done since it was made: counters that only grow, but for `in_flight`, `waiting`, `connections`,
/// `in_flight_limit` and what is said of a server that is away, which say how things stand.
struct JOBMODE_EXPORT metrics {
    metrics();

    /// Queries that ended, answered or failed.
    std::uint64_t queries = 0;
    /// Those among them that failed; cancelled ones are not counted at all.
    std::uint64_t failures = 0;
    /// Records decoded.
    std::uint64_t records = 0;
    /// Bytes of HTTP written, before TLS.
    std::uint64_t bytes_sent = 0;
    /// Bytes of HTTP read, after TLS.
    std::uint64_t bytes_received = 0;
    /// Requests sent again at a query's own cost, with the retry budget's consent.
    std::uint64_t retries = 0;
    /// Requests sent again at no cost to their query: a pooled connection turned out to be closed, or the server was
    /// away.
    std::uint64_t resends = 0;
    /// Connections opened (TCP and TLS done).
    std::uint64_t connections_opened = 0;
    /// Those among them whose TLS session was resumed.
    std::uint64_t connections_resumed = 0;
    /// Attempts at a connection that failed.
    std::uint64_t connections_failed = 0;
    /// Requests sent over a connection that had been used before.
    std::uint64_t connections_reused = 0;

    /// Queries sent and not yet answered.
    std::uint64_t in_flight = 0;
    /// Queries that wait for a connection, for the limit or rate, or for their next attempt.
    std::uint64_t waiting = 0;
    /// Connections open.
    std::uint64_t connections = 0;
    /// How many queries may be in flight now.
    std::uint64_t in_flight_limit = 0;

    /// How long the server has been away, in seconds, while queries are held back for it; 0 while it answers.
    std::uint64_t away_seconds = 0;
    /// Seconds until one query finds out whether it is back; 0 while it answers, or while one does.
    std::uint64_t next_try_seconds = 0;

    /// From a request's sending to the end of its answer, for answered queries.
    latency_histogram latency;

    /// Adds another client's numbers.
    void merge(const metrics& other) noexcept;
};

}  // namespace jobmode

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/metrics.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "catch.hpp"

namespace metrics_test {

using namespace jobmode;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

void add(latency_histogram& histogram, nanoseconds latency) {
    ++histogram.buckets[latency_histogram::bucket_of(latency)];
    ++histogram.count;
    histogram.sum += latency;
    histogram.max = std::max(histogram.max, latency);
}

}  // namespace

TEST_CASE("buckets begin where those before them end, without gap or overlap") {
    for (std::size_t bucket = 0; bucket + 1 < latency_histogram::bucket_count; ++bucket) {
        const nanoseconds last = latency_histogram::upper_bound(bucket);
        INFO("bucket " << bucket << " to " << last.count());
        REQUIRE(latency_histogram::bucket_of(last) == bucket);
        REQUIRE(latency_histogram::bucket_of(last + 1ns) == bucket + 1);
        REQUIRE(latency_histogram::upper_bound(bucket + 1) > last);
    }
}

TEST_CASE("buckets are an eighth of their octave wide") {
    for (std::size_t bucket = 1; bucket + 1 < latency_histogram::bucket_count; ++bucket) {
        const auto lower = static_cast<double>(latency_histogram::upper_bound(bucket - 1).count() + 1);
        const auto width = static_cast<double>(latency_histogram::upper_bound(bucket).count() + 1) - lower;
        INFO("bucket " << bucket);
        REQUIRE(width <= lower / 8);
        REQUIRE(width > lower / 16);
    }
}

TEST_CASE("what lies outside the buckets is counted in the first or the last") {
    for (const nanoseconds latency : {nanoseconds::min(), -1ns, 0ns, 1ns, 999ns, 1000ns, 1124ns})
        CHECK(latency_histogram::bucket_of(latency) == 0);
    CHECK(latency_histogram::bucket_of(1125ns) == 1);
    const nanoseconds longest = latency_histogram::upper_bound(latency_histogram::bucket_count - 1);
    CHECK(latency_histogram::bucket_of(longest) == latency_histogram::bucket_count - 1);
    CHECK(latency_histogram::bucket_of(longest + 1ns) == latency_histogram::bucket_count - 1);
    CHECK(latency_histogram::bucket_of(std::chrono::hours(24 * 365)) == latency_histogram::bucket_count - 1);
}

TEST_CASE("quantiles are exact to the bucket, and never above the maximum") {
    std::mt19937_64 random(3);
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{2}, std::size_t{10}, std::size_t{99}, std::size_t{5000}}) {
        latency_histogram histogram;
        std::vector<nanoseconds> all;
        for (std::size_t index = 0; index != size; ++index) {
            const double exponent = 4.0 + 6.0 * static_cast<double>(random() % 1'000'000) / 1e6;
            all.emplace_back(static_cast<std::int64_t>(std::pow(10.0, exponent)));
            add(histogram, all.back());
        }
        std::sort(all.begin(), all.end());
        for (const double q : {0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0}) {
            INFO(size << " latencies, quantile " << q);
            const auto rank = std::max(1.0, std::ceil(q * static_cast<double>(size)));
            const nanoseconds exact = all[static_cast<std::size_t>(rank) - 1];
            const nanoseconds found = histogram.quantile(q);
            CHECK(found >= exact);
            CHECK(static_cast<double>(found.count()) <= static_cast<double>(exact.count()) * 1.125);
            CHECK(found <= histogram.max);
        }
        CHECK(histogram.quantile(1) == all.back());
    }
}

TEST_CASE("an empty histogram has no latency") {
    const latency_histogram histogram;
    for (const double q : {0.0, 0.5, 1.0})
        CHECK(histogram.quantile(q) == 0ns);
}

TEST_CASE("merging adds every number, and keeps the larger maximum") {
    metrics one;
    one.queries = 1;
    one.failures = 2;
    one.records = 3;
    one.bytes_sent = 4;
    one.bytes_received = 5;
    one.retries = 6;
    one.resends = 7;
    one.connections_opened = 8;
    one.connections_resumed = 9;
    one.connections_failed = 10;
    one.connections_reused = 11;
    one.in_flight = 12;
    one.waiting = 13;
    one.connections = 14;
    one.in_flight_limit = 15;
    add(one.latency, 5ms);
    metrics two = one;
    add(two.latency, 7ms);

    metrics sum;
    sum.merge(one);
    sum.merge(two);
    const std::vector<std::uint64_t> numbers{sum.queries,
                                             sum.failures,
                                             sum.records,
                                             sum.bytes_sent,
                                             sum.bytes_received,
                                             sum.retries,
                                             sum.resends,
                                             sum.connections_opened,
                                             sum.connections_resumed,
                                             sum.connections_failed,
                                             sum.connections_reused,
                                             sum.in_flight,
                                             sum.waiting,
                                             sum.connections,
                                             sum.in_flight_limit};
    for (std::size_t index = 0; index != numbers.size(); ++index)
        CHECK(numbers[index] == 2 * (index + 1));
    CHECK(sum.latency.count == 3);
    CHECK(sum.latency.sum == 17ms);
    CHECK(sum.latency.max == 7ms);
    CHECK(sum.latency.buckets[latency_histogram::bucket_of(5ms)] == 2);
    CHECK(sum.latency.buckets[latency_histogram::bucket_of(7ms)] == 1);
}

}  // namespace metrics_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include "catch.hpp"
#include "policy/token_bucket.hpp"

namespace token_bucket_test {

using namespace jobmode;
using namespace std::chrono_literals;
using jobmode::policy::token_bucket;

namespace {

rate_config rate(double queries_per_second, double burst = 1) {
    rate_config config;
    config.queries_per_second = queries_per_second;
    config.burst = burst;
    return config;
}

constexpr policy::time_point start{1000s};

int take_all(token_bucket& bucket, policy::time_point now) {
    int taken = 0;
    while (taken < 10'000 && bucket.try_take(now))
        ++taken;
    return taken;
}

}  // namespace

TEST_CASE("a bucket without a rate never says no") {
    token_bucket bucket(rate(0));
    CHECK(bucket.unlimited());
    CHECK(bucket.next(start) == start);
    CHECK(take_all(bucket, start) == 10'000);
}

TEST_CASE("a bucket starts full, gives its burst at once, and then what time brings") {
    struct row {
        double rate;
        double burst;
        int at_once;
        std::chrono::nanoseconds later;
        int then;
    };
    for (const row& each : std::vector<row>{{10, 1, 1, 99'999'999ns, 0},
                                            {10, 1, 1, 100ms, 1},
                                            {10, 1, 1, 1s, 1},
                                            {10, 5, 5, 99'999'999ns, 0},
                                            {10, 5, 5, 100ms, 1},
                                            {10, 5, 5, 250ms, 2},
                                            {10, 5, 5, 1h, 5},
                                            {10, 2.5, 2, 50ms, 1},
                                            {10, 2.5, 2, 49'999'999ns, 0},
                                            {1000, 100, 100, 10ms, 10},
                                            {0.5, 1, 1, 1999ms, 0},
                                            {0.5, 1, 1, 2s, 1},
                                            {1e9, 1, 1, 1ns, 1}}) {
        INFO("rate " << each.rate << ", burst " << each.burst << ", after " << each.later.count() << " ns");
        token_bucket bucket(rate(each.rate, each.burst));
        CHECK_FALSE(bucket.unlimited());
        CHECK(take_all(bucket, start) == each.at_once);
        CHECK(take_all(bucket, start + each.later) == each.then);
    }
}

TEST_CASE("next is the first instant at which a token can be taken") {
    std::mt19937_64 random(7);
    for (const double per_second : {0.3, 3.0, 7.0, 100.0, 12345.0})
        for (const double burst : {1.0, 1.5, 2.0, 10.0}) {
            INFO("rate " << per_second << ", burst " << burst);
            token_bucket bucket(rate(per_second, burst));
            policy::time_point now = start;
            for (int step = 0; step != 500; ++step) {
                const policy::time_point next = bucket.next(now);
                REQUIRE(next >= now);
                if (next > now)
                    REQUIRE_FALSE(bucket.try_take(next - 1ns));
                // Asking, or being refused, changes nothing.
                REQUIRE(bucket.next(now) == next);
                REQUIRE(bucket.try_take(next));
                now = next + std::chrono::nanoseconds(random() % 3 == 0 ? random() % 1'000'000'000 : 0);
            }
        }
}

TEST_CASE("a bucket neither drifts nor loses tokens to a late caller") {
    for (const double per_second : {3.0, 7.0, 30.0, 1000.0, 7000.0}) {
        INFO("rate " << per_second);
        token_bucket bucket(rate(per_second, 10));
        std::mt19937_64 random(11);
        policy::time_point now = start;
        std::uint64_t taken = 0;
        // Waking up late by up to two intervals, as timers do, is made up for from the burst.
        const auto interval = std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / per_second));
        while (now < start + std::chrono::nanoseconds(200'000 * interval.count())) {
            now = bucket.next(now) + std::chrono::nanoseconds(static_cast<std::int64_t>(
                                         random() % static_cast<std::uint64_t>(2 * interval.count())));
            while (bucket.try_take(now))
                ++taken;
        }
        const double seconds = std::chrono::duration<double>(now - start).count();
        CHECK(static_cast<double>(taken) <= seconds * per_second * (1 + 1e-5) + 11);
        CHECK(static_cast<double>(taken) >= seconds * per_second * (1 - 1e-5) - 11);
    }
}

TEST_CASE("a clock that stands still, or goes back, gives nothing away") {
    token_bucket bucket(rate(10, 3));
    CHECK(take_all(bucket, start) == 3);
    CHECK(take_all(bucket, start) == 0);
    CHECK(take_all(bucket, start - 10s) == 0);
    CHECK(take_all(bucket, start) == 0);
    CHECK(take_all(bucket, start + 100ms) == 1);
}

TEST_CASE("the extremes of what a configuration may have do no harm") {
    for (const double per_second : {1e-300, 1e-9, 1e12, 1e300})
        for (const double burst : {1.0, 1e6, 1e300}) {
            INFO("rate " << per_second << ", burst " << burst);
            token_bucket bucket(rate(per_second, burst));
            CHECK(bucket.try_take(start));
            CHECK(bucket.next(start) >= start);
            bucket.try_take(start + std::chrono::hours(24 * 365 * 10));
            CHECK(bucket.next(start) >= start);
        }
}

}  // namespace token_bucket_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <chrono>
#include <cstddef>
#include <random>

#include "catch.hpp"
#include "policy/concurrency_limit.hpp"

namespace concurrency_limit_test {

using namespace jobmode;
using namespace std::chrono_literals;
using jobmode::policy::concurrency_limit;

namespace {

constexpr policy::time_point start{1000s};

concurrency_config adaptive(std::size_t initial, std::size_t ceiling) {
    concurrency_config config;
    config.initial = initial;
    config.ceiling = ceiling;
    return config;
}

}  // namespace

TEST_CASE("a fixed limit stays, whatever happens") {
    concurrency_config config;
    config.max_in_flight = 7;
    concurrency_limit limit(config);
    for (int answer = 0; answer != 1000; ++answer) {
        limit.on_answer(std::chrono::milliseconds(1 + answer), 7, start + std::chrono::milliseconds(answer));
        limit.on_overload(start + std::chrono::seconds(answer));
        REQUIRE(limit.limit() == 7);
    }
}

TEST_CASE("an adaptive limit starts where it is told to") {
    CHECK(concurrency_limit(concurrency_config()).limit() == concurrency_config().initial);
    CHECK(concurrency_limit(adaptive(1, 1)).limit() == 1);
    CHECK(concurrency_limit(adaptive(100, 100)).limit() == 100);
}

TEST_CASE("a limit that is not used does not grow") {
    concurrency_limit limit(adaptive(4, 1024));
    for (int answer = 0; answer != 100'000; ++answer)
        limit.on_answer(5ms, 1, start + answer * 5ms);
    CHECK(limit.limit() == 4);
}

TEST_CASE("failure upon failure ends at one query at a time, and answers lead up again") {
    concurrency_limit limit(adaptive(64, 64));
    policy::time_point now = start;
    for (int answer = 0; answer != 1000; ++answer)
        limit.on_answer(5ms, limit.limit(), now += 1ms);
    for (int failure = 0; failure != 200; ++failure)
        limit.on_overload(now += 100ms);
    CHECK(limit.limit() == 1);
    for (int answer = 0; answer != 100'000 && limit.limit() != 64; ++answer)
        limit.on_answer(5ms, limit.limit(), now += 1ms);
    CHECK(limit.limit() == 64);
}

TEST_CASE("what fails together slows down once") {
    concurrency_limit limit(adaptive(64, 64));
    for (int failure = 0; failure != 64; ++failure)
        limit.on_overload(start);
    CHECK(limit.limit() == 32);
    for (int failure = 0; failure != 64; ++failure)
        limit.on_overload(start + 60s);
    CHECK(limit.limit() == 16);
}

TEST_CASE("an adaptive limit stays between 1 and its ceiling whatever it is told") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937_64 random(seed);
        const std::size_t ceiling = 1 + random() % 300;
        concurrency_limit limit(adaptive(1 + random() % ceiling, ceiling));
        policy::time_point now = start;
        std::size_t in_flight = 0;
        for (int event = 0; event != 20'000; ++event) {
            now += std::chrono::microseconds(random() % 2000);
            in_flight = random() % 3 == 0 ? random() % (2 * ceiling) : limit.limit();
            if (random() % 200 == 0)
                limit.on_overload(now);
            else if (random() % 500 == 0)
                limit.on_answer(0ns, in_flight, now);
            else
                limit.on_answer(std::chrono::nanoseconds(random() % (1ULL << (random() % 40))), in_flight, now);
            REQUIRE(limit.limit() >= 1);
            REQUIRE(limit.limit() <= ceiling);
        }
    }
}

TEST_CASE("against a server whose latency is always the same the limit reaches its ceiling soon") {
    concurrency_limit limit(adaptive(4, 1024));
    policy::time_point now = start;
    int answers = 0;
    while (limit.limit() != 1024 && answers != 1'000'000) {
        limit.on_answer(20ms, limit.limit(), now += 10us);
        ++answers;
    }
    CHECK(answers < 30'000);
}

}  // namespace concurrency_limit_test

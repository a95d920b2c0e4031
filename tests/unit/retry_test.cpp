// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <vector>

#include "catch.hpp"
#include "policy/retry.hpp"

namespace retry_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

constexpr int first_code = static_cast<int>(errc::invalid_query);
constexpr int last_code = static_cast<int>(errc::answer_limit);

retry_config small_config() {
    retry_config config;
    config.max_retries = 3;
    config.initial_backoff = 100ms;
    config.max_backoff = 1000ms;
    config.max_retry_after = 5000ms;
    config.budget_ratio = 0.25;
    config.budget_reserve = 2;
    return config;
}

}  // namespace

TEST_CASE("only failures that another attempt can cure are retried") {
    const std::vector<errc> retryable{errc::resolve_failed,    errc::connect_failed,  errc::connect_timeout,
                                      errc::handshake_timeout, errc::connection_lost, errc::read_timeout,
                                      errc::server_busy};
    for (int value = first_code; value <= last_code; ++value) {
        const auto code = static_cast<errc>(value);
        INFO(error_name(code));
        const bool expected = std::find(retryable.begin(), retryable.end(), code) != retryable.end();
        CHECK(policy::is_retryable(code) == expected);
    }
    CHECK_FALSE(policy::is_retryable(error_code()));
    CHECK_FALSE(policy::is_retryable(boost::system::errc::make_error_code(boost::system::errc::operation_canceled)));
}

TEST_CASE("only failures that tell of a server in trouble slow the client down") {
    const std::vector<errc> overload{errc::connect_failed,  errc::connect_timeout, errc::handshake_timeout,
                                     errc::connection_lost, errc::read_timeout,    errc::total_timeout,
                                     errc::server_busy};
    for (int value = first_code; value <= last_code; ++value) {
        const auto code = static_cast<errc>(value);
        INFO(error_name(code));
        const bool expected = std::find(overload.begin(), overload.end(), code) != overload.end();
        CHECK(policy::is_overload(code) == expected);
    }
    CHECK_FALSE(policy::is_overload(error_code()));
}

TEST_CASE("the pause before a retry is at most the backoff, which doubles up to its limit") {
    const retry_config config = small_config();
    struct row {
        unsigned retry;
        std::int64_t longest;
    };
    for (const row& each : std::vector<row>{{1, 100},
                                            {2, 200},
                                            {3, 400},
                                            {4, 800},
                                            {5, 1000},
                                            {6, 1000},
                                            {64, 1000},
                                            {std::numeric_limits<unsigned>::max(), 1000}}) {
        INFO("retry " << each.retry);
        CHECK(policy::backoff(config, each.retry, 0) == 0ms);
        const auto bound = static_cast<std::uint64_t>(each.longest);
        CHECK(policy::backoff(config, each.retry, bound).count() == each.longest);
        CHECK(policy::backoff(config, each.retry, bound + 1) == 0ms);
        std::mt19937_64 random(each.retry);
        std::int64_t sum = 0;
        for (int draw = 0; draw != 2000; ++draw) {
            const std::int64_t pause = policy::backoff(config, each.retry, random()).count();
            REQUIRE(pause >= 0);
            REQUIRE(pause <= each.longest);
            sum += pause;
        }
        CHECK_THAT(static_cast<double>(sum) / 2000,
                   Catch::Matchers::WithinRel(static_cast<double>(each.longest) / 2, 0.1));
    }
}

TEST_CASE("backoff stands the largest times that a configuration may have") {
    retry_config config;
    config.initial_backoff = std::chrono::hours(24 * 365);
    config.max_backoff = std::chrono::hours(24 * 365);
    CHECK(policy::backoff(config, 40, std::numeric_limits<std::uint64_t>::max()) <= config.max_backoff);
    config.initial_backoff = 1ms;
    CHECK(policy::backoff(config, 1000, std::numeric_limits<std::uint64_t>::max()) <= config.max_backoff);
    config.max_backoff = 0ms;
    CHECK(policy::backoff(config, 5, 12345) == 0ms);
    config.initial_backoff = 0ms;
    config.max_backoff = 10ms;
    CHECK(policy::backoff(config, 5, 12345) == 0ms);
}

TEST_CASE("a retry is decided by the attempts made, what the server asked for, the time left, and the budget") {
    const retry_config config = small_config();
    struct row {
        const char* what;
        unsigned attempts;
        std::optional<std::chrono::milliseconds> retry_after;
        std::chrono::nanoseconds time_left;
        bool retry;
        std::int64_t pause;
    };
    constexpr std::chrono::nanoseconds any = std::chrono::nanoseconds::max();
    // With `random` at 50 the backoff is 50 ms for every retry.
    const std::vector<row> rows{
        {"after the first attempt", 1, std::nullopt, any, true, 50},
        {"after the last retry but one", 3, std::nullopt, any, true, 50},
        {"after the last retry", 4, std::nullopt, any, false, 0},
        {"Retry-After longer than the backoff", 1, 700ms, any, true, 700},
        {"Retry-After shorter than the backoff", 1, 10ms, any, true, 50},
        {"Retry-After 0", 1, 0ms, any, true, 50},
        {"Retry-After at the limit", 1, 5000ms, any, true, 5000},
        {"Retry-After above the limit", 1, 5001ms, any, false, 0},
        {"a pause that ends in time", 1, std::nullopt, 50ms + 1ns, true, 50},
        {"a pause that ends with the time", 1, std::nullopt, 50ms, false, 0},
        {"a Retry-After that ends with the time", 1, 700ms, 700ms, false, 0},
        {"no time left", 1, std::nullopt, 0ms, false, 0},
        {"a time that is past", 1, std::nullopt, -5s, false, 0},
    };
    for (const row& each : rows) {
        INFO(each.what);
        policy::retry_budget budget(config);
        const policy::retry_decision decision =
            policy::decide_retry(config, budget, each.attempts, each.retry_after, each.time_left, 50);
        CHECK(decision.retry == each.retry);
        CHECK(decision.pause.count() == each.pause);
        // Whatever was refused for another reason has cost nothing.
        unsigned left = 0;
        while (budget.try_spend())
            ++left;
        CHECK(left == (each.retry ? config.budget_reserve - 1 : config.budget_reserve));
    }
}

TEST_CASE("a client that never retries decides so") {
    retry_config config = small_config();
    config.max_retries = 0;
    policy::retry_budget budget(config);
    CHECK_FALSE(policy::decide_retry(config, budget, 1, std::nullopt, std::chrono::nanoseconds::max(), 7).retry);
}

TEST_CASE("an empty budget refuses a retry until enough was answered") {
    const retry_config config = small_config();
    policy::retry_budget budget(config);
    const auto may_retry = [&] {
        return policy::decide_retry(config, budget, 1, std::nullopt, std::chrono::nanoseconds::max(), 7).retry;
    };
    CHECK(may_retry());
    CHECK(may_retry());
    CHECK_FALSE(may_retry());
    for (int answer = 0; answer != 3; ++answer)
        budget.on_answer();
    CHECK_FALSE(may_retry());
    budget.on_answer();
    CHECK(may_retry());
    CHECK_FALSE(may_retry());
}

TEST_CASE("a long good time does not save up a storm of retries") {
    const retry_config config = small_config();
    policy::retry_budget budget(config);
    for (int answer = 0; answer != 1'000'000; ++answer)
        budget.on_answer();
    unsigned spent = 0;
    while (budget.try_spend())
        ++spent;
    CHECK(spent >= config.budget_reserve);
    CHECK(spent <= 4 * config.budget_reserve);
}

TEST_CASE("in the long run retries are the configured share of answers") {
    for (const double ratio : {0.01, 0.1, 0.2, 0.5, 1.0}) {
        INFO("ratio " << ratio);
        retry_config config = small_config();
        config.budget_ratio = ratio;
        config.budget_reserve = 20;
        policy::retry_budget budget(config);
        unsigned spent = 0;
        for (int answer = 0; answer != 100'000; ++answer) {
            budget.on_answer();
            spent += budget.try_spend() ? 1 : 0;
        }
        CHECK(spent >= static_cast<unsigned>(ratio * 100'000) - 1);
        CHECK(spent <= static_cast<unsigned>(ratio * 100'000) + config.budget_reserve + 1);
    }
}

TEST_CASE("a budget of nothing allows no retry, one of a share alone only after answers") {
    retry_config config = small_config();
    config.budget_ratio = 0;
    config.budget_reserve = 0;
    policy::retry_budget nothing(config);
    for (int answer = 0; answer != 1000; ++answer)
        nothing.on_answer();
    CHECK_FALSE(nothing.try_spend());

    config.budget_ratio = 0.5;
    policy::retry_budget share(config);
    CHECK_FALSE(share.try_spend());
    share.on_answer();
    share.on_answer();
    CHECK(share.try_spend());
    CHECK_FALSE(share.try_spend());
}

}  // namespace retry_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/server_health.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

#include "catch.hpp"

namespace server_health_test {

using namespace jobmode;
using namespace std::chrono_literals;
using policy::server_health;
using state = policy::server_health::state;

namespace {

constexpr policy::time_point start{1000s};

struct subject {
    policy::random_numbers random{7};
    server_health health{policy::health_config{400ms, 3'000ms}};
};

}  // namespace

TEST_CASE("a server is well until it fails, and then one query alone tries") {
    subject with;
    server_health& health = with.health;
    CHECK(health.well());
    CHECK(health.may_send(start));
    health.sent(1);
    health.sent(2);
    CHECK(health.well());
    CHECK_FALSE(health.answered(1, start));

    health.failed(2, start, std::nullopt, with.random);
    CHECK(health.at() == state::resting);
    CHECK(health.failures() == 1);
    CHECK(health.since() == start);
    CHECK_FALSE(health.may_send(start));
    const policy::time_point next = health.next_try();
    CHECK(next >= start + 300ms);
    CHECK(next <= start + 400ms);
    CHECK_FALSE(health.may_send(next - 1ns));
    CHECK(health.may_send(next));

    health.sent(3);
    CHECK(health.at() == state::trying);
    CHECK_FALSE(health.may_send(next + 1h));
    CHECK(health.next_try() == policy::time_point::max());
    // Whoever was sent before tells nothing.
    CHECK_FALSE(health.answered(1, next));
    CHECK(health.at() == state::trying);
    CHECK(health.answered(3, next + 50ms));
    CHECK(health.well());
    CHECK(health.failures() == 0);
    CHECK(health.unwell(next + 1h) == next + 50ms - start);
}

TEST_CASE("pauses double up to their limit, and lose a quarter at most by chance") {
    subject with;
    policy::time_point now = start;
    with.health.failed(1, now, std::nullopt, with.random);
    std::chrono::milliseconds longest{400};
    for (std::uint64_t query = 2; query != 12; ++query) {
        INFO("query " << query);
        CHECK(with.health.failures() == query - 1);
        const policy::time_point next = with.health.next_try();
        CHECK(next - now >= longest * 3 / 4);
        CHECK(next - now <= longest);
        now = next;
        with.health.sent(query);
        now += 5ms;
        with.health.failed(query, now, std::nullopt, with.random);
        longest = std::min<std::chrono::milliseconds>(longest * 2, 3'000ms);
    }
    CHECK(with.health.since() == start);
    CHECK(with.health.unwell(now) == now - start);
}

TEST_CASE("what was sent before the first failure changes nothing but a longer pause") {
    subject with;
    with.health.failed(1, start, std::nullopt, with.random);
    const policy::time_point next = with.health.next_try();
    with.health.failed(2, start + 10ms, std::nullopt, with.random);
    CHECK(with.health.next_try() == next);
    CHECK(with.health.failures() == 1);
    with.health.failed(3, start + 20ms, 1ms, with.random);
    CHECK(with.health.next_try() == next);
    with.health.failed(4, start + 20ms, 60s, with.random);
    CHECK(with.health.next_try() == start + 20ms + 60s);
    CHECK(with.health.failures() == 1);
    // Nor while another tries.
    with.health.sent(5);
    with.health.failed(6, start + 61s, std::nullopt, with.random);
    CHECK(with.health.at() == state::trying);
    with.health.failed(5, start + 62s, std::nullopt, with.random);
    CHECK(with.health.failures() == 2);
}

TEST_CASE("a pause that the server asks for is taken as it is") {
    subject with;
    with.health.failed(1, start, 120s, with.random);
    CHECK(with.health.next_try() == start + 120s);
    with.health.sent(2);
    with.health.failed(2, start + 120s, 0ms, with.random);
    // Its own pause is longer than none.
    CHECK(with.health.next_try() >= start + 120s + 600ms);
}

TEST_CASE("an attempt to connect tells, once the pause is over") {
    subject with;
    with.health.failed(0, start, std::nullopt, with.random);
    CHECK(with.health.failures() == 1);
    const policy::time_point next = with.health.next_try();
    // Those that were under way.
    with.health.failed(0, next - 1ms, std::nullopt, with.random);
    CHECK(with.health.failures() == 1);
    with.health.failed(0, next, std::nullopt, with.random);
    CHECK(with.health.failures() == 2);
    CHECK(with.health.next_try() > next);
}

TEST_CASE("the right to try returns when whoever has it ends") {
    subject with;
    with.health.failed(1, start, std::nullopt, with.random);
    const policy::time_point next = with.health.next_try();
    with.health.taken_back(1, start);
    CHECK(with.health.next_try() == next);
    with.health.sent(2);
    with.health.taken_back(3, next);
    CHECK(with.health.at() == state::trying);
    with.health.taken_back(2, next + 1s);
    CHECK(with.health.at() == state::resting);
    CHECK(with.health.may_send(next + 1s));
    CHECK(with.health.failures() == 1);
}

TEST_CASE("beginning again forgets all but a pause that was asked for") {
    subject with;
    with.health.restart(start);
    CHECK(with.health.well());
    with.health.failed(1, start, std::nullopt, with.random);
    with.health.restart(start + 1ms);
    CHECK(with.health.well());
    CHECK(with.health.failures() == 0);
    CHECK(with.health.unwell(start + 1h) == 1ms);

    with.health.failed(2, start + 1s, 30s, with.random);
    with.health.restart(start + 2s);
    CHECK(with.health.at() == state::resting);
    CHECK(with.health.next_try() == start + 31s);
    CHECK(with.health.failures() == 0);
    CHECK(with.health.unwell(start + 3s) == 2s + 1ms);
    with.health.sent(3);
    CHECK(with.health.answered(3, start + 32s));
    with.health.failed(4, start + 33s, std::nullopt, with.random);
    with.health.restart(start + 33s);
    CHECK(with.health.well());
}

TEST_CASE("a pause that was asked for beside a try holds however the try ends") {
    for (const int ending : {0, 1, 2, 3}) {
        INFO("ending " << ending);
        subject with;
        server_health& health = with.health;
        health.failed(1, start, std::nullopt, with.random);
        const policy::time_point tried = health.next_try();
        health.sent(3);
        // Query 2 was sent before the first failure.
        health.failed(2, tried + 1ms, 300s, with.random);
        const policy::time_point asked = tried + 1ms + 300s;
        const policy::time_point now = tried + 2ms;
        switch (ending) {
            case 0:
                CHECK_FALSE(health.answered(3, now));
                break;
            case 1:
                health.failed(3, now, std::nullopt, with.random);
                break;
            case 2:
                CHECK(health.taken_back(3, now));
                break;
            default:
                health.given_up();
                break;
        }
        CHECK(health.at() == state::resting);
        CHECK(health.next_try() == asked);
        CHECK_FALSE(health.may_send(asked - 1ns));
        CHECK(health.may_send(asked));
    }
}

}  // namespace server_health_test

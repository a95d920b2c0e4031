// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "engine/shared_health.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

#include "catch.hpp"

namespace shared_health_test {

using namespace jobmode;
using namespace std::chrono_literals;
using state = policy::server_health::state;

namespace {

constexpr policy::time_point start{1000s};

/// A client's part in it, as a scheduler plays it.
struct member {
    member(shared_health& with, std::uint64_t seed) : shared(with), random(seed) {
        number = shared.join([this] { ++told; });
    }

    void take() {
        if (std::optional<shared_health::knowledge> seen = shared.take(number, version))
            known = *seen;
    }
    void fail(std::uint64_t query, policy::time_point now) {
        known.health.failed(query, now, std::nullopt, random);
        known.code = errc::connect_failed;
        version = shared.put(number, known);
    }

    shared_health& shared;
    policy::random_numbers random;
    std::uint64_t number = 0;
    std::uint64_t version = 0;
    shared_health::knowledge known{policy::server_health(policy::health_config()), {}, {}};
    int told = 0;
};

}  // namespace

TEST_CASE("what one client learns of a server the others know") {
    shared_health shared;
    member one(shared, 1);
    member two(shared, 2);
    CHECK(shared.version() == 0);
    two.take();
    CHECK(two.known.health.well());
    one.fail(1, start);
    CHECK(two.told == 1);
    CHECK(one.told == 0);
    CHECK(shared.version() == one.version);
    two.take();
    CHECK(two.version == one.version);
    CHECK(two.known.health.at() == state::resting);
    CHECK(two.known.health.next_try() == one.known.health.next_try());
    CHECK(two.known.code == errc::connect_failed);
    shared.leave(two.number);
    one.known.health.restart(start);
    one.version = shared.put(one.number, one.known);
    CHECK(two.told == 1);
}

TEST_CASE("of several clients one tries, until it has learnt something") {
    shared_health shared;
    member one(shared, 1);
    member two(shared, 2);
    one.fail(1, start);
    // Its copy is old.
    CHECK_FALSE(two.shared.claim(two.number, two.known, two.version));
    two.take();
    REQUIRE(shared.claim(two.number, two.known, two.version));
    // Who comes second finds that out, and waits.
    CHECK_FALSE(shared.claim(one.number, one.known, one.version));
    one.take();
    CHECK(one.known.health.is_tried_elsewhere());
    CHECK(one.known.health.next_try() == policy::time_point::max());
    CHECK_FALSE(one.known.health.may_send(start + 1h));
    // What it learns meanwhile from what it had sent before does not take the try away from the other.
    one.fail(7, start + 1s);
    CHECK(one.known.health.is_tried_elsewhere());
    two.take();
    CHECK(two.known.health.at() == state::resting);

    const policy::time_point due = two.known.health.next_try();
    two.known.health.sent(3);
    CHECK(two.known.health.answered(3, due));
    two.known.answered_ever = true;
    two.version = shared.put(two.number, two.known);
    one.take();
    CHECK(one.known.health.well());
    CHECK(one.known.answered_ever);
    // Nobody makes that undone.
    one.known.answered_ever = false;
    one.fail(8, due);
    two.take();
    CHECK(two.known.answered_ever);
}

TEST_CASE("a try that is given up is another client's") {
    shared_health shared;
    member one(shared, 1);
    member two(shared, 2);
    one.fail(1, start);
    const policy::time_point due = one.known.health.next_try();
    REQUIRE(shared.claim(one.number, one.known, one.version));
    one.known.health.sent(2);
    one.known.health.given_up();
    one.version = shared.put(one.number, one.known);
    two.take();
    CHECK(two.known.health.may_send(due));
    CHECK(shared.claim(two.number, two.known, two.version));
}

}  // namespace shared_health_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <numeric>
#include <vector>

#include "catch.hpp"
#include "policy/address_race.hpp"

namespace address_race_test {

using namespace jobmode;
using namespace std::chrono_literals;
using jobmode::policy::address_race;
using kind = jobmode::policy::address_race::action::kind;

namespace {
constexpr policy::time_point start{1000s};
}

TEST_CASE("families take turns, in the resolver's order, the first address's family first") {
    struct row {
        std::vector<bool> is_v6;
        std::vector<std::size_t> order;
    };
    for (const row& each : std::vector<row>{{{}, {}},
                                            {{true}, {0}},
                                            {{false, false, false}, {0, 1, 2}},
                                            {{true, false}, {0, 1}},
                                            {{true, true, false, false}, {0, 2, 1, 3}},
                                            {{false, false, true, true}, {0, 2, 1, 3}},
                                            {{true, true, true, false}, {0, 3, 1, 2}},
                                            {{false, true, true, true}, {0, 1, 2, 3}},
                                            {{false, true, false, true}, {0, 1, 2, 3}}})
        CHECK(policy::interleave(each.is_v6) == each.order);
}

TEST_CASE("every address is tried exactly once, whatever the families") {
    for (unsigned bits = 0; bits != 1U << 8U; ++bits) {
        std::vector<bool> is_v6;
        for (unsigned index = 0; index != 8; ++index)
            is_v6.push_back((bits >> index & 1U) != 0);
        std::vector<std::size_t> order = policy::interleave(is_v6);
        REQUIRE(order.front() == 0);
        for (std::size_t place = 1; place < order.size(); ++place) {
            const bool same = is_v6[order[place]] == is_v6[order[place - 1]];
            // Only when the other family is used up does one follow itself.
            const bool other_is_left =
                std::any_of(order.begin() + static_cast<std::ptrdiff_t>(place), order.end(),
                            [&](std::size_t each) { return is_v6[each] != is_v6[order[place - 1]]; });
            REQUIRE(same == !other_is_left);
        }
        std::sort(order.begin(), order.end());
        std::vector<std::size_t> all(8);
        std::iota(all.begin(), all.end(), std::size_t{0});
        REQUIRE(order == all);
    }
}

TEST_CASE("the next address is started after the delay, while the others go on") {
    address_race race(3, 250ms);
    CHECK(race.next(start).what == kind::start);
    address_race::action action = race.next(start);
    CHECK(action.what == kind::wait);
    CHECK(action.until == start + 250ms);
    action = race.next(start + 249ms);
    CHECK(action.what == kind::wait);
    CHECK(action.until == start + 250ms);
    action = race.next(start + 250ms);
    CHECK(action.what == kind::start);
    CHECK(action.index == 1);
    // A late wake-up does not shorten the next one's wait.
    action = race.next(start + 900ms);
    CHECK(action.what == kind::start);
    CHECK(action.index == 2);
    action = race.next(start + 900ms);
    CHECK(action.what == kind::wait);
    CHECK(action.until == policy::time_point::max());
}

TEST_CASE("a failure starts the next address at once, and only one") {
    address_race race(3, 250ms);
    CHECK(race.next(start).index == 0);
    race.failed();
    address_race::action action = race.next(start + 1ms);
    CHECK(action.what == kind::start);
    CHECK(action.index == 1);
    action = race.next(start + 1ms);
    CHECK(action.what == kind::wait);
    CHECK(action.until == start + 251ms);
}

TEST_CASE("the race is lost when all have failed, and not before") {
    address_race race(2, 250ms);
    race.next(start);
    race.next(start + 250ms);
    race.failed();
    address_race::action action = race.next(start + 260ms);
    CHECK(action.what == kind::wait);
    CHECK(action.until == policy::time_point::max());
    race.failed();
    CHECK(race.next(start + 270ms).what == kind::failed);
    CHECK(race.next(start + 280ms).what == kind::failed);
}

TEST_CASE("a single address, or none at all") {
    address_race one(1, 250ms);
    CHECK(one.next(start).what == kind::start);
    CHECK(one.next(start + 10s).what == kind::wait);
    one.failed();
    CHECK(one.next(start + 10s).what == kind::failed);
    address_race none(0, 250ms);
    CHECK(none.next(start).what == kind::failed);
}

}  // namespace address_race_test

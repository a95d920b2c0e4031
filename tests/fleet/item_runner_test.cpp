// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Work on one item, in this process, and what ends it.
#include "fleet/item_runner.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "integration/support.hpp"

namespace item_runner_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

using clock_type = std::chrono::steady_clock;
using kind = fleet::item_ending::kind;

constexpr std::size_t days = 10;

/// A user's item, and a server that has that user and stalls at one of the requests.
struct work_place {
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> stalls_at{0};
    std::atomic<bool> stalled{false};
    test::fixture with{watched()};
    fleet::work_item item{"cbs", "customer-0001", 2024y / std::chrono::June / 21, 2024y / std::chrono::June / 30, {}};
    fleet::item_runner runner{limited()};

    sim::server_config watched() {
        sim::server_config config;
        config.fleet.users = 2;
        config.fleet.days = days;
        config.script = [this](const sim::request_info&) -> std::optional<std::vector<sim::script_step>> {
            if (++requests != stalls_at)
                return std::nullopt;
            stalled = true;
            return std::vector<sim::script_step>{{sim::script_step::kind::stall}};
        };
        return config;
    }
    client_config limited() const {
        client_config config = with.config();
        config.concurrency.max_in_flight = 3;
        config.pool.max_connections = 3;
        return config;
    }
    void check_can_be_done() {
        int first = 0;
        const fleet::item_ending done = runner.run(
            item, [] { return clock_type::now() + 1h; }, [&] { ++first; });
        CHECK(done.how == kind::complete);
        CHECK(done.outcomes.size() == days);
        CHECK(first == 1);
    }
};

}  // namespace

TEST_CASE("an item whose lease is over before it begins asks nothing") {
    work_place at;
    const fleet::item_ending ended = at.runner.run(
        at.item, [] { return clock_type::time_point::min(); }, [] { FAIL("a query ended"); });
    CHECK(ended.how == kind::cut_off);
    CHECK(ended.outcomes.empty());
    CHECK(at.requests == 0);
    at.check_can_be_done();
}

TEST_CASE("an item is cut off at any of its queries, and can be begun anew") {
    work_place at;
    for (std::uint64_t request = 1; request <= days; ++request) {
        at.stalled = false;
        at.requests = 0;
        at.stalls_at = request;
        const fleet::item_ending ended = at.runner.run(
            at.item, [&] { return at.stalled ? clock_type::time_point::min() : clock_type::now() + 1ms; }, [] {});
        CHECK(ended.how == kind::cut_off);
        CHECK(ended.outcomes.size() < days);
    }
    at.stalls_at = 0;
    at.check_can_be_done();
}

TEST_CASE("what goes wrong beside an item's queries ends the item") {
    work_place at;
    const auto never = [] { return clock_type::now() + 1h; };
    CHECK_THROWS_WITH(at.runner.run(at.item, never, [] { throw std::runtime_error("first"); }), "first");
    CHECK_THROWS_WITH(at.runner.run(
                          at.item, []() -> clock_type::time_point { throw std::runtime_error("deadline"); },
                          [] { FAIL("a query ended"); }),
                      "deadline");
    at.check_can_be_done();
}

}  // namespace item_runner_test

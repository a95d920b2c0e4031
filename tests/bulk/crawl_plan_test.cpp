// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "bulk/crawl_plan.hpp"
#include "catch.hpp"

namespace crawl_plan_test {

using namespace jobmode;
using namespace std::chrono;
using jobmode::bulk::crawl_plan;
using jobmode::bulk::shard_of;

namespace {

std::string text(const query& each) {
    return each.login_name + " " + std::string(each.backup_date.text()) + " " + each.backup_set_id.value_or("-");
}

std::vector<std::string> all(const crawl_plan& plan) {
    std::vector<std::string> result;
    for (std::uint64_t index = 0; index != plan.size(); ++index)
        result.push_back(text(plan.at(index)));
    return result;
}

}  // namespace

TEST_CASE("a plan is users by dates, the dates changing slowest") {
    const crawl_plan plan({"a", "b"}, 2024y / February / 28, 2024y / March / 1, {});
    CHECK(all(plan) == std::vector<std::string>{"a 2024-02-28 -", "b 2024-02-28 -", "a 2024-02-29 -", "b 2024-02-29 -",
                                                "a 2024-03-01 -", "b 2024-03-01 -"});
}

TEST_CASE("a plan with sets asks once for each of them") {
    const crawl_plan plan({"a", "b"}, 2023y / December / 31, 2024y / January / 1, {"1", "2"});
    CHECK(all(plan) == std::vector<std::string>{"a 2023-12-31 1", "a 2023-12-31 2", "b 2023-12-31 1", "b 2023-12-31 2",
                                                "a 2024-01-01 1", "a 2024-01-01 2", "b 2024-01-01 1",
                                                "b 2024-01-01 2"});
}

TEST_CASE("a plan of nothing has no query") {
    CHECK(crawl_plan({}, 2024y / January / 1, 2024y / January / 9, {}).size() == 0);
    CHECK(crawl_plan({"a"}, 2024y / January / 2, 2024y / January / 1, {}).size() == 0);
    CHECK(crawl_plan({"a"}, 2024y / January / 2, 2020y / January / 1, {"1"}).size() == 0);
    CHECK(crawl_plan({"a"}, 2024y / January / 2, 2024y / January / 2, {}).size() == 1);
}

TEST_CASE("every query of a plan is valid and stands in it once") {
    std::vector<std::string> users;
    for (int user = 0; user != 37; ++user)
        users.push_back("user" + std::to_string(user));
    const crawl_plan plan(users, 2023y / November / 15, 2024y / March / 15, {"x", "y", "z"});
    REQUIRE(plan.size() == 37 * 122 * 3);
    std::set<std::string> seen;
    for (std::uint64_t index = 0; index != plan.size(); ++index) {
        const query each = plan.at(index);
        REQUIRE_FALSE(each.validate());
        seen.insert(text(each));
    }
    CHECK(seen.size() == plan.size());
}

TEST_CASE("a plan may be larger than what 32 bits count") {
    const std::vector<std::string> users(70'000, "user");
    const crawl_plan plan(users, 1900y / January / 1, 2100y / December / 31, {"s"});
    CHECK(plan.size() == std::uint64_t{70'000} * 73'414);
    CHECK(text(plan.at(plan.size() - 1)) == "user 2100-12-31 s");
    CHECK(text(plan.at(0)) == "user 1900-01-01 s");
}

TEST_CASE("a user's shard is that of the 64-bit FNV-1a hash of the name") {
    // The published values of the hash.
    CHECK(shard_of("", UINT64_MAX) == 0xCBF29CE484222325U);
    CHECK(shard_of("a", UINT64_MAX) == 0xAF63DC4C8601EC8CU);
    CHECK(shard_of("foobar", UINT64_MAX) == 0x85944171F73967E8U);
    CHECK(shard_of("foobar", 1) == 0);
}

TEST_CASE("shards are of about one size") {
    std::vector<int> sizes(8);
    for (int user = 0; user != 8000; ++user)
        ++sizes[shard_of("customer-" + std::to_string(user), sizes.size())];
    for (const int size : sizes) {
        CHECK(size > 800);
        CHECK(size < 1200);
    }
}

}  // namespace crawl_plan_test

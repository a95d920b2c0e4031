// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "engine/call_queue.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "engine_call.hpp"
#include "policy/random.hpp"

namespace call_queue_test {

using namespace jobmode;
using namespace std::chrono_literals;
using engine::call_queue;
using engine::call_state;
using numbers = std::vector<std::uint64_t>;

namespace {

constexpr policy::time_point start{1000s};

test::noted_ptr make(std::uint64_t number, call_priority priority = call_priority::normal,
                     const wire::endpoint& where = wire::list_backup_job_mode) {
    auto who = std::make_shared<test::noted_call>(where);
    who->book.number = number;
    who->priority = priority;
    return who;
}

const auto nothing_held = [](const engine::call&) { return false; };

/// Takes everything that can be sent, and says in which order.
numbers drain(call_queue& queue) {
    numbers order;
    while (engine::call* const next = queue.next(nothing_held))
        order.push_back(queue.take(*next)->book.number);
    return order;
}

void end(call_queue& queue, engine::call& who) {
    queue.on_ended(who);
    who.book.state = call_state::ended;
}

}  // namespace

TEST_CASE("calls are sent in the order in which they came, whatever they ask") {
    call_queue queue;
    CHECK(queue.next(nothing_held) == nullptr);
    queue.push_back(make(1, call_priority::normal, wire::list_users));
    queue.push_back(make(2));
    queue.push_back(make(3, call_priority::normal, wire::list_backup_jobs));
    queue.push_back(make(4));
    CHECK(queue.size() == 4);
    CHECK(queue.sendable() == 4);
    CHECK(drain(queue) == numbers{1, 2, 3, 4});
    CHECK(queue.size() == 0);
}

TEST_CASE("what is put back in front goes first") {
    call_queue queue;
    queue.push_back(make(3));
    queue.push_front(make(2));
    queue.push_front(make(1));
    queue.push_back(make(4));
    CHECK(drain(queue) == numbers{1, 2, 3, 4});
}

TEST_CASE("a kind that is held back is passed by") {
    call_queue queue;
    queue.push_back(make(1));
    queue.push_back(make(2, call_priority::normal, wire::list_users));
    const auto held = [](const engine::call& who) { return who.target.index == wire::list_backup_job_mode.index; };
    engine::call* const next = queue.next(held);
    REQUIRE(next);
    CHECK(next->book.number == 2);
    queue.take(*next);
    CHECK(queue.next(held) == nullptr);
    CHECK(drain(queue) == numbers{1});
}

TEST_CASE("high priority goes first, but for every ninth") {
    call_queue queue;
    for (std::uint64_t number = 1; number != 4; ++number)
        queue.push_back(make(number));
    for (std::uint64_t number = 101; number != 119; ++number)
        queue.push_back(make(number, call_priority::high));
    CHECK(drain(queue) ==
          numbers{101, 102, 103, 104, 105, 106, 107, 108, 1, 109, 110, 111, 112, 113, 114, 115, 116, 2, 117, 118, 3});
}

TEST_CASE("where only one priority waits, it is not held up") {
    call_queue queue;
    for (std::uint64_t number = 1; number != 21; ++number)
        queue.push_back(make(number, call_priority::high));
    numbers all(20);
    for (std::uint64_t number = 0; number != 20; ++number)
        all[number] = number + 1;
    CHECK(drain(queue) == all);
}

TEST_CASE("pauses end in the order of their times, then of their numbers") {
    call_queue queue;
    CHECK(queue.next_due() == policy::time_point::max());
    const auto pausing = [&](std::uint64_t number, std::chrono::seconds due) {
        const test::noted_ptr who = make(number);
        who->book.due = start + due;
        queue.push_pausing(who);
        CHECK(who->book.state == call_state::backing_off);
        return who;
    };
    pausing(1, 5s);
    const test::noted_ptr second = pausing(2, 1s);
    pausing(4, 3s);
    pausing(3, 3s);
    CHECK(queue.size() == 4);
    CHECK(queue.sendable() == 0);
    CHECK(queue.next_due() == start + 1s);
    CHECK(queue.next(nothing_held) == nullptr);
    queue.wake(start + 1s - 1ns);
    CHECK(queue.sendable() == 0);
    end(queue, *second);
    CHECK(queue.size() == 3);
    CHECK(queue.next_due() == start + 3s);
    queue.wake(start + 4s);
    CHECK(queue.sendable() == 2);
    CHECK(drain(queue) == numbers{3, 4});
    queue.wake(start + 5s);
    CHECK(drain(queue) == numbers{1});
    CHECK(queue.next_due() == policy::time_point::max());
}

TEST_CASE("what has ended is neither sent nor counted nor visited") {
    call_queue queue;
    std::vector<test::noted_ptr> all;
    for (std::uint64_t number = 1; number != 6; ++number) {
        all.push_back(make(number));
        queue.push_back(all.back());
    }
    end(queue, *all[0]);
    end(queue, *all[2]);
    CHECK(queue.size() == 3);
    numbers visited;
    queue.for_each([&](const engine::call_ptr& who) { visited.push_back(who->book.number); });
    CHECK(visited == numbers{2, 4, 5});
    CHECK(drain(queue) == numbers{2, 4, 5});
}

TEST_CASE("many that have ended are not kept") {
    call_queue queue;
    std::vector<test::noted_ptr> all;
    for (std::uint64_t number = 1; number != 2'001; ++number) {
        all.push_back(make(number));
        queue.push_back(all.back());
    }
    // Not the one in front: nothing would be purged on the way.
    for (std::size_t index = 1; index != all.size(); ++index)
        end(queue, *all[index]);
    CHECK(queue.size() == 1);
    CHECK(std::ranges::count_if(all, [](const test::noted_ptr& who) { return who.use_count() == 1; }) > 1'900);
    CHECK(drain(queue) == numbers{1});
}

TEST_CASE("all that waits is handed out in the order of the numbers") {
    call_queue queue;
    queue.push_back(make(4, call_priority::high));
    queue.push_back(make(2, call_priority::normal, wire::list_users));
    const test::noted_ptr ended = make(1);
    queue.push_back(ended);
    const test::noted_ptr pausing = make(3);
    pausing->book.due = start;
    queue.push_pausing(pausing);
    end(queue, *ended);
    numbers order;
    for (const engine::call_ptr& who : queue.take_all())
        order.push_back(who->book.number);
    CHECK(order == numbers{2, 3, 4});
    CHECK(queue.size() == 0);
    CHECK(queue.next(nothing_held) == nullptr);
    CHECK(queue.next_due() == policy::time_point::max());
}

TEST_CASE("a long random life of a queue loses and doubles nothing") {
    for (std::uint64_t seed = 1; seed != 20; ++seed) {
        INFO("seed " << seed);
        policy::random_numbers random(seed);
        call_queue queue;
        policy::time_point now = start;
        std::vector<test::noted_ptr> waiting;
        std::vector<test::noted_ptr> out;
        std::uint64_t made = 0;
        for (int step = 0; step != 5'000; ++step) {
            switch (random.below(6)) {
                case 0:
                case 1: {
                    waiting.push_back(make(++made, random.below(3) == 0 ? call_priority::high : call_priority::normal,
                                           *wire::endpoints[random.below(3)]));
                    queue.push_back(waiting.back());
                    break;
                }
                case 2:
                    if (engine::call* const next = queue.next(nothing_held)) {
                        const engine::call_ptr taken = queue.take(*next);
                        const auto found = std::ranges::find(waiting, taken);
                        REQUIRE(found != waiting.end());
                        out.push_back(*found);
                        waiting.erase(found);
                    } else {
                        REQUIRE(queue.sendable() == 0);
                    }
                    break;
                case 3:
                    if (!out.empty()) {
                        waiting.push_back(out.back());
                        out.pop_back();
                        waiting.back()->book.due = now + std::chrono::seconds(random.below(5));
                        if (random.below(2) == 0)
                            queue.push_front(waiting.back());
                        else
                            queue.push_pausing(waiting.back());
                    }
                    break;
                case 4:
                    if (!waiting.empty() && random.below(2) == 0) {
                        const auto which = waiting.begin() + static_cast<std::ptrdiff_t>(random.below(waiting.size()));
                        end(queue, **which);
                        waiting.erase(which);
                    }
                    break;
                default:
                    now += 500ms;
                    queue.wake(now);
                    break;
            }
            REQUIRE(queue.size() == waiting.size());
            REQUIRE(queue.sendable() ==
                    static_cast<std::size_t>(std::ranges::count_if(
                        waiting, [](const test::noted_ptr& who) { return who->book.state == call_state::waiting; })));
        }
        REQUIRE(queue.take_all().size() == waiting.size());
    }
}

}  // namespace call_queue_test

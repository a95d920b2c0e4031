// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "engine/call.hpp"
#include "policy/time.hpp"
#include "wire/request.hpp"

namespace jobmode::engine {

/// Calls that wait: those that can be sent, by priority and endpoint and in their order, and those that wait for the
/// time of their next attempt. A call that has ended may stay in it for a while. Not thread-safe.
class call_queue {
public:
    /// Adds a call after the others of its kind.
    void push_back(call_ptr who);
    /// Adds a call before the others of its kind.
    void push_front(call_ptr who);
    /// Lets a call wait until its `due`.
    void push_pausing(call_ptr who);
    /// A call in here has ended.
    void on_ended(const call& who);

    /// The call that is sent next, of those whose endpoint is not held back; null if there is none. High priority goes
    /// first, but for every `courtesy`-th call.
    template <class Held>
    call* next(Held held) {
        const bool courteous = high_in_a_row_ >= courtesy;
        for (std::size_t turn = 0; turn != priority_count; ++turn)
            if (call* found = first_of(courteous ? priority_count - 1 - turn : turn, held))
                return found;
        return nullptr;
    }
    /// Takes the call that `next` has returned.
    call_ptr take(const call& who);

    /// Moves what is due to the back of what can be sent.
    void wake(policy::time_point now);
    /// When the next pause ends; `max` if none.
    policy::time_point next_due() const noexcept;

    /// How many have not ended.
    std::size_t size() const noexcept { return sendable_ + pausing_alive_; }
    /// How many of these need not wait for their time.
    std::size_t sendable() const noexcept { return sendable_; }

    void for_each(const std::function<void(const call_ptr&)>& visit) const;
    /// Takes all that have not ended out, in the order of their numbers.
    std::vector<call_ptr> take_all();

private:
    static constexpr unsigned courtesy = 8;
    using lane = std::deque<call_ptr>;

    lane& lane_of(const call& who) { return lanes_[static_cast<std::size_t>(who.priority)][who.target.index]; }
    void drop_ended(lane& which);

    template <class Held>
    call* first_of(std::size_t priority, Held& held) {
        call* first = nullptr;
        for (const wire::endpoint* target : wire::endpoints) {
            lane& which = lanes_[priority][target->index];
            drop_ended(which);
            if (which.empty() || held(*which.front()))
                continue;
            if (!first || which.front()->book.number < first->book.number)
                first = which.front().get();
        }
        return first;
    }

    std::array<std::array<lane, wire::endpoints.size()>, priority_count> lanes_;
    /// A heap, the one due first in front.
    std::vector<call_ptr> pausing_;
    std::size_t sendable_ = 0;
    std::size_t pausing_alive_ = 0;
    /// Ended calls that still stand in the lanes.
    std::size_t ended_ = 0;
    unsigned high_in_a_row_ = 0;
};

}  // namespace jobmode::engine

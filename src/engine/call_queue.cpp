// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "engine/call_queue.hpp"

#include <algorithm>
#include <utility>

namespace jobmode::engine {
namespace {

// Ended entries are purged once this many accumulate.
constexpr std::size_t max_ended = 64;

/// Calls due at the same time go in the order of their numbers, so that a run can be repeated exactly.
bool later(const call_ptr& left, const call_ptr& right) noexcept {
    if (left->book.due != right->book.due)
        return left->book.due > right->book.due;
    return left->book.number > right->book.number;
}

bool has_ended(const call_ptr& who) noexcept {
    return who->book.state == call_state::ended;
}

}  // namespace

void call_queue::push_back(call_ptr who) {
    who->book.state = call_state::waiting;
    ++sendable_;
    lane_of(*who).push_back(std::move(who));
}

void call_queue::push_front(call_ptr who) {
    who->book.state = call_state::waiting;
    ++sendable_;
    lane_of(*who).push_front(std::move(who));
}

void call_queue::push_pausing(call_ptr who) {
    who->book.state = call_state::backing_off;
    ++pausing_alive_;
    pausing_.push_back(std::move(who));
    std::ranges::push_heap(pausing_, later);
}

void call_queue::on_ended(const call& who) {
    if (who.book.state == call_state::backing_off) {
        --pausing_alive_;
        std::erase_if(pausing_, [&who](const call_ptr& one) { return one.get() == &who; });
        std::ranges::make_heap(pausing_, later);
        return;
    }
    --sendable_;
    ++ended_;
    if (ended_ <= max_ended || ended_ <= sendable_)
        return;
    // The caller marks it as ended once this returns: until then it is told apart by its address.
    for (auto& lanes : lanes_)
        for (lane& which : lanes)
            std::erase_if(which, [&who](const call_ptr& one) { return has_ended(one) || one.get() == &who; });
    ended_ = 0;
}

call_ptr call_queue::take(const call& who) {
    lane& which = lane_of(who);
    call_ptr taken = std::move(which.front());
    which.pop_front();
    --sendable_;
    high_in_a_row_ = taken->priority == call_priority::high ? high_in_a_row_ + 1 : 0;
    return taken;
}

void call_queue::drop_ended(lane& which) {
    while (!which.empty() && has_ended(which.front())) {
        which.pop_front();
        --ended_;
    }
}

void call_queue::wake(policy::time_point now) {
    while (!pausing_.empty() && pausing_.front()->book.due <= now) {
        std::ranges::pop_heap(pausing_, later);
        call_ptr who = std::move(pausing_.back());
        pausing_.pop_back();
        --pausing_alive_;
        push_back(std::move(who));
    }
}

policy::time_point call_queue::next_due() const noexcept {
    return pausing_.empty() ? policy::time_point::max() : pausing_.front()->book.due;
}

void call_queue::for_each(const std::function<void(const call_ptr&)>& visit) const {
    for (const auto& lanes : lanes_)
        for (const lane& which : lanes)
            for (const call_ptr& who : which)
                if (!has_ended(who))
                    visit(who);
    for (const call_ptr& who : pausing_)
        visit(who);
}

std::vector<call_ptr> call_queue::take_all() {
    std::vector<call_ptr> all;
    for_each([&all](const call_ptr& who) { all.push_back(who); });
    std::ranges::sort(all, {}, [](const call_ptr& who) { return who->book.number; });
    for (auto& lanes : lanes_)
        for (lane& which : lanes)
            which.clear();
    pausing_.clear();
    sendable_ = pausing_alive_ = ended_ = 0;
    return all;
}

}  // namespace jobmode::engine

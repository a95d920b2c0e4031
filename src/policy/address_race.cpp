// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/address_race.hpp"

#include <algorithm>

namespace jobmode::policy {

std::vector<std::size_t> interleave(const std::vector<bool>& is_v6) {
    std::vector<std::size_t> first;
    std::vector<std::size_t> second;
    for (std::size_t index = 0; index != is_v6.size(); ++index)
        (is_v6[index] == is_v6.front() ? first : second).push_back(index);
    std::vector<std::size_t> order;
    for (std::size_t turn = 0; turn < std::max(first.size(), second.size()); ++turn)
        for (const std::vector<std::size_t>* family : {&first, &second})
            if (turn < family->size())
                order.push_back((*family)[turn]);
    return order;
}

address_race::action address_race::next(time_point now) noexcept {
    if (failed_ == count_)
        return {action::kind::failed, 0, now};
    if (started_ == count_)
        return {action::kind::wait, 0, time_point::max()};
    if (now < next_at_)
        return {action::kind::wait, 0, next_at_};
    next_at_ = now + delay_;
    return {action::kind::start, started_++, now};
}

void address_race::failed() noexcept {
    ++failed_;
    next_at_ = time_point::min();
}

}  // namespace jobmode::policy

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/server_health.hpp"

#include <algorithm>

namespace jobmode::policy {

time_point server_health::next_try() const noexcept {
    return at_ == state::trying ? time_point::max() : until_;
}

void server_health::sent(std::uint64_t query) noexcept {
    if (at_ != state::resting)
        return;
    at_ = state::trying;
    who_ = query;
}

bool server_health::answered(std::uint64_t query, time_point now) noexcept {
    if (at_ != state::trying || who_ != query)
        return false;
    if (asked_until_ > now) {
        // It asked for that after this query was sent.
        at_ = state::resting;
        until_ = asked_until_;
        return false;
    }
    at_ = state::well;
    unwell_ += now - since_;
    failures_ = 0;
    asked_until_ = time_point::min();
    return true;
}

void server_health::failed(std::uint64_t query, time_point now, std::optional<std::chrono::milliseconds> retry_after,
                           random_numbers& random) noexcept {
    const bool first = at_ == state::well;
    const bool tried =
        (at_ == state::trying && who_ == query) || (at_ == state::resting && query == 0 && now >= until_);
    if (first || tried) {
        if (first)
            since_ = now;
        at_ = state::resting;
        ++failures_;
        std::int64_t pause = config_.initial_pause.count();
        for (unsigned doubling = 1; doubling < failures_ && pause < config_.max_pause.count(); ++doubling)
            pause *= 2;
        pause = std::min<std::int64_t>(pause, config_.max_pause.count());
        // Random by a quarter: many clients of one server come back one after another, and none much too early.
        const auto quarter = static_cast<std::uint64_t>(pause / 4);
        until_ = now + std::chrono::milliseconds(pause - static_cast<std::int64_t>(random.below(quarter + 1)));
    }
    if (retry_after)
        asked_until_ = now + *retry_after;
    // Whoever tries may have been sent before another one was told of the pause.
    until_ = std::max(until_, asked_until_);
}

void server_health::restart(time_point now) noexcept {
    if (at_ == state::well)
        return;
    unwell_ += now - since_;
    since_ = now;
    failures_ = 0;
    who_ = 0;
    until_ = asked_until_;
    at_ = until_ > now ? state::resting : state::well;
}

void server_health::tried_elsewhere() noexcept {
    if (at_ == state::well)
        return;
    at_ = state::trying;
    who_ = nobody_here;
}

bool server_health::taken_back(std::uint64_t query, time_point now) noexcept {
    if (at_ != state::trying || who_ != query)
        return false;
    at_ = state::resting;
    until_ = std::max(now, asked_until_);
    return true;
}

std::chrono::nanoseconds server_health::unwell(time_point now) const noexcept {
    return at_ == state::well ? unwell_ : unwell_ + (now - since_);
}

}  // namespace jobmode::policy

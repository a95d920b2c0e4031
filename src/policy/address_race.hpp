// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/time.hpp"

namespace jobmode::policy {

/// The order in which to try addresses (RFC 8305, 4): the resolver's own order, with the two families taking turns,
/// beginning with the family of the first.
std::vector<std::size_t> interleave(const std::vector<bool>& is_v6);

/// Decides when to try which of several addresses (RFC 8305, 5): the next one when the last has failed, or has not
/// answered for a while; the others go on meanwhile. Not thread-safe.
class address_race {
public:
    /// `delay` is how long an address is waited for before the next one is tried besides.
    address_race(std::size_t count, std::chrono::milliseconds delay) noexcept : count_(count), delay_(delay) {}

    struct action {
        enum class kind : std::uint8_t { start, wait, failed };
        kind what;
        /// The address to start.
        std::size_t index;
        /// Until when to wait; `max` if only for outcomes.
        time_point until;
    };
    /// What to do now; to be asked again after `start`, at the end of `wait`, and after `failed`.
    action next(time_point now) noexcept;
    /// An address has failed.
    void failed() noexcept;

private:
    std::size_t count_;
    std::chrono::milliseconds delay_;
    std::size_t started_ = 0;
    std::size_t failed_ = 0;
    time_point next_at_{time_point::min()};
};

}  // namespace jobmode::policy

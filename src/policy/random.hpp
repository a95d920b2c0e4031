// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>

namespace jobmode::policy {

/// Random numbers from a seed (SplitMix64): the same on every platform. Not for secrets. Not thread-safe.
class random_numbers {
public:
    explicit random_numbers(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t operator()() noexcept {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
        return mixed ^ (mixed >> 31U);
    }
    /// A number from 0 to `bound` - 1; 0 if `bound` is 0.
    std::uint64_t below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : (*this)() % bound; }

private:
    std::uint64_t state_;
};

}  // namespace jobmode::policy

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace jobmode::store {

/// A set of the numbers below a bound, a bit each.
class index_set {
public:
    index_set() = default;
    explicit index_set(std::uint64_t bound) { extend(bound); }

    /// Takes numbers below a larger bound, too.
    void extend(std::uint64_t bound) { bits_.resize((bound + 7) / 8); }

    bool contains(std::uint64_t index) const noexcept { return (bits_[index / 8] >> (index % 8) & 1) != 0; }
    void insert(std::uint64_t index) noexcept {
        bits_[index / 8] = static_cast<char>(bits_[index / 8] | 1 << index % 8);
    }
    std::uint64_t count() const noexcept {
        std::uint64_t total = 0;
        for (const char byte : bits_)
            total += static_cast<std::uint64_t>(std::popcount(static_cast<unsigned char>(byte)));
        return total;
    }
    /// The bits themselves, eight a byte, the lowest first.
    std::vector<char>& bytes() noexcept { return bits_; }
    const std::vector<char>& bytes() const noexcept { return bits_; }

private:
    std::vector<char> bits_;
};

}  // namespace jobmode::store

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "wire/record_shape.hpp"

namespace jobmode::wire {

/// A key of a record, as the place from which the next one is guessed.
struct key_node {
    expected_text value;
    /// The node of the key that came behind this one the last times, and whether it was another one the last time.
    std::uint8_t next = 0;
    bool is_doubted = false;

    /// The next key was what was expected, or not.
    void confirm() noexcept { is_doubted = false; }
    void correct(std::size_t key) noexcept {
        if (is_doubted)
            next = static_cast<std::uint8_t>(key);
        is_doubted = !is_doubted;
    }
};

/// What the fast lane has learned of elements: their shapes, and which key comes behind which. It survives the answer.
class lane_memory {
public:
    static constexpr std::size_t max_shapes = 16;
    /// The node of all keys that are no field's, and the one of a record's beginning.
    static constexpr std::size_t unknown_key = field_count;
    static constexpr std::size_t record_begin = field_count + 1;

    lane_memory();

    std::array<key_node, field_count + 2>& keys() noexcept { return keys_; }

    /// Asked for each element: whether to guess its shape.
    bool wants_to_guess() noexcept {
        if (detour_ == 0)
            return !shapes_.empty();
        --detour_;
        return false;
    }
    /// The shape to try first, and the one to try where that differs with the first key.
    record_shape& first_guess() noexcept { return shapes_[current_]; }
    record_shape& second_guess() noexcept { return shapes_[successors_[current_]]; }
    /// The guess was right.
    void praise_first() noexcept { failures_ = 0; }
    void praise_second() noexcept {
        failures_ = 0;
        current_ = successors_[current_];
    }
    /// No guess was right, or none was made, and the element has been taken key by key. `signature` is that of its
    /// keys, and `with_first_key` tells whether the first guess differed with the first one.
    void note(std::string_view element, std::uint32_t signature, bool with_first_key);

private:
    std::size_t find(std::uint32_t signature) const noexcept;
    /// The shape of the element, which may be a new one, or `max_shapes` if none can be made of it.
    std::size_t learn(std::string_view element);

    std::vector<record_shape> shapes_;
    /// For each shape the one that came behind it the last time.
    std::vector<std::size_t> successors_;
    std::size_t current_ = 0;
    /// The shape to be forgotten next.
    std::size_t oldest_ = 0;
    /// The shape of the last element that was taken key by key.
    std::size_t last_ = max_shapes;
    /// How many elements may be learned from, and how many have been taken key by key since there was one more.
    std::size_t lessons_ = max_shapes;
    std::size_t waited_ = 0;
    /// How often in a row no guess was right, and for how many elements none is made.
    std::size_t failures_ = 0;
    std::size_t detour_ = 0;
    std::array<key_node, field_count + 2> keys_;
};

}  // namespace jobmode::wire

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/record.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace jobmode::wire {

/// Bytes that are compared 32 at a time: padded, with a mask for each block.
class literal {
public:
    static constexpr std::size_t capacity = 64;
    static constexpr std::size_t block = 32;

    /// False if `text` is too long.
    bool assign(std::string_view text) noexcept;

    const char* data() const noexcept { return bytes_.data(); }
    std::size_t size() const noexcept { return size_; }
    std::uint32_t mask(std::size_t index) const noexcept { return masks_[index]; }

    friend bool operator==(const literal&, const literal&) = default;

private:
    std::array<char, capacity> bytes_{};
    std::array<std::uint32_t, capacity / block> masks_{};
    std::uint8_t size_ = 0;
};

/// A member of a record, as it will probably be in the next one.
struct shape_member {
    /// What stands between the value before, if any, and this one: white space, comma or brace, and key as the server
    /// writes them, and the value's opening quote.
    literal before;
    /// The length of the value in the record before, and the bit of a mask where a quote then is. A value too long for
    /// a mask has a pattern that no single bit equals.
    std::uint32_t value_bytes = 0;
    std::uint32_t value_end = long_value;
    /// A `field`, or `field_count`.
    std::uint8_t which = field_count;

    static constexpr std::uint32_t long_value = 3;
    static constexpr std::size_t longest_short_value = literal::block - 1;
};

/// The shape of an element of the list, from behind the comma or bracket before it to its closing brace.
class record_shape {
public:
    static constexpr std::size_t max_members = 16;

    /// Takes on the shape of the element at the start of `text`, which is well-formed JSON, perhaps with the comma
    /// before it. False, and of no use then, if it has members that are arrays or objects, or is too large,
    /// or has a key twice.
    bool learn(std::string_view text);

    auto begin() noexcept { return members_.begin(); }
    auto end() noexcept { return members_.end(); }
    auto begin() const noexcept { return members_.begin(); }
    auto end() const noexcept { return members_.end(); }
    /// What stands behind the last value, up to the closing brace.
    const literal& tail() const noexcept { return tail_; }
    /// A record whose fields are present as far as they are in the shape.
    const record_view& blank() const noexcept { return blank_; }

    /// Whether both take the same elements.
    friend bool operator==(const record_shape& left, const record_shape& right) noexcept {
        return left.tail_ == right.tail_ &&
               std::ranges::equal(left.members_, right.members_, {}, &shape_member::before, &shape_member::before);
    }

private:
    bool add_member(std::string_view before, std::string_view key);

    std::vector<shape_member> members_;
    literal tail_;
    record_view blank_;
};

/// The field of a key, or `field_count`.
std::size_t find_field(std::string_view key) noexcept;

/// The end of the number, `true`, `false` or `null` at `at`, or `at` if there is none. It may go on behind `end`, and
/// then what is there need not be all of it.
const char* unquoted_end(const char* at, const char* end) noexcept;

/// The end of the integer at `at`, or `at` if none is there. An integer in JSON's sense: no leading zero.
const char* integer_end(const char* at, const char* end) noexcept;

}  // namespace jobmode::wire

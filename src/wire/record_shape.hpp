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

/// A string's text, as it will probably be again: as long as the last one was.
struct expected_text {
    /// The length, and the bit of a mask where a quote then is. A text too long for a mask has a pattern that no single
    /// bit equals.
    std::uint32_t bytes = 0;
    std::uint32_t end = too_long;

    static constexpr std::uint32_t too_long = 3;

    void expect(std::size_t length) noexcept {
        bytes = static_cast<std::uint32_t>(length);
        end = length < literal::block ? std::uint32_t{1} << length : too_long;
    }
};

/// A member of a record, as it will probably be in the next one.
struct shape_member {
    /// What stands between the value before, if any, and this one: white space, comma or brace, and key as the server
    /// writes them, and the value's opening quote.
    literal before;
    expected_text value;
    /// The signature of the keys up to this one.
    std::uint32_t signature = 0;
    /// A `field`, or `field_count`.
    std::uint8_t which = field_count;
};

/// Adds a key, a `field` or `field_count`, to the signature of those before it. The same keys in the same order have
/// the same signature.
constexpr std::uint32_t add_to_signature(std::uint32_t signature, std::size_t which) noexcept {
    return signature * 31 + static_cast<std::uint32_t>(which) + 1;
}

/// The shape of an element of the list, from behind the comma or bracket before it to its closing brace.
class record_shape {
public:
    static constexpr std::size_t max_members = 16;

    /// Takes on the shape of the element at the start of `text`, which is well-formed JSON, perhaps with white space
    /// before it. False, and of no use then, if it is too large, or has a key with an escape, or a field twice.
    bool learn(std::string_view text);

    auto begin() noexcept { return members_.begin(); }
    auto end() noexcept { return members_.end(); }
    auto begin() const noexcept { return members_.begin(); }
    auto end() const noexcept { return members_.end(); }
    /// What stands behind the last value, up to the closing brace.
    const literal& tail() const noexcept { return tail_; }
    /// The signature of its keys.
    std::uint32_t signature() const noexcept { return members_.back().signature; }
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

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/record.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace jobmode::wire {

/// A value as it goes into a record: its text, and `presence::absent` for an array or object.
struct lane_value {
    std::string_view text;
    presence kind = presence::text;
};

/// Memory for texts with escapes, as they are when decoded.
struct lane_texts {
    detail::text_arena decoded;
    std::string scratch;
};

/// Reads JSON values in a text that may end anywhere. What it does not understand, and what is wrong, it gives up; it
/// never says where, or why. Its places are in the text, or, near the text's end, in a copy with room behind it, so
/// that a fixed number of bytes can be looked at without asking.
class lane_reader {
public:
    /// Bytes that can be looked at from a place that is settled. What is behind the text's end is zero there.
    static constexpr std::size_t slack = 128;

    /// `depth` is how many levels a nested value may have. A text longer than `field_bytes` is given up.
    lane_reader(std::string_view text, std::size_t field_bytes, std::size_t depth, lane_texts& texts) noexcept
        : base_(text.data()),
          origin_(text.data()),
          end_(text.data() + text.size()),
          field_bytes_(field_bytes),
          depth_(depth),
          texts_(texts) {}
    lane_reader(const lane_reader&) = delete;
    lane_reader& operator=(const lane_reader&) = delete;

    const char* begin() const noexcept { return base_; }
    const char* end() const noexcept { return end_; }
    /// The place in the text itself.
    const char* original(const char* at) const noexcept { return origin_ + (at - base_); }

    /// Settles a place. Others are of no use then, unless it is returned as it is.
    const char* settle(const char* at) noexcept { return end_ - at >= needed_ ? at : copy_rest(at); }
    /// Passes over white space, and settles.
    const char* pass_space(const char* at) noexcept { return settle(space_end(at)); }

    /// Reads a string whose inside begins at `at`, of which the bytes before `special` need no closer look. Returns the
    /// closing quote, or null. Where `text` is null, nobody wants it.
    const char* take_text(const char* at, const char* special, std::string_view* text);
    /// Reads a value that is not a string. Returns its end, or null.
    const char* take_unquoted(const char* at, lane_value& value);

    /// Notes that something else was expected there. Always null.
    const char* give_up(const char* at) noexcept {
        is_cut_ = at == end_;
        return nullptr;
    }
    /// Whether what was given up last is faultless as far as it goes, and goes on behind the text.
    bool is_cut() const noexcept { return is_cut_; }

private:
    const char* space_end(const char* at) const noexcept {
        while (at != end_ && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
            ++at;
        return at;
    }
    const char* refuse() noexcept {
        is_cut_ = false;
        return nullptr;
    }
    const char* copy_rest(const char* at) noexcept;
    const char* decode(const char* begin, const char* at, std::string_view* text);
    const char* pass_key(const char* at);
    const char* pass_nested(const char* at);
    const char* pass_unquoted(const char* at);

    const char* base_;
    const char* origin_;
    const char* end_;
    std::ptrdiff_t needed_ = slack;
    std::size_t field_bytes_;
    std::size_t depth_;
    lane_texts& texts_;
    bool is_cut_ = false;
    std::array<char, 2 * slack> rest_{};
};

}  // namespace jobmode::wire

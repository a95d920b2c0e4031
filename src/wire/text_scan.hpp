// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "wire/utf8.hpp"

namespace jobmode::wire {

/// Whether a byte inside a JSON string needs a closer look: a quote, a backslash, a control character, or a byte that
/// is not ASCII.
constexpr bool is_special(char byte) noexcept {
    const auto value = static_cast<unsigned char>(byte);
    return value < 0x20 || value >= 0x80 || byte == '"' || byte == '\\';
}

/// The first special byte, or `end`. Eight bytes at a time, on any machine.
inline const char* find_special(const char* at, const char* end) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101U;
    constexpr std::uint64_t tops = 0x8080808080808080U;
    for (; end - at >= 8; at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        const std::uint64_t quotes = word ^ (ones * '"');
        const std::uint64_t backslashes = word ^ (ones * '\\');
        // A borrow can mark a byte wrongly, but only above one that is marked rightly.
        const std::uint64_t marks = (((quotes - ones) & ~quotes) | ((backslashes - ones) & ~backslashes) |
                                     ((word - ones * 0x20) & ~word) | word) &
                                    tops;
        if (marks == 0)
            continue;
        if constexpr (std::endian::native == std::endian::little)
            return at + std::countr_zero(marks) / 8;
        break;
    }
    while (at != end && !is_special(*at))
        ++at;
    return at;
}

/// The closing quote of the string whose inside begins at `at`, if that is well-formed UTF-8 that means itself: without
/// escapes and control characters. Null if it is not, or does not end before `end`.
inline const char* plain_text_end(const char* at, const char* end) noexcept {
    bool is_ascii = true;
    const char* here = at;
    for (;;) {
        here = find_special(here, end);
        if (here == end)
            return nullptr;
        if (static_cast<unsigned char>(*here) < 0x80)
            break;
        is_ascii = false;
        while (here != end && static_cast<unsigned char>(*here) >= 0x80)
            ++here;
    }
    if (*here != '"' || !(is_ascii || is_utf8({at, static_cast<std::size_t>(here - at)})))
        return nullptr;
    return here;
}

}  // namespace jobmode::wire

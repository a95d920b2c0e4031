// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "wire/utf8.hpp"

namespace jobmode::wire {

/// Whether a byte inside a JSON string needs a closer look: a quote, a backslash, a control character, or a byte that
/// is not ASCII.
constexpr bool is_special(char byte) noexcept {
    const auto value = static_cast<unsigned char>(byte);
    return value < 0x20 || value >= 0x80 || byte == '"' || byte == '\\';
}

/// The first byte that is a quote, a backslash or a control character, or `end`; where `Ascii`, the first one that is
/// not ASCII, too. Sixteen bytes at a time where every machine of the kind can, else eight.
template <bool Ascii>
const char* find_stop(const char* at, const char* end) noexcept {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i last_control = _mm_set1_epi8(0x1F);
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        // Signed, what is not ASCII is below the space, too.
        const __m128i low = Ascii ? _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '))
                                  : _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        const __m128i marks =
            _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        if (const auto found = static_cast<unsigned>(_mm_movemask_epi8(marks)); found != 0)
            return at + std::countr_zero(found);
    }
#endif
    constexpr std::uint64_t ones = 0x0101010101010101U;
    constexpr std::uint64_t tops = 0x8080808080808080U;
    for (; end - at >= 8; at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        const std::uint64_t quotes = word ^ (ones * '"');
        const std::uint64_t backslashes = word ^ (ones * '\\');
        // A borrow can mark a byte wrongly, but only above one that is marked rightly.
        const std::uint64_t marks = (((quotes - ones) & ~quotes) | ((backslashes - ones) & ~backslashes) |
                                     ((word - ones * 0x20) & ~word) | (Ascii ? word : 0)) &
                                    tops;
        if (marks == 0)
            continue;
        if constexpr (std::endian::native == std::endian::little)
            return at + std::countr_zero(marks) / 8;
        break;
    }
    while (at != end && (!is_special(*at) || (!Ascii && static_cast<unsigned char>(*at) >= 0x80)))
        ++at;
    return at;
}

/// The first special byte, or `end`.
inline const char* find_special(const char* at, const char* end) noexcept {
    return find_stop<true>(at, end);
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

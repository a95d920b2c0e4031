// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace jobmode::wire {

/// Checks text for well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF), in pieces of
/// any size.
class utf8_checker {
public:
    /// Takes more text; false if it cannot be UTF-8 any more.
    bool feed(std::string_view text) noexcept {
        const char* at = text.data();
        const char* const end = at + text.size();
        while (at != end) {
            if (pending_ == 0) {
                std::uint64_t word = 0;
                while (end - at >= 8 && (std::memcpy(&word, at, 8), (word & 0x8080808080808080U) == 0))
                    at += 8;
                if (at == end)
                    return true;
            }
            if (!take(static_cast<unsigned char>(*at++)))
                return false;
        }
        return true;
    }

    /// Whether the text may end here. Prepares for another text.
    bool finish() noexcept {
        const bool complete = pending_ == 0;
        pending_ = 0;
        return complete;
    }

private:
    bool take(unsigned char byte) noexcept {
        if (pending_ == 0) {
            if (byte < 0x80)
                return true;
            low_ = 0x80;
            high_ = 0xBF;
            if (byte >= 0xC2 && byte <= 0xDF) {
                pending_ = 1;
            } else if ((byte & 0xF0) == 0xE0) {
                pending_ = 2;
                if (byte == 0xE0)
                    low_ = 0xA0;
                if (byte == 0xED)
                    high_ = 0x9F;
            } else if (byte >= 0xF0 && byte <= 0xF4) {
                pending_ = 3;
                if (byte == 0xF0)
                    low_ = 0x90;
                if (byte == 0xF4)
                    high_ = 0x8F;
            } else {
                return false;
            }
            return true;
        }
        if (byte < low_ || byte > high_)
            return false;
        low_ = 0x80;
        high_ = 0xBF;
        --pending_;
        return true;
    }

    std::uint8_t pending_ = 0;
    std::uint8_t low_ = 0x80;
    std::uint8_t high_ = 0xBF;
};

/// A character as UTF-8.
class utf8_character {
public:
    explicit utf8_character(unsigned code) noexcept {
        if (code < 0x80) {
            put(code);
        } else if (code < 0x800) {
            put(0xC0U | code >> 6U);
            put(0x80U | (code & 0x3FU));
        } else {
            if (code < 0x10000) {
                put(0xE0U | code >> 12U);
            } else {
                put(0xF0U | code >> 18U);
                put(0x80U | (code >> 12U & 0x3FU));
            }
            put(0x80U | (code >> 6U & 0x3FU));
            put(0x80U | (code & 0x3FU));
        }
    }

    std::string_view text() const noexcept { return {bytes_.data(), count_}; }

private:
    void put(unsigned byte) noexcept { bytes_[count_++] = static_cast<char>(byte); }

    std::array<char, 4> bytes_{};
    std::size_t count_ = 0;
};

/// Whether a whole text is well-formed UTF-8.
inline bool is_utf8(std::string_view text) noexcept {
    utf8_checker checker;
    return checker.feed(text) && checker.finish();
}

}  // namespace jobmode::wire

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/answer_error.hpp"

#include <algorithm>

namespace jobmode::wire {
namespace {

constexpr std::size_t excerpt_before = 24;
constexpr std::size_t excerpt_bytes = 64;

bool contains(std::string_view text, std::string_view lower_case_part) noexcept {
    const auto same = [](char left, char right) {
        return (left >= 'A' && left <= 'Z' ? static_cast<char>(left + ('a' - 'A')) : left) == right;
    };
    return std::search(text.begin(), text.end(), lower_case_part.begin(), lower_case_part.end(), same) != text.end();
}

}  // namespace

error_code classify_api_error(std::string_view message) noexcept {
    if (contains(message, "incorrect system username/password"))
        return errc::authentication_refused;
    if (contains(message, "system user '") && contains(message, "' does not exist"))
        return errc::authentication_refused;
    return errc::api_error;
}

std::string printable_excerpt(std::string_view piece, std::size_t at) {
    static constexpr std::string_view hex = "0123456789abcdef";
    const std::size_t from = at - std::min(at, excerpt_before);
    std::string text;
    for (const char c : piece.substr(std::min(from, piece.size()), excerpt_bytes)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7F && c != '\\') {
            text += c;
        } else if (c == '\n') {
            text += "\\n";
        } else if (c == '\\') {
            text += "\\\\";
        } else {
            text += "\\x";
            text += hex[byte >> 4U];
            text += hex[byte & 0xFU];
        }
    }
    return text;
}

}  // namespace jobmode::wire

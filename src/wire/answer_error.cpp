// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/answer_error.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

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

enum class meaning : std::uint8_t { refused, no_such_user, no_backup };

/// A message is known by its parts: each must stand in it, in lower case here.
struct known_message {
    meaning says;
    std::array<std::string_view, 3> parts;
};

// The first that fits. What is said of the system user, or to whoever asks, stands before what is said of backup users.
constexpr known_message known_messages[] = {
    {meaning::refused, {"incorrect system username/password"}},
    {meaning::refused, {"system user", "does not exist"}},
    {meaning::refused, {"system user", "not found"}},
    {meaning::refused, {"system user", "locked"}},
    {meaning::refused, {"system user", "suspended"}},
    {meaning::refused, {"system user", "disabled"}},
    {meaning::refused, {"your", "password", "expired"}},
    {meaning::refused, {"your account", "locked"}},
    {meaning::refused, {"your account", "suspended"}},
    {meaning::refused, {"your account", "disabled"}},
    {meaning::no_such_user, {"nosuchuserexpt"}},
    {meaning::no_such_user, {"user '", "' not found"}},
    {meaning::no_backup, {"no backup job on that day"}},
    {meaning::no_backup, {"no backup job on this day"}},
};

}  // namespace

error_code classify_api_error(std::string_view message) noexcept {
    for (const known_message& known : known_messages)
        if (std::ranges::all_of(known.parts, [message](std::string_view part) { return contains(message, part); }))
            return known.says == meaning::no_backup ? error_code()
                   : known.says == meaning::refused ? error_code(errc::authentication_refused)
                                                    : error_code(errc::no_such_user);
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

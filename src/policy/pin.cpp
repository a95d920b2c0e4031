// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/pin.hpp"

#include <cstddef>
#include <cstdint>

namespace jobmode::policy {
namespace {

bool decode(std::string_view base64, pin& out) noexcept {
    static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (base64.size() != 44 || base64.back() != '=')
        return false;
    base64.remove_suffix(1);
    std::uint32_t bits = 0;
    unsigned count = 0;
    std::size_t size = 0;
    for (const char c : base64) {
        const auto value = alphabet.find(c);
        if (value == std::string_view::npos)
            return false;
        bits = bits << 6U | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[size++] = static_cast<unsigned char>(bits >> count & 0xFFU);
        }
    }
    // 43 characters are 258 bits; the last two say nothing and must be zero, or one pin would have several spellings.
    return (bits & 3U) == 0;
}

}  // namespace

bool parse_pins(std::string_view text, std::vector<pin>& out) {
    static constexpr std::string_view prefix = "sha256//";
    std::vector<pin> found;
    while (!text.empty()) {
        const auto end = text.find(';');
        const std::string_view one = text.substr(0, end);
        pin digest{};
        if (!one.starts_with(prefix) || !decode(one.substr(prefix.size()), digest))
            return false;
        found.push_back(digest);
        if (end == std::string_view::npos)
            break;
        text.remove_prefix(end + 1);
    }
    out.insert(out.end(), found.begin(), found.end());
    return true;
}

}  // namespace jobmode::policy

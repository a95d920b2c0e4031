// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace jobmode::cli {
namespace {

/// A character and the bytes that it takes; no bytes if they are not UTF-8.
struct decoded {
    std::uint32_t code = 0;
    std::size_t bytes = 0;
};

decoded first_of(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80)
        return {lead, 1};
    const std::size_t bytes = lead >= 0xF0 && lead < 0xF8 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (bytes == 0 || lead >= 0xF8 || text.size() < bytes)
        return {};
    std::uint32_t code = lead & (0x7FU >> bytes);
    for (std::size_t at = 1; at != bytes; ++at) {
        const auto next = static_cast<unsigned char>(text[at]);
        if ((next & 0xC0U) != 0x80)
            return {};
        code = code << 6U | (next & 0x3FU);
    }
    static constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool sound = code >= least[bytes] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    return sound ? decoded{code, bytes} : decoded{};
}

bool is_obeyed(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

/// Has what a terminal would obey written by `escape`, and every byte that is not UTF-8 by `escape_byte`.
template <class Escape, class EscapeByte>
std::string escaped(std::string_view text, Escape escape, EscapeByte escape_byte) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const decoded next = first_of(text);
        if (next.bytes == 0)
            escape_byte(shown, static_cast<unsigned char>(text.front()));
        else if (is_obeyed(next.code))
            escape(shown, next.code);
        else
            shown.append(text.substr(0, next.bytes));
        text.remove_prefix(std::max<std::size_t>(next.bytes, 1));
    }
    return shown;
}

}  // namespace

std::string terminal_text(std::string_view text) {
    return escaped(
        text,
        [](std::string& shown, std::uint32_t code) { fmt::format_to(std::back_inserter(shown), "\\u{{{:x}}}", code); },
        [](std::string& shown, unsigned byte) { fmt::format_to(std::back_inserter(shown), "\\x{:02x}", byte); });
}

std::string terminal_json(std::string_view json) {
    return escaped(
        json,
        [](std::string& shown, std::uint32_t code) {
            if (code == '\n')
                shown += '\n';
            else
                fmt::format_to(std::back_inserter(shown), "\\u{:04x}", code);
        },
        [](std::string& shown, unsigned) { shown += '?'; });
}

std::string terminal_csv(std::string_view csv) {
    static constexpr std::string_view line_end = "\r\n";
    std::string shown;
    for (;;) {
        const auto end = csv.find(line_end);
        shown += terminal_text(csv.substr(0, end));
        if (end == std::string_view::npos)
            return shown;
        shown += line_end;
        csv.remove_prefix(end + line_end.size());
    }
}

}  // namespace jobmode::cli

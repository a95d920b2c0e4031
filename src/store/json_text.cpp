// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/json_text.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>

namespace jobmode::store {

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    std::size_t plain = 0;
    for (std::size_t at = 0; at != text.size(); ++at) {
        const char c = text[at];
        if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\')
            continue;
        out.append(text, plain, at - plain);
        plain = at + 1;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        }
    }
    out.append(text, plain, text.size() - plain);
    out += '"';
}

}  // namespace jobmode::store

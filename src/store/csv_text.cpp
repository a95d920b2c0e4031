// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/csv_text.hpp"

namespace jobmode::store {

void append_csv_value(std::string& out, std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        if (c == '"')
            out += '"';
        out += c;
    }
    out += '"';
}

}  // namespace jobmode::store

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/csv_text.hpp"

namespace jobmode::store {
namespace {

bool is_formula(std::string_view text) noexcept {
    static constexpr std::string_view begins = "=+-@\t\r";
    return !text.empty() && begins.find(text.front()) != std::string_view::npos;
}

}  // namespace

void append_csv_value(std::string& out, std::string_view text, csv_cells cells) {
    const std::string_view guard = cells == csv_cells::safe && is_formula(text) ? "'" : "";
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        out += guard;
        out += text;
        return;
    }
    out += '"';
    out += guard;
    for (const char c : text) {
        if (c == '"')
            out += '"';
        out += c;
    }
    out += '"';
}

std::string_view without_guard(std::string_view cell) noexcept {
    return cell.starts_with('\'') && is_formula(cell.substr(1)) ? cell.substr(1) : cell;
}

}  // namespace jobmode::store

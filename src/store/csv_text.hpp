// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jobmode::store {

/// Which cells are written as CSV.
enum class csv_cells : std::uint8_t {
    /// As they are.
    plain,
    /// A cell that begins with = + - @, a tab or CR, which a spreadsheet would take for a formula, gets a ' before it.
    safe,
};

/// Appends a value of a CSV row (RFC 4180), in quotes where it needs them.
void append_csv_value(std::string& out, std::string_view text, csv_cells cells = csv_cells::plain);

/// A cell's text without the ' that `csv_cells::safe` puts before it.
std::string_view without_guard(std::string_view cell) noexcept;

}  // namespace jobmode::store

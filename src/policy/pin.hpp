// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <array>
#include <string_view>
#include <vector>

namespace jobmode::policy {

/// The SHA-256 of a public key.
using pin = std::array<unsigned char, 32>;

/// Reads pins as curl's `--pinnedpubkey` writes them: `sha256//` and 44 characters of Base64, several separated by `;`.
/// Appends them to `out`; false, with nothing appended, if the text has another form. The empty text has none and is
/// fine.
bool parse_pins(std::string_view text, std::vector<pin>& out);

}  // namespace jobmode::policy

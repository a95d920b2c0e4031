// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <string_view>

namespace jobmode::cli {

/// A text from elsewhere as a terminal may be shown it. What a terminal would obey, or what would make a line read as
/// something else, is written as its code: control characters (C0, DEL, C1), bidirectional controls, line and paragraph
/// separators, and bytes that are not UTF-8. `\x1b[2J` becomes `\u{1b}[2J`, byte 0xff becomes `\xff`. With `lines`,
/// line ends stay.
std::string terminal_text(std::string_view text, bool lines = false);

}  // namespace jobmode::cli

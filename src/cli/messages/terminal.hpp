// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <string_view>

namespace jobmode::cli {

/// A text from elsewhere as a terminal may be shown it. What a terminal would obey, or what would make a line read as
/// something else, is written as its code: control characters (C0, DEL, C1), bidirectional controls, line and paragraph
/// separators, and bytes that are not UTF-8. `\x1b[2J` becomes `\u{1b}[2J`, byte 0xff becomes `\xff`.
std::string terminal_text(std::string_view text);

/// Lines of JSON as a terminal may be shown them: the same characters are written as JSON writes them, `\u009b`, so
/// that the lines still mean the same. A byte that is not UTF-8, and so no JSON, becomes a question mark.
std::string terminal_json(std::string_view json);

/// Lines of CSV, which end with CR LF, as a terminal may be shown them: as `terminal_text` has each of them.
std::string terminal_csv(std::string_view csv);

}  // namespace jobmode::cli

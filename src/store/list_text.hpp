// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace jobmode::store {

/// A text without the byte order mark that some editors put before UTF-8.
std::string_view without_mark(std::string_view text);

/// Hands each entry of a list that people keep, an entry a line, to `take`, with the number of its line. Blanks around
/// it are not part of it; blank lines, and comments, which begin with #, are none. `take` says what is wrong with an
/// entry, if anything, which ends the list; it is returned.
std::string for_each_entry(std::string_view text,
                           const std::function<std::string(std::string_view entry, std::size_t line)>& take);

}  // namespace jobmode::store

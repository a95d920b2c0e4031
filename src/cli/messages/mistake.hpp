// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jobmode::cli {

/// Which of the names somebody who typed this word meant, by the fewest letters that were left out, added, exchanged or
/// wrong; empty if none is like it.
std::string closest(std::string_view word, const std::vector<std::string>& names);

/// What is wrong with a command line that could not be read, as a sentence. A subcommand or an option that there is
/// none of is named before all else, with what may have been meant, since CLI11 speaks of whatever is missing first.
std::string mistake_of(const CLI::App& root, std::span<const char* const> arguments, const CLI::ParseError& problem);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

#include <string>

#include "cli/docs/help.hpp"

namespace jobmode::cli {

/// Which edition of the program the pages are of.
struct man_edition {
    std::string version;
    /// `2024-06-30`.
    std::string date;
};

/// The manual page of a command (section 1), in man(7)'s language. `root` is the whole program, for the pages that it
/// names.
std::string man_page(const command_help& root, const command_help& command, const man_edition& edition);

/// Adds `jobmode man` to the program; it prints the page of the program or of one of its subcommands, or writes all of
/// them, and leaves its exit code in `result`. Called when all others have been added.
void register_man(CLI::App& root, man_edition edition, int& result);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

#include <string_view>

namespace jobmode::cli {

/// Adds `jobmode check` to the program; when it is what the user asked for, it runs and leaves its exit code in
/// `exit_code`: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, as monitoring systems expect of a plugin.
void register_check(CLI::App& root, int& exit_code);

/// Whether a command line that cannot be carried out was meant for `jobmode check`.
bool is_check(const CLI::App& root);
/// Says what is wrong in the way of a plugin, on stdout, and returns the exit code for that: 3.
int check_unknown(std::string_view problem);

}  // namespace jobmode::cli

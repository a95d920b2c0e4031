// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

#include <string>

#include "cli/docs/help.hpp"

namespace jobmode::cli {

/// A script that teaches bash to complete the program's subcommands, options, values and files.
std::string bash_completions(const command_help& program);
/// The same for zsh, to be kept as `_jobmode` in a folder of `fpath`.
std::string zsh_completions(const command_help& program);
/// The same for fish.
std::string fish_completions(const command_help& program);

/// Adds `jobmode completions` to the program; it prints one of the three and leaves its exit code in `result`.
void register_completions(CLI::App& root, int& result);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

namespace jobmode::cli {

/// Adds `jobmode report` to the program; when it is what the user asked for, it runs and leaves its exit code in
/// `exit_code`.
void register_report(CLI::App& root, int& exit_code);

}  // namespace jobmode::cli

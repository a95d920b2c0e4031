// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

#include <string>

namespace jobmode::fleet {

/// Adds `jobmode plan` to the program; when it is what the user asked for, it runs and leaves its exit code in
/// `exit_code`. So do the others.
void register_plan(CLI::App& root, int& exit_code);
void register_work(CLI::App& root, int& exit_code);
void register_collect(CLI::App& root, int& exit_code);

/// The version of libnats that the program runs with.
std::string nats_version();

}  // namespace jobmode::fleet

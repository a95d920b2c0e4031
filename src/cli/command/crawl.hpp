// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

#include <span>
#include <string_view>

namespace jobmode::cli {

/// Adds `jobmode crawl` to the program; when it is what the user asked for, it runs and leaves its exit code in
/// `exit_code`.
void register_crawl(CLI::App& root, int& exit_code);

/// Whether a command line, however wrong it may be otherwise, is one of `jobmode crawl` that asks for messages in JSON.
/// The program's name is the first argument.
bool crawl_logs_json(std::span<const char* const> arguments);

/// Says so what is wrong with it.
void crawl_usage_error_in_json(std::string_view message);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <string_view>

namespace jobmode::cli {

/// What `--version` prints: the program's version, and those of the libraries that it runs with, a line each. `libnats`
/// is empty where the program has no fleet.
std::string version_text(std::string_view own, std::string_view libnats);

}  // namespace jobmode::cli

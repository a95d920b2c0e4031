// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <functional>

#include "cli/exit_code.hpp"

namespace jobmode::fleet {

/// Runs a subcommand; what it throws is said on stderr, and becomes its exit code.
cli::exit_code guarded(const std::function<cli::exit_code()>& command);

}  // namespace jobmode::fleet

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <exception>
#include <functional>

#include "cli/command/crawl_problem.hpp"
#include "cli/messages/exit_code.hpp"

namespace jobmode::fleet {

/// What an exception of a fleet's command means; what is none of `std::exception` is passed on.
cli::crawl_problem problem_of(const std::exception_ptr& failure);

/// Runs a subcommand; what it throws is said on stderr, and becomes its exit code.
cli::exit_code guarded(const std::function<cli::exit_code()>& command);

}  // namespace jobmode::fleet

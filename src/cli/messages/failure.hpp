// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include "cli/messages/exit_code.hpp"

namespace jobmode::cli {

/// What a program whose one query failed in this way ends with.
exit_code exit_code_of(error_code ec, const diagnostics& diag) noexcept;

}  // namespace jobmode::cli

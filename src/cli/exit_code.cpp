// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/exit_code.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace jobmode::cli {

exit_code fail(exit_code code, std::string_view message) {
    fmt::print(stderr, "jobmode: {}\n", message);
    return code;
}

exit_code usage_error(std::string_view message) {
    return fail(exit_code::usage, message);
}

}  // namespace jobmode::cli

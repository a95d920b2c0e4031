// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/message_log.hpp"

#include <unistd.h>

#include <string>

#include "cli/file.hpp"

namespace jobmode::cli {

void message_log::say(level severity, std::string_view, std::string_view text, std::initializer_list<field>) const {
    std::string line(severity == level::info ? "" : "jobmode: ");
    line += text;
    line += '\n';
    write_all(STDERR_FILENO, line);
}

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/exit_code.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "cli/messages/terminal.hpp"
#include "store/file.hpp"

namespace jobmode::cli {

void say_on_stderr(std::string_view text) {
    store::write_all(STDERR_FILENO, text);
}

exit_code fail(exit_code code, std::string_view message) {
    say_on_stderr(fmt::format("jobmode: {}\n", terminal_text(message)));
    return code;
}

exit_code usage_error(std::string_view message) {
    return fail(exit_code::usage, message);
}

exit_code print(std::string_view text) {
    return store::write_all(STDOUT_FILENO, text) ? exit_code::all_answered : output_failed();
}

exit_code output_failed() {
    return errno == EPIPE ? exit_code::all_answered
                          : fail(exit_code::some_failed, store::system_problem("write", "standard output"));
}

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string_view>

namespace jobmode::cli {

/// What the program ends with.
enum class exit_code : int {
    /// Every query was answered.
    all_answered = 0,
    /// Some queries failed; for `query`: the answer was an error, or not this API's.
    some_failed = 1,
    /// The command line cannot be carried out: a wrong option, a state that does not fit, plain http that was not
    /// allowed.
    usage = 2,
    /// The server refused the system user or its password.
    authentication_refused = 3,
    /// The server cannot be reached, or cannot be trusted.
    unreachable = 4,
    /// Interrupted by the user.
    interrupted = 130,
};

/// Says something on stderr, if that can be written: nobody who has closed it wants to hear that it is closed.
void say_on_stderr(std::string_view text);
/// Says on stderr what went wrong, and returns the code.
exit_code fail(exit_code code, std::string_view message);
/// The same with `exit_code::usage`.
exit_code usage_error(std::string_view message);

/// Writes to standard output.
exit_code print(std::string_view text);
/// What a failed write to standard output comes to, said on stderr; a reader that has had enough, as in
/// `jobmode query ... | head`, is no failure. Reads `errno`.
exit_code output_failed();

}  // namespace jobmode::cli

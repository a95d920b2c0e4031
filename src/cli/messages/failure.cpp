// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/failure.hpp"

#include "bulk/failure.hpp"

namespace jobmode::cli {

exit_code exit_code_of(error_code ec, const diagnostics& diag) noexcept {
    if (!ec)
        return exit_code::all_answered;
    if (ec == errc::invalid_query || ec == errc::invalid_config || ec == errc::plain_http_refused)
        return exit_code::usage;
    if (ec == errc::authentication_refused)
        return exit_code::authentication_refused;
    return bulk::is_unreachable(ec, diag) ? exit_code::unreachable : exit_code::some_failed;
}

}  // namespace jobmode::cli

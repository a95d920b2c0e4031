// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/failure.hpp"

namespace jobmode::cli {

bool is_unreachable(error_code ec, const diagnostics& diag) noexcept {
    if (ec == errc::resolve_failed || ec == errc::connect_failed || ec == errc::connect_timeout ||
        ec == errc::handshake_failed || ec == errc::handshake_timeout || ec == errc::certificate_rejected ||
        ec == errc::pin_mismatch || ec == errc::proxy_refused || ec == errc::proxy_authentication_required)
        return true;
    // A connection that breaks on the way to being one.
    return ec && (diag.phase == phase::resolve || diag.phase == phase::connect || diag.phase == phase::proxy ||
                  diag.phase == phase::handshake);
}

exit_code exit_code_of(error_code ec, const diagnostics& diag) noexcept {
    if (!ec)
        return exit_code::all_answered;
    if (ec == errc::invalid_query || ec == errc::invalid_config || ec == errc::plain_http_refused)
        return exit_code::usage;
    if (ec == errc::authentication_refused)
        return exit_code::authentication_refused;
    return is_unreachable(ec, diag) ? exit_code::unreachable : exit_code::some_failed;
}

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "bulk/failure.hpp"

namespace jobmode::bulk {

bool is_unreachable(error_code ec, const diagnostics& diag) noexcept {
    if (ec == errc::resolve_failed || ec == errc::connect_failed || ec == errc::connect_timeout ||
        ec == errc::handshake_failed || ec == errc::handshake_timeout || ec == errc::certificate_rejected ||
        ec == errc::pin_mismatch || ec == errc::proxy_refused || ec == errc::proxy_authentication_required)
        return true;
    // A connection that breaks on the way to being one.
    return ec && (diag.phase == phase::resolve || diag.phase == phase::connect || diag.phase == phase::proxy ||
                  diag.phase == phase::handshake);
}

bulk_problem problem_of(error_code ec, const diagnostics& diag, std::string_view about) {
    using kind = bulk_problem::kind;
    bulk_problem problem{kind::failed, ec, std::string(about) + diag.describe(ec)};
    if (ec == errc::invalid_query || ec == errc::invalid_config || ec == errc::plain_http_refused)
        problem.what = kind::configuration;
    else if (ec == errc::authentication_refused)
        problem.what = kind::authentication_refused;
    else if (is_unreachable(ec, diag))
        problem.what = kind::unreachable;
    return problem;
}

}  // namespace jobmode::bulk

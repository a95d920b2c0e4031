// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <string>
#include <string_view>

namespace jobmode::policy {

/// A server's base URL in its parts.
struct base_url {
    /// https.
    bool tls = true;
    /// A name, with the dot at its end if it has one, or an address, without brackets and with its zone behind a % if
    /// it has one: as it is looked up.
    std::string host;
    /// Digits; the scheme's own if the URL has none.
    std::string port;
    /// The Host header: with brackets and without a zone, and with the port if it is not the scheme's own.
    std::string host_header;
    /// Empty, or a path that begins with a slash and does not end with one.
    std::string path;
    /// The host is an IP address.
    bool is_ip_literal = false;
};

/// Takes a base URL apart: http or https, no user, query or fragment. `errc::invalid_config` if it is something else;
/// `why`, if not null, gets a sentence that says what and never repeats a password.
error_code parse_base_url(std::string_view url, base_url& out, std::string* why);

}  // namespace jobmode::policy

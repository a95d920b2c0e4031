// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>
#include <jobmode/error.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace jobmode::policy {

/// Where a proxy is.
struct proxy_address {
    /// A name or an address, as `base_url::host` has them; empty if there is no proxy.
    std::string host;
    /// Digits.
    std::string port;
};

/// Takes `http://[user[:password]@]host:port` apart, with or without the scheme, so that `out.url` holds neither user
/// nor password, however malformed the rest is. Both may be percent-encoded.
void split_proxy_url(std::string_view url, proxy_config& out);

/// Finds the proxy's address, and checks its user and password. `errc::invalid_config` if they cannot be used; `why`,
/// if not null, gets a sentence that says what and never repeats any of them.
error_code parse_proxy(const proxy_config& config, proxy_address& out, std::string* why);

/// Whether a list as NO_PROXY holds it has an entry for `host`, as `base_url::host` has it; a zone does not count. As
/// curl reads it: entries are separated by commas or blanks; `*` alone is everything; a name, with or without a dot
/// before it, stands for itself and all names below it; an address may be followed by `/` and the bits of it that
/// count. Case does not matter.
bool bypasses_proxy(std::string_view list, std::string_view host);

/// The proxy's URL, or nothing, for a server whose URL has or has not TLS: `given` if there is one, else the first of
/// the environment's `https_proxy` and `HTTPS_PROXY` (without TLS `http_proxy` in small letters alone, since HTTP_PROXY
/// can be a header of a CGI request), `all_proxy` and `ALL_PROXY` that is set; but nothing if `no_proxy`, else
/// NO_PROXY, has an entry for the host. An empty URL is none. `environment` is `std::getenv` or behaves like it.
std::string_view choose_proxy(const char* given, bool tls, std::string_view host,
                              const std::function<const char*(const char*)>& environment);

}  // namespace jobmode::policy

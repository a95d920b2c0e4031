// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/failure.hpp"

#include <fmt/format.h>

#include "bulk/failure.hpp"
#include "policy/base_url.hpp"

namespace jobmode::cli {

std::string trust_text(error_code ec, const client_config& config) {
    if (ec != errc::certificate_rejected && ec != errc::pin_mismatch)
        return {};
    std::string text;
    policy::base_url server;
    if (const error_code bad = policy::parse_base_url(config.url, server, nullptr); !bad)
        text = fmt::format("; the name asked for is {}", server.host);
    if (ec == errc::pin_mismatch)
        text += fmt::format("; --pin is {}", config.tls.pinned_public_key);
    else if (config.tls.ca_file.empty())
        text += "; trusted are the system's authorities (--ca names others, --pin a server's own key)";
    else
        text += fmt::format("; trusted is --ca {}", config.tls.ca_file);
    return text;
}

std::string failure_text(error_code ec, const diagnostics& diag, const client_config& config) {
    return diag.describe(ec) + trust_text(ec, config);
}

std::string words_of(const boost::system::system_error& problem) {
    const std::string text = problem.what();
    const auto name = text.rfind(": " + problem.code().what());
    return name == std::string::npos || name == 0 ? text : text.substr(0, name);
}

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

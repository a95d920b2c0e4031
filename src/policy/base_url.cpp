// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/base_url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <charconv>
#include <optional>
#include <utility>

#include "policy/url_host.hpp"

namespace jobmode::policy {

error_code parse_base_url(std::string_view url, base_url& out, std::string* why) {
    const auto refuse = [why](std::string sentence) {
        if (why)
            *why = std::move(sentence);
        return make_error_code(errc::invalid_config);
    };
    const std::optional<prepared_url> prepared = prepare_url(url);
    if (!prepared)
        return refuse("the URL's IPv6 address has a zone that is no interface's name or number");
    const auto parsed = boost::urls::parse_uri({prepared->text.data(), prepared->text.size()});
    const auto path = parsed ? parsed->encoded_path() : boost::urls::pct_string_view();
    if (!parsed || (!path.empty() && !path.starts_with('/')))
        return refuse(
            "the URL is not well-formed; it should look like https://cbs.example.com or "
            "https://cbs.example.com:8443/prefix");
    const boost::urls::url_view& view = *parsed;
    out = base_url();
    if (view.scheme_id() == boost::urls::scheme::http)
        out.tls = false;
    else if (view.scheme_id() != boost::urls::scheme::https)
        return refuse("the URL must begin with https://");
    if (view.has_userinfo())
        return refuse("the URL must not hold a user or a password");
    if (view.has_query() || view.has_fragment())
        return refuse("the URL must not have a query or a fragment");
    url_host host;
    if (const char* const fault = find_host(view, prepared->zone, host))
        return refuse(std::string("the URL ") + fault);
    out.host = std::move(host.name);
    out.host_header = std::move(host.header);
    out.is_ip_literal = host.is_ip_literal;
    out.port = out.tls ? "443" : "80";
    if (view.has_port() && !view.port().empty()) {
        const std::string_view digits(view.port().data(), view.port().size());
        unsigned number = 0;
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (ec != std::errc() || end != digits.data() + digits.size() || number == 0 || number > 65535)
            return refuse("the URL's port must be from 1 to 65535");
        if (std::to_string(number) != out.port)
            out.host_header += ":" + std::to_string(number);
        out.port = std::to_string(number);
    }
    out.path.assign(path.data(), path.size());
    while (out.path.ends_with('/'))
        out.path.pop_back();
    const auto obs = out.path.find("/obs/api/");
    if (obs != std::string::npos || out.path.ends_with("/obs"))
        return refuse("the URL is the server's base, to which /obs/api/json/ListBackupJobMode.do is added: leave out " +
                      out.path.substr(obs != std::string::npos ? obs : out.path.size() - 4));
    return {};
}

}  // namespace jobmode::policy

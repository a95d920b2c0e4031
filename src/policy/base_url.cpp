// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/base_url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <charconv>

namespace jobmode::policy {

error_code parse_base_url(std::string_view url, base_url& out, std::string* why) {
    const auto refuse = [why](std::string sentence) {
        if (why)
            *why = std::move(sentence);
        return make_error_code(errc::invalid_config);
    };
    const auto parsed = boost::urls::parse_uri({url.data(), url.size()});
    if (!parsed)
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
    if (view.host().empty())
        return refuse("the URL names no host");

    const auto address = view.host_address();
    out.host.assign(address.data(), address.size());
    out.is_ip_literal =
        view.host_type() == boost::urls::host_type::ipv4 || view.host_type() == boost::urls::host_type::ipv6;
    out.host_header = view.host_type() == boost::urls::host_type::ipv6 ? "[" + out.host + "]" : out.host;
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
    const auto path = view.encoded_path();
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

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/url_host.hpp"

#include <boost/url/ipv4_address.hpp>

#include <algorithm>
#include <cstddef>

namespace jobmode::policy {
namespace {

/// The characters that need no escape anywhere in a URL, which are also those of names.
bool is_unreserved(unsigned char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

const char* fault_of_name(std::string_view name) noexcept {
    if (std::ranges::any_of(name, [](unsigned char c) { return c <= 0x20 || c == 0x7F; }))
        return "has a blank or a control character in its host";
    if (std::ranges::any_of(name, [](unsigned char c) { return c >= 0x80; }))
        return "has a host that is not ASCII; write it as DNS has it, with xn--";
    if (!std::ranges::all_of(name, is_unreserved))
        return "has a character in its host that no name has";
    if (name.starts_with('.') || name.find("..") != std::string_view::npos)
        return "has a host with nothing between two dots, or before the first";
    return nullptr;
}

}  // namespace

std::optional<prepared_url> prepare_url(std::string_view url) {
    prepared_url out{std::string(url), {}};
    const auto scheme_end = url.find("://");
    if (scheme_end == std::string_view::npos)
        return out;
    const std::size_t begin = scheme_end + 3;
    const std::string_view authority = url.substr(begin, url.substr(begin).find_first_of("/?#"));
    const std::size_t host_begin = begin + authority.rfind('@') + 1;
    const std::string_view host = url.substr(host_begin, begin + authority.size() - host_begin);
    if (!host.empty() && host.front() >= '0' && host.front() <= '9') {
        // Boost.URL takes the beginning of 192.0.2.1.example.com for a host and the rest for a path; an escape shows it
        // a name.
        out.text.replace(host_begin, 1, std::string("%3") + host.front());
        return out;
    }
    const auto percent = host.find('%');
    const auto close = host.find(']');
    if (!host.starts_with('[') || close == std::string_view::npos || percent >= close)
        return out;
    out.zone = host.substr(percent + 1, close - percent - 1);
    out.text.erase(host_begin + percent, close - percent);
    // The % itself, escaped.
    if (out.zone.starts_with("25") && out.zone.size() > 2)
        out.zone.erase(0, 2);
    if (out.zone.empty() || !std::ranges::all_of(out.zone, is_unreserved))
        return std::nullopt;
    return out;
}

const char* find_host(const boost::urls::url_view& url, const std::string& zone, url_host& out) {
    const auto decoded = url.host_address();
    out = url_host();
    out.name.assign(decoded.data(), decoded.size());
    switch (url.host_type()) {
        case boost::urls::host_type::ipv6:
            out.header = "[" + out.name + "]";
            if (!zone.empty())
                out.name += "%" + zone;
            out.is_ip_literal = true;
            return nullptr;
        case boost::urls::host_type::ipvfuture:
            return "has an address as its host that is of no known kind";
        default:
            break;
    }
    if (out.name.empty())
        return "names no host";
    if (const char* const fault = fault_of_name(out.name))
        return fault;
    // What is an address is none of the names that TLS is told of.
    const std::string_view bare = std::string_view(out.name).substr(0, out.name.size() - out.name.ends_with('.'));
    out.is_ip_literal = boost::urls::parse_ipv4_address({bare.data(), bare.size()}).has_value();
    if (out.is_ip_literal)
        out.name = bare;
    out.header = out.name;
    return nullptr;
}

}  // namespace jobmode::policy

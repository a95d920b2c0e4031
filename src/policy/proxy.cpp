// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/proxy.hpp"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <utility>

#include "policy/url_host.hpp"

namespace jobmode::policy {
namespace {

bool has_control(std::string_view text) noexcept {
    return std::ranges::any_of(text, [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; });
}

char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(std::string_view left, std::string_view right) noexcept {
    return std::ranges::equal(left, right, {}, to_lower, to_lower);
}

std::optional<unsigned> to_number(std::string_view digits) noexcept {
    unsigned value = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || ec != std::errc() || end != digits.data() + digits.size())
        return std::nullopt;
    return value;
}

/// What is no escape stays as it is.
cleansed_buffer percent_decoded(std::string_view text) {
    cleansed_buffer out;
    out.reserve(text.size());
    for (std::size_t at = 0; at != text.size(); ++at) {
        unsigned char byte = 0;
        if (text[at] == '%' && at + 2 < text.size()) {
            const char* const end = text.data() + at + 3;
            if (std::from_chars(text.data() + at + 1, end, byte, 16).ptr == end) {
                out.push_back(static_cast<char>(byte));
                at += 2;
                continue;
            }
        }
        out.push_back(text[at]);
    }
    return out;
}

/// An IP address's bytes, whatever its zone: 4, 16 or, if it is a name, none.
struct address_bytes {
    std::array<unsigned char, 16> bytes{};
    std::size_t size = 0;
};

address_bytes to_address(std::string_view text) {
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
        text = text.substr(1, text.size() - 2);
    text = text.substr(0, text.find('%'));
    address_bytes out;
    if (const auto v4 = boost::urls::parse_ipv4_address({text.data(), text.size()})) {
        std::ranges::copy(v4->to_bytes(), out.bytes.begin());
        out.size = 4;
    } else if (const auto v6 = boost::urls::parse_ipv6_address({text.data(), text.size()})) {
        std::ranges::copy(v6->to_bytes(), out.bytes.begin());
        out.size = 16;
    }
    return out;
}

bool covers_address(std::string_view entry, const address_bytes& host) {
    const auto slash = entry.find('/');
    const address_bytes network = to_address(entry.substr(0, slash));
    if (network.size != host.size)
        return false;
    std::size_t bits = host.size * 8;
    if (slash != std::string_view::npos) {
        const std::optional<unsigned> given = to_number(entry.substr(slash + 1));
        if (!given || *given > bits)
            return false;
        bits = *given;
    }
    for (std::size_t byte = 0; bits != 0; ++byte) {
        const std::size_t counted = std::min<std::size_t>(bits, 8);
        const auto mask = static_cast<unsigned char>(0xFFU << (8 - counted));
        if (((network.bytes[byte] ^ host.bytes[byte]) & mask) != 0)
            return false;
        bits -= counted;
    }
    return true;
}

bool covers_name(std::string_view entry, std::string_view host) noexcept {
    if (entry.starts_with('.'))
        entry.remove_prefix(1);
    if (entry.ends_with('.'))
        entry.remove_suffix(1);
    if (entry.empty() || entry.size() > host.size())
        return false;
    const std::size_t before = host.size() - entry.size();
    return same(host.substr(before), entry) && (before == 0 || host[before - 1] == '.');
}

}  // namespace

void split_proxy_url(std::string_view url, proxy_config& out) {
    std::string_view scheme = "http://";
    std::string_view rest = url;
    if (const auto at = url.find("://"); at != std::string_view::npos) {
        scheme = url.substr(0, at + 3);
        rest = url.substr(at + 3);
    }
    out = proxy_config();
    // A password may hold an @ that should have been escaped; a host never does.
    const auto at = rest.rfind('@');
    if (at != std::string_view::npos) {
        const std::string_view user_info = rest.substr(0, at);
        const auto colon = user_info.find(':');
        const cleansed_buffer user = percent_decoded(user_info.substr(0, colon));
        out.user.assign(user.data(), user.size());
        if (colon != std::string_view::npos) {
            const cleansed_buffer password = percent_decoded(user_info.substr(colon + 1));
            out.password = secret({password.data(), password.size()});
        }
        rest = rest.substr(at + 1);
    }
    if (!url.empty())
        out.url.append(scheme).append(rest);
}

error_code parse_proxy(const proxy_config& config, proxy_address& out, std::string* why) {
    const auto refuse = [why](std::string sentence) {
        if (why)
            *why = std::move(sentence);
        return make_error_code(errc::invalid_config);
    };
    out = proxy_address();
    if (config.url.empty()) {
        if (!config.user.empty() || !config.password.empty())
            return refuse("a proxy's user or password was given, but no proxy");
        return {};
    }
    const std::optional<prepared_url> prepared = prepare_url(config.url);
    if (!prepared)
        return refuse("the proxy's IPv6 address has a zone that is no interface's name or number");
    const auto parsed = boost::urls::parse_uri({prepared->text.data(), prepared->text.size()});
    if (!parsed)
        return refuse("the proxy's URL is not well-formed; it should look like http://proxy.example.com:3128");
    const boost::urls::url_view& view = *parsed;
    if (view.scheme_id() != boost::urls::scheme::http)
        return refuse("the proxy's URL must begin with http://; other kinds of proxy are not supported");
    if (view.has_userinfo())
        return refuse("the proxy's user and password have fields of their own, its URL must not hold them");
    const auto path = view.encoded_path();
    if (view.has_query() || view.has_fragment() || (!path.empty() && path != "/"))
        return refuse("the proxy's URL must end with its port");
    url_host host;
    if (const char* const fault = find_host(view, prepared->zone, host))
        return refuse(std::string("the proxy's URL ") + fault);
    const auto digits = view.port();
    const std::optional<unsigned> port = to_number({digits.data(), digits.size()});
    if (!port || *port == 0 || *port > 65535)
        return refuse("the proxy's URL needs a port from 1 to 65535, as in http://proxy.example.com:3128");
    if (has_control(config.user) || has_control(config.password.reveal()))
        return refuse("the proxy's user and password must not have control characters");
    if (config.user.find(':') != std::string::npos)
        return refuse("the proxy's user must not have a colon");
    if (config.user.empty() && !config.password.empty())
        return refuse("the proxy's password needs a user");
    out.host = std::move(host.name);
    out.port = std::to_string(*port);
    return {};
}

bool bypasses_proxy(std::string_view list, std::string_view host) {
    static constexpr std::string_view separators = ", \t";
    if (host.ends_with('.'))
        host.remove_suffix(1);
    const address_bytes address = to_address(host);
    while (!list.empty()) {
        const auto end = list.find_first_of(separators);
        const std::string_view entry = list.substr(0, end);
        list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
        if (entry == "*" || (address.size != 0 ? covers_address(entry, address) : covers_name(entry, host)))
            return true;
    }
    return false;
}

std::string_view choose_proxy(const char* given, bool tls, std::string_view host,
                              const std::function<const char*(const char*)>& environment) {
    const auto first_of = [&](std::initializer_list<const char*> names) -> const char* {
        for (const char* const name : names)
            if (const char* const value = environment(name))
                return value;
        return nullptr;
    };
    const char* chosen = given;
    if (!chosen)
        chosen = tls ? first_of({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
                     : first_of({"http_proxy", "all_proxy", "ALL_PROXY"});
    if (!chosen)
        return {};
    const char* const exempt = first_of({"no_proxy", "NO_PROXY"});
    return exempt && bypasses_proxy(exempt, host) ? std::string_view() : std::string_view(chosen);
}

}  // namespace jobmode::policy

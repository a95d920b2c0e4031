// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/url/url_view.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace jobmode::policy {

/// The host of a URL.
struct url_host {
    /// A name, with the dot at its end if it has one, or an address without brackets, with its zone behind a % if it
    /// has one: as it is looked up.
    std::string name;
    /// The same as others are told of it: an IPv6 address in brackets and without its zone.
    std::string header;
    /// It is an IP address.
    bool is_ip_literal = false;
};

/// A URL's text, made such that its parser reads it as peers do.
struct prepared_url {
    std::string text;
    /// The zone of an IPv6 address (`[fe80::1%25eth0]`, RFC 6874, or with a bare %, as curl takes it), of which the
    /// parser knows nothing; it is not in the text. Empty if there is none.
    std::string zone;
};

/// Prepares a URL for the parser. Nothing if its host's zone can be no interface's name or number.
std::optional<prepared_url> prepare_url(std::string_view url);

/// Finds the host of a URL that was prepared. Null, or what is wrong with it: words that go on after "the URL".
const char* find_host(const boost::urls::url_view& url, const std::string& zone, url_host& out);

}  // namespace jobmode::policy

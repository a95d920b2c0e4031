// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/connect_request.hpp"

#include <openssl/evp.h>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "wire/cleansed_text.hpp"
#include "wire/head_repair.hpp"

namespace jobmode::wire {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view header_end = "\r\n\r\n";
constexpr std::size_t max_reason = 64;

error_code verdict(unsigned status) noexcept {
    if (status / 100 == 2)
        return {};
    switch (status) {
        // Some proxies answer wrong credentials with a server's status.
        case 401:
        case 407:
            return errc::proxy_authentication_required;
        case 429:
        case 502:
        case 503:
        case 504:
            return errc::server_busy;
        default:
            return errc::proxy_refused;
    }
}

}  // namespace

cleansed_buffer basic_credentials(std::string_view user, const secret& password) {
    cleansed_buffer plain;
    plain.reserve(user.size() + 1 + password.reveal().size());
    append(plain, user);
    append(plain, ":");
    append(plain, password.reveal());
    // OpenSSL writes a terminator behind it.
    cleansed_buffer out((plain.size() + 2) / 3 * 4 + 1);
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(plain.data()),
                    static_cast<int>(plain.size()));
    out.pop_back();
    return out;
}

cleansed_buffer encode_connect(std::string_view host, std::string_view port, std::string_view user_agent,
                               std::string_view user, const secret& password) {
    // What a zone of ours means nobody else knows.
    host = host.substr(0, host.find('%'));
    const std::string authority =
        (host.find(':') != std::string_view::npos ? "[" + std::string(host) + "]" : std::string(host)) + ":" +
        std::string(port);
    cleansed_buffer out;
    append(out, "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority);
    if (!user_agent.empty()) {
        append(out, "\r\nUser-Agent: ");
        append(out, user_agent);
    }
    if (!user.empty()) {
        const cleansed_buffer credentials = basic_credentials(user, password);
        append(out, "\r\nProxy-Authorization: Basic ");
        append(out, {credentials.data(), credentials.size()});
    }
    append(out, header_end);
    return out;
}

connect_response::connect_response(std::size_t header_limit) : left_(header_limit) {}

std::size_t connect_response::feed(std::string_view bytes, error_code& ec) {
    ec = {};
    std::size_t taken = 0;
    while (!done_ && !ec && taken != bytes.size()) {
        const std::size_t before = header_.size();
        header_.append(bytes.substr(taken));
        const std::size_t end = end_of_head(header_, scanned_);
        if (end != 0)
            header_.resize(end);
        taken += header_.size() - before;
        if (header_.size() > left_)
            ec = errc::http_header_limit;
        else if (end != 0)
            parse(ec);
        else if (!std::string_view("HTTP/1.").starts_with(header_.substr(0, 7)))
            // Whatever it is, it may never end.
            ec = errc::http_malformed;
    }
    return taken;
}

void connect_response::parse(error_code& ec) {
    left_ -= header_.size();
    scanned_ = 0;
    if (!read(header_) && !read(repair_head(header_, framing::ignored)))
        ec = errc::http_malformed;
    header_.clear();
    if (!ec && done_)
        ec = verdict(status_);
}

bool connect_response::read(std::string_view head) {
    http::response_parser<http::empty_body> parser;
    parser.skip(true);
    parser.header_limit(std::numeric_limits<std::uint32_t>::max());
    error_code failed;
    parser.put({head.data(), head.size()}, failed);
    if (failed || !parser.is_header_done())
        return false;
    const auto& response = parser.get();
    // An interim response comes before the one that counts.
    if (response.result_int() / 100 == 1)
        return true;
    status_ = response.result_int();
    const auto words = response.reason();
    reason_.assign(words.data(), std::min(words.size(), max_reason));
    std::ranges::replace_if(
        reason_, [](unsigned char c) { return c < 0x20 || c > 0x7E; }, '?');
    done_ = true;
    return true;
}

}  // namespace jobmode::wire

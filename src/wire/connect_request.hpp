// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>
#include <jobmode/secret.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace jobmode::wire {

/// A user's Basic credentials (RFC 7617) in Base64.
cleansed_buffer basic_credentials(std::string_view user, const secret& password);

/// A request that an HTTP proxy open a tunnel (CONNECT, RFC 9110, 9.3.6) to `host`, a name or an IP address without
/// brackets, whose zone is left out, and `port`. With a user it carries Basic credentials (RFC 7617). None of the texts
/// may hold a control character.
cleansed_buffer encode_connect(std::string_view host, std::string_view port, std::string_view user_agent,
                               std::string_view user, const secret& password);

/// A proxy's response to CONNECT, sans I/O: its header and nothing behind it, since that belongs to the server. What it
/// says of a body means nothing. It is read as leniently as a server's, see `repair_head`. Not thread-safe.
class connect_response {
public:
    /// `header_limit` is the most bytes the header may have, together with those of 1xx responses before it.
    explicit connect_response(std::size_t header_limit);

    /// Takes bytes, and returns how many: all of them, or those up to the header's end. Errors: `http_malformed` and
    /// `http_header_limit`, and once the header is complete what it says, unless it is that the tunnel is open:
    /// `proxy_authentication_required`, `server_busy`, `proxy_refused`. Not after an error, nor once `done`.
    std::size_t feed(std::string_view bytes, error_code& ec);

    /// Whether the header is complete.
    bool done() const noexcept { return done_; }
    /// Its status; 0 before it is complete.
    unsigned status() const noexcept { return status_; }
    /// The words that came with the status, printable and no longer than 64 characters; the RFC's if there were none.
    const std::string& reason() const noexcept { return reason_; }

private:
    void parse(error_code& ec);
    bool read(std::string_view head);

    std::size_t left_;
    std::string header_;
    std::size_t scanned_ = 0;
    std::string reason_;
    unsigned status_ = 0;
    bool done_ = false;
};

}  // namespace jobmode::wire

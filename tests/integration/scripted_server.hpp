// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A server that does, byte for byte, what a test tells it, and what no decent server does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/tls_context.hpp"
#include "sim/certificate.hpp"

namespace jobmode::test {

/// How a `scripted_server` speaks TLS.
struct scripted_tls {
    scripted_tls();

    sim::certificate identity;
    /// The protocol versions spoken, as OpenSSL numbers them; 0 means any.
    int lowest = 0;
    int highest = 0;
    /// Ask for a client certificate of this authority (PEM); empty asks for none. `demanded`: end the handshake if
    /// there is none.
    std::string client_ca;
    bool demanded = true;
    /// Whether sessions can be resumed.
    bool resumable = true;
};

/// The server's side of a connection in memory, about to shake hands.
net::ssl_ptr make_server_side(const scripted_tls& options);

/// One connection that a `scripted_server` has accepted, in the hands of the script. Everything blocks, and ends in
/// failure after 20 s, or when the server is destroyed. Used by one thread.
class scripted_connection {
public:
    virtual ~scripted_connection() = default;

    /// Reads one whole request; empty if the client has closed.
    virtual std::string read_request() = 0;
    /// Sends bytes, with TLS in records. False if the connection is broken.
    virtual bool send(std::string_view bytes) = 0;
    /// With TLS, sends only so many bytes of the record that would carry all of `bytes`; without TLS so many of them.
    virtual bool send_part(std::string_view bytes, std::size_t count) = 0;
    /// Asks the client to negotiate anew (TLS 1.2).
    virtual bool renegotiate() = 0;
    /// Closes in order: with TLS, close_notify first.
    virtual void close() = 0;
    /// Closes without a word of TLS.
    virtual void cut() = 0;
    /// Resets the connection.
    virtual void reset() = 0;
    /// Ends our side only (FIN), with TLS without a word.
    virtual void half_close() = 0;
    /// Waits until the client has closed its side.
    virtual void wait_for_close() = 0;
};

/// Listens on a port of 127.0.0.1, or of another address, that the kernel picks, and lets the script have each
/// connection on a thread of its own. All member functions are thread-safe.
class scripted_server {
public:
    /// Called with the connection, whose handshake is done, and its number, from 0. Whatever is left open when it
    /// returns is cut.
    using script = std::function<void(scripted_connection&, std::size_t number)>;

    /// `tls` null means plain.
    scripted_server(const scripted_tls* tls, script what, const std::string& address = "127.0.0.1");
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;
    ~scripted_server();

    std::uint16_t port() const noexcept;
    /// Connections accepted.
    std::size_t connections() const noexcept;
    /// Handshakes that failed.
    std::size_t handshakes_failed() const noexcept;
    /// Handshakes that resumed a session.
    std::size_t resumed() const noexcept;
    /// Bytes received, after TLS: what the client has told us.
    std::uint64_t application_bytes() const noexcept;
    /// Client certificates received.
    std::size_t client_certificates() const noexcept;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

/// A response with status 200, the body and its length.
std::string http_answer(std::string_view body);
/// The API's answer with this many records.
std::string good_body(std::size_t records = 1);
/// A body in chunks of the given size.
std::string chunked(std::string_view body, std::size_t chunk);

}  // namespace jobmode::test

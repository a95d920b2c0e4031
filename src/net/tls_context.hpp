// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>
#include <jobmode/error.hpp>

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace jobmode::net {

struct ssl_deleter {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using ssl_ptr = std::unique_ptr<SSL, ssl_deleter>;

/// What all TLS connections to one server share: trust, our own certificate, and the sessions that can be resumed.
///
/// The whole verification, pin included, happens within the handshake, so that nothing, not even our own certificate,
/// is sent to a server that fails it. Only sessions of connections that passed are kept. Not thread-safe.
class tls_context {
public:
    /// Reads the files that `config` names. Throws `boost::system::system_error` with `errc::invalid_config` and a
    /// sentence naming the file. `host` is a name, whose dot at the end is not counted, or an IP address without
    /// brackets, whose zone is not.
    tls_context(const tls_config& config, std::string host, bool is_ip_address);
    tls_context(const tls_context&) = delete;
    tls_context& operator=(const tls_context&) = delete;
    ~tls_context();

    /// A client's side of a connection that is about to shake hands, with a session to resume if there is one.
    /// Null when memory is exhausted. It must not outlive this object.
    ssl_ptr make_connection();

    /// A session whose resumption failed is not offered again.
    void forget(const SSL_SESSION* session) noexcept;

    /// After a failed handshake: `pin_mismatch` or `certificate_rejected`, with the fault in `detail`, if verification
    /// was what failed; no error otherwise.
    static error_code verification_error(const SSL* ssl, std::string& detail);

private:
    static int on_verify(X509_STORE_CTX* store, void* self);
    static int on_new_session(SSL* ssl, SSL_SESSION* session);
    bool pinned(const X509* certificate) const;

    std::unique_ptr<SSL_CTX, ssl_deleter> context_;
    std::string host_;
    bool is_ip_address_;
    bool insecure_;
    bool check_chain_;
    std::vector<std::array<unsigned char, 32>> pins_;
    std::vector<std::unique_ptr<SSL_SESSION, ssl_deleter>> sessions_;
};

}  // namespace jobmode::net

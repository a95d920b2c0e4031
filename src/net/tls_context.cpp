// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "policy/pin.hpp"

namespace jobmode::net {
namespace {

/// The host as TLS and certificates know it: without the dot at a name's end (RFC 6066, 3), without an address's zone.
std::string without_local_parts(std::string host, bool is_ip_address) {
    if (is_ip_address)
        host.erase(std::min(host.find('%'), host.size()));
    else if (host.ends_with('.'))
        host.pop_back();
    return host;
}

// Enough for every connection of a usual pool to be re-made at once; an OpenSSL server hands out two tickets a
// handshake.
constexpr std::size_t max_sessions = 256;

[[noreturn]] void refuse(const std::string& what) {
    const unsigned long code = ERR_peek_last_error();
    std::string reason;
    if (ERR_SYSTEM_ERROR(code))
        reason = std::strerror(ERR_GET_REASON(code));
    else if (const char* text = ERR_reason_error_string(code))
        reason = text;
    ERR_clear_error();
    throw boost::system::system_error(errc::invalid_config, reason.empty() ? what : what + ": " + reason);
}

}  // namespace

tls_context::tls_context(const tls_config& config, std::string host, bool is_ip_address)
    : context_(SSL_CTX_new(TLS_client_method())),
      host_(without_local_parts(std::move(host), is_ip_address)),
      is_ip_address_(is_ip_address),
      insecure_(config.insecure) {
    SSL_CTX* context = context_.get();
    if (!context)
        refuse("TLS cannot be set up");
    policy::parse_pins(config.pinned_public_key, pins_);
    check_chain_ = !insecure_ && (pins_.empty() || !config.ca_file.empty());

    SSL_CTX_set_min_proto_version(context, config.tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    // Not SSL_MODE_RELEASE_BUFFERS, which would allocate and free them at each read: `transport::release_buffers` does
    // that for a connection that rests.
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    static constexpr unsigned char alpn[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1);

    // Without a callback OpenSSL would ask for a key's passphrase on the terminal.
    SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
    if (!config.client_cert_file.empty()) {
        if (SSL_CTX_use_certificate_chain_file(context, config.client_cert_file.c_str()) != 1)
            refuse("the client certificate " + config.client_cert_file + " cannot be read");
        if (SSL_CTX_use_PrivateKey_file(context, config.client_key_file.c_str(), SSL_FILETYPE_PEM) != 1)
            refuse("the client key " + config.client_key_file +
                   " cannot be read (it must be PEM, without a passphrase, and belong to the certificate)");
        if (SSL_CTX_check_private_key(context) != 1)
            refuse("the client key " + config.client_key_file + " does not belong to the certificate");
    }
    if (check_chain_) {
        if (config.ca_file.empty()) {
            if (SSL_CTX_set_default_verify_paths(context) != 1)
                refuse("the system's certificate store cannot be read");
        } else if (SSL_CTX_load_verify_file(context, config.ca_file.c_str()) != 1) {
            refuse("the CA file " + config.ca_file + " cannot be read");
        } else {
            // Whom the file names is trusted, whoever has issued it: an authority in the middle, or the server itself.
            X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
        }
    }
    SSL_CTX_set_verify(context, insecure_ ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context, &tls_context::on_verify, this);

    SSL_CTX_set_app_data(context, this);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, &tls_context::on_new_session);
    ERR_clear_error();
}

tls_context::~tls_context() = default;

ssl_ptr tls_context::make_connection() {
    ssl_ptr ssl(SSL_new(context_.get()));
    if (!ssl)
        return ssl;
    SSL_set_connect_state(ssl.get());
    if (!is_ip_address_)
        SSL_set_tlsext_host_name(ssl.get(), host_.c_str());
    if (check_chain_) {
        X509_VERIFY_PARAM* param = SSL_get0_param(ssl.get());
        // The names are those in the extension; the subject's common name is not one (RFC 9525).
        X509_VERIFY_PARAM_set_hostflags(param,
                                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        const int set = is_ip_address_ ? X509_VERIFY_PARAM_set1_ip_asc(param, host_.c_str())
                                       : X509_VERIFY_PARAM_set1_host(param, host_.c_str(), host_.size());
        if (set != 1)
            return nullptr;
    }
    if (!sessions_.empty()) {
        SSL_set_session(ssl.get(), sessions_.back().get());
        // A ticket should serve once (RFC 8446, C.4). The last one is kept: better a ticket used twice than none.
        if (sessions_.size() > 1)
            sessions_.pop_back();
    }
    return ssl;
}

void tls_context::forget(const SSL_SESSION* session) noexcept {
    std::erase_if(sessions_, [session](const auto& known) { return known.get() == session; });
}

error_code tls_context::verification_error(const SSL* ssl, std::string& detail) {
    const long result = SSL_get_verify_result(ssl);
    if (result == X509_V_OK)
        return {};
    if (result == X509_V_ERR_APPLICATION_VERIFICATION) {
        detail = "the server's public key is another one";
        return errc::pin_mismatch;
    }
    detail = X509_verify_cert_error_string(result);
    return errc::certificate_rejected;
}

int tls_context::on_verify(X509_STORE_CTX* store, void* self) {
    const auto& context = *static_cast<const tls_context*>(self);
    if (context.insecure_)
        return 1;
    if (!context.pins_.empty() && !context.pinned(X509_STORE_CTX_get0_cert(store))) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    if (context.check_chain_)
        return X509_verify_cert(store) == 1 ? 1 : 0;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

bool tls_context::pinned(const X509* certificate) const {
    if (!certificate)
        return false;
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0)
        return false;
    std::array<unsigned char, 32> digest{};
    const bool hashed =
        EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr) == 1;
    OPENSSL_free(der);
    return hashed && std::ranges::find(pins_, digest) != pins_.end();
}

int tls_context::on_new_session(SSL* ssl, SSL_SESSION* session) {
    auto& self = *static_cast<tls_context*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (!SSL_SESSION_is_resumable(session))
        return 0;
    if (self.sessions_.size() == max_sessions)
        self.sessions_.erase(self.sessions_.begin());
    self.sessions_.emplace_back(session);
    return 1;
}

}  // namespace jobmode::net

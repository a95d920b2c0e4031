// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "integration/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace jobmode::test {
namespace {

struct deleter {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using context_ptr = std::unique_ptr<SSL_CTX, deleter>;

void require(bool fulfilled, const char* what) {
    if (!fulfilled)
        throw std::runtime_error(what);
}

std::unique_ptr<BIO, deleter> reader(const std::string& pem) {
    return std::unique_ptr<BIO, deleter>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

context_ptr make_context(const scripted_tls& options) {
    context_ptr context(SSL_CTX_new(TLS_server_method()));
    require(context != nullptr, "no TLS context");
    // Level 0 allows the versions that only a very old server speaks.
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), options.lowest);
    SSL_CTX_set_max_proto_version(context.get(), options.highest);
    const std::unique_ptr<X509, deleter> certificate(
        PEM_read_bio_X509(reader(options.identity.pem).get(), nullptr, nullptr, nullptr));
    const std::unique_ptr<EVP_PKEY, deleter> key(
        PEM_read_bio_PrivateKey(reader(options.identity.key_pem).get(), nullptr, nullptr, nullptr));
    require(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1, "no certificate");
    require(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1, "no key");
    static constexpr unsigned char id[] = "test";
    SSL_CTX_set_session_id_context(context.get(), id, sizeof id);
    if (!options.resumable) {
        SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context.get(), 0);
        SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    }
    if (!options.client_ca.empty()) {
        const std::unique_ptr<X509, deleter> authority(
            PEM_read_bio_X509(reader(options.client_ca).get(), nullptr, nullptr, nullptr));
        require(X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get()) == 1, "no authority");
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | (options.demanded ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           nullptr);
    }
    return context;
}

}  // namespace

scripted_tls::scripted_tls() = default;

net::ssl_ptr make_server_side(const scripted_tls& options) {
    const context_ptr context = make_context(options);
    net::ssl_ptr made(SSL_new(context.get()));
    require(made != nullptr, "no TLS connection");
    SSL_set_accept_state(made.get());
    return made;
}

class scripted_server::impl {
public:
    impl(const scripted_tls* tls, script what, const std::string& address) : script_(std::move(what)) {
        if (tls)
            context_ = make_context(*tls);
        const bool is_v6 = address.find(':') != std::string::npos;
        listener_ = ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        require(listener_ >= 0, "no socket");
        int bound = -1;
        sockaddr_in v4{};
        sockaddr_in6 v6{};
        if (is_v6) {
            v6.sin6_family = AF_INET6;
            ::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr);
            bound = ::bind(listener_, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
        } else {
            v4.sin_family = AF_INET;
            ::inet_pton(AF_INET, address.c_str(), &v4.sin_addr);
            bound = ::bind(listener_, reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
        }
        if (bound != 0 || ::listen(listener_, 128) != 0) {
            ::close(listener_);
            throw std::runtime_error("cannot listen on " + address);
        }
        if (is_v6) {
            socklen_t size = sizeof v6;
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&v6), &size);
            port_ = ntohs(v6.sin6_port);
        } else {
            socklen_t size = sizeof v4;
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&v4), &size);
            port_ = ntohs(v4.sin_port);
        }
        accepting_ = std::thread([this] { accept(); });
    }

    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    ~impl() {
        ::shutdown(listener_, SHUT_RDWR);
        accepting_.join();
        ::close(listener_);
        {
            const std::scoped_lock lock(mutex_);
            for (const int handle : handles_)
                ::shutdown(handle, SHUT_RDWR);
        }
        for (std::thread& one : threads_)
            one.join();
    }

    class connection;

    script script_;
    context_ptr context_;
    std::uint16_t port_ = 0;
    std::atomic<std::size_t> connections_{0};
    std::atomic<std::size_t> handshakes_failed_{0};
    std::atomic<std::size_t> resumed_{0};
    std::atomic<std::uint64_t> application_bytes_{0};
    std::atomic<std::size_t> client_certificates_{0};

private:
    void accept();
    void serve(int handle, std::size_t number);

    int listener_ = -1;
    std::mutex mutex_;
    std::vector<int> handles_;
    std::vector<std::thread> threads_;
    std::thread accepting_;
};

/// TLS goes through two memory BIOs, so that a record can be had before it is sent, and sends never raise SIGPIPE.
class scripted_server::impl::connection final : public scripted_connection {
public:
    connection(impl& owner, int handle) : owner_(owner), handle_(handle) {
        if (!owner.context_)
            return;
        ssl_.reset(SSL_new(owner.context_.get()));
        in_ = BIO_new(BIO_s_mem());
        out_ = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(in_, -1);
        SSL_set_bio(ssl_.get(), in_, out_);
        SSL_set_accept_state(ssl_.get());
    }

    bool handshake() {
        if (!ssl_)
            return true;
        for (;;) {
            const int result = SSL_do_handshake(ssl_.get());
            const int error = SSL_get_error(ssl_.get(), result);
            if (!send_raw(take_records()))
                return false;
            if (result == 1)
                break;
            if (error != SSL_ERROR_WANT_READ || !receive_raw()) {
                ERR_clear_error();
                return false;
            }
        }
        if (SSL_session_reused(ssl_.get()) == 1)
            ++owner_.resumed_;
        if (SSL_get0_peer_certificate(ssl_.get()))
            ++owner_.client_certificates_;
        return true;
    }

    std::string read_request() override {
        for (;;) {
            const auto head = buffer_.find("\r\n\r\n");
            if (head != std::string::npos) {
                const std::size_t size = head + 4 + content_length(std::string_view(buffer_).substr(0, head));
                if (buffer_.size() >= size) {
                    std::string request = buffer_.substr(0, size);
                    buffer_.erase(0, size);
                    return request;
                }
            }
            if (!receive())
                return {};
        }
    }

    bool send(std::string_view bytes) override { return send_raw(seal(bytes)); }

    bool send_part(std::string_view bytes, std::size_t count) override {
        const std::string all = seal(bytes);
        return send_raw(std::string_view(all).substr(0, count));
    }

    bool renegotiate() override {
        if (SSL_renegotiate(ssl_.get()) != 1)
            return false;
        SSL_do_handshake(ssl_.get());
        ERR_clear_error();
        return send_raw(take_records());
    }

    void close() override {
        if (ssl_) {
            SSL_shutdown(ssl_.get());
            ERR_clear_error();
            send_raw(take_records());
        }
        cut();
    }

    void cut() override { ::shutdown(handle_, SHUT_RDWR); }

    void reset() override {
        const linger at_once{1, 0};
        ::setsockopt(handle_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        reset_ = true;
    }
    bool is_reset() const noexcept { return reset_; }

    void half_close() override { ::shutdown(handle_, SHUT_WR); }

    void wait_for_close() override {
        while (receive_raw()) {
        }
    }

private:
    static std::size_t content_length(std::string_view head) {
        static constexpr std::string_view name = "content-length:";
        const auto at = std::search(head.begin(), head.end(), name.begin(), name.end(), [](char left, char right) {
            return std::tolower(static_cast<unsigned char>(left)) == right;
        });
        if (at == head.end())
            return 0;
        return std::stoul(std::string(at + static_cast<std::ptrdiff_t>(name.size()), head.end()));
    }

    std::string seal(std::string_view bytes) {
        if (!ssl_ || bytes.empty())
            return std::string(bytes);
        SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
        ERR_clear_error();
        return take_records();
    }

    std::string take_records() {
        char* data = nullptr;
        const long size = BIO_get_mem_data(out_, &data);
        std::string records(data, static_cast<std::size_t>(size));
        BIO_reset(out_);
        return records;
    }

    bool send_raw(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t moved = ::send(handle_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (moved <= 0)
                return false;
            bytes.remove_prefix(static_cast<std::size_t>(moved));
        }
        return true;
    }

    /// Takes what comes from the socket: to `buffer_`, or for OpenSSL.
    bool receive_raw() {
        std::array<char, 16 * 1024> block;
        const ssize_t moved = ::recv(handle_, block.data(), block.size(), 0);
        if (moved <= 0)
            return false;
        if (ssl_) {
            BIO_write(in_, block.data(), static_cast<int>(moved));
        } else {
            buffer_.append(block.data(), static_cast<std::size_t>(moved));
            owner_.application_bytes_ += static_cast<std::uint64_t>(moved);
        }
        return true;
    }

    bool receive() {
        if (!ssl_)
            return receive_raw();
        std::array<char, 16 * 1024> block;
        for (;;) {
            std::size_t moved = 0;
            const int result = SSL_read_ex(ssl_.get(), block.data(), block.size(), &moved);
            const int error = SSL_get_error(ssl_.get(), result);
            if (!send_raw(take_records()))
                return false;
            if (result == 1) {
                buffer_.append(block.data(), moved);
                owner_.application_bytes_ += moved;
                return true;
            }
            if (error != SSL_ERROR_WANT_READ || !receive_raw()) {
                ERR_clear_error();
                return false;
            }
        }
    }

    impl& owner_;
    int handle_;
    std::unique_ptr<SSL, deleter> ssl_;
    BIO* in_ = nullptr;
    BIO* out_ = nullptr;
    std::string buffer_;
    bool reset_ = false;
};

void scripted_server::impl::accept() {
    for (;;) {
        const int handle = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (handle < 0)
            return;
        const int on = 1;
        ::setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const timeval for_one_call{20, 0};
        ::setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &for_one_call, sizeof patience);
        ::setsockopt(handle, SOL_SOCKET, SO_SNDTIMEO, &for_one_call, sizeof patience);
        const std::scoped_lock lock(mutex_);
        handles_.push_back(handle);
        threads_.emplace_back([this, handle, number = connections_++] { serve(handle, number); });
    }
}

void scripted_server::impl::serve(int handle, std::size_t number) {
    connection one(*this, handle);
    if (one.handshake())
        script_(one, number);
    else
        ++handshakes_failed_;
    if (!one.is_reset())
        ::shutdown(handle, SHUT_RDWR);
    const std::scoped_lock lock(mutex_);
    std::erase(handles_, handle);
    ::close(handle);
}

scripted_server::scripted_server(const scripted_tls* tls, script what, const std::string& address)
    : impl_(std::make_unique<impl>(tls, std::move(what), address)) {}

scripted_server::~scripted_server() = default;

std::uint16_t scripted_server::port() const noexcept {
    return impl_->port_;
}
std::size_t scripted_server::connections() const noexcept {
    return impl_->connections_;
}
std::size_t scripted_server::handshakes_failed() const noexcept {
    return impl_->handshakes_failed_;
}
std::size_t scripted_server::resumed() const noexcept {
    return impl_->resumed_;
}
std::uint64_t scripted_server::application_bytes() const noexcept {
    return impl_->application_bytes_;
}
std::size_t scripted_server::client_certificates() const noexcept {
    return impl_->client_certificates_;
}

std::string http_answer(std::string_view body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string good_body(std::size_t records) {
    std::string body = R"({"Status":"OK","Data":[)";
    for (std::size_t index = 0; index != records; ++index) {
        body += index == 0 ? "" : ",";
        body += R"({"ID":")" + std::to_string(index) + R"(","LoginName":"obm","BackupJobMode":"S"})";
    }
    return body + "]}";
}

std::string chunked(std::string_view body, std::size_t chunk) {
    std::string out;
    for (; !body.empty(); body.remove_prefix(std::min(body.size(), chunk))) {
        const std::string_view piece = body.substr(0, chunk);
        std::array<char, 24> size{};
        std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
        out += size.data();
        out += piece;
        out += "\r\n";
    }
    return out + "0\r\n\r\n";
}

}  // namespace jobmode::test

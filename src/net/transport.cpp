// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "net/transport.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <cerrno>
#include <utility>

namespace jobmode::net {

namespace {

/// OpenSSL wants its queue of errors to be empty before an operation; clearing it costs more than looking.
void forget_errors() noexcept {
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

}  // namespace

transport::transport(const asio::any_io_executor& executor) : socket_(executor) {}

transport::~transport() {
    close();
}

const BIO_METHOD* transport::bio_method() {
    // Never freed: a client with static storage may close its connections after anything that could free it has run.
    static const BIO_METHOD* const method = [] {
        BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "jobmode socket");
        if (made) {
            BIO_meth_set_read_ex(made, &transport::bio_read);
            BIO_meth_set_write_ex(made, &transport::bio_write);
            BIO_meth_set_ctrl(made, &transport::bio_control);
        }
        return made;
    }();
    return method;
}

error_code transport::open(tcp::socket socket, std::shared_ptr<tls_context> tls) {
    socket_ = std::move(socket);
    tls_ = std::move(tls);
    handle_ = socket_.native_handle();
    error_code ec;
    socket_.non_blocking(true, ec);
    if (ec)
        return ec;
    // Requests are written whole, so waiting to fill a segment only delays them.
    socket_.set_option(tcp::no_delay(true), ec);
    if (ec)
        return ec;
    socket_.set_option(asio::socket_base::keep_alive(true), ec);
    if (ec || !tls_)
        return ec;
    ssl_ = tls_->make_connection();
    BIO* bio = ssl_ && bio_method() ? BIO_new(bio_method()) : nullptr;
    if (!bio)
        return asio::error::no_memory;
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    return {};
}

io_result transport::handshake() {
    if (!ssl_) {
        established_ = true;
        return {};
    }
    forget_errors();
    const io_result result = result_of(SSL_do_handshake(ssl_.get()), 0);
    established_ = result.status == io_status::done;
    return result;
}

io_result transport::read_some(std::span<char> buffer) {
    if (!ssl_)
        return receive(buffer.data(), buffer.size());
    forget_errors();
    std::size_t bytes = 0;
    const int returned = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &bytes);
    return result_of(returned, bytes);
}

io_result transport::write_some(std::span<const char> bytes) {
    if (!ssl_)
        return send(bytes.data(), bytes.size());
    forget_errors();
    std::size_t written = 0;
    const int returned = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
    return result_of(returned, written);
}

bool transport::may_have_more() const noexcept {
    return !drained_ || (ssl_ && SSL_has_pending(ssl_.get()) == 1);
}

bool transport::resumed() const noexcept {
    return ssl_ && SSL_session_reused(ssl_.get()) == 1;
}

error_code transport::verification_error(std::string& detail) const {
    return ssl_ ? tls_context::verification_error(ssl_.get(), detail) : error_code();
}

void transport::forget_session() noexcept {
    if (ssl_)
        tls_->forget(SSL_get0_session(ssl_.get()));
}

void transport::release_buffers() noexcept {
    if (ssl_)
        SSL_free_buffers(ssl_.get());
}

void transport::close() noexcept {
    if (!socket_.is_open())
        return;
    if (ssl_ && established_) {
        forget_errors();
        // A session that was never shut down counts as bad in OpenSSL and would not be resumed; a connection that the
        // network or the server's impatience ended says nothing against its session.
        if (broken_ && (eof_ || system_error_ != 0))
            SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        else if (!broken_)
            SSL_shutdown(ssl_.get());
        forget_errors();
    }
    error_code ignored;
    socket_.close(ignored);
    handle_ = -1;
}

io_result transport::result_of(int returned, std::size_t bytes) {
    if (returned == 1)
        return {io_status::done, bytes};
    switch (SSL_get_error(ssl_.get(), returned)) {
        case SSL_ERROR_WANT_READ:
            return {io_status::want_read};
        case SSL_ERROR_WANT_WRITE:
            return {io_status::want_write};
        case SSL_ERROR_ZERO_RETURN:
            return {io_status::eof};
        default:
            break;
    }
    broken_ = true;
    const unsigned long code = ERR_peek_error();
    forget_errors();
    if (eof_)
        return {io_status::failed, 0, asio::ssl::error::stream_truncated};
    if (system_error_ != 0)
        return {io_status::failed, 0, error_code(system_error_, boost::system::system_category())};
    if (code == 0)
        return {io_status::failed, 0, asio::error::connection_aborted};
    return {io_status::failed, 0, error_code(static_cast<int>(code), asio::error::get_ssl_category())};
}

io_result transport::receive(char* data, std::size_t size) {
    const ssize_t moved = ::recv(handle_, data, size, 0);
    if (moved > 0) {
        drained_ = static_cast<std::size_t>(moved) < size;
        return {io_status::done, static_cast<std::size_t>(moved)};
    }
    drained_ = true;
    if (moved == 0) {
        eof_ = true;
        return {io_status::eof};
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return {io_status::want_read};
    system_error_ = errno;
    return {io_status::failed, 0, error_code(system_error_, boost::system::system_category())};
}

io_result transport::send(const char* data, std::size_t size) {
    const ssize_t moved = ::send(handle_, data, size, MSG_NOSIGNAL);
    if (moved >= 0)
        return {io_status::done, static_cast<std::size_t>(moved)};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return {io_status::want_write};
    system_error_ = errno;
    return {io_status::failed, 0, error_code(system_error_, boost::system::system_category())};
}

int transport::bio_read(BIO* bio, char* data, std::size_t size, std::size_t* moved) {
    BIO_clear_retry_flags(bio);
    const io_result result = static_cast<transport*>(BIO_get_data(bio))->receive(data, size);
    *moved = result.bytes;
    if (result.status == io_status::want_read)
        BIO_set_retry_read(bio);
    return result.status == io_status::done ? 1 : 0;
}

int transport::bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* moved) {
    BIO_clear_retry_flags(bio);
    const io_result result = static_cast<transport*>(BIO_get_data(bio))->send(data, size);
    *moved = result.bytes;
    if (result.status == io_status::want_write)
        BIO_set_retry_write(bio);
    return result.status == io_status::done ? 1 : 0;
}

long transport::bio_control(BIO* bio, int command, long, void*) {
    switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_EOF:
            return static_cast<transport*>(BIO_get_data(bio))->eof_ ? 1 : 0;
        default:
            return 0;
    }
}

}  // namespace jobmode::net

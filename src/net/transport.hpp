// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "net/tls_context.hpp"

namespace jobmode::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// How an attempt to move bytes ended.
enum class io_status : std::uint8_t {
    /// Bytes were moved.
    done,
    /// Nothing can be done until the socket is readable.
    want_read,
    /// Nothing can be done until the socket is writable.
    want_write,
    /// The peer ended its side in order (TLS: with close_notify).
    eof,
    /// The connection is broken.
    failed,
};

/// The result of one attempt.
struct io_result {
    io_status status = io_status::done;
    std::size_t bytes = 0;
    /// The cause, with `failed`: an operating system's or OpenSSL's error.
    error_code error{};
};

/// A byte stream over a connected TCP socket, with TLS or without. TLS works on the socket itself, not through a pair
/// of memory BIOs: attempts never block, and a caller that is told to wait uses `async_wait`. Writing to a connection
/// that the peer has reset gives an error, never SIGPIPE.
///
/// Not thread-safe; neither movable nor copyable, since OpenSSL points into it.
class transport {
public:
    explicit transport(const asio::any_io_executor& executor);
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;
    ~transport();

    /// Takes over a connected socket; with `tls` null the bytes travel in the clear.
    error_code open(tcp::socket socket, std::shared_ptr<tls_context> tls);

    /// Goes on with the handshake; `done` at once without TLS.
    io_result handshake();
    /// Reads what there is, up to the buffer's size; with TLS at most one record.
    io_result read_some(std::span<char> buffer);
    /// Writes what the socket takes.
    io_result write_some(std::span<const char> bytes);

    /// Whether `read_some` can have something to give without the socket becoming readable first.
    bool may_have_more() const noexcept;
    /// Whether the handshake resumed a session.
    bool resumed() const noexcept;
    /// After a failed handshake: see `tls_context::verification_error`.
    error_code verification_error(std::string& detail) const;

    /// The handshake has failed: the session that was offered is not offered again.
    void forget_session() noexcept;

    /// Waits until the socket is readable or writable. Signature of `handler`: `void(error_code)`.
    template <class Handler>
    void async_wait(tcp::socket::wait_type what, Handler&& handler) {
        socket_.async_wait(what, std::forward<Handler>(handler));
    }

    /// Gives back what memory can be had again when there is something to read or to write.
    void release_buffers() noexcept;

    /// Says goodbye, if that takes no waiting, and closes; every wait ends with `operation_aborted`.
    void close() noexcept;

private:
    static int bio_read(BIO* bio, char* data, std::size_t size, std::size_t* moved);
    static int bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* moved);
    static long bio_control(BIO* bio, int command, long number, void* pointer);
    static const BIO_METHOD* bio_method();
    io_result result_of(int returned, std::size_t bytes);
    io_result receive(char* data, std::size_t size);
    io_result send(const char* data, std::size_t size);

    tcp::socket socket_;
    std::shared_ptr<tls_context> tls_;
    ssl_ptr ssl_;
    int handle_ = -1;
    bool drained_ = false;
    bool eof_ = false;
    bool established_ = false;
    bool broken_ = false;
    int system_error_ = 0;
};

}  // namespace jobmode::net

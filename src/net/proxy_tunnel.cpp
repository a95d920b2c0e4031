// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "net/proxy_tunnel.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <utility>

namespace jobmode::net {

proxy_tunnel::proxy_tunnel(tcp::socket socket, const cleansed_buffer& request, std::size_t header_limit, callback done)
    : socket_(std::move(socket)), request_(request), response_(header_limit), done_(std::move(done)) {}

void proxy_tunnel::start() {
    error_code ec;
    socket_.non_blocking(true, ec);
    if (ec)
        finish(errc::connection_lost, ec);
    else
        write();
}

void proxy_tunnel::cancel() {
    done_ = nullptr;
    error_code ignored;
    socket_.close(ignored);
}

void proxy_tunnel::write() {
    socket_.async_write_some(asio::buffer(request_.data() + written_, request_.size() - written_),
                             [self = shared_from_this()](error_code ec, std::size_t bytes) {
                                 if (!self->done_)
                                     return;
                                 self->written_ += bytes;
                                 if (ec)
                                     self->finish(errc::connection_lost, ec);
                                 else if (self->written_ != self->request_.size())
                                     self->write();
                                 else
                                     self->read();
                             });
}

void proxy_tunnel::read() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code ec) {
        if (!self->done_)
            return;
        if (ec)
            self->finish(errc::connection_lost, ec);
        else
            self->on_readable();
    });
}

void proxy_tunnel::on_readable() {
    // What is behind the header stays in the socket: it is looked at first, and then taken as far as it is the proxy's.
    std::array<char, 2048> bytes;
    error_code cause;
    const std::size_t seen = socket_.receive(asio::buffer(bytes), tcp::socket::message_peek, cause);
    if (cause == asio::error::would_block || cause == asio::error::interrupted) {
        read();
        return;
    }
    if (cause) {
        finish(errc::connection_lost, cause == asio::error::eof ? error_code() : cause);
        return;
    }
    error_code ec;
    const std::size_t taken = response_.feed({bytes.data(), seen}, ec);
    socket_.receive(asio::buffer(bytes.data(), taken), 0, cause);
    if (cause)
        finish(errc::connection_lost, cause);
    else if (ec || response_.done())
        finish(ec, {});
    else
        read();
}

void proxy_tunnel::finish(error_code ec, error_code cause) {
    const callback done = std::exchange(done_, nullptr);
    done({ec, cause, response_.status(), response_.reason(), std::move(socket_)});
}

}  // namespace jobmode::net

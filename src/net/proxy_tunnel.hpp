// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>
#include <jobmode/secret.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "wire/connect_request.hpp"

namespace jobmode::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// Asks an HTTP proxy at the other end of a connected socket for a tunnel, and hands the socket back. It reads nothing
/// of what comes behind the proxy's header. One use. Owned by a `shared_ptr` that its own waits hold; `cancel` ends it
/// without a word. Not thread-safe.
class proxy_tunnel : public std::enable_shared_from_this<proxy_tunnel> {
public:
    /// What came of it: the socket, at whose other end the server is now, or why not.
    struct result {
        error_code error;
        /// The operating system's error below it, if there was one.
        error_code cause;
        /// The proxy's status; 0 if there was none.
        unsigned status = 0;
        /// The proxy's own words.
        std::string detail;
        tcp::socket socket;
    };
    using callback = std::function<void(result)>;

    /// `request` must live until the callback or `cancel`.
    proxy_tunnel(tcp::socket socket, const cleansed_buffer& request, std::size_t header_limit, callback done);

    void start();
    void cancel();

private:
    void write();
    void read();
    void on_readable();
    void finish(error_code ec, error_code cause);

    tcp::socket socket_;
    const cleansed_buffer& request_;
    std::size_t written_ = 0;
    wire::connect_response response_;
    callback done_;
};

}  // namespace jobmode::net

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/address_race.hpp"

namespace jobmode::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// An address and its port, as a URL has them.
std::string to_text(const tcp::endpoint& endpoint);

/// Connects to the first of several addresses that answers (RFC 8305). One use. Owned by a `shared_ptr` that its own
/// waits hold; `cancel` ends it without a word. Not thread-safe.
class connect_race : public std::enable_shared_from_this<connect_race> {
public:
    /// What came of it: a connected socket, or why the last address failed and a few words on each.
    struct result {
        error_code error;
        tcp::socket socket;
        std::string detail;
        /// The address that won, and those that had failed by then, as places among those given.
        std::size_t winner = 0;
        std::vector<std::size_t> failed{};
    };
    using callback = std::function<void(result)>;

    connect_race(const asio::any_io_executor& executor, std::vector<tcp::endpoint> endpoints,
                 std::chrono::milliseconds delay, callback done);

    void start();
    void cancel();

private:
    void advance();
    void on_connect(std::size_t index, error_code ec);
    void finish(error_code ec, tcp::socket socket, std::size_t winner);

    asio::any_io_executor executor_;
    std::vector<tcp::endpoint> endpoints_;
    std::vector<std::optional<tcp::socket>> sockets_;
    policy::address_race race_;
    asio::steady_timer timer_;
    callback done_;
    std::string detail_;
    std::vector<std::size_t> failed_;
    error_code last_error_;
};

}  // namespace jobmode::net

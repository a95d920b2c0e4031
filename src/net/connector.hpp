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
#include "policy/time.hpp"

namespace jobmode::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// Finds the addresses of one server, once for all connections that ask at about the same time: an answer serves for a
/// while, and one look-up runs at a time. Owned by a `shared_ptr`, since the system's resolver cannot be interrupted
/// and its answer may come when nobody waits for it. Not thread-safe.
class resolution : public std::enable_shared_from_this<resolution> {
public:
    using callback = std::function<void(error_code, const std::vector<tcp::endpoint>&)>;

    resolution(const asio::any_io_executor& executor, std::string host, std::string port);

    /// Calls back with the addresses in the order in which they are to be tried, or with the resolver's error; at once
    /// if they are known.
    void resolve(policy::time_point now, callback done);
    /// Forgets the addresses, so that the next connection looks them up anew: none of them worked.
    void forget() noexcept;
    /// Forgets whoever waits.
    void cancel();

private:
    void finish(error_code ec, const tcp::resolver::results_type& results);

    tcp::resolver resolver_;
    std::string host_;
    std::string port_;
    std::vector<tcp::endpoint> endpoints_;
    std::optional<policy::time_point> known_since_;
    std::vector<callback> waiting_;
    bool running_ = false;
};

/// Connects to the first of several addresses that answers (RFC 8305). One use. Owned by a `shared_ptr` that its own
/// waits hold; `cancel` ends it without a word. Not thread-safe.
class connect_race : public std::enable_shared_from_this<connect_race> {
public:
    /// What came of it: a connected socket, or why the last address failed and a few words on each.
    struct result {
        error_code error;
        tcp::socket socket;
        std::string detail;
    };
    using callback = std::function<void(result)>;

    connect_race(const asio::any_io_executor& executor, std::vector<tcp::endpoint> endpoints,
                 std::chrono::milliseconds delay, callback done);

    void start();
    void cancel();

private:
    void advance();
    void on_connect(std::size_t index, error_code ec);
    void finish(error_code ec, tcp::socket socket);

    asio::any_io_executor executor_;
    std::vector<tcp::endpoint> endpoints_;
    std::vector<std::optional<tcp::socket>> sockets_;
    policy::address_race race_;
    asio::steady_timer timer_;
    callback done_;
    std::string detail_;
    error_code last_error_;
};

}  // namespace jobmode::net

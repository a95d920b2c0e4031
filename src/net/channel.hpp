// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/call.hpp"
#include "net/connect_race.hpp"
#include "net/proxy_tunnel.hpp"
#include "net/transport.hpp"

namespace jobmode::net {

class driver;

/// One connection's I/O: connects, tunnels, shakes hands, then moves bytes between its socket and its session. It tells
/// the driver's engine what happened, and decides nothing.
///
/// Owned by the driver, and by its own outstanding waits, which find it closed when they end after it. While it is open
/// a wait for readability is outstanding, but when a stream's reader is not asking: that is how a server's closing an
/// idle connection is noticed, and how a slow reader slows the server. Not thread-safe.
class channel final : public std::enable_shared_from_this<channel> {
public:
    channel(driver& owner, engine::connection_id id);
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;
    ~channel();

    engine::connection_id id() const noexcept { return id_; }

    /// Connects to one of the driver's addresses, in this order.
    void open(std::vector<std::size_t> order);
    /// Writes what the session has to write.
    void write();
    /// Goes on reading.
    void read();
    /// Ends at once; the engine knows.
    void close();

private:
    void on_connected(connect_race::result result);
    void on_tunnelled(proxy_tunnel::result result);
    void start_handshake(tcp::socket socket);
    void shake_hands();
    void become_ready();
    void fail_to_shake_hands(const io_result& result);
    void fail_to_open(error_code code, phase where, error_code cause, std::string detail, unsigned http_status = 0);
    std::string about_proxy(std::string detail) const;

    bool is_silent();
    void take(const io_result& result);
    void wait_readable();
    void wait_writable();
    void on_readable();
    void hold_little();

    driver& driver_;
    engine::connection_id id_;
    transport transport_;
    std::shared_ptr<connect_race> race_;
    std::shared_ptr<proxy_tunnel> tunnel_;
    std::vector<std::size_t> order_;
    std::size_t address_ = 0;
    bool shaking_hands_ = false;
    bool open_ = false;
    bool closed_ = false;
    /// A wait for readability, or for writability, is outstanding.
    bool reading_ = false;
    bool writing_ = false;
};

}  // namespace jobmode::net

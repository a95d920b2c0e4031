// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Real NATS servers as children of a test, and a network between them and the program that can be cut.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/process.hpp"

namespace jobmode::test {

/// A nats-server with JetStream, on ports of the loopback address that the kernel picks. Ended with SIGKILL, if not
/// before, at the end of this object's life.
class nats_server {
public:
    /// Starts it with a folder for what it stores, and with more arguments, and waits until it takes connections.
    /// Throws `std::runtime_error`, with what it wrote, if it ends instead.
    explicit nats_server(std::string store, const std::vector<std::string>& more = {});
    nats_server(const nats_server&) = delete;
    nats_server& operator=(const nats_server&) = delete;
    ~nats_server();

    std::uint16_t port() const { return port_of("Listening for client connections on "); }
    std::uint16_t cluster_port() const { return port_of("Listening for route connections on "); }
    std::string url() const { return "nats://127.0.0.1:" + std::to_string(port()); }
    /// Waits until it has written something. Throws `std::runtime_error` if that does not come.
    void wait_for(std::string_view text) const;
    /// Waits for that no longer than this. False if it has not come.
    bool wait_for(std::string_view text, std::chrono::milliseconds most) const;
    /// Sends it this signal, and waits until it has ended.
    void end(int signal);

private:
    /// The rest of the line that has this in it.
    std::string line_with(std::string_view text) const;
    std::uint16_t port_of(std::string_view what) const;

    int process_ = -1;
    int out_ = -1;
    mutable std::mutex mutex_;
    mutable std::condition_variable grown_;
    std::string written_;
    bool ended_ = false;
    std::thread reader_;
};

/// A network: a port whose connections are passed on to another one, unless it is cut. While it is cut nothing is
/// passed on and nothing is said of that, as when a cable is pulled out; when it is healed the old connections break.
class relay {
public:
    relay();
    relay(const relay&) = delete;
    relay& operator=(const relay&) = delete;
    ~relay();

    std::uint16_t port() const noexcept { return port_; }
    /// Where connections lead; until then they are closed.
    void lead_to(std::uint16_t port);
    void cut();
    /// Takes nothing more, so that whoever sends much has to wait; a network that is full.
    void stick();
    void heal();

private:
    struct line;
    void accept();
    void pass(const std::shared_ptr<line>& one, bool forth);

    boost::asio::io_context context_{1};
    boost::asio::ip::tcp::acceptor acceptor_;
    std::uint16_t port_;
    std::uint16_t target_ = 0;
    bool cut_ = false;
    bool stuck_ = false;
    /// Those that wait for `heal`.
    std::vector<std::shared_ptr<line>> waiting_;
    std::list<std::weak_ptr<line>> lines_;
    std::thread thread_;
};

/// Three servers that are a cluster, each of which knows the others by relays. A cluster that agrees on no leader, as
/// those of nats-server 2.9 now and then do from their start on, is given up for another one.
class nats_cluster {
public:
    explicit nats_cluster(const temporary_folder& folder);

    /// The URLs of all of them, separated by commas.
    std::string urls() const;
    nats_server& server(std::size_t index) { return *servers_[index]; }

private:
    bool form(const std::string& folder, std::chrono::milliseconds most);

    std::vector<std::unique_ptr<relay>> routes_;
    std::vector<std::unique_ptr<nats_server>> servers_;
};

}  // namespace jobmode::test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace jobmode::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// Finds the addresses of one server's name.
///
/// The system's resolver blocks and cannot be interrupted, so it runs on a thread of its own, which is left behind when
/// nobody waits for it any more: it holds nothing but memory of its own, touches nothing of the program's when it comes
/// back, and does not keep the program from ending. There is at most one such thread for each resolver: who asks while
/// one is still at work gets its answer. Not thread-safe.
class resolver {
public:
    /// What was found, in the order in which it is to be tried, or the resolver's error.
    using callback = std::function<void(error_code, std::vector<tcp::endpoint>)>;

    /// `host` is a name or an address.
    resolver(asio::any_io_executor executor, std::string host, std::string port);
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;
    /// Leaves behind what is at work.
    ~resolver();

    /// Calls back, on the executor and never within this call. One at a time: another call takes the place of the one
    /// before.
    void resolve(callback done);
    /// Nobody waits any more.
    void cancel() noexcept;

private:
    struct look_up;

    asio::any_io_executor executor_;
    std::string host_;
    std::string port_;
    std::shared_ptr<look_up> running_;
};

}  // namespace jobmode::net

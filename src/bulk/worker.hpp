// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/client.hpp>
#include <jobmode/crawl.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <thread>
#include <unordered_map>

#include "bulk/journal.hpp"
#include "bulk/sink_thread.hpp"

namespace jobmode::bulk {

/// Asks a server's queries on a thread of its own, with a client that it shares with nobody, until the journal has no
/// more, and gives what comes to the sink.
class worker {
public:
    /// `on_first` is called, on this worker's thread, when its first query has ended; `on_away`, once, when queries end
    /// because the server is away; `on_end` when all is done. The journal and the sink's thread must outlive it.
    worker(const client_config& config, journal& from, sink_thread& to, std::size_t server,
           std::function<void(error_code, const diagnostics&)> on_first,
           std::function<void(error_code, const diagnostics&)> on_away, std::function<void(std::exception_ptr)> on_end);
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    ~worker();

    /// Sends nothing more; what is in flight ends.
    void stop();
    /// Waits for no answer any more.
    void abandon();
    jobmode::metrics metrics() const { return client_.metrics(); }

private:
    std::optional<query> pull();
    boost::asio::awaitable<void> work();
    boost::asio::awaitable<void> wait_for_room();

    journal& from_;
    sink_thread& to_;
    const std::size_t server_;
    boost::asio::io_context context_{1};
    boost::asio::steady_timer room_;
    client client_;
    /// The numbers in the plan of the queries pulled and not ended, by their numbers in this worker's crawl.
    std::unordered_map<std::uint64_t, std::uint64_t> numbers_;
    std::uint64_t pulled_ = 0;
    jobmode::crawl crawl_;
    std::function<void(error_code, const diagnostics&)> on_first_;
    std::function<void(error_code, const diagnostics&)> on_away_;
    std::thread thread_;
};

}  // namespace jobmode::bulk

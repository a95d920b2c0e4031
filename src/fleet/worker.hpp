// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/messages/exit_code.hpp"
#include "cli/messages/message_log.hpp"
#include "fleet/item_runner.hpp"
#include "fleet/names.hpp"
#include "fleet/nats.hpp"
#include "fleet/slot_lease.hpp"
#include "fleet/work_item.hpp"

namespace jobmode::fleet {

/// What a worker is told.
struct worker_settings {
    std::string server;
    /// Items worked on at a time; each has a thread.
    unsigned items = 4;
    /// Deliveries of an item, after which what still fails is recorded as failed.
    unsigned attempts = 6;
    /// The pause before the second delivery of an item that failed; doubled for each further one.
    std::chrono::milliseconds retry_delay{15'000};
    /// End when no item is left.
    bool until_empty = false;
};

/// What has been done so far, by all threads.
struct worker_counters {
    std::atomic<std::uint64_t> items{0};
    std::atomic<std::uint64_t> queries{0};
    std::atomic<std::uint64_t> records{0};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> given_back{0};
};

/// Takes items of one server from the queue, asks their queries and publishes what came of it, until it is stopped.
/// Each of its threads has a lease, an item and a client at a time, and does one thing after another.
class worker {
public:
    /// `on_end` is called, on one of its threads, when the last of them is about to end. Throws `std::runtime_error` if
    /// the threads cannot be started.
    worker(connection& nats, names called, client_config config, worker_settings settings,
           std::function<void()> on_end);
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    ~worker();

    /// Takes nothing more; what is in hand is finished.
    void stop();
    const worker_counters& counters() const noexcept { return counters_; }
    /// How it ended, once it has: what went wrong for good, if anything did.
    cli::exit_code result(std::string& problem) const;

private:
    class place;

    void join();
    void work(unsigned number);
    void run_place(unsigned number);
    bool stopping() const noexcept { return stopping_; }
    void pause(std::chrono::milliseconds time);
    void open_gate();
    void break_off(cli::exit_code code, const std::string& problem);

    connection& nats_;
    names called_;
    client_config config_;
    worker_settings settings_;
    std::string key_;
    cli::message_log log_;
    std::function<void()> on_end_;
    worker_counters counters_;
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    /// Whether the first query has ended, and not in a way that every other one would.
    bool open_ = false;
    cli::exit_code code_ = cli::exit_code::all_answered;
    std::string problem_;
    std::atomic<unsigned> running_;
    std::vector<std::thread> threads_;
};

}  // namespace jobmode::fleet

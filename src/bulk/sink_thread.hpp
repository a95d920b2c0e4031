// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "bulk/journal.hpp"

namespace jobmode::bulk {

/// The thread on which everything is written, and the bounded queue before it. Thread-safe.
class sink_thread {
public:
    /// `on_failure` is called on that thread, once, with what was thrown; after that nothing is written, and what comes
    /// is dropped. The journal must outlive this object.
    sink_thread(journal& into, std::chrono::nanoseconds sync_interval, std::size_t max_queued,
                std::function<void(std::exception_ptr)> on_failure);
    sink_thread(const sink_thread&) = delete;
    sink_thread& operator=(const sink_thread&) = delete;
    ~sink_thread();

    /// Takes how a query ended. False if there is no more room: then nothing more is to come before `when_room` has
    /// said so.
    bool push(ended_query taken);
    /// Calls `then` on the sink's thread, once, as soon as there is room, or nothing is written any more.
    void when_room(std::function<void()> then);
    /// Has something else done on that thread, after what has been pushed before, and calls `then` there. Without
    /// `work` if something was thrown before.
    void post(std::function<void()> work, std::function<void()> then = {});
    /// Writes what is left, calls `last` unless something was thrown, and ends the thread.
    void join(std::function<void()> last);

private:
    struct task {
        std::function<void()> work;
        std::function<void()> then;
    };

    void run();
    void run_guarded(const std::function<void()>& work);

    journal& into_;
    const std::chrono::nanoseconds sync_interval_;
    const std::size_t max_queued_;
    std::function<void(std::exception_ptr)> on_failure_;

    std::mutex mutex_;
    std::condition_variable wake_;
    // Guarded by `mutex_`.
    std::vector<ended_query> queue_;
    std::vector<task> work_;
    std::vector<std::function<void()>> waiting_;
    bool ending_ = false;

    /// Of the sink's thread alone.
    bool failed_ = false;
    std::thread thread_;
};

}  // namespace jobmode::bulk

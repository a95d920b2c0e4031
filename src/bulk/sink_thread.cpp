// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "bulk/sink_thread.hpp"

#include <algorithm>
#include <utility>

namespace jobmode::bulk {
namespace {

using std::chrono::steady_clock;

// Waking a thread costs more than writing an answer: it looks for itself this often, and is woken for many at once.
constexpr std::chrono::milliseconds look_interval{5};
constexpr std::size_t worth_waking = 128;

}  // namespace

sink_thread::sink_thread(journal& into, std::chrono::nanoseconds sync_interval, std::size_t max_queued,
                         std::function<void(std::exception_ptr)> on_failure)
    : into_(into),
      sync_interval_(sync_interval),
      max_queued_(max_queued),
      on_failure_(std::move(on_failure)),
      thread_([this] { run(); }) {}

sink_thread::~sink_thread() {
    join({});
}

bool sink_thread::push(ended_query taken) {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(std::move(taken));
    if (queue_.size() == std::min(worth_waking, max_queued_))
        wake_.notify_one();
    return queue_.size() < max_queued_;
}

void sink_thread::when_room(std::function<void()> then) {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(then));
    wake_.notify_one();
}

void sink_thread::post(std::function<void()> work, std::function<void()> then) {
    const std::scoped_lock lock(mutex_);
    work_.push_back({std::move(work), std::move(then)});
    wake_.notify_one();
}

void sink_thread::join(std::function<void()> last) {
    if (!thread_.joinable())
        return;
    {
        const std::scoped_lock lock(mutex_);
        if (last)
            work_.push_back({std::move(last), {}});
        ending_ = true;
        wake_.notify_one();
    }
    thread_.join();
}

void sink_thread::run() {
    steady_clock::time_point synced_at = steady_clock::now();
    for (bool over = false; !over;) {
        std::vector<ended_query> taken;
        std::vector<task> work;
        std::vector<std::function<void()>> waiting;
        {
            std::unique_lock lock(mutex_);
            wake_.wait_for(lock, look_interval, [this] {
                return ending_ || !work_.empty() || !waiting_.empty() ||
                       queue_.size() >= std::min(worth_waking, max_queued_);
            });
            taken.swap(queue_);
            work.swap(work_);
            waiting.swap(waiting_);
            over = ending_;
        }
        // Whoever waits for room has it now: the queue is empty.
        for (const std::function<void()>& then : waiting)
            then();
        run_guarded([&] {
            for (ended_query& each : taken)
                into_.take(std::move(each));
        });
        for (const task& each : work) {
            run_guarded(each.work);
            if (each.then)
                each.then();
        }
        if (over || steady_clock::now() - synced_at < sync_interval_)
            continue;
        run_guarded([this] { into_.sync(); });
        synced_at = steady_clock::now();
    }
}

void sink_thread::run_guarded(const std::function<void()>& work) {
    if (failed_)
        return;
    try {
        work();
    } catch (...) {
        failed_ = true;
        on_failure_(std::current_exception());
    }
}

}  // namespace jobmode::bulk

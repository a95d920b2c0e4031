// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Hands the records of a durable crawl to another part of a program, through a queue of bounded size: bulk_queue URL
// FROM TO
#include <jobmode/bulk/bulk_crawl.hpp>

#include <boost/asio/io_context.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "settings.hpp"

namespace {

/// The line between the crawl and whoever uses its records. `push` waits for room, which slows the crawl.
class record_queue {
public:
    explicit record_queue(std::size_t room) : room_(room) {}

    void push(jobmode::record one) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_.size() < room_; });
        waiting_.push_back(std::move(one));
        changed_.notify_all();
    }
    void close() {
        const std::scoped_lock lock(mutex_);
        closed_ = true;
        changed_.notify_all();
    }
    /// Nothing once it was closed and is empty.
    std::optional<jobmode::record> pop() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
        if (waiting_.empty())
            return std::nullopt;
        jobmode::record one = std::move(waiting_.front());
        waiting_.pop_front();
        changed_.notify_all();
        return one;
    }

private:
    const std::size_t room_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<jobmode::record> waiting_;
    bool closed_ = false;
};

/// A sink without a memory: what it was given is gone, so that a crawl into it cannot be resumed.
class queue_sink final : public jobmode::record_sink {
public:
    explicit queue_sink(record_queue& to) : to_(to) {}

    void resume(const jobmode::sink_position&) override {}
    void add(const jobmode::bulk_outcome& ended) override {
        for (const jobmode::record_view& one : ended.records)
            to_.push(jobmode::record(one));
        ++given_.output;
    }
    jobmode::sink_position sync() override { return given_; }

private:
    record_queue& to_;
    jobmode::sink_position given_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: bulk_queue URL FROM TO\n";
        return 2;
    }
    record_queue queue(100);
    std::uint64_t scheduled = 0;
    std::thread consumer([&] {
        while (const std::optional<jobmode::record> one = queue.pop())
            scheduled += one->backup_job_mode() == jobmode::job_mode::scheduled ? 1 : 0;
    });

    jobmode::bulk_options options;
    options.servers.push_back({"server", settings(argv[1]), std::nullopt});
    options.from = jobmode::date_or_job_id(argv[2]).date();
    options.to = jobmode::date_or_job_id(argv[3]).date();

    boost::asio::io_context context(1);
    int code = 1;
    jobmode::bulk_crawl crawl(context.get_executor(), std::move(options), std::make_unique<queue_sink>(queue));
    crawl.async_run([&](const std::exception_ptr& failure, const jobmode::bulk_summary& summary) {
        queue.close();
        consumer.join();
        code = !failure && summary.complete ? 0 : 1;
        std::cout << summary.counts.done << " of " << summary.counts.total << " queries answered, " << scheduled
                  << " of " << summary.counts.records << " jobs were scheduled\n";
    });
    context.run();
    return code;
}

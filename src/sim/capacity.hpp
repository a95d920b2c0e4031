// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

namespace jobmode::sim {

/// How much a server takes on at a time, as Tomcat does: so many requests have a worker each, so many more wait for
/// one in the order in which they came, and what comes beyond that is refused.
struct capacity_config {
    /// Tomcat's `maxThreads`; 0 means that there is one for every request.
    std::size_t workers = 0;
    /// Tomcat's `acceptCount`.
    std::size_t queue = 100;
};

/// Tells when a request that comes now will be answered. It is told the time and does not ask. Not thread-safe.
class capacity_model {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit capacity_model(const capacity_config& config)
        : config_(config), free_at_(config.workers, time_point::min()) {}

    /// A request comes for which a worker takes `service`. Nothing if it is refused. Calls are in the order of time.
    std::optional<time_point> admit(time_point now, std::chrono::nanoseconds service) {
        if (config_.workers == 0)
            return now + service;
        while (!starts_.empty() && starts_.front() <= now)
            starts_.pop_front();
        time_point start = free_at_.front();
        if (start > now) {
            if (starts_.size() >= config_.queue)
                return std::nullopt;
            starts_.push_back(start);
        } else {
            start = now;
        }
        std::ranges::pop_heap(free_at_, std::greater<>());
        free_at_.back() = start + service;
        std::ranges::push_heap(free_at_, std::greater<>());
        return start + service;
    }

private:
    capacity_config config_;
    /// When each worker has done all that it has been given, as a heap with the first on top.
    std::vector<time_point> free_at_;
    /// When those that wait will be taken up, in order.
    std::deque<time_point> starts_;
};

}  // namespace jobmode::sim

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/bulk_crawl.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command/crawl_command.hpp"
#include "cli/messages/progress.hpp"

namespace jobmode::cli {

/// Runs a bulk crawl, and what a user sees of it: progress, messages, metrics, signals.
class crawl_runner {
public:
    /// The command must outlive this object.
    crawl_runner(const crawl_command& command, bulk_options options);
    crawl_runner(const crawl_runner&) = delete;
    crawl_runner& operator=(const crawl_runner&) = delete;
    ~crawl_runner();

    /// Throws what the crawl's files and `bulk_refused` throw.
    exit_code run();

private:
    std::string about(std::size_t which, std::string_view text) const;
    const std::string& trust_text(std::size_t which, error_code ec) const;
    void on_event(const bulk_event& event);
    void wait_for_signal();
    void show_later();
    void look_for_absence_later();
    void say_absence(std::size_t which, const jobmode::metrics& seen);
    void write_metrics_later();
    void write_metrics(std::string_view more = {});
    std::string coverage_metrics() const;
    progress_figures figures(const bulk_counts& counts, const jobmode::metrics& seen) const;
    std::vector<jobmode::metrics> metrics() const;
    exit_code conclude(const std::exception_ptr& failure, const bulk_summary& summary);
    exit_code say_nothing_is_left(const bulk_summary& summary) const;

    const crawl_command& command_;
    std::vector<std::string> names_;
    std::vector<std::pair<std::string, std::string>> trust_;
    boost::asio::io_context context_{1};
    boost::asio::signal_set signals_;
    boost::asio::steady_timer progress_timer_;
    boost::asio::steady_timer metrics_timer_;
    boost::asio::steady_timer absence_timer_;
    progress progress_;
    std::chrono::steady_clock::time_point begun_at_ = std::chrono::steady_clock::now();
    /// Servers of which it was said that they are away.
    std::vector<bool> said_away_;
    /// Servers of which nothing more is asked.
    std::vector<bool> given_up_;
    bool interrupted_ = false;
    bool metrics_failed_ = false;
    bulk_crawl crawl_;
};

}  // namespace jobmode::cli

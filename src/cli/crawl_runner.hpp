// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>

#include "cli/crawl_command.hpp"
#include "cli/crawl_problem.hpp"
#include "cli/crawl_run.hpp"
#include "cli/crawl_worker.hpp"
#include "cli/progress.hpp"

namespace jobmode::cli {

/// Runs a crawl's workers and what goes on beside them: keeping what came, progress, signals.
class crawl_runner {
public:
    crawl_runner(const crawl_command& command, client_config config, crawl_books& books);

    exit_code run();

private:
    client_config share(std::size_t number) const;
    void start_worker();
    void on_first(error_code ec, const diagnostics& diag);
    void on_end(const std::exception_ptr& failure);
    void stop();
    void break_off(crawl_problem problem);

    void wait_for_signal();
    void sync_later();
    void show_later();
    void write_metrics_later();
    void write_metrics(const jobmode::metrics& seen);
    progress_figures figures(const jobmode::metrics& seen) const;
    jobmode::metrics metrics() const;

    exit_code conclude();
    void write_failed();
    void summarise(const jobmode::metrics& seen, std::chrono::nanoseconds elapsed) const;
    void say_how_to_resume() const;
    void say(std::string_view event, std::string_view text) const {
        command_.log.say(message_log::level::info, event, text);
    }

    const crawl_command& command_;
    client_config config_;
    crawl_books& books_;
    boost::asio::io_context context_{1};
    boost::asio::signal_set signals_;
    boost::asio::steady_timer sync_timer_;
    boost::asio::steady_timer progress_timer_;
    boost::asio::steady_timer metrics_timer_;
    progress progress_;
    std::chrono::steady_clock::time_point begun_at_ = std::chrono::steady_clock::now();
    std::deque<crawl_worker> workers_;
    std::size_t running_ = 0;
    bool begun_ = false;
    bool stopping_ = false;
    bool interrupted_ = false;
    bool metrics_failed_ = false;
    /// What ended the crawl early, once something has.
    std::optional<crawl_problem> fatal_;
};

}  // namespace jobmode::cli

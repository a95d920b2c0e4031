// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <vector>

#include "cli/command/crawl_command.hpp"
#include "cli/command/crawl_problem.hpp"
#include "cli/command/crawl_run.hpp"
#include "cli/command/crawl_server.hpp"
#include "cli/messages/progress.hpp"

namespace jobmode::cli {

/// Runs a crawl's workers and what goes on beside them: keeping what came, progress, signals. Each server has workers
/// of its own, so that what one of them does is no matter to the others.
class crawl_runner {
public:
    /// The servers stand in the books in the same order; what is known to be asked of them has been added there. All
    /// must outlive this object.
    crawl_runner(const crawl_command& command, const crawl_range& range, const std::vector<crawl_server>& servers,
                 crawl_books& books);
    crawl_runner(const crawl_runner&) = delete;
    crawl_runner& operator=(const crawl_runner&) = delete;
    ~crawl_runner();

    exit_code run();

private:
    struct lane;

    void start(std::size_t which);
    void on_prepared(std::size_t which, server_preparation made);
    client_config share(const client_config& all, std::size_t number,
                        const std::shared_ptr<shared_health>& health) const;
    void start_worker(std::size_t which);
    void on_first(std::size_t which, error_code ec, const diagnostics& diag);
    void on_away(std::size_t which, error_code ec, const diagnostics& diag);
    void on_end(const std::exception_ptr& failure);
    void leave();
    void stop(std::size_t which);
    void stop_all();
    void give_up(std::size_t which, crawl_problem problem);
    void break_off(const std::exception_ptr& failure);

    void wait_for_signal();
    void sync_later();
    void show_later();
    void look_for_absence_later();
    void say_absence(std::size_t which, const jobmode::metrics& seen);
    void write_metrics_later();
    void write_metrics(const std::vector<jobmode::metrics>& seen);
    progress_figures figures(const crawl_counts& counts, const jobmode::metrics& seen) const;
    std::vector<jobmode::metrics> metrics() const;

    exit_code conclude();
    exit_code verdict() const;
    bool has_problem() const;

    const crawl_command& command_;
    const crawl_range& range_;
    const std::vector<crawl_server>& servers_;
    crawl_books& books_;
    boost::asio::io_context context_{1};
    boost::asio::signal_set signals_;
    boost::asio::steady_timer sync_timer_;
    boost::asio::steady_timer progress_timer_;
    boost::asio::steady_timer metrics_timer_;
    boost::asio::steady_timer absence_timer_;
    progress progress_;
    std::chrono::steady_clock::time_point begun_at_ = std::chrono::steady_clock::now();
    std::vector<lane> lanes_;
    /// Preparations and workers that have not ended.
    std::size_t running_ = 0;
    bool interrupted_ = false;
    bool metrics_failed_ = false;
    /// What ended the whole crawl early, once something has.
    std::optional<crawl_problem> fatal_;
};

}  // namespace jobmode::cli

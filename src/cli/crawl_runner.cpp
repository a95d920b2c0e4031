// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/crawl_runner.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>

#include "cli/failure.hpp"
#include "cli/file.hpp"
#include "cli/prometheus.hpp"
#include "cli/text.hpp"

namespace jobmode::cli {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

// Prometheus asks no more often than this as a rule.
constexpr std::chrono::seconds metrics_interval{10};

void append_failed(std::string& lines, const query& asked, const failed_query& failed, std::string_view server) {
    lines += "{\"LoginName\":";
    append_json_string(lines, asked.login_name);
    lines += ",\"BackupDate\":";
    append_json_string(lines, asked.backup_date.text());
    if (asked.backup_set_id) {
        lines += ",\"BackupSetID\":";
        append_json_string(lines, *asked.backup_set_id);
    }
    lines += ",\"Server\":";
    append_json_string(lines, server);
    lines += ",\"Error\":";
    append_json_string(lines, failed.error);
    lines += ",\"Message\":";
    append_json_string(lines, failed.message);
    lines += fmt::format(",\"Attempts\":{}}}\n", failed.attempts);
}

}  // namespace

crawl_runner::crawl_runner(const crawl_command& command, client_config config, crawl_books& books)
    : command_(command),
      config_(std::move(config)),
      books_(books),
      signals_(context_, SIGINT, SIGTERM),
      sync_timer_(context_),
      progress_timer_(context_),
      metrics_timer_(context_),
      progress_(command.progress_mode) {}

exit_code crawl_runner::run() {
    wait_for_signal();
    sync_later();
    show_later();
    write_metrics_later();
    start_worker();
    context_.run();
    return conclude();
}

/// The share of worker `number` of what all of them may have together.
client_config crawl_runner::share(std::size_t number) const {
    const auto part = [&](std::size_t all) {
        return std::max<std::size_t>(all / command_.threads + (number < all % command_.threads ? 1 : 0), 1);
    };
    client_config mine = config_;
    mine.pool.max_connections = part(config_.pool.max_connections);
    mine.concurrency.ceiling = part(config_.concurrency.ceiling);
    mine.concurrency.initial = std::min(config_.concurrency.initial, mine.concurrency.ceiling);
    if (config_.concurrency.max_in_flight != 0)
        mine.concurrency.max_in_flight = part(config_.concurrency.max_in_flight);
    mine.rate.queries_per_second = config_.rate.queries_per_second / command_.threads;
    return mine;
}

void crawl_runner::start_worker() {
    const bool first = workers_.empty();
    ++running_;
    workers_.emplace_back(
        share(workers_.size()), books_, 0, first,
        [this](error_code ec, const diagnostics& diag) {
            asio::post(context_, [this, ec, diag] { on_first(ec, diag); });
        },
        [this](std::exception_ptr failure) { asio::post(context_, [this, failure] { on_end(failure); }); });
}

/// The first query has run alone; what it met, everything would meet.
void crawl_runner::on_first(error_code ec, const diagnostics& diag) {
    if (std::exchange(begun_, true))
        return;
    if (ec == errc::authentication_refused || is_unreachable(ec, diag)) {
        break_off({exit_code_of(ec, diag), diag.describe(ec), false});
        return;
    }
    while (workers_.size() < command_.threads && !stopping_)
        start_worker();
}

void crawl_runner::on_end(const std::exception_ptr& failure) {
    if (failure)
        break_off(problem_of(failure));
    // Cancelling the timers would not do: one that has just expired would be set again by its handler.
    if (--running_ == 0)
        context_.stop();
}

void crawl_runner::stop() {
    stopping_ = true;
    books_.stop(0);
    for (crawl_worker& one : workers_)
        one.stop();
}

void crawl_runner::break_off(crawl_problem problem) {
    if (!fatal_)
        fatal_ = std::move(problem);
    stop();
}

void crawl_runner::wait_for_signal() {
    signals_.async_wait([this](error_code ec, int) {
        if (ec)
            return;
        progress_.clear();
        if (std::exchange(interrupted_, true)) {
            // The state is right at any instant; what was not kept is asked again.
            say_how_to_resume();
            std::_Exit(static_cast<int>(exit_code::interrupted));
        }
        command_.log.say(message_log::level::warning, "interrupted",
                         "stopping when what is in flight has ended; once more to stop at once");
        stop();
        wait_for_signal();
    });
}

void crawl_runner::sync_later() {
    sync_timer_.expires_after(
        std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(command_.sync_interval)));
    sync_timer_.async_wait([this](error_code ec) {
        if (ec)
            return;
        try {
            books_.sync();
        } catch (const std::exception&) {
            break_off(problem_of(std::current_exception()));
            return;
        }
        sync_later();
    });
}

void crawl_runner::show_later() {
    if (progress_.interval().count() == 0)
        return;
    progress_timer_.expires_after(progress_.interval());
    progress_timer_.async_wait([this](error_code ec) {
        if (ec)
            return;
        progress_.show(figures(metrics()));
        show_later();
    });
}

progress_figures crawl_runner::figures(const jobmode::metrics& seen) const {
    progress_figures now;
    const crawl_counts counts = books_.counts();
    now.done = counts.done;
    now.total = counts.total;
    now.done_before = counts.done_before;
    now.failed = counts.failed;
    now.in_flight = seen.in_flight;
    now.elapsed = steady_clock::now() - begun_at_;
    return now;
}

void crawl_runner::write_metrics_later() {
    if (command_.metrics_file.empty())
        return;
    metrics_timer_.expires_after(metrics_interval);
    metrics_timer_.async_wait([this](error_code ec) {
        if (ec)
            return;
        write_metrics(metrics());
        write_metrics_later();
    });
}

/// A crawl does not end because nobody can watch it; that is said once.
void crawl_runner::write_metrics(const jobmode::metrics& seen) {
    if (command_.metrics_file.empty())
        return;
    const std::string problem =
        replace_file(command_.metrics_file, prometheus_text(seen, figures(seen), command_.connection.server_name()));
    if (problem.empty() || std::exchange(metrics_failed_, true))
        return;
    progress_.clear();
    command_.log.say(message_log::level::warning, "metrics_file", problem);
}

jobmode::metrics crawl_runner::metrics() const {
    jobmode::metrics all;
    for (const crawl_worker& one : workers_)
        all.merge(one.metrics());
    return all;
}

exit_code crawl_runner::conclude() {
    const jobmode::metrics seen = metrics();
    workers_.clear();
    const auto elapsed = steady_clock::now() - begun_at_;
    try {
        fatal_ ? books_.sync() : books_.finish();
        if (books_.begun())
            write_failed();
    } catch (const std::exception&) {
        break_off(problem_of(std::current_exception()));
    }
    progress_.clear();
    write_metrics(seen);
    if (fatal_ && fatal_->unread)
        return fatal_->code;
    summarise(seen, elapsed);
    const bool complete = books_.complete();
    if (fatal_)
        command_.fail(fatal_->code, fatal_->text);
    if (!complete)
        say_how_to_resume();
    if (fatal_)
        return fatal_->code;
    if (books_.failures().contains("authentication_refused"))
        return exit_code::authentication_refused;
    if (interrupted_)
        return exit_code::interrupted;
    return complete ? exit_code::all_answered : exit_code::some_failed;
}

void crawl_runner::write_failed() {
    std::string lines;
    books_.for_each_failed([&](std::string_view server, const query& asked, const failed_query& failed) {
        if (command_.to_stdout())
            command_.log.say(message_log::level::error, "query_failed",
                             fmt::format("{} on {}: {}", asked.login_name, asked.backup_date.text(), failed.message));
        else
            append_failed(lines, asked, failed, server);
    });
    if (command_.to_stdout())
        return;
    const std::string path = command_.failed_path();
    if (lines.empty())
        ::unlink(path.c_str());
    else if (const std::string problem = replace_file(path, lines); !problem.empty())
        throw output_error(problem);
}

void crawl_runner::summarise(const jobmode::metrics& seen, std::chrono::nanoseconds elapsed) const {
    const double seconds = std::chrono::duration<double>(elapsed).count();
    const crawl_counts counts = books_.counts();
    std::string text = fmt::format("{} of {} queries answered", grouped(counts.done), grouped(counts.total));
    if (counts.done_before != 0)
        text += fmt::format(" ({} of them before)", grouped(counts.done_before));
    text += fmt::format(", {} records, in {} ({:.0f} queries/s)", grouped(counts.records), duration_text(elapsed),
                        static_cast<double>(counts.done - counts.done_before) / std::max(seconds, 1e-9));
    say("summary", text);
    if (command_.plan == crawl_command::planning::jobs)
        say("plan", fmt::format("{} of {} queries saved by asking for dates with jobs only", grouped(counts.skipped),
                                grouped(counts.total + counts.skipped)));
    say("connections", fmt::format("latency {} median, {} p99; {} connections, {} resumed; {} retries, {} resends",
                                   duration_text(seen.latency.quantile(0.5)),
                                   duration_text(seen.latency.quantile(0.99)), grouped(seen.connections_opened),
                                   grouped(seen.connections_resumed), grouped(seen.retries), grouped(seen.resends)));
    for (const auto& [name, count] : books_.failures())
        say("failures", fmt::format("{} failed: {}", grouped(count), name));
    if (!books_.begun() && !fatal_)
        if (const std::optional<std::string> first = books_.first_failure())
            command_.fail(exit_code::some_failed, *first);
    if (!command_.to_stdout() && books_.begun())
        say("output", fmt::format("records are in {}{}", command_.out,
                                  books_.failures().empty() ? "" : ", failed queries in " + command_.failed_path()));
}

void crawl_runner::say_how_to_resume() const {
    if (!books_.begun())
        say("nothing_kept", "no query was answered: nothing was written, and the same command begins again");
    else if (!command_.to_stdout())
        say("resume", "to go on, and to try again what failed: the same command with --resume");
}

}  // namespace jobmode::cli

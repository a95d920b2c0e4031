// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/crawl_runner.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <string>
#include <thread>
#include <utility>

#include "cli/command/crawl_summary.hpp"
#include "cli/command/crawl_worker.hpp"
#include "cli/messages/failure.hpp"
#include "cli/messages/prometheus.hpp"
#include "cli/text.hpp"
#include "store/failed_list.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

// Prometheus asks no more often than this as a rule.
constexpr std::chrono::seconds metrics_interval{10};
constexpr std::chrono::seconds absence_interval{1};

jobmode::metrics all_of(const std::vector<jobmode::metrics>& parts) {
    jobmode::metrics all;
    for (const jobmode::metrics& part : parts)
        all.merge(part);
    return all;
}

}  // namespace

/// One server's part.
struct crawl_runner::lane {
    std::jthread preparing;
    /// What its workers know of it together.
    std::shared_ptr<shared_health> health = share_health();
    std::deque<crawl_worker> workers;
    /// Its first query has ended.
    bool begun = false;
    bool stopped = false;
    /// It was said that the server is away.
    bool said_away = false;
    /// Users whose jobs could not be listed.
    std::uint64_t unlisted_users = 0;
    /// What ended it early.
    std::optional<crawl_problem> problem;
};

crawl_runner::crawl_runner(const crawl_command& command, const crawl_range& range,
                           const std::vector<crawl_server>& servers, crawl_books& books)
    : command_(command),
      range_(range),
      servers_(servers),
      books_(books),
      signals_(context_, SIGINT, SIGTERM),
      sync_timer_(context_),
      progress_timer_(context_),
      metrics_timer_(context_),
      absence_timer_(context_),
      progress_(command.progress_mode, command.log) {}

crawl_runner::~crawl_runner() = default;

exit_code crawl_runner::run() {
    wait_for_signal();
    sync_later();
    show_later();
    write_metrics_later();
    look_for_absence_later();
    lanes_ = std::vector<lane>(servers_.size());
    for (std::size_t which = 0; which != servers_.size(); ++which)
        start(which);
    if (running_ != 0)
        context_.run();
    return conclude();
}

void crawl_runner::start(std::size_t which) {
    if (servers_[which].known) {
        start_worker(which);
        return;
    }
    ++running_;
    lanes_[which].preparing = std::jthread([this, which](const std::stop_token& stop) {
        std::exception_ptr failure;
        server_preparation made;
        try {
            made = prepare(range_, servers_[which], stop);
        } catch (...) {
            failure = std::current_exception();
        }
        asio::post(context_, [this, which, failure, made = std::move(made)]() mutable {
            if (failure)
                give_up(which, problem_of(failure));
            else
                on_prepared(which, std::move(made));
            leave();
        });
    });
}

void crawl_runner::on_prepared(std::size_t which, server_preparation made) {
    if (lanes_[which].stopped)
        return;
    if (made.problem) {
        give_up(which, std::move(*made.problem));
        return;
    }
    if (made.unlisted_users != 0) {
        lanes_[which].unlisted_users = made.unlisted_users;
        progress_.clear();
        command_.log.say(message_log::level::warning, "unlisted",
                         about_server(books_, servers_[which].name, made.why_unlisted),
                         {{"server", servers_[which].name}});
    }
    try {
        books_.add(which, std::move(*made.plan));
    } catch (const std::exception&) {
        break_off(std::current_exception());
        return;
    }
    start_worker(which);
}

/// The share of worker `number` of what all of a server's have together.
client_config crawl_runner::share(const client_config& all, std::size_t number,
                                  const std::shared_ptr<shared_health>& health) const {
    const auto part = [&](std::size_t together) {
        return std::max<std::size_t>(together / command_.threads + (number < together % command_.threads ? 1 : 0), 1);
    };
    client_config mine = all;
    if (all.pool.max_connections != 0)
        mine.pool.max_connections = part(all.pool.max_connections);
    mine.concurrency.ceiling = part(all.concurrency.ceiling);
    mine.concurrency.initial = std::min(all.concurrency.initial, mine.concurrency.ceiling);
    if (all.concurrency.max_in_flight != 0)
        mine.concurrency.max_in_flight = part(all.concurrency.max_in_flight);
    mine.rate.queries_per_second = all.rate.queries_per_second / command_.threads;
    mine.availability.shared = health;
    return mine;
}

void crawl_runner::start_worker(std::size_t which) {
    std::deque<crawl_worker>& workers = lanes_[which].workers;
    try {
        workers.emplace_back(
            share(servers_[which].config, workers.size(), lanes_[which].health), books_, which,
            [this, which](error_code ec, const diagnostics& diag) {
                asio::post(context_, [this, which, ec, diag] { on_first(which, ec, diag); });
            },
            [this, which](error_code ec, const diagnostics& diag) {
                asio::post(context_, [this, which, ec, diag] { on_away(which, ec, diag); });
            },
            [this](std::exception_ptr failure) { asio::post(context_, [this, failure] { on_end(failure); }); });
        ++running_;
    } catch (const std::exception&) {
        // A file that the configuration names cannot be used, say.
        give_up(which, problem_of(std::current_exception()));
    }
}

/// The first query has run alone; what it met, everything would meet.
void crawl_runner::on_first(std::size_t which, error_code ec, const diagnostics& diag) {
    lane& of = lanes_[which];
    if (std::exchange(of.begun, true) || of.problem)
        return;
    if (ec == errc::authentication_refused || is_unreachable(ec, diag)) {
        give_up(which, {exit_code_of(ec, diag), diag.describe(ec), false});
        return;
    }
    while (of.workers.size() < command_.threads && !of.stopped)
        start_worker(which);
}

/// A server has not answered for as long as it was to be waited for.
void crawl_runner::on_away(std::size_t which, error_code ec, const diagnostics& diag) {
    if (!lanes_[which].problem)
        give_up(which, {exit_code::unreachable, diag.describe(ec), false});
}

void crawl_runner::on_end(const std::exception_ptr& failure) {
    if (failure)
        break_off(failure);
    leave();
}

void crawl_runner::leave() {
    // Cancelling the timers would not do: one that has just expired would be set again by its handler.
    if (--running_ == 0)
        context_.stop();
}

void crawl_runner::stop(std::size_t which) {
    lane& of = lanes_[which];
    of.stopped = true;
    of.preparing.request_stop();
    books_.stop(which);
    for (crawl_worker& one : of.workers)
        one.stop();
}

void crawl_runner::stop_all() {
    for (std::size_t which = 0; which != lanes_.size(); ++which)
        stop(which);
}

/// Nothing more is asked of a server.
void crawl_runner::give_up(std::size_t which, crawl_problem problem) {
    try {
        if (books_.counts(which).total == 0)
            books_.miss(which, problem.text);
    } catch (const std::exception&) {
        break_off(std::current_exception());
    }
    if (servers_.size() > 1) {
        // The others go on, perhaps for long.
        progress_.clear();
        command_.log.say(message_log::level::error, "server_given_up",
                         about_server(books_, servers_[which].name, problem.text), {{"server", servers_[which].name}});
    }
    lanes_[which].problem = std::move(problem);
    stop(which);
}

/// What comes cannot be kept, so that nobody needs to wait for it.
void crawl_runner::break_off(const std::exception_ptr& failure) {
    if (!fatal_)
        fatal_ = problem_of(failure);
    stop_all();
    for (lane& one : lanes_)
        for (crawl_worker& worker : one.workers)
            worker.abandon();
}

bool crawl_runner::has_problem() const {
    return std::ranges::any_of(lanes_, [](const lane& one) { return one.problem.has_value(); });
}

void crawl_runner::wait_for_signal() {
    signals_.async_wait([this](error_code ec, int) {
        if (ec)
            return;
        progress_.clear();
        if (std::exchange(interrupted_, true)) {
            // The state is right at any instant; what was not kept is asked again.
            say_how_to_resume(command_, books_);
            std::_Exit(static_cast<int>(exit_code::interrupted));
        }
        command_.log.say(message_log::level::warning, "interrupted",
                         "stopping when what is in flight has ended; once more to stop at once");
        stop_all();
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
            break_off(std::current_exception());
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
        progress_.show(figures(books_.counts(), all_of(metrics())));
        show_later();
    });
}

progress_figures crawl_runner::figures(const crawl_counts& counts, const jobmode::metrics& seen) const {
    progress_figures now;
    now.done = counts.done;
    now.total = counts.total;
    now.done_before = counts.done_before;
    now.failed = counts.failed;
    now.in_flight = seen.in_flight;
    now.away_seconds = seen.away_seconds;
    now.next_try_seconds = seen.next_try_seconds;
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

/// Says when a server goes away, and when it is back.
void crawl_runner::look_for_absence_later() {
    absence_timer_.expires_after(absence_interval);
    absence_timer_.async_wait([this](error_code ec) {
        if (ec)
            return;
        const std::vector<jobmode::metrics> seen = metrics();
        for (std::size_t which = 0; which != lanes_.size(); ++which)
            say_absence(which, seen[which]);
        look_for_absence_later();
    });
}

void crawl_runner::say_absence(std::size_t which, const jobmode::metrics& seen) {
    lane& of = lanes_[which];
    const bool away = seen.away_seconds != 0;
    if (of.stopped || away == of.said_away)
        return;
    of.said_away = away;
    progress_.clear();
    if (!away) {
        command_.log.say(message_log::level::info, "server_back",
                         about_server(books_, servers_[which].name, "the server answers again"),
                         {{"server", servers_[which].name}});
        return;
    }
    const std::string since = clock_text(std::chrono::system_clock::now() - std::chrono::seconds(seen.away_seconds));
    command_.log.say(message_log::level::warning, "server_away",
                     about_server(books_, servers_[which].name,
                                  "waiting for the server since " + since + ", next try in " +
                                      std::to_string(seen.next_try_seconds) + " s"),
                     {{"server", servers_[which].name},
                      {"away_seconds", seen.away_seconds},
                      {"next_try_seconds", seen.next_try_seconds}});
}

/// A crawl does not end because nobody can watch it; that is said once.
void crawl_runner::write_metrics(const std::vector<jobmode::metrics>& seen) {
    if (command_.metrics_file.empty())
        return;
    std::vector<server_numbers> numbers;
    for (std::size_t which = 0; which != servers_.size(); ++which)
        numbers.push_back({servers_[which].name, seen[which], figures(books_.counts(which), seen[which])});
    const std::string problem = store::replace_file(command_.metrics_file, prometheus_text(numbers));
    if (problem.empty() || std::exchange(metrics_failed_, true))
        return;
    progress_.clear();
    command_.log.say(message_log::level::warning, "metrics_file", problem);
}

std::vector<jobmode::metrics> crawl_runner::metrics() const {
    std::vector<jobmode::metrics> all(lanes_.size());
    for (std::size_t which = 0; which != lanes_.size(); ++which)
        for (const crawl_worker& one : lanes_[which].workers)
            all[which].merge(one.metrics());
    return all;
}

exit_code crawl_runner::conclude() {
    const std::vector<jobmode::metrics> seen = metrics();
    for (lane& one : lanes_) {
        one.workers.clear();
        one.preparing = std::jthread();
    }
    const auto elapsed = steady_clock::now() - begun_at_;
    try {
        fatal_ || has_problem() ? books_.sync() : books_.finish();
        if (books_.begun())
            write_failed(command_, books_);
    } catch (const std::exception&) {
        break_off(std::current_exception());
    }
    progress_.clear();
    write_metrics(seen);
    if (fatal_ && fatal_->unread)
        return fatal_->code;
    if (books_.counts().total != 0 || books_.begun()) {
        crawl_ending how;
        how.seen = all_of(seen);
        how.elapsed = elapsed;
        how.explained = fatal_ || has_problem();
        for (const lane& one : lanes_)
            how.unlisted_users += one.unlisted_users;
        summarise(command_, books_, how);
    }
    if (fatal_)
        command_.fail(fatal_->code, fatal_->text);
    for (std::size_t which = 0; which != lanes_.size(); ++which)
        if (lanes_[which].problem)
            command_.fail(lanes_[which].problem->code,
                          about_server(books_, servers_[which].name, lanes_[which].problem->text));
    if (!books_.complete())
        say_how_to_resume(command_, books_);
    return verdict();
}

exit_code crawl_runner::verdict() const {
    if (fatal_)
        return fatal_->code;
    // What all servers end in says more than that some queries failed.
    const std::optional<crawl_problem>& first = lanes_.front().problem;
    if (first &&
        std::ranges::all_of(lanes_, [&](const lane& one) { return one.problem && one.problem->code == first->code; }))
        return first->code;
    if (servers_.size() == 1 && books_.failures().contains("authentication_refused"))
        return exit_code::authentication_refused;
    if (interrupted_)
        return exit_code::interrupted;
    return books_.complete() ? exit_code::all_answered : exit_code::some_failed;
}

}  // namespace jobmode::cli

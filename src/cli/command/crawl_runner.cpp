// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/crawl_runner.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "cli/command/crawl_problem.hpp"
#include "cli/command/crawl_summary.hpp"
#include "cli/messages/failure.hpp"
#include "cli/messages/prometheus.hpp"
#include "cli/options/today.hpp"
#include "cli/text.hpp"
#include "report/coverage.hpp"
#include "report/report_input.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

// Prometheus asks no more often than this as a rule.
constexpr std::chrono::seconds metrics_interval{10};
constexpr std::chrono::seconds absence_interval{1};

std::vector<std::string> names_of(const bulk_options& options) {
    std::vector<std::string> names;
    for (const bulk_server& server : options.servers)
        names.push_back(server.name);
    return names;
}

/// What is said of each server should it not be trusted; its configuration goes to the crawl.
std::vector<std::pair<std::string, std::string>> trust_of(const bulk_options& options) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (const bulk_server& server : options.servers)
        texts.emplace_back(cli::trust_text(errc::certificate_rejected, server.config),
                           cli::trust_text(errc::pin_mismatch, server.config));
    return texts;
}

jobmode::metrics all_of(const std::vector<jobmode::metrics>& parts) {
    jobmode::metrics all;
    for (const jobmode::metrics& part : parts)
        all.merge(part);
    return all;
}

exit_code verdict(const bulk_summary& summary, bool interrupted) {
    // What all servers end in says more than that some queries failed.
    const std::optional<bulk_problem>& first = summary.servers.front().problem;
    if (first && std::ranges::all_of(summary.servers, [&](const bulk_server_summary& one) {
            return one.problem && exit_code_of(*one.problem) == exit_code_of(*first);
        }))
        return exit_code_of(*first);
    if (summary.servers.size() == 1 && summary.failures.contains("authentication_refused"))
        return exit_code::authentication_refused;
    if (interrupted)
        return exit_code::interrupted;
    return summary.complete ? exit_code::all_answered : exit_code::some_failed;
}

}  // namespace

crawl_runner::crawl_runner(const crawl_command& command, bulk_options options)
    : command_(command),
      names_(names_of(options)),
      trust_(trust_of(options)),
      signals_(context_, SIGINT, SIGTERM),
      progress_timer_(context_),
      metrics_timer_(context_),
      absence_timer_(context_),
      progress_(command.progress_mode, command.log),
      said_away_(names_.size()),
      given_up_(names_.size()),
      crawl_(
          context_.get_executor(),
          [&] {
              options.on_event = [this](const bulk_event& event) { on_event(event); };
              return std::move(options);
          }(),
          make_file_sink(command.sink(), command.out, names_)) {}

crawl_runner::~crawl_runner() = default;

exit_code crawl_runner::run() {
    wait_for_signal();
    show_later();
    write_metrics_later();
    look_for_absence_later();
    exit_code code = exit_code::all_answered;
    std::exception_ptr thrown;
    crawl_.async_run([&](std::exception_ptr failure, const bulk_summary& summary) {
        try {
            code = conclude(failure, summary);
        } catch (...) {
            thrown = std::current_exception();
        }
        // Cancelling the timers would not do: one that has just expired would be set again by its handler.
        context_.stop();
    });
    context_.run();
    if (thrown)
        std::rethrow_exception(thrown);
    return code;
}

std::string crawl_runner::about(std::size_t which, std::string_view text) const {
    return about_server(names_.size(), names_[which], text);
}

const std::string& crawl_runner::trust_text(std::size_t which, error_code ec) const {
    static const std::string nothing;
    const auto& [rejected, mismatch] = trust_[which];
    return ec == errc::certificate_rejected ? rejected : ec == errc::pin_mismatch ? mismatch : nothing;
}

/// Called on a thread of the crawl.
void crawl_runner::on_event(const bulk_event& event) {
    asio::post(context_, [this, what = event.what, server = std::string(event.server), ec = event.error,
                          text = std::string(event.text)] {
        const auto which = static_cast<std::size_t>(std::ranges::find(names_, server) - names_.begin());
        if (what == bulk_event::kind::unlisted_users) {
            progress_.clear();
            command_.log.say(message_log::level::warning, "unlisted", about(which, text), {{"server", server}});
            return;
        }
        given_up_[which] = true;
        if (names_.size() == 1)
            return;
        // The others go on, perhaps for long.
        progress_.clear();
        command_.log.say(message_log::level::error, "server_given_up", about(which, text + trust_text(which, ec)),
                         {{"server", server}});
    });
}

void crawl_runner::wait_for_signal() {
    signals_.async_wait([this](error_code ec, int) {
        if (ec)
            return;
        progress_.clear();
        if (std::exchange(interrupted_, true)) {
            // The checkpoint is right at any instant; what was not kept is asked again.
            say_how_to_resume(command_, crawl_.progress().done != 0);
            std::_Exit(static_cast<int>(exit_code::interrupted));
        }
        command_.log.say(message_log::level::warning, "interrupted",
                         "stopping when what is in flight has ended; once more to stop at once");
        crawl_.stop();
        wait_for_signal();
    });
}

void crawl_runner::show_later() {
    if (progress_.interval().count() == 0)
        return;
    progress_timer_.expires_after(progress_.interval());
    progress_timer_.async_wait([this](error_code ec) {
        if (ec)
            return;
        progress_.show(figures(crawl_.progress(), all_of(metrics())));
        show_later();
    });
}

progress_figures crawl_runner::figures(const bulk_counts& counts, const jobmode::metrics& seen) const {
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

/// Says when a server goes away, and when it is back.
void crawl_runner::look_for_absence_later() {
    absence_timer_.expires_after(absence_interval);
    absence_timer_.async_wait([this](error_code ec) {
        if (ec)
            return;
        const std::vector<jobmode::metrics> seen = metrics();
        for (std::size_t which = 0; which != names_.size(); ++which)
            say_absence(which, seen[which]);
        look_for_absence_later();
    });
}

void crawl_runner::say_absence(std::size_t which, const jobmode::metrics& seen) {
    const bool away = seen.away_seconds != 0;
    if (interrupted_ || given_up_[which] || away == said_away_[which])
        return;
    said_away_[which] = away;
    progress_.clear();
    if (!away) {
        command_.log.say(message_log::level::info, "server_back", about(which, "the server answers again"),
                         {{"server", names_[which]}});
        return;
    }
    const std::string since = clock_text(std::chrono::system_clock::now() - std::chrono::seconds(seen.away_seconds));
    command_.log.say(
        message_log::level::warning, "server_away",
        about(which, "waiting for the server since " + since + ", next try in " +
                         std::to_string(seen.next_try_seconds) + " s"),
        {{"server", names_[which]}, {"away_seconds", seen.away_seconds}, {"next_try_seconds", seen.next_try_seconds}});
}

void crawl_runner::write_metrics_later() {
    if (command_.metrics_file.empty())
        return;
    metrics_timer_.expires_after(metrics_interval);
    metrics_timer_.async_wait([this](error_code ec) {
        if (ec)
            return;
        write_metrics();
        write_metrics_later();
    });
}

/// A crawl does not end because nobody can watch it; that is said once.
void crawl_runner::write_metrics(std::string_view more) {
    if (command_.metrics_file.empty())
        return;
    const std::vector<jobmode::metrics> seen = metrics();
    std::vector<server_numbers> numbers;
    for (std::size_t which = 0; which != names_.size(); ++which)
        numbers.push_back({names_[which], seen[which], figures(crawl_.progress(which), seen[which])});
    const std::string problem = store::replace_file(command_.metrics_file, prometheus_text(numbers) += more);
    if (problem.empty() || std::exchange(metrics_failed_, true))
        return;
    progress_.clear();
    command_.log.say(message_log::level::warning, "metrics_file", problem);
}

/// What the output says of who has a backup, as `jobmode silent` would judge it now.
std::string crawl_runner::coverage_metrics() const {
    if (command_.metrics_file.empty() || command_.is_stream())
        return {};
    report::coverage known;
    if (const std::string problem = report::read_crawl(known, command_.out); !problem.empty()) {
        command_.log.say(message_log::level::warning, "metrics_file", problem);
        return {};
    }
    return coverage_text(known.assess(local_now()));
}

std::vector<jobmode::metrics> crawl_runner::metrics() const {
    std::vector<jobmode::metrics> all;
    for (std::size_t which = 0; which != names_.size(); ++which)
        all.push_back(crawl_.metrics(which));
    return all;
}

exit_code crawl_runner::conclude(const std::exception_ptr& failure, const bulk_summary& summary) {
    progress_.clear();
    // It was refused before it began.
    if (failure && summary.servers.empty())
        std::rethrow_exception(failure);
    std::optional<crawl_problem> fatal;
    if (failure)
        fatal = problem_of(failure);
    try {
        if (summary.begun)
            write_failed(command_, names_.size(), crawl_);
    } catch (const std::exception&) {
        if (!fatal)
            fatal = problem_of(std::current_exception());
    }
    write_metrics(summary.begun && !fatal ? coverage_metrics() : std::string());
    if (fatal && fatal->unread)
        return fatal->code;
    if (summary.nothing_left && !fatal)
        return say_nothing_is_left(summary);
    const bool has_problem =
        std::ranges::any_of(summary.servers, [](const bulk_server_summary& one) { return one.problem.has_value(); });
    if (summary.counts.total != 0 || summary.begun)
        summarise(command_, crawl_, summary, fatal || has_problem);
    if (fatal)
        command_.fail(fatal->code, fatal->text);
    for (std::size_t which = 0; which != names_.size(); ++which)
        if (const std::optional<bulk_problem>& problem = summary.servers[which].problem)
            command_.fail(exit_code_of(*problem), about(which, problem->text + trust_text(which, problem->error)));
    if (!summary.complete)
        say_how_to_resume(command_, summary.begun);
    return fatal ? fatal->code : verdict(summary, interrupted_);
}

exit_code crawl_runner::say_nothing_is_left(const bulk_summary& summary) const {
    command_.log.say(message_log::level::info, "nothing_left",
                     "nothing is left to do: all " + grouped(summary.counts.total) +
                         " queries have been answered; records are in " + command_.out,
                     {{"done", summary.counts.total}, {"out", command_.out}});
    return exit_code::all_answered;
}

}  // namespace jobmode::cli

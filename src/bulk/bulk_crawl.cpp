// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/bulk/bulk_crawl.hpp>

#include <fmt/format.h>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "bulk/failure.hpp"
#include "bulk/journal.hpp"
#include "bulk/preparation.hpp"
#include "bulk/resume.hpp"
#include "bulk/sink_thread.hpp"
#include "bulk/worker.hpp"

namespace jobmode {
namespace {

using std::chrono::steady_clock;

std::string sentence_of(bulk_refused::reason why, const std::string& checkpoint, const std::string& detail) {
    switch (why) {
        case bulk_refused::reason::unfinished:
            return fmt::format("{} is of a crawl that is not finished: resume it, or remove that file", checkpoint);
        case bulk_refused::reason::another_crawl:
            return fmt::format("{} is of another crawl: {}", checkpoint, detail);
        case bulk_refused::reason::not_ours:
            return fmt::format("the output exists, and {} does not say that a crawl wrote it", checkpoint);
        case bulk_refused::reason::finished_another:
            return fmt::format("the output has what another crawl found, which is finished: {}", detail);
        case bulk_refused::reason::damaged:
            return fmt::format("{}: {}: it is damaged", checkpoint, detail);
        case bulk_refused::reason::options:
            return detail;
    }
    return detail;
}

}  // namespace

bulk_refused::bulk_refused(reason why, const std::string& checkpoint, std::string detail)
    : std::runtime_error(sentence_of(why, checkpoint, detail)), why_(why), detail_(std::move(detail)) {}

bulk_counts& bulk_counts::operator+=(const bulk_counts& other) noexcept {
    total += other.total;
    skipped += other.skipped;
    done += other.done;
    done_before += other.done_before;
    failed += other.failed;
    records += other.records;
    return *this;
}

/// Each server has a lane of workers of its own, so that what one of them does is no matter to the others. What steers
/// them runs on a thread of its own; `lanes_` belong to it.
class bulk_crawl::impl {
public:
    using completion = boost::asio::any_completion_handler<void(std::exception_ptr, bulk_summary)>;

    impl(boost::asio::any_io_executor executor, bulk_options options, std::unique_ptr<record_sink> sink)
        : executor_(std::move(executor)),
          options_(std::move(options)),
          sink_(std::move(sink)),
          journal_(options_, *sink_, found_),
          lanes_(options_.servers.size()) {}

    ~impl() {
        if (!control_.joinable())
            return;
        boost::asio::post(context_, [this] { break_off(aborted()); });
        control_.join();
    }

    const boost::asio::any_io_executor& executor() const noexcept { return executor_; }

    void start(completion on_end) {
        control_ = std::thread([this, on_end = std::move(on_end)]() mutable {
            bulk_summary summary;
            std::exception_ptr failure;
            try {
                found_ = bulk::find_resumption(options_);
                summary = run();
                failure = fatal_;
            } catch (...) {
                failure = std::current_exception();
            }
            std::move(on_end)(std::move(failure), std::move(summary));
        });
    }

    void stop() {
        boost::asio::post(context_, [this] { stop_all(); });
    }

    void abandon() {
        boost::asio::post(context_, [this] {
            stop_all();
            abandon_all();
        });
    }

    const bulk::journal& journal() const noexcept { return journal_; }

    jobmode::metrics metrics(std::size_t server) const {
        const std::scoped_lock lock(workers_mutex_);
        jobmode::metrics all = lanes_[server].seen;
        for (const bulk::worker& one : lanes_[server].workers)
            all.merge(one.metrics());
        return all;
    }

private:
    /// One server's part.
    struct lane {
        std::jthread preparing;
        /// What its workers know of it together.
        std::shared_ptr<shared_health> health = share_health();
        /// Changed under `workers_mutex_`.
        std::deque<bulk::worker> workers;
        /// What its workers have done, once they are gone.
        jobmode::metrics seen;
        /// Its first query has ended.
        bool begun = false;
        bool stopped = false;
        /// Users whose jobs could not be listed.
        std::uint64_t unlisted_users = 0;
        /// What ended it early.
        std::optional<bulk_problem> problem;
    };

    static std::exception_ptr aborted() {
        return std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted));
    }

    bulk_summary run() {
        const steady_clock::time_point begun_at = steady_clock::now();
        bulk::sink_thread sink(
            journal_, options_.sync_interval, options_.max_queued, [this](std::exception_ptr thrown) {
                boost::asio::post(context_, [this, thrown = std::move(thrown)] { break_off(thrown); });
            });
        to_ = &sink;
        if (found_.goes_on) {
            sink.post([this] { journal_.open(); });
            for (const std::size_t which : found_.order)
                add(which, *found_.known[which]);
        }
        for (std::size_t which = 0; which != lanes_.size(); ++which)
            if (!found_.known[which])
                prepare(which);
        work_until_idle();
        // Nobody pushes any more.
        {
            const std::scoped_lock lock(workers_mutex_);
            for (lane& one : lanes_) {
                for (const bulk::worker& each : one.workers)
                    one.seen.merge(each.metrics());
                one.workers.clear();
            }
        }
        const bool given_up =
            fatal_ || std::ranges::any_of(lanes_, [](const lane& one) { return one.problem.has_value(); });
        sink.join([&] { given_up ? journal_.sync() : journal_.finish(); });
        to_ = nullptr;
        // What the last writing has thrown.
        context_.restart();
        context_.poll();
        for (lane& one : lanes_)
            one.preparing = std::jthread();
        return summarise(steady_clock::now() - begun_at);
    }

    void work_until_idle() {
        const auto work = boost::asio::make_work_guard(context_);
        while (running_ != 0)
            context_.run_one();
    }

    bulk_summary summarise(std::chrono::nanoseconds elapsed) const {
        bulk_summary all;
        all.complete = journal_.complete();
        all.nothing_left = found_.nothing_left;
        all.begun = journal_.begun();
        all.counts = journal_.counts();
        all.failures = journal_.failures();
        all.elapsed = elapsed;
        for (std::size_t which = 0; which != lanes_.size(); ++which)
            all.servers.push_back({options_.servers[which].name, journal_.counts(which), lanes_[which].seen,
                                   lanes_[which].unlisted_users, lanes_[which].problem});
        return all;
    }

    /// Finds out what is to be asked of a server, which may take long.
    void prepare(std::size_t which) {
        ++running_;
        lanes_[which].preparing = std::jthread([this, which](const std::stop_token& stop) {
            bulk::preparation made;
            try {
                made = bulk::prepare(options_, options_.servers[which], stop);
            } catch (const std::exception& thrown) {
                made.problem = {bulk_problem::kind::configuration, {}, thrown.what()};
            }
            boost::asio::post(context_, [this, which, made = std::move(made)]() mutable {
                on_prepared(which, std::move(made));
                --running_;
            });
        });
    }

    void on_prepared(std::size_t which, bulk::preparation made) {
        lane& of = lanes_[which];
        if (of.stopped)
            return;
        if (made.problem) {
            give_up(which, std::move(*made.problem));
            return;
        }
        if (made.unlisted_users != 0) {
            of.unlisted_users = made.unlisted_users;
            tell(bulk_event::kind::unlisted_users, which, {}, made.why_unlisted);
        }
        add(which, std::move(*made.plan));
    }

    /// Workers begin once the journal knows what there is to ask.
    void add(std::size_t which, bulk::server_plan plan) {
        ++running_;
        to_->post([this, which, plan = std::move(plan)]() mutable { journal_.add(which, std::move(plan)); },
                  [this, which] {
                      boost::asio::post(context_, [this, which] {
                          if (!fatal_ && !found_.nothing_left && !lanes_[which].stopped)
                              start_worker(which);
                          --running_;
                      });
                  });
    }

    /// The share of worker `number` of what all of a server's have together.
    client_config share(const client_config& all, std::size_t number,
                        const std::shared_ptr<shared_health>& health) const {
        const std::size_t threads = options_.threads;
        const auto part = [&](std::size_t together) {
            return std::max<std::size_t>(together / threads + (number < together % threads ? 1 : 0), 1);
        };
        client_config mine = all;
        if (all.pool.max_connections != 0)
            mine.pool.max_connections = part(all.pool.max_connections);
        mine.concurrency.ceiling = part(all.concurrency.ceiling);
        mine.concurrency.initial = std::min(all.concurrency.initial, mine.concurrency.ceiling);
        if (all.concurrency.max_in_flight != 0)
            mine.concurrency.max_in_flight = part(all.concurrency.max_in_flight);
        mine.rate.queries_per_second = all.rate.queries_per_second / options_.threads;
        mine.availability.shared = health;
        return mine;
    }

    void start_worker(std::size_t which) {
        lane& of = lanes_[which];
        try {
            const client_config config = share(options_.servers[which].config, of.workers.size(), of.health);
            const std::scoped_lock lock(workers_mutex_);
            of.workers.emplace_back(
                config, journal_, *to_, which,
                [this, which](error_code ec, const diagnostics& diag) {
                    boost::asio::post(context_, [this, which, ec, diag] { on_first(which, ec, diag); });
                },
                [this, which](error_code ec, const diagnostics& diag) {
                    boost::asio::post(context_, [this, which, ec, diag] { on_away(which, ec, diag); });
                },
                [this](std::exception_ptr failure) {
                    boost::asio::post(context_, [this, failure = std::move(failure)] {
                        if (failure)
                            break_off(failure);
                        --running_;
                    });
                });
            ++running_;
        } catch (const std::exception& thrown) {
            // A file that the configuration names cannot be used, say.
            give_up(which, {bulk_problem::kind::configuration, {}, thrown.what()});
        }
    }

    /// The first query has run alone; what it met, everything would meet.
    void on_first(std::size_t which, error_code ec, const diagnostics& diag) {
        lane& of = lanes_[which];
        if (std::exchange(of.begun, true) || of.problem)
            return;
        if (ec == errc::authentication_refused || bulk::is_unreachable(ec, diag)) {
            give_up(which, bulk::problem_of(ec, diag));
            return;
        }
        while (of.workers.size() < options_.threads && !of.stopped)
            start_worker(which);
    }

    /// A server has not answered for as long as it was to be waited for.
    void on_away(std::size_t which, error_code ec, const diagnostics& diag) {
        if (!lanes_[which].problem)
            give_up(which, {bulk_problem::kind::unreachable, ec, diag.describe(ec)});
    }

    void stop(std::size_t which) {
        lane& of = lanes_[which];
        of.stopped = true;
        of.preparing.request_stop();
        journal_.stop(which);
        for (bulk::worker& one : of.workers)
            one.stop();
    }

    void stop_all() {
        for (std::size_t which = 0; which != lanes_.size(); ++which)
            stop(which);
    }

    void abandon_all() {
        for (lane& one : lanes_)
            for (bulk::worker& each : one.workers)
                each.abandon();
    }

    /// Nothing more is asked of a server.
    void give_up(std::size_t which, bulk_problem problem) {
        if (journal_.counts(which).total == 0)
            to_->post([this, which, text = problem.text] { journal_.miss(which, text); });
        tell(bulk_event::kind::given_up, which, problem.error, problem.text);
        lanes_[which].problem = std::move(problem);
        stop(which);
    }

    /// What comes cannot be kept, so that nobody needs to wait for it.
    void break_off(const std::exception_ptr& failure) {
        if (!fatal_)
            fatal_ = failure;
        stop_all();
        abandon_all();
    }

    void tell(bulk_event::kind what, std::size_t which, error_code ec, std::string_view text) const {
        if (options_.on_event)
            options_.on_event({what, options_.servers[which].name, ec, text});
    }

    boost::asio::any_io_executor executor_;
    const bulk_options options_;
    std::unique_ptr<record_sink> sink_;
    bulk::resumption found_;
    bulk::journal journal_;
    boost::asio::io_context context_{1};
    mutable std::mutex workers_mutex_;
    std::vector<lane> lanes_;
    /// While the crawl runs.
    bulk::sink_thread* to_ = nullptr;
    /// Preparations, plans and workers that have not ended.
    std::size_t running_ = 0;
    /// What ended the whole crawl early.
    std::exception_ptr fatal_;
    std::thread control_;
};

bulk_prospect bulk_crawl::inspect(const bulk_options& options) {
    const bulk::resumption found = bulk::find_resumption(options);
    return found.nothing_left ? bulk_prospect::nothing_left
           : found.goes_on    ? bulk_prospect::goes_on
                              : bulk_prospect::begins;
}

bulk_crawl::bulk_crawl(boost::asio::any_io_executor executor, bulk_options options, std::unique_ptr<record_sink> sink)
    : impl_(std::make_unique<impl>(std::move(executor), std::move(options), std::move(sink))) {}

bulk_crawl::~bulk_crawl() = default;

void bulk_crawl::start(boost::asio::any_completion_handler<void(std::exception_ptr, bulk_summary)> on_end) {
    impl_->start(std::move(on_end));
}

void bulk_crawl::cancel(boost::asio::cancellation_type how) {
    if ((how & boost::asio::cancellation_type::terminal) != boost::asio::cancellation_type::none)
        abandon();
    else if (how != boost::asio::cancellation_type::none)
        stop();
}

void bulk_crawl::stop() {
    impl_->stop();
}

void bulk_crawl::abandon() {
    impl_->abandon();
}

bulk_counts bulk_crawl::progress() const {
    return impl_->journal().counts();
}

bulk_counts bulk_crawl::progress(std::size_t server) const {
    return impl_->journal().counts(server);
}

jobmode::metrics bulk_crawl::metrics(std::size_t server) const {
    return impl_->metrics(server);
}

void bulk_crawl::for_each_failure(const std::function<void(const bulk_failure&)>& visit) const {
    impl_->journal().for_each_failure(visit);
}

const boost::asio::any_io_executor& bulk_crawl::executor() const noexcept {
    return impl_->executor();
}

}  // namespace jobmode

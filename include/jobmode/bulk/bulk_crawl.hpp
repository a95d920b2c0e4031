// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/record_sink.hpp>
#include <jobmode/config.hpp>
#include <jobmode/error.hpp>
#include <jobmode/metrics.hpp>
#include <jobmode/query.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jobmode {

/// A server of a bulk crawl.
struct bulk_server {
    /// As sinks name it; different for each server of a crawl.
    std::string name;
    /// Where it is, and how it is asked.
    client_config config;
    /// The login names to ask about; without them the server is asked for all of its users (ListUsers).
    std::optional<std::vector<std::string>> users;
};

/// Which dates are asked about.
enum class bulk_plan {
    /// Every date.
    daily,
    /// Each user's jobs are listed first (ListBackupJobs), and only dates that have one are asked about; every date of
    /// a
    /// user whose jobs cannot be listed.
    jobs,
};

/// What happens before a crawl's end.
struct bulk_event {
    /// What happened.
    enum class kind {
        /// Users whose jobs could not be listed are asked about daily.
        unlisted_users,
        /// Nothing more is asked of the server.
        given_up,
    };
    /// What happened.
    kind what;
    /// The server's name.
    std::string_view server;
    /// For `given_up`: see `bulk_problem::error`.
    error_code error;
    /// As a sentence.
    std::string_view text;
};

/// What a bulk crawl asks, and how.
struct bulk_options {
    /// At least one.
    std::vector<bulk_server> servers;
    /// The dates, both included.
    std::chrono::year_month_day from;
    /// See `from`.
    std::chrono::year_month_day to;
    /// Backup sets; none for one query a user and date.
    std::vector<std::string> backup_set_ids;
    /// Which part of the users, counted from 1, of how many. The parts share no user, and together they are all.
    std::uint64_t shard = 1;
    /// See `shard`.
    std::uint64_t shards = 1;
    /// Which of the dates.
    bulk_plan plan = bulk_plan::daily;
    /// Clients for each server, on a thread each; the limits of a server's `client_config` are for all of them
    /// together.
    unsigned threads = 1;

    /// The file that says what has been done. Without one the crawl cannot be resumed.
    std::string checkpoint;
    /// Go on with the crawl that the checkpoint is of, and ask again what failed; begins one if there is none. If
    /// false, a checkpoint of an unfinished crawl is refused, and one of a finished crawl begun anew.
    bool resume = true;
    /// What records are written as, and where they go: a checkpoint of a crawl with others is refused.
    std::string format;
    /// See `format`.
    std::string output;
    /// Opening the sink destroys what an earlier crawl left there: it is not opened before a query was answered.
    bool replaces = false;
    /// With `replaces`: also where the checkpoint does not say that a crawl wrote the output, or one with other
    /// options.
    bool force = false;
    /// Between two moments at which what came is made durable: what a crash can cost at most.
    std::chrono::nanoseconds sync_interval = std::chrono::seconds(1);
    /// Outcomes that wait for the sink. When there are this many, no more answers are taken from the clients, which
    /// then send no more queries. At least 1.
    std::size_t max_queued = 1024;

    /// Called, on a thread of the crawl, for what happens before its end. Optional.
    std::function<void(const bulk_event&)> on_event;
};

/// Why nothing more is asked of a server.
struct bulk_problem {
    /// What it is about.
    enum class kind {
        /// Its configuration cannot be used; a file that it names, say.
        configuration,
        /// It has no users.
        no_users,
        /// The system user or its password was refused.
        authentication_refused,
        /// It cannot be reached, is not to be trusted, or was away for longer than it was to be waited for.
        unreachable,
        /// Its users, or their jobs, could not be listed for another reason.
        failed,
    };
    /// What it is about.
    kind what = kind::failed;
    /// Not set for `configuration` and `no_users`.
    error_code error;
    /// As a sentence.
    std::string text;
};

/// How far one server's queries, or all, are.
struct bulk_counts {
    /// Queries to ask; those skipped are not among them. 0 until the users are known.
    std::uint64_t total = 0;
    /// Those that are known to have no records (`bulk_plan::jobs`).
    std::uint64_t skipped = 0;
    /// Those answered, in this run or an earlier one.
    std::uint64_t done = 0;
    /// Those of them that had been answered before this run.
    std::uint64_t done_before = 0;
    /// Those that failed for good in this run.
    std::uint64_t failed = 0;
    /// Records of the queries answered in this run.
    std::uint64_t records = 0;

    /// Whether nothing is left to ask.
    bool complete() const noexcept { return done == total; }
    /// Adds each number.
    bulk_counts& operator+=(const bulk_counts& other) noexcept;
};

/// How a server's part of a crawl ended.
struct bulk_server_summary {
    /// `bulk_server::name`.
    std::string name;
    /// How far it came.
    bulk_counts counts;
    /// What its clients have done.
    jobmode::metrics metrics;
    /// Users whose jobs could not be listed, with `bulk_plan::jobs`.
    std::uint64_t unlisted_users = 0;
    /// What ended it early.
    std::optional<bulk_problem> problem;
};

/// How a crawl ended.
struct bulk_summary {
    /// Every server's queries are known, and all of them answered.
    bool complete = false;
    /// Everything had been answered before: nothing was asked.
    bool nothing_left = false;
    /// Anything is kept: the sink was opened.
    bool begun = false;
    /// Of all servers together.
    bulk_counts counts;
    /// One for each server, in the order of `bulk_options::servers`; none if the crawl was refused.
    std::vector<bulk_server_summary> servers;
    /// Failures in this run by the name of their error.
    std::map<std::string, std::uint64_t> failures;
    /// How long this run took.
    std::chrono::nanoseconds elapsed{0};
};

/// A query that has failed for good.
struct bulk_failure {
    /// The server's name.
    std::string_view server;
    /// What was asked.
    const jobmode::query& query;
    /// The error's name.
    std::string_view error;
    /// As a sentence.
    std::string_view message;
    /// How often it was asked.
    unsigned attempts = 0;
};

/// A crawl cannot be carried out as it was asked for: its checkpoint says something else.
class bulk_refused : public std::runtime_error {
public:
    /// What the checkpoint or the options say.
    enum class reason {
        /// The checkpoint is of a crawl that is not finished, and `resume` is false.
        unfinished,
        /// The checkpoint is of another crawl; `detail` says what differs.
        another_crawl,
        /// The checkpoint does not say that a crawl wrote the output that would be replaced.
        not_ours,
        /// The output that would be replaced is of a finished crawl that is another one; `detail` says what differs.
        finished_another,
        /// The checkpoint cannot be; `detail` says why.
        damaged,
        /// The options contradict one another; `detail` says which.
        options,
    };
    /// `detail` is a clause; see `reason`.
    bulk_refused(reason why, const std::string& checkpoint, std::string detail);

    /// What the checkpoint or the options say.
    reason why() const noexcept { return why_; }
    /// What differs, or what is wrong, as a clause; may be empty.
    const std::string& detail() const noexcept { return detail_; }

private:
    reason why_;
    std::string detail_;
};

/// What a crawl would do.
enum class bulk_prospect {
    /// It begins.
    begins,
    /// It goes on with what its checkpoint is of.
    goes_on,
    /// Everything was answered: it asks nothing.
    nothing_left,
};

/// Asks every query about servers, users and dates, and keeps each answer exactly once, whatever happens meanwhile: a
/// crawl that was stopped, killed or that lost its power is resumed from its checkpoint.
///
/// Clients, the sink and what steers them run on threads of the crawl's own, so that a slow sink slows the crawl and
/// blocks no executor. All functions are thread-safe unless they say otherwise.
class bulk_crawl {
public:
    /// What a crawl with these options would do. Throws what `async_run` would end with before it begins; asks no
    /// server and needs no password. The checkpoint may be another one when the crawl is run.
    static bulk_prospect inspect(const bulk_options& options);

    /// `executor` is where completion handlers run that have none of their own.
    bulk_crawl(boost::asio::any_io_executor executor, bulk_options options, std::unique_ptr<record_sink> sink);
    bulk_crawl(const bulk_crawl&) = delete;
    bulk_crawl& operator=(const bulk_crawl&) = delete;
    /// Breaks off a crawl that runs, waits for its threads, and has its handler called with `operation_aborted`.
    ~bulk_crawl();

    /// Runs the crawl; once. Signature: `void(std::exception_ptr, bulk_summary)`.
    ///
    /// The exception is what the sink threw, `bulk_refused`, or a `std::runtime_error` for a checkpoint that cannot be
    /// used or written. Failed queries and servers that were given up are no exception: the summary has them.
    /// Cancellation: total and partial do as `stop` does, terminal as `abandon` does.
    template <class Token>
    auto async_run(Token&& token) {
        return boost::asio::async_initiate<Token, void(std::exception_ptr, bulk_summary)>(
            [](auto handler, bulk_crawl* self) {
                const auto executor = boost::asio::get_associated_executor(handler, self->executor());
                auto slot = boost::asio::get_associated_cancellation_slot(handler);
                if (slot.is_connected())
                    slot.assign([self](boost::asio::cancellation_type how) { self->cancel(how); });
                self->start(
                    [handler = std::move(handler), slot, executor, work = boost::asio::make_work_guard(executor)](
                        std::exception_ptr failure, bulk_summary summary) mutable {
                        boost::asio::post(executor, [handler = std::move(handler), slot, failure = std::move(failure),
                                                     summary = std::move(summary)]() mutable {
                            if (slot.is_connected())
                                slot.clear();
                            std::move(handler)(std::move(failure), std::move(summary));
                        });
                    });
            },
            token, this);
    }

    /// Sends no more queries; those in flight end and are kept.
    void stop();
    /// Waits for no answer any more; what came is kept.
    void abandon();

    /// How far it is.
    bulk_counts progress() const;
    /// The same of the server at this place of `bulk_options::servers`.
    bulk_counts progress(std::size_t server) const;
    /// What the clients of that server have done so far.
    jobmode::metrics metrics(std::size_t server) const;
    /// Calls `visit` for each query that has failed for good, in this run or an earlier one of the same crawl, and not
    /// been answered since. Not while the crawl runs. What `bulk_failure` refers to is valid during the call.
    void for_each_failure(const std::function<void(const bulk_failure&)>& visit) const;

    /// Where completion handlers run that have none of their own.
    const boost::asio::any_io_executor& executor() const noexcept;

private:
    class impl;

    void start(boost::asio::any_completion_handler<void(std::exception_ptr, bulk_summary)> on_end);
    void cancel(boost::asio::cancellation_type how);

    std::unique_ptr<impl> impl_;
};

}  // namespace jobmode

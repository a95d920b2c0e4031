// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/crawl.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cli/crawl_output.hpp"
#include "cli/crawl_state.hpp"
#include "policy/crawl_plan.hpp"

namespace jobmode::cli {

/// What a crawl is kept in. Without a state it cannot be resumed.
struct crawl_files {
    std::unique_ptr<crawl_output> output;
    std::unique_ptr<crawl_state> state;
};

/// The books of a running crawl: what is still to be asked, what has been answered and where it went. Worker threads
/// take queries from it and give outcomes to it; everything it does is serialised, so that a slow disk slows the crawl.
/// Thread-safe.
class crawl_books {
public:
    /// A crawl that goes on where it was left.
    crawl_books(policy::crawl_plan plan, crawl_files files);
    /// A crawl that begins. `open` is called with its first answer, when there is something to put in the place of what
    /// an earlier crawl may have left there. `replaces` says whether there is such a thing: then nothing is opened, and
    /// nothing is lost, if no query is answered at all.
    crawl_books(policy::crawl_plan plan, std::function<crawl_files()> open, bool replaces);

    /// The next query to ask, with its number; nothing if there is none, or if `stop` was called.
    std::optional<query> next(std::uint64_t& number);
    /// Takes an outcome of the query with that number. Throws what `problem_of` knows when it cannot be kept, and so
    /// does everything after that.
    void take(std::uint64_t number, const outcome& ended);
    /// Makes everything taken so far last. Throws as `take` does.
    void sync();
    /// Makes it last, and notes that every query has been asked if that is so. Throws as `take` does.
    void finish();
    /// Whether anything is kept: the files are open.
    bool begun() const;
    /// Gives out no more queries.
    void stop() noexcept { stopped_ = true; }

    std::uint64_t total() const noexcept { return plan_.size(); }
    std::uint64_t done() const noexcept { return done_; }
    std::uint64_t done_before() const noexcept { return done_before_; }
    std::uint64_t failed() const noexcept { return failed_; }
    /// Records of the queries done in this run.
    std::uint64_t records() const noexcept { return records_; }
    /// Failures by the name of their error.
    std::map<std::string, std::uint64_t> failures() const;
    /// Why the first query that is known to have failed did.
    std::optional<std::string> first_failure() const;
    /// Calls `visit` with each query that has failed, in this run or an earlier one, and why.
    void for_each_failed(const std::function<void(const query&, const failed_query&)>& visit);

private:
    void open_locked();
    void keep_failure(std::uint64_t number, const query& asked, failed_query failed);
    void sync_locked();

    policy::crawl_plan plan_;
    crawl_files files_;
    std::function<crawl_files()> open_;
    bool replaces_ = false;
    /// As it was at the beginning, so that it can be read without the lock.
    const index_set done_at_start_;
    std::atomic<std::uint64_t> next_{0};
    std::atomic<bool> stopped_{false};
    std::uint64_t done_before_ = 0;
    std::atomic<std::uint64_t> done_{0};
    std::atomic<std::uint64_t> failed_{0};
    std::atomic<std::uint64_t> records_{0};
    mutable std::mutex mutex_;
    /// What went wrong for good, once something has.
    std::exception_ptr broken_;
    std::map<std::string, std::uint64_t> failures_;
    /// What has failed, as long as there is no state to keep it.
    std::map<std::uint64_t, failed_query> failed_queries_;
};

}  // namespace jobmode::cli

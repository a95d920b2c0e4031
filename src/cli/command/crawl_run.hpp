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
#include <string_view>
#include <vector>

#include "policy/crawl_plan.hpp"
#include "store/crawl_checkpoint.hpp"
#include "store/index_set.hpp"
#include "store/record_sink.hpp"

namespace jobmode::cli {

/// What a crawl is kept in. Without a state it cannot be resumed.
struct crawl_files {
    std::unique_ptr<store::record_sink> output;
    std::unique_ptr<store::crawl_checkpoint> state;
};

/// What is asked of one server.
struct server_plan {
    policy::crawl_plan queries;
    /// Those that need not be asked, by their numbers: they are known to have no records.
    store::index_set skipped;
    /// The login names, for the state to keep, if they cannot be had again.
    std::vector<std::string> users;
};

/// How far one server's queries, or all, are.
struct crawl_counts {
    /// Queries to ask; those skipped are not among them.
    std::uint64_t total = 0;
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
};

/// The books of a running crawl: what is still to be asked of each server, what has been answered and where it went.
/// Worker threads take queries from it and give outcomes to it; everything it does is serialised, so that a slow disk
/// slows the crawl. Thread-safe.
class crawl_books {
public:
    /// A crawl that goes on where it was left: its state is loaded. What the state knows of a server is added by `add`
    /// as it is in there, in the same order and before anything else.
    crawl_books(std::vector<std::string> servers, crawl_files files);
    /// A crawl that begins. `open` is called with its first answer, when there is something to put in the place of what
    /// an earlier crawl may have left there. `replaces` says whether there is such a thing: then nothing is opened, and
    /// nothing is lost, if no query is answered at all.
    crawl_books(std::vector<std::string> servers, std::function<crawl_files()> open, bool replaces);
    ~crawl_books();

    /// Says what is asked of a server, once for each; before the first `next` for it. Throws what `problem_of` knows.
    void add(std::size_t server, server_plan plan);

    /// The next query to ask of a server, with its number; nothing if there is none, or if `stop` was called.
    std::optional<query> next(std::size_t server, std::uint64_t& number);
    /// Takes an outcome of the query with that number. Throws what `problem_of` knows when it cannot be kept, and so
    /// does everything after that.
    void take(std::size_t server, std::uint64_t number, const outcome& ended);
    /// A server is given up of which not even the users are known. Throws as `take` does.
    void miss(std::size_t server, std::string_view error);
    /// Makes everything taken so far last. Throws as `take` does.
    void sync();
    /// Makes it last, and notes that every query has been asked if that is so. Throws as `take` does.
    void finish();
    /// Gives out no more queries for a server.
    void stop(std::size_t server) noexcept;

    /// Whether anything is kept: the files are open.
    bool begun() const;
    const std::vector<std::string>& servers() const noexcept { return names_; }
    crawl_counts counts(std::size_t server) const;
    crawl_counts counts() const;
    /// Whether every server's queries are known, and all of them answered.
    bool complete() const;
    /// Failures in this run by the name of their error.
    std::map<std::string, std::uint64_t> failures() const;
    /// Why the first query failed that is known to have failed, if nothing is kept.
    std::optional<std::string> first_failure() const;
    /// Calls `visit` with the server and each of its queries that has failed, in this run or an earlier one, and why.
    void for_each_failed(
        const std::function<void(std::string_view server, const query&, const store::failed_query&)>& visit) const;

private:
    struct section;

    void open_locked();
    void enter(section& which);
    void keep_failure(section& which, std::uint64_t number, const query& asked, store::failed_query failed);
    void sync_locked();
    crawl_counts counts_of(const section& which) const;

    const std::vector<std::string> names_;
    /// One for each server, there from the beginning.
    std::vector<std::unique_ptr<section>> sections_;
    crawl_files files_;
    std::function<crawl_files()> open_;
    bool replaces_ = false;
    mutable std::mutex mutex_;
    /// The queries that the state knows.
    std::uint64_t numbered_ = 0;
    /// What went wrong for good, once something has.
    std::exception_ptr broken_;
    std::map<std::string, std::uint64_t> failures_;
};

}  // namespace jobmode::cli

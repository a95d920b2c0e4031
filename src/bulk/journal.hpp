// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/bulk_crawl.hpp>
#include <jobmode/crawl.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bulk/preparation.hpp"
#include "bulk/resume.hpp"
#include "store/crawl_checkpoint.hpp"

namespace jobmode::bulk {

/// How a query ended, on its way from a worker to the sink.
struct ended_query {
    std::size_t server = 0;
    /// Its number in the server's plan.
    std::uint64_t number = 0;
    outcome ended;
};

/// What is still to be asked of each server, what has been answered, and where it went.
///
/// Workers take queries from it and read figures at any time, from any thread. What writes (`open`, `add`, `take`,
/// `miss`, `sync`, `finish`) is called on one thread, the sink's; it throws what the sink, the checkpoint or
/// `bulk_refused` throw, and is not called again after that.
class journal {
public:
    /// All must outlive this object. `found` says whether it goes on with an earlier crawl, or begins one with its
    /// first answer.
    journal(const bulk_options& options, record_sink& sink, resumption& found);
    ~journal();

    /// The next query to ask of a server, with its number; nothing if there is none, or if `stop` was called. Not
    /// before `add` has returned for that server.
    std::optional<query> next(std::size_t server, std::uint64_t& number);
    /// Gives out no more queries for a server.
    void stop(std::size_t server) noexcept;

    /// Goes on with an earlier crawl: opens the sink where it was left. Before anything else.
    void open();
    /// Says what is asked of a server, once for each. What the checkpoint knows is added first, in its order.
    void add(std::size_t server, server_plan plan);
    void take(ended_query taken);
    /// A server is given up of which not even the users are known.
    void miss(std::size_t server, std::string_view error);
    /// Makes everything taken so far last.
    void sync();
    /// Makes it last, and notes that every query has been asked if that is so.
    void finish();

    /// Whether anything is kept: the sink was opened.
    bool begun() const noexcept { return begun_; }
    bulk_counts counts(std::size_t server) const noexcept;
    bulk_counts counts() const noexcept;
    /// Whether every server's queries are known, and all of them answered.
    bool complete() const noexcept;
    /// Failures in this run by the name of their error.
    std::map<std::string, std::uint64_t> failures() const;
    /// Each query that has failed and not been answered since. Not while anything is written.
    void for_each_failure(const std::function<void(const bulk_failure&)>& visit) const;

private:
    struct section;

    void begin();
    void enter(section& which);
    void keep_failure(section& which, std::uint64_t number, const query& asked, store::failed_query failed);

    const bulk_options& options_;
    record_sink& sink_;
    resumption& found_;
    /// One for each server, there from the beginning.
    std::vector<std::unique_ptr<section>> sections_;
    std::atomic<bool> begun_{false};
    /// The queries that the checkpoint knows.
    std::uint64_t numbered_ = 0;
    mutable std::mutex mutex_;
    /// Guarded by `mutex_`.
    std::map<std::string, std::uint64_t> failures_;
};

}  // namespace jobmode::bulk

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/crawl_run.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace jobmode::cli {
namespace {

// So much text is written at once, at the latest; more would only take memory.
constexpr std::uint64_t max_pending = 4U << 20U;

store::moment now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

/// One server's part of the books.
struct crawl_books::section {
    explicit section(std::string_view name) : server(name) {}

    const std::string_view server;
    /// Nothing until it is added.
    std::optional<server_plan> plan;
    /// The error's name, if nothing could be learnt of the server.
    std::string missed;
    /// Whether the files know of it.
    bool entered = false;
    /// The number of its first query among those of all.
    std::uint64_t first = 0;
    /// What need not be asked, from the beginning: so it can be read without the lock.
    store::index_set settled;
    std::uint64_t skipped = 0;
    std::uint64_t done_before = 0;
    std::atomic<std::uint64_t> next{0};
    std::atomic<bool> stopped{false};
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    std::uint64_t records = 0;
    /// What has failed, as long as there is no state to keep it.
    std::map<std::uint64_t, store::failed_query> failed_queries;
};

crawl_books::crawl_books(std::vector<std::string> servers, crawl_files files)
    : crawl_books(std::move(servers), nullptr, false) {
    files_ = std::move(files);
}

crawl_books::crawl_books(std::vector<std::string> servers, std::function<crawl_files()> open, bool replaces)
    : names_(std::move(servers)), open_(std::move(open)), replaces_(replaces) {
    for (const std::string& name : names_)
        sections_.push_back(std::make_unique<section>(name));
}

crawl_books::~crawl_books() = default;

void crawl_books::add(std::size_t server, server_plan plan) {
    const std::scoped_lock lock(mutex_);
    section& which = *sections_[server];
    which.settled = plan.skipped;
    which.skipped = plan.skipped.count();
    which.plan = std::move(plan);
    try {
        if (files_.output)
            enter(which);
    } catch (...) {
        broken_ = std::current_exception();
        throw;
    }
}

/// Makes a section known to the files, or finds in the state what it knows of it.
void crawl_books::enter(section& which) {
    which.entered = true;
    which.first = numbered_;
    const std::uint64_t size = which.plan->queries.size();
    numbered_ += size;
    if (which.skipped != 0)
        for (std::uint64_t number = 0; number != size; ++number)
            if (which.plan->skipped.contains(number))
                files_.output->add_skipped(which.server, which.plan->queries.at(number), now());
    if (!files_.state)
        return;
    if (numbered_ > files_.state->total()) {
        files_.state->add({std::string(which.server), size, which.plan->users}, which.plan->skipped);
        return;
    }
    for (std::uint64_t number = 0; number != size; ++number)
        if (files_.state->done().contains(which.first + number)) {
            which.settled.insert(number);
            ++which.done_before;
        }
    which.done = which.done_before;
}

std::optional<query> crawl_books::next(std::size_t server, std::uint64_t& number) {
    section& which = *sections_[server];
    while (!which.stopped) {
        number = which.next++;
        if (number >= which.plan->queries.size())
            return std::nullopt;
        if (!which.settled.contains(number))
            return which.plan->queries.at(number);
    }
    return std::nullopt;
}

void crawl_books::take(std::size_t server, std::uint64_t number, const outcome& ended) {
    const std::scoped_lock lock(mutex_);
    if (broken_)
        std::rethrow_exception(broken_);
    // A query that was taken back, or whose server was away, has not been asked.
    if (ended.error == boost::asio::error::operation_aborted || ended.diagnostics.server_away)
        return;
    section& which = *sections_[server];
    try {
        if (!ended.error) {
            open_locked();
            files_.output->add(which.server, ended.query, ended.records, now());
            if (files_.state)
                files_.state->mark_done(which.first + number, ended.records.size());
            ++which.done;
            which.records += ended.records.size();
        } else {
            const std::string name = error_name(ended.error);
            keep_failure(which, number, ended.query,
                         {name, ended.diagnostics.describe(ended.error), ended.diagnostics.attempt});
            ++failures_[name];
            ++which.failed;
        }
        if (files_.output && files_.output->pending() >= max_pending)
            sync_locked();
    } catch (...) {
        broken_ = std::current_exception();
        throw;
    }
}

void crawl_books::open_locked() {
    if (files_.output)
        return;
    files_ = open_();
    for (const std::unique_ptr<section>& which : sections_) {
        if (!which->missed.empty())
            files_.output->add_unseen(which->server, which->missed, now());
        if (!which->plan)
            continue;
        enter(*which);
        for (auto& [number, failed] : std::exchange(which->failed_queries, {}))
            keep_failure(*which, number, which->plan->queries.at(number), std::move(failed));
    }
}

void crawl_books::keep_failure(section& which, std::uint64_t number, const query& asked, store::failed_query failed) {
    if (files_.output)
        files_.output->add_failure(which.server, asked, failed.error, now());
    if (files_.state)
        files_.state->mark_failed(which.first + number, std::move(failed));
    else
        which.failed_queries.insert_or_assign(number, std::move(failed));
}

void crawl_books::miss(std::size_t server, std::string_view error) {
    const std::scoped_lock lock(mutex_);
    if (broken_)
        return;
    section& which = *sections_[server];
    which.missed = error;
    if (files_.output)
        files_.output->add_unseen(which.server, error, now());
}

void crawl_books::sync() {
    const std::scoped_lock lock(mutex_);
    if (!broken_ && files_.output)
        sync_locked();
}

void crawl_books::finish() {
    const std::scoped_lock lock(mutex_);
    if (broken_)
        return;
    bool all_asked = true;
    bool failed = false;
    for (const std::unique_ptr<section>& which : sections_) {
        const crawl_counts is = counts_of(*which);
        all_asked = all_asked && which->plan && is.done + is.failed == is.total;
        failed = failed || is.failed != 0;
    }
    if (all_asked && (!failed || !replaces_))
        open_locked();
    if (!files_.output)
        return;
    const store::sink_position length = files_.output->sync();
    if (!files_.state)
        return;
    if (all_asked)
        files_.state->finish(length);
    else
        files_.state->commit(length);
}

void crawl_books::sync_locked() {
    try {
        const store::sink_position length = files_.output->sync();
        if (files_.state)
            files_.state->commit(length);
    } catch (...) {
        broken_ = std::current_exception();
        throw;
    }
}

void crawl_books::stop(std::size_t server) noexcept {
    sections_[server]->stopped = true;
}

bool crawl_books::begun() const {
    const std::scoped_lock lock(mutex_);
    return files_.output != nullptr;
}

crawl_counts crawl_books::counts_of(const section& which) const {
    crawl_counts all;
    if (which.plan)
        all.total = which.plan->queries.size() - which.skipped;
    all.skipped = which.skipped;
    all.done = which.done;
    all.done_before = which.done_before;
    all.failed = which.failed;
    all.records = which.records;
    return all;
}

crawl_counts crawl_books::counts(std::size_t server) const {
    const std::scoped_lock lock(mutex_);
    return counts_of(*sections_[server]);
}

crawl_counts crawl_books::counts() const {
    const std::scoped_lock lock(mutex_);
    crawl_counts all;
    for (const std::unique_ptr<section>& which : sections_) {
        const crawl_counts one = counts_of(*which);
        all.total += one.total;
        all.skipped += one.skipped;
        all.done += one.done;
        all.done_before += one.done_before;
        all.failed += one.failed;
        all.records += one.records;
    }
    return all;
}

bool crawl_books::complete() const {
    const std::scoped_lock lock(mutex_);
    return std::ranges::all_of(sections_, [this](const std::unique_ptr<section>& which) {
        return which->plan && counts_of(*which).complete();
    });
}

std::map<std::string, std::uint64_t> crawl_books::failures() const {
    const std::scoped_lock lock(mutex_);
    return failures_;
}

std::optional<std::string> crawl_books::first_failure() const {
    const std::scoped_lock lock(mutex_);
    for (const std::unique_ptr<section>& which : sections_)
        if (!which->failed_queries.empty())
            return which->failed_queries.begin()->second.message;
    return std::nullopt;
}

void crawl_books::for_each_failed(
    const std::function<void(std::string_view, const query&, const store::failed_query&)>& visit) const {
    const std::scoped_lock lock(mutex_);
    for (const std::unique_ptr<section>& which : sections_)
        for (const auto& [number, failed] : which->failed_queries)
            visit(which->server, which->plan->queries.at(number), failed);
    if (!files_.state)
        return;
    files_.state->for_each_failed([&](std::uint64_t number, const store::failed_query& failed) {
        for (const std::unique_ptr<section>& which : sections_)
            if (which->entered && number >= which->first && number - which->first < which->plan->queries.size())
                visit(which->server, which->plan->queries.at(number - which->first), failed);
    });
}

}  // namespace jobmode::cli

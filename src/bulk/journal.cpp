// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "bulk/journal.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace jobmode::bulk {
namespace {

// So much text is written at once, at the latest; more would only take memory.
constexpr std::uint64_t max_pending = 4U << 20U;

std::chrono::sys_seconds now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

/// One server's part.
struct journal::section {
    explicit section(std::string_view name) : server(name) {}

    const std::string_view server;
    /// Nothing until it is added.
    std::optional<server_plan> plan;
    std::atomic<bool> planned{false};
    /// The error's text, if nothing could be learnt of the server.
    std::string missed;
    /// Whether the checkpoint knows of it.
    bool entered = false;
    /// The number of its first query among those of all.
    std::uint64_t first = 0;
    /// What need not be asked, from the beginning: so it can be read by workers.
    store::index_set settled;
    std::atomic<std::uint64_t> next{0};
    std::atomic<bool> stopped{false};
    std::atomic<std::uint64_t> total{0};
    std::atomic<std::uint64_t> skipped{0};
    std::atomic<std::uint64_t> done{0};
    std::atomic<std::uint64_t> done_before{0};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> records{0};
    /// What has failed, as long as there is no checkpoint to keep it.
    std::map<std::uint64_t, store::failed_query> failed_queries;
};

journal::journal(const bulk_options& options, record_sink& sink, resumption& found)
    : options_(options), sink_(sink), found_(found) {
    for (const bulk_server& server : options.servers)
        sections_.push_back(std::make_unique<section>(server.name));
}

journal::~journal() = default;

std::optional<query> journal::next(std::size_t server, std::uint64_t& number) {
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

void journal::stop(std::size_t server) noexcept {
    sections_[server]->stopped = true;
}

void journal::open() {
    sink_.resume(found_.checkpoint->position());
    begun_ = true;
}

/// Opens the sink for the first time, with the first thing that there is to put into it.
void journal::begin() {
    if (begun_)
        return;
    begin_anew(options_, found_);
    sink_.resume({});
    begun_ = true;
    for (const std::unique_ptr<section>& which : sections_) {
        if (!which->missed.empty())
            sink_.add_unseen(which->server, which->missed, now());
        if (!which->plan)
            continue;
        enter(*which);
        for (auto& [number, failed] : std::exchange(which->failed_queries, {}))
            keep_failure(*which, number, which->plan->queries.at(number), std::move(failed));
    }
}

void journal::add(std::size_t server, server_plan plan) {
    section& which = *sections_[server];
    which.settled = plan.skipped;
    which.skipped = plan.skipped.count();
    which.total = plan.queries.size() - which.skipped;
    which.plan = std::move(plan);
    if (begun_)
        enter(which);
    which.planned = true;
}

/// Makes a section known to the checkpoint, or finds in it what it knows of the section.
void journal::enter(section& which) {
    which.entered = true;
    which.first = numbered_;
    const std::uint64_t size = which.plan->queries.size();
    numbered_ += size;
    if (which.plan->listed_at)
        sink_.add_listing(which.server, which.plan->users, *which.plan->listed_at);
    if (which.skipped != 0)
        for (std::uint64_t number = 0; number != size; ++number)
            if (which.plan->skipped.contains(number))
                sink_.add_skipped(which.server, which.plan->queries.at(number), now());
    store::crawl_checkpoint* const checkpoint = found_.checkpoint.get();
    if (checkpoint == nullptr)
        return;
    if (numbered_ > checkpoint->total()) {
        checkpoint->add({std::string(which.server), size, which.plan->users}, which.plan->skipped);
        // Whoever goes on with the crawl does not list the users again.
        sync();
        return;
    }
    for (std::uint64_t number = 0; number != size; ++number)
        if (checkpoint->done().contains(which.first + number)) {
            which.settled.insert(number);
            ++which.done_before;
        }
    which.done = which.done_before.load();
}

void journal::take(ended_query taken) {
    const outcome& ended = taken.ended;
    // A query that was taken back, or whose server was away, has not been asked.
    if (ended.error == boost::asio::error::operation_aborted || ended.diagnostics.server_away)
        return;
    section& which = *sections_[taken.server];
    if (!ended.error) {
        begin();
        sink_.add({which.server, ended.query, ended.records, {}, now()});
        if (found_.checkpoint)
            found_.checkpoint->mark_done(which.first + taken.number, ended.records.size());
        ++which.done;
        which.records += ended.records.size();
    } else {
        const std::string name = error_name(ended.error);
        keep_failure(which, taken.number, ended.query,
                     {name, ended.diagnostics.describe(ended.error), ended.diagnostics.attempt});
        ++which.failed;
        const std::scoped_lock lock(mutex_);
        ++failures_[name];
    }
    if (begun_ && sink_.pending() >= max_pending)
        sync();
}

void journal::keep_failure(section& which, std::uint64_t number, const query& asked, store::failed_query failed) {
    if (begun_)
        sink_.add({which.server, asked, record_list(), failed.error, now()});
    if (begun_ && found_.checkpoint)
        found_.checkpoint->mark_failed(which.first + number, std::move(failed));
    else
        which.failed_queries.insert_or_assign(number, std::move(failed));
}

void journal::miss(std::size_t server, std::string_view error) {
    section& which = *sections_[server];
    which.missed = error;
    if (begun_)
        sink_.add_unseen(which.server, error, now());
}

void journal::sync() {
    if (!begun_)
        return;
    const sink_position position = sink_.sync();
    if (found_.checkpoint)
        found_.checkpoint->commit(position);
}

void journal::finish() {
    bool all_asked = true;
    bool failed = false;
    for (const std::unique_ptr<section>& which : sections_) {
        all_asked = all_asked && which->plan && which->done + which->failed == which->total;
        failed = failed || which->failed != 0;
    }
    if (all_asked && (!failed || !options_.replaces))
        begin();
    if (!begun_)
        return;
    const sink_position position = sink_.sync();
    if (!found_.checkpoint)
        return;
    if (all_asked)
        found_.checkpoint->finish(position);
    else
        found_.checkpoint->commit(position);
}

bulk_counts journal::counts(std::size_t server) const noexcept {
    const section& which = *sections_[server];
    bulk_counts all;
    // What is done is read before what there is to do, so that it is never more.
    all.done_before = which.done_before;
    all.done = which.done;
    all.failed = which.failed;
    all.records = which.records;
    all.total = which.total;
    all.skipped = which.skipped;
    return all;
}

bulk_counts journal::counts() const noexcept {
    bulk_counts all;
    for (std::size_t server = 0; server != sections_.size(); ++server)
        all += counts(server);
    return all;
}

bool journal::complete() const noexcept {
    return std::ranges::all_of(
        sections_, [](const std::unique_ptr<section>& which) { return which->planned && which->done == which->total; });
}

std::map<std::string, std::uint64_t> journal::failures() const {
    const std::scoped_lock lock(mutex_);
    return failures_;
}

void journal::for_each_failure(const std::function<void(const bulk_failure&)>& visit) const {
    const auto say = [&](const section& which, std::uint64_t number, const store::failed_query& failed) {
        const query asked = which.plan->queries.at(number);
        visit({which.server, asked, failed.error, failed.message, failed.attempts});
    };
    for (const std::unique_ptr<section>& which : sections_)
        for (const auto& [number, failed] : which->failed_queries)
            say(*which, number, failed);
    if (!found_.checkpoint)
        return;
    found_.checkpoint->for_each_failed([&](std::uint64_t number, const store::failed_query& failed) {
        for (const std::unique_ptr<section>& which : sections_)
            if (which->entered && number >= which->first && number - which->first < which->plan->queries.size())
                say(*which, number - which->first, failed);
    });
}

}  // namespace jobmode::bulk

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/crawl_run.hpp"

#include <boost/asio/error.hpp>

#include <utility>

namespace jobmode::cli {
namespace {

// So much text is written at once, at the latest; more would only take memory.
constexpr std::uint64_t max_pending = 4U << 20U;

}  // namespace

crawl_books::crawl_books(policy::crawl_plan plan, crawl_files files)
    : plan_(std::move(plan)),
      files_(std::move(files)),
      done_at_start_(files_.state ? files_.state->done() : index_set(plan_.size())),
      done_before_(files_.state ? files_.state->done_count() : 0),
      done_(done_before_) {}

crawl_books::crawl_books(policy::crawl_plan plan, std::function<crawl_files()> open, bool replaces)
    : plan_(std::move(plan)), open_(std::move(open)), replaces_(replaces), done_at_start_(plan_.size()) {}

std::optional<query> crawl_books::next(std::uint64_t& number) {
    while (!stopped_) {
        number = next_++;
        if (number >= plan_.size())
            return std::nullopt;
        if (!done_at_start_.contains(number))
            return plan_.at(number);
    }
    return std::nullopt;
}

void crawl_books::take(std::uint64_t number, const outcome& ended) {
    const std::scoped_lock lock(mutex_);
    if (broken_)
        std::rethrow_exception(broken_);
    // A query that was taken back has not been asked.
    if (ended.error == boost::asio::error::operation_aborted)
        return;
    try {
        if (!ended.error) {
            open_locked();
            files_.output->add(ended);
            if (files_.state)
                files_.state->mark_done(number, ended.records.size());
            ++done_;
            records_ += ended.records.size();
        } else {
            const std::string name = error_name(ended.error);
            keep_failure(number, ended.query,
                         {name, ended.diagnostics.describe(ended.error), ended.diagnostics.attempt});
            ++failures_[name];
            ++failed_;
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
    for (auto& [number, failed] : std::exchange(failed_queries_, {}))
        keep_failure(number, plan_.at(number), std::move(failed));
}

void crawl_books::keep_failure(std::uint64_t number, const query& asked, failed_query failed) {
    if (files_.output)
        files_.output->add_failure(asked, failed.error);
    if (files_.state)
        files_.state->mark_failed(number, std::move(failed));
    else
        failed_queries_.insert_or_assign(number, std::move(failed));
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
    const bool all_asked = done_ + failed_ == plan_.size();
    if (all_asked && (failed_ == 0 || !replaces_))
        open_locked();
    if (!files_.output)
        return;
    const std::uint64_t length = files_.output->sync();
    if (!files_.state)
        return;
    if (all_asked)
        files_.state->finish(length);
    else
        files_.state->commit(length);
}

void crawl_books::sync_locked() {
    try {
        const std::uint64_t length = files_.output->sync();
        if (files_.state)
            files_.state->commit(length);
    } catch (...) {
        broken_ = std::current_exception();
        throw;
    }
}

bool crawl_books::begun() const {
    const std::scoped_lock lock(mutex_);
    return files_.output != nullptr;
}

std::optional<std::string> crawl_books::first_failure() const {
    const std::scoped_lock lock(mutex_);
    return failed_queries_.empty() ? std::nullopt : std::optional(failed_queries_.begin()->second.message);
}

std::map<std::string, std::uint64_t> crawl_books::failures() const {
    const std::scoped_lock lock(mutex_);
    return failures_;
}

void crawl_books::for_each_failed(const std::function<void(const query&, const failed_query&)>& visit) {
    const std::scoped_lock lock(mutex_);
    if (files_.state)
        files_.state->for_each_failed(
            [&](std::uint64_t number, const failed_query& failed) { visit(plan_.at(number), failed); });
    else
        for (const auto& [number, failed] : failed_queries_)
            visit(plan_.at(number), failed);
}

}  // namespace jobmode::cli

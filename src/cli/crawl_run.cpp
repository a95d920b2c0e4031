// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/crawl_run.hpp"

#include <boost/asio/error.hpp>

#include <utility>

namespace jobmode::cli {
namespace {

// So much text is written at once, at the latest; more would only take memory.
constexpr std::uint64_t max_pending = 4U << 20U;

}  // namespace

crawl_books::crawl_books(policy::crawl_plan plan, std::unique_ptr<crawl_output> output,
                         std::unique_ptr<crawl_state> state)
    : plan_(std::move(plan)),
      output_(std::move(output)),
      state_(std::move(state)),
      done_at_start_(state_ ? state_->done() : index_set(plan_.size())),
      done_before_(state_ ? state_->done_count() : 0),
      done_(done_before_) {}

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
            output_->add(ended);
            if (state_)
                state_->mark_done(number, ended.records.size());
            ++done_;
            records_ += ended.records.size();
        } else {
            output_->add_failure(ended);
            const std::string name = error_name(ended.error);
            failed_query failed{name, ended.diagnostics.describe(ended.error), ended.diagnostics.attempt};
            if (state_)
                state_->mark_failed(number, std::move(failed));
            else
                failed_queries_.insert_or_assign(number, std::move(failed));
            ++failures_[name];
            ++failed_;
        }
        if (output_->pending() >= max_pending)
            sync_locked();
    } catch (...) {
        broken_ = std::current_exception();
        throw;
    }
}

void crawl_books::sync() {
    const std::scoped_lock lock(mutex_);
    if (!broken_)
        sync_locked();
}

void crawl_books::finish() {
    const std::scoped_lock lock(mutex_);
    if (broken_)
        return;
    const std::uint64_t length = output_->sync();
    if (!state_)
        return;
    if (done_ + failed_ == plan_.size())
        state_->finish(length);
    else
        state_->commit(length);
}

void crawl_books::sync_locked() {
    try {
        const std::uint64_t length = output_->sync();
        if (state_)
            state_->commit(length);
    } catch (...) {
        broken_ = std::current_exception();
        throw;
    }
}

std::map<std::string, std::uint64_t> crawl_books::failures() const {
    const std::scoped_lock lock(mutex_);
    return failures_;
}

void crawl_books::for_each_failed(const std::function<void(const query&, const failed_query&)>& visit) {
    const std::scoped_lock lock(mutex_);
    if (state_)
        state_->for_each_failed(
            [&](std::uint64_t number, const failed_query& failed) { visit(plan_.at(number), failed); });
    else
        for (const auto& [number, failed] : failed_queries_)
            visit(plan_.at(number), failed);
}

}  // namespace jobmode::cli

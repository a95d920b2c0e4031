// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/item_runner.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <utility>

#include "bulk/failure.hpp"
#include "policy/retry.hpp"

namespace jobmode::fleet {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

bool is_transient(error_code ec) noexcept {
    return policy::is_retryable(ec) || policy::is_overload(ec) || ec == errc::proxy_refused;
}

/// What this worker would meet with every query, however often.
bool is_refusal(error_code ec, const diagnostics& diag) noexcept {
    return ec == errc::authentication_refused || ec == errc::invalid_config ||
           (bulk::is_unreachable(ec, diag) && !is_transient(ec));
}

}  // namespace

item_runner::item_runner(const client_config& config) : client_(context_.get_executor(), config), timer_(context_) {}

item_ending item_runner::run(const work_item& item, const std::function<steady_clock::time_point()>& deadline,
                             const std::function<void()>& on_first) {
    crawl_.emplace(client_, crawl::source([plan = item.plan(), next = std::uint64_t{0}]() mutable {
                       return next == plan.size() ? std::nullopt : std::optional(plan.at(next++));
                   }));
    over_ = false;
    item_ending ending;
    std::exception_ptr problem;
    int running = 2;
    const auto on_end = [&](std::exception_ptr failure) {
        --running;
        if (!failure)
            return;
        problem = std::move(failure);
        // The other one would wait for what comes no more.
        end();
    };
    asio::co_spawn(context_, watch(deadline), on_end);
    asio::co_spawn(context_, ask(ending, on_first), on_end);
    context_.restart();
    while (running != 0)
        context_.run_one();
    if (problem)
        std::rethrow_exception(problem);
    std::ranges::sort(ending.outcomes, {}, &outcome::index);
    return ending;
}

asio::awaitable<void> item_runner::ask(item_ending& ending, const std::function<void()>& on_first) {
    using kind = item_ending::kind;
    bool first = true;
    // Once the item is over there is no crawl, also before the first wait.
    while (!over_) {
        auto [ec, ended] = co_await crawl_->async_next(no_throw);
        if (over_)
            break;
        if (!ended) {
            // Queries that were never pulled have no outcome: the item is not done.
            if (ec)
                throw boost::system::system_error(ec, "the queries of an item");
            end();
            co_return;
        }
        const bool refused = is_refusal(ended->error, ended->diagnostics);
        if (std::exchange(first, false) && !refused)
            on_first();
        if ((refused && ending.how != kind::refused) || (is_transient(ended->error) && ending.how == kind::complete)) {
            ending.how = refused ? kind::refused : kind::transient;
            ending.error = ended->error;
            ending.diagnostics = ended->diagnostics;
            ending.why = ended->diagnostics.describe(ended->error);
            if (refused)
                crawl_->stop();
        }
        ending.outcomes.push_back(std::move(*ended));
    }
    ending.how = kind::cut_off;
}

asio::awaitable<void> item_runner::watch(const std::function<steady_clock::time_point()>& deadline) {
    while (!over_) {
        const steady_clock::time_point at = deadline();
        if (steady_clock::now() >= at) {
            end();
            co_return;
        }
        timer_.expires_at(at);
        co_await timer_.async_wait(no_throw);
    }
}

/// Takes the crawl away, which ends its queries, the wait for them, and that for the deadline.
void item_runner::end() {
    over_ = true;
    crawl_.reset();
    timer_.cancel();
}

}  // namespace jobmode::fleet

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "bulk/worker.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace jobmode::bulk {

namespace asio = boost::asio;

worker::worker(const client_config& config, journal& from, sink_thread& to, std::size_t server,
               std::function<void(error_code, const diagnostics&)> on_first,
               std::function<void(error_code, const diagnostics&)> on_away,
               std::function<void(std::exception_ptr)> on_end)
    : from_(from),
      to_(to),
      server_(server),
      room_(context_, std::chrono::steady_clock::time_point::max()),
      client_(context_.get_executor(), config),
      crawl_(client_, jobmode::crawl::source([this] { return pull(); })),
      on_first_(std::move(on_first)),
      on_away_(std::move(on_away)) {
    asio::co_spawn(context_, work(), [this, on_end = std::move(on_end)](std::exception_ptr failure) {
        client_.close();
        on_end(std::move(failure));
    });
    thread_ = std::thread([this] { context_.run(); });
}

worker::~worker() {
    thread_.join();
}

void worker::stop() {
    asio::post(context_, [this] { crawl_.stop(); });
}

void worker::abandon() {
    asio::post(context_, [this] { client_.close(); });
}

std::optional<query> worker::pull() {
    std::uint64_t number = 0;
    std::optional<query> asked = from_.next(server_, number);
    if (asked)
        numbers_.emplace(pulled_++, number);
    return asked;
}

asio::awaitable<void> worker::work() {
    for (;;) {
        std::optional<outcome> ended = crawl_.try_next();
        if (!ended)
            ended = co_await crawl_.async_next();
        if (!ended)
            co_return;
        const std::uint64_t number = numbers_.extract(ended->index).mapped();
        if (ended->diagnostics.server_away && on_away_) {
            from_.stop(server_);
            std::exchange(on_away_, nullptr)(ended->error, ended->diagnostics);
        }
        if (const auto first = std::exchange(on_first_, nullptr))
            first(ended->error, ended->diagnostics);
        if (ended->error == errc::authentication_refused)
            from_.stop(server_);
        if (!to_.push({server_, number, std::move(*ended)}))
            co_await wait_for_room();
    }
}

/// Outcomes wait in the crawl meanwhile, which then sends no more.
asio::awaitable<void> worker::wait_for_room() {
    to_.when_room([this] { asio::post(context_, [this] { room_.cancel(); }); });
    co_await room_.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace jobmode::bulk

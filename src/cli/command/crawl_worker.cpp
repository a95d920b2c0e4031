// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/crawl_worker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace jobmode::cli {

crawl_worker::crawl_worker(const client_config& config, crawl_books& books, std::size_t server,
                           std::function<void(error_code, const diagnostics&)> on_first,
                           std::function<void(error_code, const diagnostics&)> on_away,
                           std::function<void(std::exception_ptr)> on_end)
    : books_(books),
      server_(server),
      client_(context_.get_executor(), config),
      crawl_(client_, jobmode::crawl::source([this] { return pull(); })),
      on_first_(std::move(on_first)),
      on_away_(std::move(on_away)) {
    boost::asio::co_spawn(context_, work(), [this, on_end = std::move(on_end)](std::exception_ptr failure) {
        client_.close();
        on_end(std::move(failure));
    });
    thread_ = std::thread([this] { context_.run(); });
}

crawl_worker::~crawl_worker() {
    thread_.join();
}

void crawl_worker::stop() {
    boost::asio::post(context_, [this] { crawl_.stop(); });
}

void crawl_worker::abandon() {
    boost::asio::post(context_, [this] { client_.close(); });
}

std::optional<query> crawl_worker::pull() {
    std::uint64_t number = 0;
    std::optional<query> asked = books_.next(server_, number);
    if (asked)
        numbers_.emplace(pulled_++, number);
    return asked;
}

boost::asio::awaitable<void> crawl_worker::work() {
    for (;;) {
        std::optional<outcome> ended = crawl_.try_next();
        if (!ended)
            ended = co_await crawl_.async_next();
        if (!ended)
            co_return;
        const auto number = numbers_.extract(ended->index);
        books_.take(server_, number.mapped(), *ended);
        if (ended->diagnostics.server_away && on_away_) {
            books_.stop(server_);
            std::exchange(on_away_, nullptr)(ended->error, ended->diagnostics);
        }
        if (const auto first = std::exchange(on_first_, nullptr))
            first(ended->error, ended->diagnostics);
        if (ended->error == errc::authentication_refused)
            books_.stop(server_);
    }
}

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/client.hpp>
#include <jobmode/crawl.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fleet/work_item.hpp"

namespace jobmode::fleet {

/// How the work on an item ended.
struct item_ending {
    enum class kind {
        /// Every query was answered, or failed for good.
        complete,
        /// Some failed in a way that can be better another time.
        transient,
        /// This worker's account or the server's certificate is refused: it is no use to go on.
        refused,
        /// The time was up.
        cut_off,
    };
    kind how = kind::complete;
    /// For `complete` and `transient`: every query's, in the order of the plan.
    std::vector<outcome> outcomes;
    /// For `transient` and `refused`: one of the failures.
    std::string why;
    error_code error;
    jobmode::diagnostics diagnostics;
};

/// Asks the queries of one item after another, with a client of its own, on the calling thread: this is where a fleet
/// meets Asio, and no call of NATS is made while it runs. Used by one thread.
class item_runner {
public:
    explicit item_runner(const client_config& config);

    /// Works until it is done or `deadline`, which is asked again whenever it seems to have come, is over. `on_first`
    /// is called when the first query has ended, unless it was refused. Passes on what `deadline` and `on_first` throw,
    /// and the item is over then.
    item_ending run(const work_item& item, const std::function<std::chrono::steady_clock::time_point()>& deadline,
                    const std::function<void()>& on_first);

private:
    boost::asio::awaitable<void> ask(item_ending& ending, const std::function<void()>& on_first);
    boost::asio::awaitable<void> watch(const std::function<std::chrono::steady_clock::time_point()>& deadline);
    void end();

    boost::asio::io_context context_{1};
    client client_;
    boost::asio::steady_timer timer_;
    std::optional<crawl> crawl_;
    /// The item in hand is done with, or the time for it; then there is no crawl.
    bool over_ = false;
};

}  // namespace jobmode::fleet

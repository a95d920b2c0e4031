// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A service's own work and very many queries on one io_context: fan_out URL DATE
#include <jobmode/crawl.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settings.hpp"

namespace {

namespace asio = boost::asio;

/// Stands for whatever else the service does meanwhile.
asio::awaitable<void> tick(std::size_t& ticks, const bool& done) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (!done) {
        timer.expires_after(std::chrono::milliseconds(1));
        co_await timer.async_wait(asio::use_awaitable);
        ++ticks;
    }
}

/// Which users had no scheduled backup on this day?
asio::awaitable<void> find_silent(jobmode::client_config config, jobmode::date_or_job_id day, bool& done) {
    jobmode::client client(co_await asio::this_coro::executor, std::move(config));
    const std::vector<std::string> users = co_await client.async_list_users();
    // Queries are made when there is room to send them, so that a million of them need no memory.
    jobmode::crawl crawl(client, [&, user = users.begin()]() mutable -> std::optional<jobmode::query> {
        if (user == users.end())
            return std::nullopt;
        return jobmode::query(*user++, day);
    });
    std::size_t silent = 0;
    std::size_t failed = 0;
    while (const std::optional<jobmode::outcome> outcome = co_await crawl.async_next()) {
        if (outcome->error) {
            ++failed;
            std::cerr << outcome->query.login_name << ": " << outcome->diagnostics.describe(outcome->error) << '\n';
            continue;
        }
        const bool scheduled = std::ranges::any_of(outcome->records, [](const jobmode::record_view& record) {
            return record.backup_job_mode() == jobmode::job_mode::scheduled;
        });
        if (!scheduled)
            ++silent;
    }
    done = true;
    std::cout << silent << " of " << users.size() << " users had no scheduled backup; " << failed
              << " queries failed\n";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: fan_out URL DATE\n";
        return 2;
    }
    try {
        asio::io_context context(1);
        std::size_t ticks = 0;
        bool done = false;
        const auto rethrow = [](std::exception_ptr failure) {
            if (failure)
                std::rethrow_exception(failure);
        };
        asio::co_spawn(context, find_silent(settings(argv[1]), argv[2], done), rethrow);
        asio::co_spawn(context, tick(ticks, done), rethrow);
        context.run();
        std::cout << "meanwhile the service ticked " << ticks << " times\n";
    } catch (const std::exception& failure) {
        std::cerr << "fan_out: " << failure.what() << '\n';
        return 1;
    }
    return 0;
}

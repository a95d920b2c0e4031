// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Several servers at once, each with its own connections and limits, so that a dead one slows no other:
// several_servers DATE URL...
#include <jobmode/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>

#include "settings.hpp"

namespace {

boost::asio::awaitable<void> ask(std::string url, jobmode::date_or_job_id day) {
    try {
        jobmode::client_config config = settings(url);
        config.timeouts.connect = std::chrono::seconds(2);
        config.retry.max_retries = 1;
        jobmode::client client(co_await boost::asio::this_coro::executor, std::move(config));
        const jobmode::query query("obm", day);
        const std::vector<jobmode::record> records = co_await client.async_list(query);
        std::cout << url << ": " << records.size() << " jobs\n";
    } catch (const std::exception& failure) {
        std::cout << url << ": " << failure.what() << '\n';
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::cerr << "usage: several_servers DATE URL...\n";
        return 2;
    }
    boost::asio::io_context context(1);
    for (int server = 2; server != argc; ++server)
        boost::asio::co_spawn(context, ask(argv[server], argv[1]), boost::asio::detached);
    context.run();
    return 0;
}

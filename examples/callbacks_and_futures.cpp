// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The same operations without coroutines: callbacks_and_futures URL
#include <jobmode/client.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <exception>
#include <future>
#include <iostream>
#include <memory>
#include <thread>

#include "settings.hpp"

int main(int argc, char** argv) {
    namespace asio = boost::asio;
    if (argc != 2) {
        std::cerr << "usage: callbacks_and_futures URL\n";
        return 2;
    }
    try {
        const jobmode::query query("obm", "2024-06-26");
        jobmode::client_config config = settings(argv[1]);
        // Its operations are started by this thread and carried on by another.
        config.thread_safe = true;

        asio::io_context context(1);
        const auto work = asio::make_work_guard(context);
        jobmode::client client(context.get_executor(), config);
        // Joined before the client is destroyed.
        std::jthread runner([&] { context.run(); });
        const std::unique_ptr<asio::io_context, void (*)(asio::io_context*)> stop_at_end(
            &context, [](asio::io_context* running) { running->stop(); });

        // A future, for a thread that has nothing else to do.
        std::future<std::vector<jobmode::record>> answer = client.async_list(query, asio::use_future);
        std::cout << "future: " << answer.get().size() << " jobs\n";

        // A callback, which runs where the io_context does.
        jobmode::diagnostics diagnostics;
        std::promise<void> done;
        client.async_list(query, &diagnostics, [&](jobmode::error_code ec, std::vector<jobmode::record> records) {
            if (ec)
                std::cout << "callback: " << diagnostics.describe(ec) << '\n';
            else
                std::cout << "callback: " << records.size() << " jobs\n";
            done.set_value();
        });
        done.get_future().wait();
    } catch (const std::exception& failure) {
        std::cerr << "callbacks_and_futures: " << failure.what() << '\n';
        return 1;
    }
    return 0;
}

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A large answer as it arrives, in constant memory: stream_answer URL LOGIN_NAME DATE
#include <jobmode/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <exception>
#include <iostream>

#include "settings.hpp"

namespace {

boost::asio::awaitable<void> count_scheduled(jobmode::client_config config, jobmode::query query) {
    jobmode::client client(co_await boost::asio::this_coro::executor, std::move(config));
    jobmode::record_stream stream = co_await client.async_open(query);
    std::size_t all = 0;
    std::size_t scheduled = 0;
    // The records' text lives until the next call of async_next.
    while (const jobmode::record_batch batch = co_await stream.async_next()) {
        all += batch.size();
        for (const jobmode::record_view& record : batch)
            if (record.backup_job_mode() == jobmode::job_mode::scheduled)
                ++scheduled;
    }
    std::cout << scheduled << " of " << all << " jobs were scheduled\n";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: stream_answer URL LOGIN_NAME DATE\n";
        return 2;
    }
    try {
        boost::asio::io_context context(1);
        boost::asio::co_spawn(context, count_scheduled(settings(argv[1]), jobmode::query(argv[2], argv[3])),
                              [](std::exception_ptr failure) {
                                  if (failure)
                                      std::rethrow_exception(failure);
                              });
        context.run();
    } catch (const std::exception& failure) {
        std::cerr << "stream_answer: " << failure.what() << '\n';
        return 1;
    }
    return 0;
}

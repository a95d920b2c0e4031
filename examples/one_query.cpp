// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// One query, its answer in memory: one_query URL [LOGIN_NAME DATE]
#include <jobmode/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <iostream>

#include "settings.hpp"

namespace {

boost::asio::awaitable<void> ask(jobmode::client_config config, jobmode::query query) {
    jobmode::client client(co_await boost::asio::this_coro::executor, std::move(config));
    const std::vector<jobmode::record> records = co_await client.async_list(query);
    for (const jobmode::record& record : records)
        std::cout << record.start_time_text << "  " << to_string(record.backup_job_mode()) << "  "
                  << record.backup_set_name << '\n';
    std::cout << records.size() << " jobs\n";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2 && argc != 4) {
        std::cerr << "usage: one_query URL [LOGIN_NAME DATE]\n";
        return 2;
    }
    try {
        const jobmode::query query(argc == 4 ? argv[2] : "obm", argc == 4 ? argv[3] : "2024-06-26");
        boost::asio::io_context context(1);
        boost::asio::co_spawn(context, ask(settings(argv[1]), query), [](std::exception_ptr failure) {
            if (failure)
                std::rethrow_exception(failure);
        });
        context.run();
    } catch (const std::exception& failure) {
        std::cerr << "one_query: " << failure.what() << '\n';
        return 1;
    }
    return 0;
}

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A user's program: consumer URL. It shares its io_context with the library, and is not as strict with itself: a name
// that hides another, an argument that is not used and a number that is narrowed are no errors here.
#include <jobmode/crawl.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <vector>

namespace asio = boost::asio;

static int narrowed(long value, int unused) {
    int value2 = value;
    {
        int value2 = 0;
        (void)value2;
    }
    return value2;
}

static asio::awaitable<void> ask(jobmode::client_config config) {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, std::chrono::milliseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
    jobmode::client client(executor, config);
    const std::vector<jobmode::query> queries{jobmode::query("obm", "2024-06-26"), jobmode::query("", "2024-06-26")};
    jobmode::crawl crawl(client, queries);
    int answered = 0;
    int refused = 0;
    while (const std::optional<jobmode::outcome> outcome = co_await crawl.async_next()) {
        answered += narrowed(!outcome->error && !outcome->records.empty(), 0);
        // The error's category is the same object on both sides of a shared library.
        refused += outcome->error == jobmode::errc::invalid_query;
    }
    std::cout << answered << " answered, " << refused << " refused\n";
}

int main(int argc, char** argv) {
    if (argc != 2)
        return 2;
    jobmode::client_config config(argv[1]);
    config.sys_user = std::getenv("JOBMODE_SYS_USER");
    config.sys_pwd = jobmode::secret::from_environment("JOBMODE_SYS_PWD");
    config.tls.ca_file = std::getenv("JOBMODE_CA");
    asio::io_context context;
    int code = 0;
    asio::co_spawn(context, ask(config), [&](std::exception_ptr failure) {
        try {
            if (failure)
                std::rethrow_exception(failure);
        } catch (const std::exception& problem) {
            std::cerr << problem.what() << '\n';
            code = 1;
        }
    });
    context.run();
    return code;
}

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A query that is taken back when its time is up: deadline URL MILLISECONDS
// Timeouts of the whole client are in client_config::timeouts; this is for one operation, or for any other reason.
#include <jobmode/client.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "settings.hpp"

int main(int argc, char** argv) {
    namespace asio = boost::asio;
    if (argc != 3) {
        std::cerr << "usage: deadline URL MILLISECONDS\n";
        return 2;
    }
    try {
        asio::io_context context(1);
        jobmode::client client(context.get_executor(), settings(argv[1]));
        asio::cancellation_signal cancel;
        asio::steady_timer deadline(context, std::chrono::milliseconds(std::atoi(argv[2])));
        deadline.async_wait([&](jobmode::error_code ec) {
            if (!ec)
                cancel.emit(asio::cancellation_type::terminal);
        });
        client.async_list(jobmode::query("obm", "2024-06-26"),
                          asio::bind_cancellation_slot(
                              cancel.slot(), [&](jobmode::error_code ec, std::vector<jobmode::record> records) {
                                  deadline.cancel();
                                  if (ec == asio::error::operation_aborted)
                                      std::cout << "too late\n";
                                  else if (ec)
                                      std::cout << ec.message() << '\n';
                                  else
                                      std::cout << records.size() << " jobs in time\n";
                                  client.close();
                              }));
        context.run();
    } catch (const std::exception& failure) {
        std::cerr << "deadline: " << failure.what() << '\n';
        return 1;
    }
    return 0;
}

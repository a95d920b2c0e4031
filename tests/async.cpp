// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "async.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <stdexcept>
#include <utility>

#include "patience.hpp"

namespace jobmode::test {

void run(asio::io_context& context, asio::awaitable<void> work) {
    std::exception_ptr failure;
    bool ended = false;
    asio::co_spawn(context, std::move(work), [&](std::exception_ptr thrown) {
        failure = thrown;
        ended = true;
    });
    context.restart();
    context.run_for(patience);
    if (failure)
        std::rethrow_exception(failure);
    if (!ended)
        throw std::runtime_error("the coroutine did not end");
}

}  // namespace jobmode::test

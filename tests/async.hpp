// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// How tests run coroutines.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include "patience.hpp"

namespace jobmode::test {

namespace asio = boost::asio;

/// Runs a coroutine to its end on a context of its own; what it throws is thrown here. A test that hangs is ended by
/// the context's time, not by the clock of whoever waits for the suite.
template <class Result>
Result run(asio::io_context& context, asio::awaitable<Result> work) {
    std::exception_ptr failure;
    std::optional<Result> result;
    asio::co_spawn(context, std::move(work), [&](std::exception_ptr thrown, Result value) {
        failure = thrown;
        result.emplace(std::move(value));
    });
    context.restart();
    context.run_for(patience);
    if (failure)
        std::rethrow_exception(failure);
    if (!result)
        throw std::runtime_error("the coroutine did not end");
    return std::move(*result);
}

inline void run(asio::io_context& context, asio::awaitable<void> work) {
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

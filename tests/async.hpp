// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// How tests run coroutines.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <optional>
#include <utility>

#include "patience.hpp"

namespace jobmode::test {

namespace asio = boost::asio;

/// Runs a coroutine to its end on a context of its own; what it throws is thrown here. A test that hangs is ended by
/// the context's time, not by the clock of whoever waits for the suite.
void run(asio::io_context& context, asio::awaitable<void> work);

/// Ends when the work does, and leaves its result in `result`.
template <class Result>
asio::awaitable<void> keep_result(asio::awaitable<Result> work, std::optional<Result>& result) {
    Result value = co_await std::move(work);
    result.emplace(std::move(value));
}

/// The same for one that has a result.
template <class Result>
Result run(asio::io_context& context, asio::awaitable<Result> work) {
    std::optional<Result> result;
    run(context, keep_result(std::move(work), result));
    return std::move(*result);
}

}  // namespace jobmode::test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <type_traits>
#include <utility>

namespace jobmode::detail {

/// A handler without its type, and the executor on which it is to run, found out while the type is known: asking a
/// handler without a type for it costs several allocations.
template <class Result>
struct bound_handler {
    using handler_type = boost::asio::any_completion_handler<void(error_code, Result)>;

    template <class Handler>
    requires(!std::is_same_v<Handler, bound_handler>) explicit bound_handler(Handler from)
        : executor(executor_of(from)), handler(without_type(std::move(from))) {}

    /// Empty if the handler has none of its own.
    boost::asio::any_io_executor executor;
    handler_type handler;

private:
    /// Whether it can be kept as an I/O executor; the executor of another handler without a type cannot.
    template <class Handler>
    static constexpr bool is_plain =
        std::is_convertible_v<boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>,
                              boost::asio::any_io_executor>;

    template <class Handler>
    static boost::asio::any_io_executor executor_of(const Handler& from) {
        if constexpr (is_plain<Handler>)
            return boost::asio::get_associated_executor(from, boost::asio::any_io_executor());
        else
            return {};
    }

    template <class Handler>
    static handler_type without_type(Handler from) {
        if constexpr (is_plain<Handler>) {
            return handler_type(std::move(from));
        } else {
            auto slot = boost::asio::get_associated_cancellation_slot(from);
            auto work = boost::asio::make_work_guard(boost::asio::get_associated_executor(from));
            return handler_type(boost::asio::bind_cancellation_slot(
                slot, [from = std::move(from), work = std::move(work)](error_code ec, Result result) mutable {
                    boost::asio::dispatch(boost::asio::append(std::move(from), ec, std::move(result)));
                }));
        }
    }
};

}  // namespace jobmode::detail

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/detail/bound_handler.hpp>
#include <jobmode/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <optional>
#include <utility>

namespace jobmode {

namespace asio = boost::asio;

/// A user's handler, kept until its operation ends: it holds work on the handler's executor meanwhile, and runs there,
/// always as if posted.
template <class Result>
class completion {
public:
    using bound_handler = detail::bound_handler<Result>;

    /// No handler.
    completion() = default;
    completion(bound_handler handler, const asio::any_io_executor& fallback) {
        kept_.emplace(handler.executor ? handler.executor : fallback, std::move(handler.handler));
    }
    completion(completion&& other) noexcept { *this = std::move(other); }
    completion& operator=(completion&& other) noexcept {
        kept_.reset();
        if (other.kept_)
            kept_.emplace(std::move(*other.kept_));
        other.kept_.reset();
        return *this;
    }
    ~completion() = default;

    explicit operator bool() const noexcept { return kept_.has_value(); }

    /// Lets `cancel` run when cancellation of any kind is asked for; it must know by itself whether the operation still
    /// runs.
    template <class Cancel>
    void on_cancel(Cancel cancel) {
        auto slot = asio::get_associated_cancellation_slot(kept_->handler);
        if (slot.is_connected())
            slot.assign([cancel = std::move(cancel)](asio::cancellation_type type) {
                if (type != asio::cancellation_type::none)
                    cancel();
            });
    }

    /// Has the handler called. There is none afterwards.
    void post(error_code ec, Result result) {
        contents last = std::move(*kept_);
        kept_.reset();
        const asio::any_io_executor where = last.work.get_executor();
        asio::post(where, [last = std::move(last), ec, result = std::move(result)]() mutable {
            std::move(last.handler)(ec, std::move(result));
        });
    }

    /// Destroys the handler without calling it.
    void drop() noexcept {
        // The handler may own, at several removes, the object that this is a member of.
        const completion last = std::move(*this);
    }

private:
    struct contents {
        contents(const asio::any_io_executor& where, typename bound_handler::handler_type which)
            : work(where), handler(std::move(which)) {}
        asio::executor_work_guard<asio::any_io_executor> work;
        typename bound_handler::handler_type handler;
    };
    std::optional<contents> kept_;
};

}  // namespace jobmode

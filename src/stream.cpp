// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/stream.hpp>

#include <boost/asio/error.hpp>

#include <utility>

#include "stream_operation.hpp"

namespace jobmode {
namespace net {

stream_operation::stream_operation(std::shared_ptr<engine> owner, query asked_query, completion<record_stream> done,
                                   jobmode::diagnostics* out)
    : operation(request_kind::stream, std::move(asked_query)),
      engine_(std::move(owner)),
      opening_(std::move(done)),
      out_(out) {}

template <class Result>
void stream_operation::let_cancel(completion<Result>& waiting) {
    waiting.on_cancel([weak = weak_from_this(), weak_engine = std::weak_ptr(engine_)] {
        if (const std::shared_ptr<engine> running = weak_engine.lock())
            running->enter([weak, running] {
                if (const operation_ptr self = weak.lock())
                    static_cast<stream_operation&>(*self).cancel_wait();
            });
    });
}

void stream_operation::let_cancel() {
    let_cancel(opening_);
}

void stream_operation::next(next_handler handler) {
    reader_ = std::move(handler);
    let_cancel(reader_);
    if (ready_ || ended_)
        deliver();
    else
        carrier_->resume();
}

void stream_operation::cancel_wait() {
    // The slot may still refer to a wait that is over.
    if (opening_ || reader_)
        engine_->cancel(*this, asio::error::operation_aborted);
}

void stream_operation::close() {
    engine_->cancel(*this, asio::error::operation_aborted);
    carrier_.reset();
}

void stream_operation::on_open() {
    carrier_ = carrier->shared_from_this();
    if (out_)
        *out_ = diagnostics;
    opening_.post({}, record_stream(std::static_pointer_cast<stream_operation>(shared_from_this())));
}

void stream_operation::on_batch(record_batch batch, const arrival&) {
    ready_ = batch;
    if (reader_)
        deliver();
}

void stream_operation::on_end(error_code ec) {
    if (opening_) {
        if (out_)
            *out_ = std::move(diagnostics);
        opening_.post(ec, record_stream());
        return;
    }
    ended_ = ec;
    if (reader_)
        deliver();
}

void stream_operation::abandon() noexcept {
    opening_.drop();
    reader_.drop();
}

void stream_operation::deliver() {
    // What came before the end is handed out before it, unless the reader itself ended it.
    if (ready_ && ended_ != asio::error::operation_aborted)
        reader_.post({}, std::exchange(ready_, record_batch()));
    else
        reader_.post(ended_.value_or(error_code()), record_batch());
}

}  // namespace net

record_stream::record_stream() noexcept = default;

record_stream::record_stream(std::shared_ptr<net::stream_operation> operation) noexcept
    : operation_(std::move(operation)), executor_(operation_->owner().user_executor()) {}

record_stream::record_stream(record_stream&&) noexcept = default;

record_stream& record_stream::operator=(record_stream&& other) noexcept {
    if (this != &other) {
        close();
        operation_ = std::move(other.operation_);
        executor_ = std::move(other.executor_);
    }
    return *this;
}

record_stream::~record_stream() {
    close();
}

void record_stream::close() noexcept {
    if (const std::shared_ptr<net::stream_operation> operation = std::exchange(operation_, nullptr))
        operation->owner().enter([operation] { operation->close(); });
}

void record_stream::start_next(detail::bound_handler<record_batch> handler) {
    net::stream_operation::next_handler reader(std::move(handler), executor_);
    if (!operation_) {
        reader.post({}, record_batch());
        return;
    }
    operation_->owner().enter(
        [operation = operation_, reader = std::move(reader)]() mutable { operation->next(std::move(reader)); });
}

const diagnostics& record_stream::diagnostics() const noexcept {
    static const jobmode::diagnostics none;
    return operation_ ? operation_->diagnostics : none;
}

record_stream::executor_type record_stream::get_executor() const {
    return executor_;
}

}  // namespace jobmode

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/stream.hpp>

#include <boost/asio/error.hpp>

#include <utility>

#include "client/stream_call.hpp"

namespace jobmode {
namespace net {

stream_call::stream_call(std::shared_ptr<driver> owner, query question, completion<record_stream> done,
                         const call_options& options)
    : call(wire::list_backup_job_mode, std::move(question)),
      driver_(std::move(owner)),
      records_(*driver_),
      opening_(std::move(done)),
      out_(options.diagnostics) {
    streams = true;
    total = options.total;
    priority = options.priority;
}

template <class Result>
void stream_call::let_cancel(completion<Result>& waiting, std::uint64_t wait) {
    net::let_cancel(waiting, driver_, weak_from_this(), [wait](driver&, const engine::call_ptr& self) {
        static_cast<stream_call&>(*self).cancel_wait(wait);
    });
}

void stream_call::let_cancel() {
    let_cancel(opening_, 0);
}

void stream_call::start_next(next_handler handler) {
    const std::uint64_t wait = waits_.fetch_add(1, std::memory_order_relaxed) + 1;
    let_cancel(handler, wait);
    driver_->enter([self = std::static_pointer_cast<stream_call>(shared_from_this()), handler = std::move(handler),
                    wait]() mutable { self->next(std::move(handler), wait); });
}

void stream_call::next(next_handler handler, std::uint64_t wait) {
    reader_ = std::move(handler);
    waiting_ = wait;
    if (ready_ || ended_)
        deliver();
    else
        driver_->resume(*this);
}

void stream_call::cancel_wait(std::uint64_t wait) {
    if (wait == 0 ? bool(opening_) : reader_ && waiting_ == wait)
        driver_->cancel(*this, asio::error::operation_aborted);
}

void stream_call::close() {
    driver_->cancel(*this, asio::error::operation_aborted);
}

void stream_call::on_attempt() {
    records_.begin();
}

void stream_call::on_open() {
    if (out_)
        *out_ = diagnostics;
    opening_.post({}, record_stream(std::static_pointer_cast<stream_call>(shared_from_this())));
}

engine::appetite stream_call::on_piece(const engine::body_piece& piece, error_code& ec) {
    ready_ = records_.feed(piece, ec, diagnostics);
    if (!ready_)
        return engine::appetite::more;
    if (reader_)
        deliver();
    return engine::appetite::nothing_yet;
}

void stream_call::on_complete(error_code& ec) {
    records_.finish(ec, diagnostics);
}

void stream_call::on_end(error_code ec) {
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

void stream_call::abandon() noexcept {
    opening_.drop();
    reader_.drop();
}

void stream_call::deliver() {
    // What came before the end is handed out before it, unless the reader itself ended it.
    if (ready_ && ended_ != asio::error::operation_aborted)
        reader_.post({}, std::exchange(ready_, record_batch()));
    else
        reader_.post(ended_.value_or(error_code()), record_batch());
}

}  // namespace net

record_stream::record_stream() noexcept = default;

record_stream::record_stream(std::shared_ptr<net::stream_call> call) noexcept
    : call_(std::move(call)), executor_(call_->owner().user_executor()) {}

record_stream::record_stream(record_stream&&) noexcept = default;

record_stream& record_stream::operator=(record_stream&& other) noexcept {
    if (this != &other) {
        close();
        call_ = std::move(other.call_);
        executor_ = std::move(other.executor_);
    }
    return *this;
}

record_stream::~record_stream() {
    close();
}

void record_stream::close() noexcept {
    if (const std::shared_ptr<net::stream_call> call = std::exchange(call_, nullptr))
        call->owner().enter([call] { call->close(); });
}

void record_stream::start_next(detail::bound_handler<record_batch> handler) {
    net::stream_call::next_handler reader(std::move(handler), executor_);
    if (call_)
        call_->start_next(std::move(reader));
    else
        reader.post({}, record_batch());
}

const diagnostics& record_stream::diagnostics() const noexcept {
    static const jobmode::diagnostics none;
    return call_ ? call_->diagnostics : none;
}

record_stream::executor_type record_stream::get_executor() const {
    return executor_;
}

}  // namespace jobmode

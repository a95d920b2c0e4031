// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/stream.hpp>

#include <memory>
#include <optional>

#include "completion.hpp"
#include "net/engine.hpp"

namespace jobmode::net {

/// The operation behind a `record_stream`: first the user waits for it to open, then, again and again, for records.
///
/// The connection that carries it pauses whenever it has delivered something, and goes on when the reader asks, so at
/// most one batch is ready at a time, and the end may be known behind it.
class stream_operation final : public operation {
public:
    using next_handler = completion<record_batch>;

    stream_operation(std::shared_ptr<engine> owner, query asked_query, completion<record_stream> done,
                     jobmode::diagnostics* out);

    /// Lets the user cancel the opening.
    void let_cancel();
    /// The reader asks for more. On the engine's executor.
    void next(next_handler handler);
    /// The user takes back the opening or the wait for records, if there is one. On the engine's executor.
    void cancel_wait();
    /// The reader is gone. On the engine's executor.
    void close();

    engine& owner() noexcept { return *engine_; }

    void on_open() override;
    void on_batch(record_batch batch, const arrival& how) override;
    void on_end(error_code ec) override;
    void abandon() noexcept override;

private:
    template <class Result>
    void let_cancel(completion<Result>& waiting);
    void deliver();

    std::shared_ptr<engine> engine_;
    completion<record_stream> opening_;
    jobmode::diagnostics* out_;
    next_handler reader_;
    /// Keeps the memory that the records live in, whatever becomes of the connection.
    std::shared_ptr<connection> carrier_;
    record_batch ready_;
    std::optional<error_code> ended_;
};

}  // namespace jobmode::net

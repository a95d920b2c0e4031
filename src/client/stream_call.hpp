// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/call_options.hpp>
#include <jobmode/stream.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "client/record_reader.hpp"
#include "net/completion.hpp"
#include "net/driver.hpp"

namespace jobmode::net {

/// The call behind a `record_stream`: first the user waits for it to open, then, again and again, for records.
///
/// Its answer pauses whenever something was delivered, and goes on when the reader asks, so at most one batch is ready
/// at a time, and the end may be known behind it.
///
/// Each wait of the user's has a number, from the moment in which it begins, so that a signal that cancels one wait
/// never ends another.
class stream_call final : public engine::call {
public:
    using next_handler = completion<record_batch>;

    stream_call(std::shared_ptr<driver> owner, query question, completion<record_stream> done,
                const call_options& options);

    /// Lets the user cancel the opening.
    void let_cancel();
    /// The reader asks for more. From any thread that may use the client.
    void start_next(next_handler handler);
    /// The reader is gone. On the driver's executor.
    void close();

    driver& owner() noexcept { return *driver_; }

    void on_attempt() override;
    void on_open() override;
    engine::appetite on_piece(const engine::body_piece& piece, error_code& ec) override;
    void on_complete(error_code& ec) override;
    void on_end(error_code ec) override;
    void abandon() noexcept override;

private:
    template <class Result>
    void let_cancel(completion<Result>& waiting, std::uint64_t wait);
    void next(next_handler handler, std::uint64_t wait);
    void cancel_wait(std::uint64_t wait);
    void deliver();

    std::shared_ptr<driver> driver_;
    record_reader records_;
    completion<record_stream> opening_;
    jobmode::diagnostics* out_;
    next_handler reader_;
    /// The number of the last wait; the opening's is 0.
    std::atomic<std::uint64_t> waits_{0};
    std::uint64_t waiting_ = 0;
    record_batch ready_;
    std::optional<error_code> ended_;
};

}  // namespace jobmode::net

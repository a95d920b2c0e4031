// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/detail/bound_handler.hpp>
#include <jobmode/error.hpp>
#include <jobmode/export.hpp>
#include <jobmode/record.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <memory>

namespace jobmode {

namespace asio = boost::asio;

/// The completion token of every `async_` function that is called without one; its result can be `co_await`ed.
using default_token = asio::deferred_t;

namespace net {
class driver;
class stream_call;
}  // namespace net

/// An answer as it arrives, in constant memory. Made by `client::async_open`.
///
/// A stream holds one connection until it has ended or is destroyed. It may outlive its client, whose end ends it with
/// `operation_aborted`. Destroying it while `async_next` runs cancels that. As thread-safe as its client.
class JOBMODE_EXPORT record_stream {
public:
    /// The executor that handlers without one of their own run on.
    using executor_type = asio::any_io_executor;

    /// A stream that has ended.
    record_stream() noexcept;
    /// Takes the other's place; the other has then ended.
    record_stream(record_stream&&) noexcept;
    /// Ends this stream, then takes the other's place.
    record_stream& operator=(record_stream&&) noexcept;
    /// Ends the stream, and closes its connection if the answer was not read to its end.
    ~record_stream();

    /// Waits for more records. Signature: `void(error_code, record_batch)`.
    ///
    /// The batch is empty at the end, and never before. Its views live until the next call of `async_next` or the
    /// stream's end of life. Records that came before an error are handed out before it. Ends with any code of
    /// `phase::read` or `phase::decode`, among them `api_error` when the answer's Status, which may come last, is
    /// `Error`; nothing is sent again once the stream is open. Cancellation (terminal, partial or total) closes the
    /// connection and ends the stream. One call at a time.
    template <class Token = default_token>
    auto async_next(Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, record_batch)>(
            [](auto handler, record_stream* self) {
                self->start_next(detail::bound_handler<record_batch>(std::move(handler)));
            },
            token, this);
    }

    /// What is known about the failure that ended the stream. Lives as long as the stream.
    const jobmode::diagnostics& diagnostics() const noexcept;

    /// The client's executor.
    executor_type get_executor() const;

private:
    friend class net::stream_call;
    explicit record_stream(std::shared_ptr<net::stream_call> call) noexcept;
    void start_next(detail::bound_handler<record_batch> handler);
    void close() noexcept;

    std::shared_ptr<net::stream_call> call_;
    asio::any_io_executor executor_;
};

}  // namespace jobmode

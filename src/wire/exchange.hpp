// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace jobmode::wire {

/// A response's header, as far as it matters here. The views live as long as the call that hands it out.
struct response_head {
    unsigned status = 0;
    /// `Retry-After`, empty if there is none; see `parse_retry_after`.
    std::string_view retry_after;
    /// `Date`, empty if there is none: the server's clock.
    std::string_view date;
    /// `Location`, empty if there is none.
    std::string_view location;
    /// Whether the body is encoded: `Content-Encoding` or `Transfer-Encoding` names a coding that changes bytes.
    bool content_encoded = false;
    /// `Content-Length`, if there is one.
    std::optional<std::uint64_t> content_length{};
};

/// Receives a response in the course of `exchange::feed`. Setting the error code ends the exchange with it.
class body_sink {
public:
    /// The header, once a response; headers of 1xx responses are passed over.
    virtual void on_head(const response_head& head, error_code& ec) = 0;
    /// A piece of the body, never empty: a view of the bytes that were fed.
    virtual void on_body(std::string_view piece, error_code& ec) = 0;

protected:
    ~body_sink() = default;
};

/// The response side of HTTP/1.1 on one connection, sans I/O: bytes in, header and body pieces out. It keeps the
/// session cookie of the connection's server (wire contract: "Send it back, per connection, for the server's own
/// path").
///
/// A header, a chunk's line and the trailers are taken in one piece each; what `feed` leaves is to be presented again
/// with more behind it. It is never more than the header limit, and what has been searched is not searched again.
///
/// Beyond a strict reader's it takes what peers take and no security depends on: see `repair_head`, blank lines before
/// a header, a chunk's size with blanks behind it, extensions of any form. Framing that could be read in two ways is
/// refused. Not thread-safe.
class exchange {
public:
    /// `header_limit` is the most bytes a response may have that are no body: blank lines before it, the headers of 1xx
    /// responses, its own, extensions of chunks (and blanks, of more than 24 characters before them), trailers. `path`
    /// is the request's, which the cookie's Path must cover.
    exchange(std::size_t header_limit, std::string_view path);
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;
    ~exchange();

    /// Expects another response.
    void begin();

    /// Takes bytes, and returns how many. The others are the beginning of a header that is not complete, or stand
    /// behind the response's end. Errors: `http_malformed`, `http_header_limit`, and the sink's. Not after an error,
    /// nor once `done`.
    std::size_t feed(std::string_view bytes, body_sink& sink, error_code& ec);

    /// Takes what may stand between two responses and belongs to none, blank lines, from the start of `bytes`, and
    /// returns how many bytes. They count for the next response. Not once a response has `started` that is not `done`.
    std::size_t skip_blank_lines(std::string_view bytes) noexcept;

    /// The peer sends no more. `connection_lost` unless that is how this response ends.
    void finish(error_code& ec);

    /// Whether a byte of the response has been taken or seen, blank lines aside.
    bool started() const noexcept;
    /// Whether the response is complete.
    bool done() const noexcept;
    /// Whether the connection may carry another request, once `done`.
    bool keep_alive() const noexcept;
    /// `JSESSIONID=` and its value, or nothing. Valid until the next `feed`.
    std::string_view cookie() const noexcept;

private:
    class parser;
    std::unique_ptr<parser> parser_;
};

/// Reads Retry-After: seconds, or a date in one of HTTP's three forms, from which the answer's own `date` is
/// subtracted, or `now` if it cannot be read; a date that is past is zero. Nothing if it is neither.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, std::string_view date,
                                                      std::chrono::sys_seconds now);

/// What a Set-Cookie header says of the session cookie.
struct session_cookie {
    /// Whether it is about JSESSIONID at all, on a path that covers the request's.
    bool concerns_us = false;
    /// `JSESSIONID=` and the value; empty if the server takes it back.
    std::string_view pair;
};

/// Reads a Set-Cookie header (RFC 6265). `path` is the request's.
session_cookie parse_set_cookie(std::string_view header, std::string_view path) noexcept;

}  // namespace jobmode::wire

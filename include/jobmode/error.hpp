// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/export.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/is_error_code_enum.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace jobmode {

using boost::system::error_code;

/// Everything an operation of this library can end with, apart from `boost::asio::error::operation_aborted`,
/// which is reported, as everywhere in Asio, when the operation was cancelled or its client was closed.
enum class errc {
    /// The query cannot be sent: an empty or over-long login name, an impossible date, text that is not UTF-8.
    invalid_query = 1,
    /// The configuration cannot be used: a malformed URL, an unreadable CA file, a password that is missing.
    invalid_config,
    /// The configuration asks for plain HTTP without allowing it.
    plain_http_refused,

    /// The server's name has no address.
    resolve_failed,
    /// No address of the server accepted a connection.
    connect_failed,
    /// No address of the server accepted a connection in time.
    connect_timeout,
    /// The proxy does not open a tunnel to the server; diagnostics hold its HTTP status.
    proxy_refused,
    /// The proxy asks for a user and a password, or for others (407).
    proxy_authentication_required,
    /// The TLS handshake failed: a protocol error, an alert. (A connection that was closed half-way is
    /// `connection_lost`.)
    handshake_failed,
    /// The TLS handshake did not end in time.
    handshake_timeout,
    /// The server's certificate was not accepted: its chain, its dates or its name.
    certificate_rejected,
    /// The server's public key is not the pinned one.
    pin_mismatch,

    /// The connection was reset or closed before the answer was complete.
    connection_lost,
    /// The server was silent for longer than the read timeout.
    read_timeout,
    /// The query took longer than the total timeout, all attempts together.
    total_timeout,

    /// The bytes received are not an HTTP/1.x response.
    http_malformed,
    /// What of the response is no body is longer than the limit: see `client_config::header_bytes`.
    http_header_limit,
    /// The response has a status other than 200 that no other code names.
    http_status,
    /// 429, 502, 503 or 504: the server, or a proxy before it, cannot answer now.
    server_busy,
    /// The response is a redirect, to a login page as a rule. It is not followed: the query carries a password.
    redirected,
    /// The response's body is compressed, which was not asked for.
    content_encoded,

    /// The server refused the system user or its password, or a proxy before it asked for others (401).
    authentication_refused,
    /// The server answered `"Status":"Error"`; diagnostics hold its Message and ExptType.
    api_error,
    /// The server does not know the backup user that was asked about; diagnostics hold its Message. Other users are not
    /// affected.
    no_such_user,

    /// The body does not begin as a JSON object: an HTML page, plain text, nothing at all.
    not_json,
    /// The body is not well-formed JSON.
    json_syntax,
    /// The body has bytes that are not UTF-8, or an escape that is no Unicode character.
    bad_utf8,
    /// The answer ended in the middle of the document.
    truncated,
    /// There are bytes behind the end of the document.
    trailing_data,
    /// `Data` is neither an array nor null, an element of it is not an object, or `Status` is not a string.
    wrong_type,
    /// The document has no `Status`, or one that is neither `OK` nor `Error`: this is not the API's answer.
    no_status,
    /// `Status` or the list of records stands twice in the document.
    duplicate_key,
    /// The document is nested deeper than the limit.
    depth_limit,
    /// A key or a value is longer than the limit.
    field_limit,
    /// The answer is longer than the limit.
    answer_limit,

    /// More queries wait than may.
    queue_full,
    /// The source of a crawl's queries threw; see `crawl::source_exception`.
    source_failed,
};

/// The category of `errc`; its name is `"jobmode"` and its messages are one sentence each.
/// Thread-safe.
JOBMODE_EXPORT const boost::system::error_category& error_category() noexcept;

/// Makes an `error_code` of an `errc`; found by argument-dependent lookup.
JOBMODE_EXPORT error_code make_error_code(errc code) noexcept;

/// The name of a code as it is written in the source (`"connect_failed"`), for logs and files that machines read.
/// For a code of another category it is that category's name and the value, as in `"asio.misc:2"`.
JOBMODE_EXPORT std::string error_name(error_code code);

/// What an operation was doing when it failed.
enum class phase : std::uint8_t {
    /// Nothing yet: the query was refused, waited or was cancelled before its first attempt.
    none,
    resolve,
    connect,
    proxy,
    handshake,
    write,
    read,
    decode,
};

/// `"resolve"`, `"connect"` and so on; `"none"` for `phase::none`.
JOBMODE_EXPORT std::string_view to_string(phase value) noexcept;

/// What is known about a failure beyond its code. Never holds the password.
///
/// An operation that succeeds leaves `attempt` and `http_status` set and the rest empty.
struct JOBMODE_EXPORT diagnostics {
    diagnostics();

    /// What was being done.
    jobmode::phase phase = jobmode::phase::none;
    /// The number of the last attempt, from 1; 0 if there was none.
    unsigned attempt = 0;
    /// The response's HTTP status, with `phase::proxy` the proxy's; 0 if there was no response.
    unsigned http_status = 0;
    /// Offset in the answer's body, in bytes, of the first byte that could not be decoded.
    /// Only for the codes `not_json` to `answer_limit`.
    std::uint64_t offset = 0;
    /// The bytes around `offset`, at most 64, with everything that cannot be printed escaped.
    std::string excerpt;
    /// The answer's `Message`, for `api_error`, `no_such_user` and `authentication_refused`.
    std::string server_message;
    /// The answer's `ExptType`; an obfuscated class name as a rule, so never classify by it.
    std::string expt_type;
    /// The cause below this library: an operating system's, resolver's or TLS library's error, if there was one.
    error_code cause;
    /// Whether the query ended because the server was away for longer than it may wait, or has never answered: the
    /// failure is the server's, and says nothing of the query.
    bool server_away = false;
    /// A few words that no code holds: the address tried, the certificate's fault, the Location of a redirect.
    std::string detail;

    /// One line for a person: the code's sentence, where it happened, the server's words.
    /// Example: `the server's certificate was not accepted (handshake, attempt 1): certificate has expired`.
    std::string describe(error_code code) const;
};

}  // namespace jobmode

/// @cond
template <>
struct boost::system::is_error_code_enum<jobmode::errc> : std::true_type {};
/// @endcond

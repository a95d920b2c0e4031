// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>
#include <jobmode/query.hpp>
#include <jobmode/record.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "net/buffer_pool.hpp"
#include "policy/time.hpp"

namespace jobmode::net {

class connection;

/// What is asked of the server.
enum class request_kind : std::uint8_t {
    /// ListBackupJobMode, the answer gathered.
    list,
    /// ListBackupJobMode, the answer handed out batch by batch.
    stream,
    /// ListUsers.
    users,
    /// ListBackupJobs of the query's login name.
    jobs,
};

/// Whether the operation decodes the answer itself, from pieces of its body.
constexpr bool takes_pieces(request_kind kind) noexcept {
    return kind == request_kind::users || kind == request_kind::jobs;
}

/// Where an operation stands. It goes from `waiting` to `sent`, from there to `backing_off` and back to `waiting` as
/// often as it is retried, and to `ended` from anywhere, once.
enum class operation_state : std::uint8_t { waiting, sent, backing_off, ended };

/// How records have come.
struct arrival {
    /// Set if the memory that texts of the records are in may be taken over, by moving from it.
    read_buffer* memory = nullptr;
    /// How many records this makes likely for the whole answer; 0 if that is not known.
    std::size_t records_in_all = 0;
};

/// One request in the care of the engine. The engine and the connection that carries it own it together, since either
/// may be the last to need it; what only refers to it (a cancellation slot, say) holds it weakly.
///
/// The virtual functions are called on the engine's executor. They may call the engine.
class operation : public std::enable_shared_from_this<operation> {
public:
    operation(request_kind what, query question) : kind(what), asked(std::move(question)) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    virtual ~operation() = default;

    /// An attempt begins: whatever an earlier one delivered is void.
    virtual void on_attempt() {}
    /// A response with status 200 begins. From here on a stream is not retried.
    virtual void on_open() {}
    /// Records, alive until the connection is next told to go on. Only for `list` and `stream`.
    virtual void on_batch(record_batch, const arrival&) {}
    /// A piece of the body. Only for what `takes_pieces`.
    virtual void on_piece(std::string_view, error_code&) {}
    /// The body is complete. Only for what `takes_pieces`.
    virtual void on_complete(error_code&) {}
    /// The end, in success or failure; nothing is called after it.
    virtual void on_end(error_code ec) = 0;
    /// The executor's context is being destroyed: drops the user's handler without calling it.
    virtual void abandon() noexcept = 0;

    const request_kind kind;
    query asked;
    jobmode::diagnostics diagnostics;

    operation_state state = operation_state::waiting;
    /// Attempts that count.
    unsigned attempts = 0;
    /// Whether the next sending is at no charge: the last one says nothing about the server.
    bool next_is_free = false;
    /// Whether it was sent again, at no charge, after it was lost with a pooled connection; that happens once an
    /// attempt.
    bool resent = false;
    /// Whether a stream's reader has been told that the answer begins: too late to send it again.
    bool opened = false;
    /// When the total timeout strikes; `max` if never.
    policy::time_point deadline = policy::time_point::max();
    /// When the next attempt is due, while backing off.
    policy::time_point due{};
    /// When the request of the last attempt was handed to the connection.
    policy::time_point sent_at{};
    std::chrono::nanoseconds latency{0};
    /// How many bytes its connection sends before it.
    std::uint64_t request_begin = 0;
    /// Who carries it, while sent.
    connection* carrier = nullptr;
};

using operation_ptr = std::shared_ptr<operation>;

}  // namespace jobmode::net

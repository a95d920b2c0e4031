// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/call_options.hpp>
#include <jobmode/error.hpp>
#include <jobmode/query.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/buffer_pool.hpp"
#include "policy/blame.hpp"
#include "policy/time.hpp"
#include "wire/request.hpp"

namespace jobmode::engine {

/// A part of an answer's body, as it came in.
struct body_piece {
    std::string_view bytes;
    /// Set if the memory that `bytes` are in may be taken over, by moving from it.
    read_buffer* memory = nullptr;
    /// The length of the whole body, where the header says it.
    std::optional<std::uint64_t> body_bytes{};
};

/// What a call wants after a piece of its answer.
enum class appetite : std::uint8_t { more, nothing_yet };

/// Where a call stands. It goes from `waiting` to `sent`, from there to `backing_off` or back to `waiting` as often as
/// it is tried again, and to `ended` from anywhere, once.
enum class call_state : std::uint8_t { waiting, sent, backing_off, ended };

inline constexpr std::size_t priority_count = 2;

/// Where an open connection is, and which one it is: a slot is used again, its generation is not.
struct connection_id {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    friend bool operator==(const connection_id&, const connection_id&) = default;
};

/// One question to the server in the care of the engine, and whoever takes its answer apart.
///
/// The virtual functions are called in the course of the engine's events and steps. Those that take an answer apart may
/// throw: the call then ends with the error that fits. None of them may call the engine, but for `on_end`.
class call : public std::enable_shared_from_this<call> {
public:
    call(const wire::endpoint& where, query question) : target(where), asked(std::move(question)) {}
    call(const call&) = delete;
    call& operator=(const call&) = delete;
    virtual ~call() = default;

    /// An attempt begins: whatever an earlier one delivered is void.
    virtual void on_attempt() {}
    /// A response with status 200 begins. From here on a call that `streams` is not tried again.
    virtual void on_open() {}
    /// A piece of the body. An error ends the call with it.
    virtual appetite on_piece(const body_piece& piece, error_code& ec) = 0;
    /// The body is complete; an error says that it is not an answer.
    virtual void on_complete(error_code& ec) = 0;
    /// The end, in success or failure; nothing is called after it.
    virtual void on_end(error_code ec) = 0;
    /// The executor's context is being destroyed: drops the user's handler without calling it.
    virtual void abandon() noexcept = 0;

    /// What is asked.
    const wire::endpoint& target;
    query asked;
    /// Whether the answer is handed out as it comes: such a call has a connection of its own, and waits for its reader.
    bool streams = false;
    call_priority priority = call_priority::normal;
    /// Whether it waits for other credentials when the ones in use are refused; otherwise it ends with that.
    bool waits_for_credentials = true;
    /// When the call is to have ended; `max` if never. Kept by the scheduler from `total`.
    policy::time_point deadline = policy::time_point::max();
    /// How long the call may take in all; 0: as long as the configuration says.
    std::chrono::milliseconds total{0};

    jobmode::diagnostics diagnostics;
    /// From the request of the last attempt to the end of its answer.
    std::chrono::nanoseconds latency{0};
    /// The memory that a stream's records live in, once its connection is gone.
    read_buffer kept_memory;

    /// The engine's notes on the call; nobody else's.
    struct notes {
        call_state state = call_state::waiting;
        /// The order in which calls came, from 1.
        std::uint64_t number = 0;
        /// Attempts that count.
        unsigned attempts = 0;
        /// The next attempt is at no charge: the last one says nothing about the call.
        bool next_is_free = false;
        /// It was sent again at no charge after it was lost with a pooled connection; that happens once an attempt.
        bool resent = false;
        /// Its last connection ended before a byte of it was written.
        bool unsent = false;
        /// Its next attempt needs a connection that has carried nothing yet.
        bool wants_fresh = false;
        /// How many of its answers were not the API's.
        unsigned strange = 0;
        /// A stream's reader has been told that the answer begins: too late to send it again.
        bool opened = false;
        /// A stream's reader has been given records and has not asked for more.
        bool paused = false;
        policy::time_point submitted{};
        /// How long the server had not been well, in all, when the call came.
        std::chrono::nanoseconds unwell_before{0};
        /// When the next attempt is due, while backing off.
        policy::time_point due{};
        policy::time_point sent_at{};
        /// How many answers the server had given, in all and to calls of this kind, when it was sent.
        std::uint64_t answers_before = 0;
        /// The credentials that it was sent with.
        std::uint64_t credentials = 0;
        /// Who carries it, while sent.
        connection_id carrier{};
        /// How many bytes its connection sends before it, and with it.
        std::uint64_t request_begin = 0;
        std::uint64_t request_end = 0;
        /// Of its answer: when the header had come, and how many bytes were taken.
        policy::time_point answer_began{};
        std::uint64_t bytes_received = 0;
        /// Of its request, when its connection let go of it.
        std::uint64_t bytes_sent = 0;
        /// Whom its last failure spoke about.
        policy::subject blamed = policy::subject::query;
    } book;
};

using call_ptr = std::shared_ptr<call>;

}  // namespace jobmode::engine

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/secret.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/buffer_pool.hpp"
#include "engine/call.hpp"
#include "policy/blame.hpp"
#include "policy/time.hpp"
#include "wire/exchange.hpp"

namespace jobmode::engine {

/// The time, on both clocks: the one that intervals are measured on, and the one that dates are told by.
struct instant {
    policy::time_point steady;
    std::chrono::sys_seconds wall;
};

/// What all sessions of one server share. Lives longer than they do.
struct session_shared {
    const wire::request_encoder* encoder = nullptr;
    buffer_pool* buffers = nullptr;
    /// The path that a session cookie must cover.
    std::string_view cookie_path;
    /// The most bytes of an answer that are not body.
    std::size_t header_bytes = 0;
    /// The server's longest silence; 0 means any.
    std::chrono::milliseconds read_timeout{0};
};

/// What a session has come to, for the scheduler to act on.
struct session_report {
    enum class kind : std::uint8_t {
        /// The header of `who`'s answer has come, with status 200.
        begun,
        /// `who` was answered or refused; the connection goes on.
        answered,
        /// `who`'s reader has been given something, and does not ask for more yet.
        paused,
        /// The connection is of no further use; `who`, if there is one, was answered or refused, or failed with it.
        /// Whatever else it carried is in `session::take_calls`.
        ended,
    };
    kind what;
    call_ptr who;
    /// No error in it: answered.
    policy::failure why{};
};

/// One connection's life from the first request on, without the connection: bytes in, bytes out, and reports.
///
/// It knows what was sent and what is to come, takes answers apart, and says when the connection cannot carry another
/// request. Bytes that nobody asked for, or that come before the request that they would answer was written, are never
/// taken for an answer. Once it has ended, nothing changes it. Not thread-safe.
class session final : private wire::body_sink {
public:
    session(const session_shared& shared, policy::time_point now);
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    ~session();

    /// Takes a call: its request is added to what is to be written. Only while it has not ended.
    void assign(call_ptr who, policy::time_point now);
    /// The reader of the call that is paused asks for more.
    void resume(const instant& now);

    /// What is to be written next; empty if nothing.
    std::span<const char> to_write() const noexcept;
    /// So many bytes of it were written.
    void wrote(std::size_t bytes, policy::time_point now);
    /// Whether the connection has lain idle, so that it must be seen to be silent before anything is written.
    bool was_idle() const noexcept { return was_idle_; }
    /// It is silent.
    void seen_silent() noexcept { was_idle_ = false; }

    /// Memory to read into. Valid until the next call of anything else.
    std::span<char> room();
    /// So many bytes were read into `room`.
    void received(std::size_t bytes, const instant& now);
    /// The peer sends no more, and has said so.
    void end_of_stream(const instant& now);
    /// The connection is broken, or its end came without the end that TLS has. `alert`: the peer's TLS said why, in
    /// `cause`.
    void lost(error_code cause, bool alert, const instant& now);
    /// The time is up, if it is: see `deadline`.
    void due(const instant& now);
    /// When something must have happened by; `max` while nothing is awaited.
    policy::time_point deadline() const noexcept;
    /// Ends without a report; whatever it carried is in `take_calls`.
    void close() noexcept;
    /// The call has no more time. True if its answer was a refusal, whose body is still coming: that is reported.
    bool cut_refusal(const call& who, const instant& now);

    /// Whether reading makes sense: not ended, and no reader to be waited for.
    bool wants_bytes() const noexcept { return !ended_ && !paused_; }
    bool ended() const noexcept { return ended_; }
    /// Answers that came whole.
    std::size_t answered() const noexcept { return answered_; }
    /// Whether nothing is held that was read and not taken.
    bool is_drained() const noexcept { return in_begin_ == in_end_; }
    /// Gives the read buffer back, if it holds nothing.
    void release_buffer() noexcept;

    /// What has happened, in order. To be emptied by the caller.
    std::vector<session_report>& reports() noexcept { return reports_; }
    /// What it carries, the one being answered first.
    const std::deque<call_ptr>& calls() const noexcept { return calls_; }
    /// Takes over what it carries, once it has ended.
    std::deque<call_ptr> take_calls() noexcept { return std::exchange(calls_, {}); }

private:
    void begin_front(policy::time_point now);
    void process();
    void drop_blank_lines() noexcept;
    bool feed();
    bool drain_pieces();
    bool finish_front(bool whole);
    void keep_memory() noexcept;
    void note_sent(call& who) const noexcept;
    void note_all_sent() const noexcept;
    bool complete_front(policy::failure& why);
    void fail(policy::failure why);
    void report_end(call_ptr who, policy::failure why);
    policy::failure refusal_failure() const;
    void on_head(const wire::response_head& head, error_code& ec) override;
    void on_body(std::string_view piece, error_code& ec) override;

    const session_shared& shared_;
    wire::exchange exchange_;
    std::deque<call_ptr> calls_;
    std::vector<session_report> reports_;
    instant now_{};
    policy::time_point last_progress_;

    cleansed_buffer out_;
    std::size_t out_written_ = 0;
    /// Of all requests.
    std::uint64_t bytes_written_ = 0;
    /// What was read and not taken yet, if anything.
    read_buffer in_;
    std::size_t in_begin_ = 0;
    std::size_t in_end_ = 0;
    std::vector<std::string_view> pieces_;
    std::size_t next_piece_ = 0;
    std::optional<std::uint64_t> body_bytes_;

    /// The verdict of a header other than 200: the body that follows is skipped, up to a limit.
    error_code refusal_;
    unsigned status_ = 0;
    std::uint64_t skipped_ = 0;
    std::optional<std::chrono::milliseconds> retry_after_;
    /// The header of the answer that is coming in is complete.
    bool begun_ = false;
    /// More than blanks has come of its body.
    bool body_begun_ = false;
    bool paused_ = false;
    bool was_idle_ = false;
    /// Why the connection is broken, where that may have been the end of an answer.
    error_code broken_by_;
    bool ended_ = false;
    std::size_t answered_ = 0;
};

}  // namespace jobmode::engine

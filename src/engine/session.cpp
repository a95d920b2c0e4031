// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "engine/session.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

namespace jobmode::engine {
namespace {

// A piece of an answer of at least this size is kept where it was read; of a smaller one the records are copied.
constexpr std::size_t worth_keeping = buffer_pool::buffer_bytes / 4;

// A refusal's body is read so that the connection can go on; a longer one costs more than a new connection.
constexpr std::uint64_t max_skipped = 64 * 1024;

error_code no_memory() noexcept {
    return boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
}

}  // namespace

session::session(const session_shared& shared, policy::time_point now)
    : shared_(shared), exchange_(shared.header_bytes, shared.cookie_path), last_progress_(now) {}

session::~session() = default;

void session::assign(call_ptr who, policy::time_point now) {
    who->book.request_begin = bytes_written_ + (out_.size() - out_written_);
    shared_.encoder->encode(out_, who->target, who->asked, exchange_.cookie());
    who->book.request_end = bytes_written_ + (out_.size() - out_written_);
    who->book.answer_began = {};
    who->book.bytes_received = who->book.bytes_sent = 0;
    was_idle_ = was_idle_ || (calls_.empty() && answered_ != 0);
    calls_.push_back(std::move(who));
    if (calls_.size() == 1)
        begin_front(now);
}

void session::begin_front(policy::time_point now) {
    exchange_.begin();
    pieces_.clear();
    next_piece_ = 0;
    body_bytes_.reset();
    refusal_ = {};
    status_ = 0;
    skipped_ = 0;
    retry_after_.reset();
    begun_ = body_begun_ = false;
    last_progress_ = now;
    calls_.front()->on_attempt();
}

std::span<const char> session::to_write() const noexcept {
    return ended_ ? std::span<const char>() : std::span<const char>(out_).subspan(out_written_);
}

void session::wrote(std::size_t bytes, policy::time_point now) {
    if (ended_)
        return;
    out_written_ += bytes;
    bytes_written_ += bytes;
    last_progress_ = now;
    if (out_written_ == out_.size()) {
        out_.clear();
        out_written_ = 0;
    }
}

std::span<char> session::room() {
    if (!in_)
        in_ = shared_.buffers->take();
    if (in_begin_ != 0) {
        std::memmove(in_.bytes.get(), in_.bytes.get() + in_begin_, in_end_ - in_begin_);
        in_end_ -= std::exchange(in_begin_, 0);
    }
    if (in_end_ == in_.size) {
        // Only what is not body is ever left for so long, and that has a limit.
        read_buffer larger = read_buffer::make(in_.size + shared_.header_bytes);
        std::memcpy(larger.bytes.get(), in_.bytes.get(), in_end_);
        in_ = std::move(larger);
    }
    return {in_.bytes.get() + in_end_, in_.size - in_end_};
}

void session::release_buffer() noexcept {
    if (!in_ || in_begin_ != in_end_ || paused_)
        return;
    shared_.buffers->give_back(std::exchange(in_, {}));
    in_begin_ = in_end_ = 0;
}

void session::received(std::size_t bytes, const instant& now) {
    if (ended_)
        return;
    now_ = now;
    // A refusal's body, which nobody reads, has the time that is allowed for a silence, and no more.
    if (!refusal_)
        last_progress_ = now.steady;
    in_end_ += bytes;
    process();
}

void session::resume(const instant& now) {
    if (ended_ || !paused_)
        return;
    now_ = now;
    paused_ = false;
    calls_.front()->book.paused = false;
    last_progress_ = now.steady;
    process();
}

void session::process() {
    while (!ended_ && !paused_ && drain_pieces()) {
        if (!calls_.empty() && exchange_.done()) {
            if (!finish_front(true))
                return;
            continue;
        }
        drop_blank_lines();
        if (in_begin_ == in_end_ || !feed())
            return;
    }
}

/// Takes what some servers send behind an answer and nobody needs, between two answers.
void session::drop_blank_lines() noexcept {
    if (calls_.empty() || !exchange_.started())
        in_begin_ += exchange_.skip_blank_lines({in_.bytes.get() + in_begin_, in_end_ - in_begin_});
}

/// Takes bytes apart. False if more are needed, or if that was the end.
bool session::feed() {
    // Bytes that nobody asked for would be taken for the next query's answer.
    if (calls_.empty() || (!exchange_.started() && calls_.front()->book.request_begin >= bytes_written_)) {
        policy::failure why;
        why.code = errc::http_malformed;
        why.phase = phase::read;
        // The query that is on its way out has no part in it.
        why.kept = true;
        fail(std::move(why));
        return false;
    }
    error_code ec;
    const std::size_t consumed =
        exchange_.feed(std::string_view(in_.bytes.get() + in_begin_, in_end_ - in_begin_), *this, ec);
    in_begin_ += consumed;
    calls_.front()->book.bytes_received += consumed;
    if (ec) {
        policy::failure why;
        why.code = ec;
        why.phase = phase::read;
        fail(std::move(why));
        return false;
    }
    return consumed != 0 || exchange_.done();
}

/// False if no more can be taken now: the reader has the word, or that was the end.
bool session::drain_pieces() {
    while (next_piece_ != pieces_.size()) {
        const std::string_view bytes = pieces_[next_piece_++];
        if (refusal_) {
            skipped_ += bytes.size();
            if (skipped_ > max_skipped)
                return finish_front(false);
            continue;
        }
        body_piece piece{bytes, nullptr, body_bytes_};
        // Nothing else may be in the buffer, nor come to be needed in it.
        if (bytes.size() >= worth_keeping && in_begin_ == in_end_ && next_piece_ == pieces_.size())
            piece.memory = &in_;
        error_code ec;
        appetite wants = appetite::more;
        call& front = *calls_.front();
        try {
            wants = front.on_piece(piece, ec);
        } catch (const std::bad_alloc&) {
            ec = no_memory();
        }
        if (!in_)
            in_begin_ = in_end_ = 0;
        if (ec) {
            policy::failure why;
            why.code = ec;
            why.phase = front.diagnostics.phase = phase::decode;
            fail(std::move(why));
            return false;
        }
        if (wants == appetite::nothing_yet) {
            paused_ = front.book.paused = true;
            reports_.push_back({session_report::kind::paused, calls_.front()});
            return false;
        }
    }
    pieces_.clear();
    next_piece_ = 0;
    return true;
}

policy::failure session::refusal_failure() const {
    policy::failure why;
    why.code = refusal_;
    why.phase = phase::read;
    why.http_status = status_;
    why.retry_after = retry_after_;
    why.kept = answered_ != 0;
    why.answer_begun = begun_;
    return why;
}

/// What the answer that is complete says. True if it is one.
bool session::complete_front(policy::failure& why) {
    why = refusal_failure();
    if (refusal_)
        return false;
    call& front = *calls_.front();
    try {
        front.on_complete(why.code);
    } catch (const std::bad_alloc&) {
        why.code = no_memory();
    }
    if (!why.code)
        return true;
    why.phase = front.diagnostics.phase = phase::decode;
    return false;
}

/// Reports the answer of the call in front. False if the connection has ended with that. `whole`: the answer was read
/// to its end.
bool session::finish_front(bool whole) {
    policy::failure why;
    complete_front(why);
    const call_ptr who = std::move(calls_.front());
    calls_.pop_front();
    // What only the connection's end ends is an answer, however it broke, if its document is whole.
    if (broken_by_ && (why.code == errc::truncated || (why.code == errc::not_json && !body_begun_))) {
        why.code = errc::connection_lost;
        why.cause = who->diagnostics.cause = broken_by_;
        why.phase = who->diagnostics.phase = phase::read;
        who->diagnostics.offset = 0;
        who->diagnostics.excerpt.clear();
    }
    who->latency = now_.steady - who->book.sent_at;
    note_sent(*who);
    drop_blank_lines();
    const bool unsent = out_written_ != out_.size() && calls_.empty();
    const bool surplus = calls_.empty() && in_begin_ != in_end_;
    if (!whole || unsent || surplus || !exchange_.keep_alive()) {
        report_end(who, std::move(why));
        return false;
    }
    ++answered_;
    if (calls_.empty()) {
        pieces_.clear();
        next_piece_ = 0;
        refusal_ = {};
        begun_ = false;
    } else {
        begin_front(now_.steady);
    }
    reports_.push_back({session_report::kind::answered, who, std::move(why)});
    return true;
}

void session::report_end(call_ptr who, policy::failure why) {
    ended_ = true;
    reports_.push_back({session_report::kind::ended, std::move(who), std::move(why)});
}

void session::fail(policy::failure why) {
    if (refusal_ && !calls_.empty()) {
        // What the header said stands, whatever becomes of the body that nobody reads.
        finish_front(false);
        return;
    }
    // It was dead before the query came if nothing of an answer has come since.
    why.kept = why.kept || (answered_ != 0 && !exchange_.started());
    why.answer_begun = begun_;
    call_ptr first;
    keep_memory();
    note_all_sent();
    if (!calls_.empty()) {
        first = std::move(calls_.front());
        calls_.pop_front();
        first->diagnostics.phase = why.phase;
        first->diagnostics.cause = why.cause;
    }
    report_end(std::move(first), std::move(why));
}

/// A stream's reader may still look at what it was given.
void session::keep_memory() noexcept {
    if (paused_)
        calls_.front()->kept_memory = std::move(in_);
}

void session::note_sent(call& who) const noexcept {
    const std::uint64_t begin = who.book.request_begin;
    who.book.unsent = begin >= bytes_written_;
    who.book.bytes_sent = who.book.unsent ? 0 : std::min(bytes_written_, who.book.request_end) - begin;
}

void session::note_all_sent() const noexcept {
    for (const call_ptr& who : calls_)
        note_sent(*who);
}

void session::close() noexcept {
    if (!ended_) {
        keep_memory();
        note_all_sent();
    }
    ended_ = true;
}

bool session::cut_refusal(const call& who, const instant& now) {
    if (ended_ || !refusal_ || calls_.empty() || calls_.front().get() != &who)
        return false;
    now_ = now;
    finish_front(false);
    return true;
}

void session::end_of_stream(const instant& now) {
    if (ended_)
        return;
    now_ = now;
    policy::failure why;
    why.code = errc::connection_lost;
    why.phase = phase::read;
    if (paused_ || calls_.empty()) {
        fail(std::move(why));
        return;
    }
    error_code ec;
    exchange_.finish(ec);
    if (ec || !exchange_.done()) {
        if (ec)
            why.code = ec;
        fail(std::move(why));
        return;
    }
    process();
}

void session::lost(error_code cause, bool alert, const instant& now) {
    if (ended_)
        return;
    now_ = now;
    if (!paused_ && !calls_.empty()) {
        // Its document says whether it is whole: what begins with a whole object is no part of a longer one.
        error_code ec;
        exchange_.finish(ec);
        if (!ec && exchange_.done()) {
            broken_by_ = cause;
            process();
            return;
        }
    }
    policy::failure why;
    why.cause = cause;
    // In TLS 1.3 the server's verdict on our certificate comes after our side of the handshake is over.
    const bool refused = alert && answered_ == 0 && !exchange_.started();
    why.code = refused ? errc::handshake_failed : errc::connection_lost;
    why.phase = refused ? phase::handshake : out_written_ != out_.size() ? phase::write : phase::read;
    fail(std::move(why));
}

policy::time_point session::deadline() const noexcept {
    if (ended_ || calls_.empty() || paused_ || shared_.read_timeout.count() == 0)
        return policy::time_point::max();
    return last_progress_ + shared_.read_timeout;
}

void session::due(const instant& now) {
    if (deadline() > now.steady)
        return;
    now_ = now;
    policy::failure why;
    why.code = errc::read_timeout;
    why.phase = out_written_ == out_.size() ? phase::read : phase::write;
    fail(std::move(why));
}

void session::on_head(const wire::response_head& head, error_code&) {
    call& front = *calls_.front();
    front.diagnostics.http_status = status_ = head.status;
    body_bytes_ = head.content_length;
    begun_ = true;
    front.book.answer_began = now_.steady;
    switch (head.status) {
        case 200:
            if (head.content_encoded) {
                refusal_ = errc::content_encoded;
                break;
            }
            reports_.push_back({session_report::kind::begun, calls_.front()});
            front.on_open();
            if (front.streams) {
                front.book.opened = paused_ = front.book.paused = true;
                reports_.push_back({session_report::kind::paused, calls_.front()});
            }
            return;
        case 401:
            refusal_ = errc::authentication_refused;
            break;
        case 429:
        case 502:
        case 503:
        case 504:
            refusal_ = errc::server_busy;
            retry_after_ = wire::parse_retry_after(head.retry_after, head.date, now_.wall);
            break;
        case 301:
        case 302:
        case 303:
        case 307:
        case 308:
            refusal_ = errc::redirected;
            // What stands after the path is for whoever follows it, and may be all that was sent.
            front.diagnostics.detail = head.location.substr(0, head.location.find_first_of("?#"));
            break;
        default:
            refusal_ = errc::http_status;
            break;
    }
    front.diagnostics.phase = phase::read;
}

void session::on_body(std::string_view piece, error_code&) {
    body_begun_ = body_begun_ || piece.find_first_not_of(" \t\r\n") != std::string_view::npos;
    pieces_.push_back(piece);
}

}  // namespace jobmode::engine

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "net/connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "net/engine.hpp"

namespace jobmode::net {
namespace {

// A piece of an answer of at least this size is kept where it was read; of a smaller one the records are copied.
constexpr std::size_t worth_keeping = buffer_pool::buffer_bytes / 4;

// The longest body that a header is believed to announce, when memory is reserved.
constexpr std::uint64_t most_believed = std::uint64_t{1} << 32U;

// A refusal's body is read so that the connection can go on; a longer one costs more than a new connection.
constexpr std::uint64_t max_skipped = 64 * 1024;

/// Whether a decoder's verdict at the end of the bytes is that there should be more.
bool is_incomplete(error_code ec) noexcept {
    return ec == errc::truncated || ec == errc::not_json;
}

// After so many reads in a row, other connections have their turn.
constexpr int max_rounds = 32;

}  // namespace

connection::connection(engine& owner, std::size_t slot)
    : engine_(owner),
      slot_(slot),
      transport_(owner.executor()),
      last_progress_(owner.now()),
      exchange_(owner.config().header_bytes, owner.cookie_path()) {}

connection::~connection() {
    close();
}

void connection::open() {
    engine_.watch(deadline());
    engine_.resolution().resolve(engine_.now(), [weak = weak_from_this()](error_code ec, const auto& endpoints) {
        const std::shared_ptr<connection> self = weak.lock();
        if (!self || self->state_ == state::closed)
            return;
        if (ec)
            self->fail_to_open(errc::resolve_failed, ec, self->about_proxy(ec.message()));
        else
            self->connect(endpoints);
    });
}

void connection::connect(const std::vector<tcp::endpoint>& endpoints) {
    state_ = state::connecting;
    race_ = std::make_shared<connect_race>(engine_.executor(), endpoints,
                                           engine_.config().timeouts.connection_attempt_delay,
                                           [this](connect_race::result result) { on_connected(std::move(result)); });
    race_->start();
}

void connection::on_connected(connect_race::result result) {
    const std::shared_ptr<connection> self = shared_from_this();
    race_.reset();
    if (result.error) {
        engine_.resolution().forget();
        fail_to_open(errc::connect_failed, result.error, about_proxy(std::move(result.detail)));
        return;
    }
    if (engine_.proxy_request().empty()) {
        start_handshake(std::move(result.socket));
        return;
    }
    state_ = state::tunnelling;
    tunnel_ =
        std::make_shared<proxy_tunnel>(std::move(result.socket), engine_.proxy_request(), engine_.config().header_bytes,
                                       [this](proxy_tunnel::result tunnelled) { on_tunnelled(std::move(tunnelled)); });
    tunnel_->start();
}

void connection::on_tunnelled(proxy_tunnel::result result) {
    const std::shared_ptr<connection> self = shared_from_this();
    tunnel_.reset();
    if (result.error)
        fail_to_open(result.error, result.cause, std::move(result.detail), result.status);
    else
        start_handshake(std::move(result.socket));
}

void connection::start_handshake(tcp::socket socket) {
    if (const error_code ec = transport_.open(std::move(socket), engine_.tls())) {
        fail_to_open(errc::connect_failed, ec, {});
        return;
    }
    state_ = state::shaking_hands;
    last_progress_ = engine_.now();
    engine_.watch(deadline());
    shake_hands();
}

void connection::shake_hands() {
    const io_result result = transport_.handshake();
    switch (result.status) {
        case io_status::done:
            become_ready();
            return;
        case io_status::want_read:
            wait_readable();
            return;
        case io_status::want_write:
            wait_writable();
            return;
        case io_status::eof:
        case io_status::failed:
            break;
    }
    fail_to_shake_hands(result);
}

void connection::become_ready() {
    const io_result early = probe();
    if (early.status == io_status::done) {
        // Whatever it is, it would be taken for the first query's answer.
        fail_to_open(errc::http_malformed, {}, "the server sent bytes before it was asked");
    } else if (early.status == io_status::want_read) {
        state_ = state::ready;
        wait_readable();
        engine_.on_opened(*this, transport_.resumed());
    } else {
        fail_to_shake_hands(early);
    }
}

void connection::fail_to_shake_hands(const io_result& result) {
    std::string detail;
    error_code code = transport_.verification_error(detail);
    if (!code)
        code =
            result.error.category() == asio::error::get_ssl_category() ? errc::handshake_failed : errc::connection_lost;
    fail_to_open(code, result.error, std::move(detail));
}

/// A failure's detail, which says that it is the proxy that was not reached.
std::string connection::about_proxy(std::string detail) const {
    return engine_.proxy_request().empty() ? detail : "the proxy " + engine_.config().proxy.url + ": " + detail;
}

void connection::fail_to_open(error_code code, error_code cause, std::string detail, unsigned http_status) {
    jobmode::diagnostics diagnostics;
    diagnostics.phase = state_ == state::resolving    ? phase::resolve
                        : state_ == state::connecting ? phase::connect
                        : state_ == state::tunnelling ? phase::proxy
                                                      : phase::handshake;
    diagnostics.http_status = http_status;
    diagnostics.cause = cause;
    diagnostics.detail = std::move(detail);
    close();
    engine_.on_open_failed(*this, code, std::move(diagnostics));
}

policy::time_point connection::deadline() const noexcept {
    const timeout_config& timeouts = engine_.config().timeouts;
    std::chrono::milliseconds allowed{0};
    switch (state_) {
        case state::resolving:
        case state::connecting:
        case state::tunnelling:
            allowed = timeouts.connect;
            break;
        case state::shaking_hands:
            allowed = timeouts.handshake;
            break;
        case state::ready:
            if (!operations_.empty() && !paused_)
                allowed = timeouts.read;
            break;
        case state::closed:
            break;
    }
    return allowed.count() == 0 ? policy::time_point::max() : last_progress_ + allowed;
}

void connection::on_deadline() {
    switch (state_) {
        case state::resolving:
        case state::connecting:
        case state::tunnelling:
            engine_.resolution().forget();
            fail_to_open(errc::connect_timeout, {}, {});
            return;
        case state::shaking_hands:
            fail_to_open(errc::handshake_timeout, {}, {});
            return;
        case state::ready:
            fail(errc::read_timeout, {}, out_written_ == out_.size() ? phase::read : phase::write);
            return;
        case state::closed:
            return;
    }
}

std::deque<operation_ptr> connection::close() {
    if (state_ == state::closed)
        return {};
    state_ = state::closed;
    if (race_)
        race_->cancel();
    race_.reset();
    if (tunnel_)
        tunnel_->cancel();
    tunnel_.reset();
    transport_.close();
    for (const operation_ptr& op : operations_)
        op->carrier = nullptr;
    return std::exchange(operations_, {});
}

void connection::send(operation_ptr op) {
    op->carrier = this;
    op->request_begin = bytes_written_ + (out_.size() - out_written_);
    if (op->kind == request_kind::users)
        engine_.encoder().encode_list_users(out_, exchange_.cookie());
    else if (op->kind == request_kind::jobs)
        engine_.encoder().encode_list_backup_jobs(out_, op->asked.login_name, exchange_.cookie());
    else
        engine_.encoder().encode(out_, op->asked, exchange_.cookie());
    operations_.push_back(std::move(op));
    if (operations_.size() == 1)
        begin_front();
}

void connection::begin_front() {
    exchange_.begin();
    pieces_.clear();
    next_piece_ = 0;
    refusal_ = {};
    skipped_ = 0;
    retry_after_.reset();
    last_progress_ = engine_.now();
    operations_.front()->on_attempt();
    engine_.watch(deadline());
}

void connection::flush() {
    // Requests that come up while answers are worked through go out together.
    if (state_ != state::ready || writing_ || processing_)
        return;
    while (out_written_ != out_.size()) {
        const io_result result = transport_.write_some(std::span<const char>(out_).subspan(out_written_));
        switch (result.status) {
            case io_status::done:
                out_written_ += result.bytes;
                bytes_written_ += result.bytes;
                engine_.count().bytes_sent.add(result.bytes);
                break;
            case io_status::want_write:
                wait_writable();
                return;
            case io_status::want_read:
                // Reading goes on by itself, and flushes when it got somewhere.
                return;
            case io_status::eof:
            case io_status::failed:
                fail(errc::connection_lost, result.error, phase::write);
                return;
        }
    }
    out_.clear();
    out_written_ = 0;
    if (reading_)
        hold_little();
}

/// While it waits, among many.
void connection::hold_little() {
    if (engine_.is_crowded())
        transport_.release_buffers();
}

void connection::wait_readable() {
    if (std::exchange(reading_, true))
        return;
    if (in_begin_ == in_end_) {
        if (in_)
            engine_.buffers().give_back(std::exchange(in_, {}));
        in_begin_ = in_end_ = 0;
        if (state_ == state::ready)
            hold_little();
    }
    transport_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code) {
        self->reading_ = false;
        if (self->state_ == state::shaking_hands)
            self->shake_hands();
        else if (self->state_ == state::ready)
            self->on_readable();
    });
}

void connection::wait_writable() {
    if (std::exchange(writing_, true))
        return;
    transport_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](error_code) {
        self->writing_ = false;
        if (self->state_ == state::shaking_hands) {
            self->shake_hands();
        } else if (self->state_ == state::ready) {
            self->flush();
            if (self->state_ == state::ready && !self->reading_ && !self->paused_)
                self->on_readable();
        }
    });
}

void connection::on_readable() {
    for (int round = 0; round != max_rounds; ++round) {
        make_room();
        const io_result result = transport_.read_some(std::span(in_.bytes.get() + in_end_, in_.size - in_end_));
        switch (result.status) {
            case io_status::done:
                break;
            case io_status::want_read:
                wait_readable();
                return;
            case io_status::want_write:
                wait_writable();
                return;
            case io_status::eof:
                if (on_eof())
                    process();
                return;
            case io_status::failed:
                on_failed_read(result.error);
                return;
        }
        engine_.count().bytes_received.add(result.bytes);
        last_progress_ = engine_.now();
        in_end_ += result.bytes;
        if (!process())
            return;
        if (!transport_.may_have_more()) {
            wait_readable();
            return;
        }
    }
    reading_ = true;
    asio::post(engine_.executor(), [self = shared_from_this()] {
        self->reading_ = false;
        if (self->state_ == state::ready && !self->paused_)
            self->on_readable();
    });
}

/// Has room behind what was read and not taken yet.
void connection::make_room() {
    if (!in_)
        in_ = engine_.buffers().take();
    if (in_begin_ != 0) {
        std::memmove(in_.bytes.get(), in_.bytes.get() + in_begin_, in_end_ - in_begin_);
        in_end_ -= std::exchange(in_begin_, 0);
    }
    if (in_end_ != in_.size)
        return;
    // Only what is no body is ever left for so long, and that has a limit.
    read_buffer larger = read_buffer::make(in_.size + engine_.config().header_bytes);
    std::memcpy(larger.bytes.get(), in_.bytes.get(), in_end_);
    in_ = std::move(larger);
}

/// Works through what was read, and sends what came up meanwhile. False if nothing more can be read now: closed, or a
/// stream's reader has the word.
bool connection::process() {
    processing_ = true;
    const bool go_on = take_answers();
    processing_ = false;
    if (out_written_ != out_.size())
        flush();
    return go_on && state_ == state::ready;
}

bool connection::take_answers() {
    for (;;) {
        if (paused_ || !drain_pieces())
            return false;
        if (!operations_.empty() && exchange_.done()) {
            if (!finish_front(true))
                return false;
            continue;
        }
        drop_blank_lines();
        if (in_begin_ == in_end_)
            return true;
        // Bytes that nobody asked for would be taken for the next query's answer.
        if (operations_.empty()) {
            fail(errc::http_malformed, {}, phase::read);
            return false;
        }
        if (!exchange_.started() && operations_.front()->request_begin >= bytes_written_) {
            const bool free = !operations_.front()->resent;
            engine_.on_lost(*this, close(), errc::http_malformed, free);
            return false;
        }
        error_code ec;
        const std::size_t consumed =
            exchange_.feed(std::string_view(in_.bytes.get() + in_begin_, in_end_ - in_begin_), *this, ec);
        in_begin_ += consumed;
        if (ec) {
            fail(ec, {}, phase::read);
            return false;
        }
        if (consumed == 0 && !exchange_.done())
            return true;
    }
}

decoder& connection::front_decoder() {
    if (!decoder_) {
        decoder_ = engine_.decoders().take();
        if (decoder_)
            decoder_->reset();
        else
            decoder_.emplace(engine_.config().limits);
    }
    return *decoder_;
}

bool connection::drain_pieces() {
    while (next_piece_ != pieces_.size()) {
        const std::string_view piece = pieces_[next_piece_++];
        operation& front = *operations_.front();
        if (refusal_) {
            skipped_ += piece.size();
            if (skipped_ > max_skipped)
                return finish_front(false);
            continue;
        }
        error_code ec;
        if (takes_pieces(front.kind)) {
            front.on_piece(piece, ec);
        } else if (const record_batch batch = front_decoder().feed(piece, ec)) {
            engine_.count().records.add(batch.size());
            front.on_batch(batch, arrival_of(piece, batch));
            if (!ec && front.kind == request_kind::stream) {
                paused_ = true;
                return false;
            }
        }
        if (ec) {
            fail_decoding(ec);
            return false;
        }
    }
    pieces_.clear();
    next_piece_ = 0;
    return true;
}

/// How records that are in `piece` have come.
arrival connection::arrival_of(std::string_view piece, record_batch batch) {
    arrival how;
    // Nothing else may be in the buffer, nor come to be needed in it.
    if (piece.size() >= worth_keeping && in_begin_ == in_end_ && next_piece_ == pieces_.size())
        how.memory = &in_;
    if (body_bytes_ && *body_bytes_ <= most_believed)
        // A record more than seen, since the piece has cut one.
        how.records_in_all = static_cast<std::size_t>((batch.size() + 1) * *body_bytes_ / piece.size());
    return how;
}

/// Takes what some servers send behind an answer and nobody needs, between two answers.
void connection::drop_blank_lines() {
    if (operations_.empty() || !exchange_.started())
        in_begin_ += exchange_.skip_blank_lines(std::string_view(in_.bytes.get() + in_begin_, in_end_ - in_begin_));
}

/// Hands the answered operation back. False if the connection has ended with that. `whole`: the answer was read to its
/// end.
bool connection::finish_front(bool whole) {
    const operation_ptr op = operations_.front();
    error_code ec = refusal_;
    if (!ec) {
        if (takes_pieces(op->kind))
            op->on_complete(ec);
        else
            front_decoder().finish(ec);
        if (broken_by_ && is_incomplete(ec)) {
            op->diagnostics.offset = 0;
            op->diagnostics.excerpt.clear();
            fail(errc::connection_lost, broken_by_, phase::read);
            return false;
        }
        if (ec)
            note_answer_error(*op, ec);
    }
    if (decoder_)
        engine_.decoders().put(*std::exchange(decoder_, std::nullopt));
    op->latency = engine_.now() - op->sent_at;
    op->carrier = nullptr;
    operations_.pop_front();
    const bool unsent = out_written_ != out_.size() && operations_.empty();
    if (!whole || unsent || !exchange_.keep_alive() || !silent()) {
        engine_.on_last_answered(*this, op, ec, retry_after_, close());
        return false;
    }
    ++answered_;
    const std::optional<std::chrono::milliseconds> retry_after = retry_after_;
    if (!operations_.empty())
        begin_front();
    else
        pieces_.clear();
    engine_.on_answered(*this, op, ec, retry_after);
    return state_ == state::ready;
}

/// Whether the server has sent nothing that was not asked for, as far as can be told without waiting.
bool connection::silent() {
    if (!operations_.empty())
        return true;
    drop_blank_lines();
    if (in_begin_ != in_end_)
        return false;
    return !transport_.may_have_more() || probe().status == io_status::want_read;
}

bool connection::usable() {
    // In the course of an answer's end that has just been looked at.
    if (!operations_.empty() || !reading_ || answered_ == 0)
        return true;
    return probe().status == io_status::want_read;
}

/// Tries to read when nothing is to come. What it finds but blank lines is lost, and the connection with it.
io_result connection::probe() {
    for (;;) {
        char byte = 0;
        const io_result result = transport_.read_some(std::span(&byte, 1));
        if (result.status != io_status::done || exchange_.skip_blank_lines(std::string_view(&byte, 1)) == 0)
            return result;
    }
}

void connection::note_answer_error(operation& op, error_code ec) {
    op.diagnostics.phase = phase::decode;
    if (takes_pieces(op.kind))
        return;
    if (ec == errc::api_error || ec == errc::authentication_refused) {
        op.diagnostics.server_message = decoder_->message();
        op.diagnostics.expt_type = decoder_->expt_type();
    } else {
        op.diagnostics.offset = decoder_->offset();
        op.diagnostics.excerpt = decoder_->excerpt();
    }
}

void connection::resume() {
    const std::shared_ptr<connection> self = shared_from_this();
    paused_ = false;
    last_progress_ = engine_.now();
    engine_.watch(deadline());
    if (process() && !reading_)
        on_readable();
}

/// The peer will send no more. True if that completed an answer.
bool connection::on_eof() {
    if (operations_.empty()) {
        fail(errc::connection_lost, {}, phase::read);
        return false;
    }
    error_code ec;
    exchange_.finish(ec);
    if (ec || !exchange_.done()) {
        fail(ec ? ec : errc::connection_lost, {}, phase::read);
        return false;
    }
    return true;
}

void connection::on_failed_read(error_code cause) {
    if (!operations_.empty()) {
        // The end of a body that only the connection's end marks, if its document says that it is whole: what begins
        // with a whole object is no part of a longer one.
        error_code ec;
        exchange_.finish(ec);
        if (!ec) {
            broken_by_ = cause;
            process();
            return;
        }
    }
    // In TLS 1.3 the server's verdict on our certificate comes after our side of the handshake is over.
    const bool refused = answered_ == 0 && !exchange_.started() && cause.category() == asio::error::get_ssl_category();
    fail(refused ? errc::handshake_failed : errc::connection_lost, cause, refused ? phase::handshake : phase::read);
}

void connection::fail(error_code code, error_code cause, phase where) {
    if (refusal_ && !operations_.empty()) {
        // What the header said stands, whatever becomes of the body that nobody reads.
        finish_front(false);
        return;
    }
    const bool free = code == errc::connection_lost && answered_ != 0 && !operations_.empty() && !exchange_.started() &&
                      !operations_.front()->resent;
    if (!operations_.empty()) {
        operations_.front()->diagnostics.phase = where;
        operations_.front()->diagnostics.cause = cause;
    }
    engine_.on_lost(*this, close(), code, free);
}

void connection::fail_decoding(error_code ec) {
    note_answer_error(*operations_.front(), ec);
    engine_.on_lost(*this, close(), ec, false);
}

void connection::on_head(const wire::response_head& head, error_code&) {
    operation& front = *operations_.front();
    front.diagnostics.http_status = head.status;
    body_bytes_ = head.content_length;
    switch (head.status) {
        case 200:
            engine_.on_first_byte(front);
            if (head.content_encoded) {
                refusal_ = errc::content_encoded;
                break;
            }
            if (front.kind == request_kind::stream) {
                front.opened = true;
                front.on_open();
                paused_ = true;
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
            retry_after_ = wire::parse_retry_after(
                head.retry_after, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
            break;
        case 301:
        case 302:
        case 303:
        case 307:
        case 308:
            refusal_ = errc::redirected;
            // What stands behind the path is for whoever follows it, and may be all that was sent.
            front.diagnostics.detail = head.location.substr(0, head.location.find_first_of("?#"));
            break;
        default:
            refusal_ = errc::http_status;
            break;
    }
    front.diagnostics.phase = phase::read;
}

void connection::on_body(std::string_view piece, error_code&) {
    pieces_.push_back(piece);
}

}  // namespace jobmode::net

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "net/channel.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>

#include <span>
#include <utility>

#include "net/driver.hpp"

namespace jobmode::net {
namespace {

// After this many reads in a row, other connections have their turn.
constexpr int max_rounds = 32;

}  // namespace

channel::channel(driver& owner, engine::connection_id id) : driver_(owner), id_(id), transport_(owner.executor()) {}

channel::~channel() {
    close();
}

void channel::open(std::vector<std::size_t> order) {
    order_ = std::move(order);
    std::vector<tcp::endpoint> endpoints;
    for (const std::size_t index : order_)
        endpoints.push_back(driver_.address(index));
    race_ = std::make_shared<connect_race>(driver_.executor(), std::move(endpoints),
                                           driver_.config().timeouts.connection_attempt_delay,
                                           [this](connect_race::result result) { on_connected(std::move(result)); });
    race_->start();
}

void channel::on_connected(connect_race::result result) {
    const std::shared_ptr<channel> self = shared_from_this();
    race_.reset();
    for (const std::size_t index : result.failed)
        driver_.core().address_failed(id_, order_[index]);
    if (result.error) {
        fail_to_open(errc::connect_failed, phase::connect, result.error, about_proxy(std::move(result.detail)));
        return;
    }
    address_ = order_[result.winner];
    if (driver_.proxy_request().empty()) {
        start_handshake(std::move(result.socket));
        return;
    }
    driver_.core().tunnelling(id_, address_);
    tunnel_ =
        std::make_shared<proxy_tunnel>(std::move(result.socket), driver_.proxy_request(), driver_.config().header_bytes,
                                       [this](proxy_tunnel::result tunnelled) { on_tunnelled(std::move(tunnelled)); });
    tunnel_->start();
}

void channel::on_tunnelled(proxy_tunnel::result result) {
    const std::shared_ptr<channel> self = shared_from_this();
    tunnel_.reset();
    if (result.error)
        fail_to_open(result.error, phase::proxy, result.cause, std::move(result.detail), result.status);
    else
        start_handshake(std::move(result.socket));
}

void channel::start_handshake(tcp::socket socket) {
    if (const error_code ec = transport_.open(std::move(socket), driver_.tls())) {
        fail_to_open(errc::connect_failed, phase::connect, ec, {});
        return;
    }
    shaking_hands_ = true;
    driver_.core().connected(id_, address_, driver_.now());
    driver_.perform();
    shake_hands();
}

void channel::shake_hands() {
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
            fail_to_shake_hands(result);
            return;
    }
}

void channel::become_ready() {
    char byte = 0;
    const io_result early = transport_.read_some(std::span(&byte, 1));
    if (early.status == io_status::done) {
        // Whatever it is, it would be taken for the first query's answer.
        fail_to_open(errc::http_malformed, phase::handshake, {}, "the server sent bytes before it was asked");
    } else if (early.status != io_status::want_read) {
        fail_to_shake_hands(early);
    } else {
        shaking_hands_ = false;
        open_ = true;
        wait_readable();
        driver_.core().opened(id_, transport_.resumed(), driver_.now());
        driver_.perform();
    }
}

void channel::fail_to_shake_hands(const io_result& result) {
    std::string detail;
    error_code code = transport_.verification_error(detail);
    if (!code)
        code =
            result.error.category() == asio::error::get_ssl_category() ? errc::handshake_failed : errc::connection_lost;
    transport_.forget_session();
    fail_to_open(code, phase::handshake, result.error, std::move(detail));
}

/// A failure's detail, which says that it is the proxy that was not reached.
std::string channel::about_proxy(std::string detail) const {
    return driver_.proxy_request().empty() ? detail : "the proxy " + driver_.config().proxy.url + ": " + detail;
}

void channel::fail_to_open(error_code code, phase where, error_code cause, std::string detail, unsigned http_status) {
    policy::failure why;
    why.code = code;
    why.cause = cause;
    why.phase = where;
    why.http_status = http_status;
    jobmode::diagnostics known;
    known.phase = where;
    known.http_status = http_status;
    known.cause = cause;
    known.detail = std::move(detail);
    driver_.core().open_failed(id_, why, std::move(known), driver_.now());
    driver_.perform();
}

void channel::close() {
    if (std::exchange(closed_, true))
        return;
    if (race_)
        race_->cancel();
    race_.reset();
    if (tunnel_)
        tunnel_->cancel();
    tunnel_.reset();
    transport_.close();
}

/// Looks whether the server has said something that nobody asked for, before it can pass for the answer to what is
/// about to be written. False if it has, or has gone.
bool channel::is_silent() {
    for (;;) {
        // It may have ended, and be closed by a step that is still to be performed.
        engine::session* const session = driver_.core().session_of(id_);
        if (!session)
            return false;
        if (!session->was_idle() || !(reading_ || transport_.may_have_more())) {
            session->seen_silent();
            return true;
        }
        const io_result result = transport_.read_some(session->room());
        if (result.status == io_status::want_read) {
            session->seen_silent();
            return true;
        }
        take(result);
        // Blank lines are no harm.
        if (result.status != io_status::done)
            return false;
    }
}

void channel::write() {
    if (closed_ || !open_ || writing_)
        return;
    if (!is_silent())
        return;
    for (;;) {
        const std::span<const char> bytes = driver_.core().session_of(id_)->to_write();
        if (bytes.empty())
            break;
        const io_result result = transport_.write_some(bytes);
        switch (result.status) {
            case io_status::done:
                driver_.count().bytes_sent.add(result.bytes);
                driver_.core().wrote(id_, result.bytes, driver_.now());
                break;
            case io_status::want_write:
                wait_writable();
                return;
            case io_status::want_read:
                // Reading goes on by itself, and writes when it got somewhere.
                return;
            case io_status::eof:
            case io_status::failed:
                take({io_status::failed, 0, result.error});
                return;
        }
    }
    if (reading_)
        hold_little();
}

void channel::read() {
    if (!closed_ && open_ && !reading_)
        on_readable();
}

/// Tells the engine what an attempt to read came to.
void channel::take(const io_result& result) {
    engine::core& core = driver_.core();
    const engine::instant at = driver_.now();
    switch (result.status) {
        case io_status::done:
            driver_.count().bytes_received.add(result.bytes);
            core.received(id_, result.bytes, at);
            break;
        case io_status::eof:
            core.end_of_stream(id_, at);
            break;
        case io_status::failed:
            core.lost(id_, result.error, result.error.category() == asio::error::get_ssl_category(), at);
            break;
        case io_status::want_read:
        case io_status::want_write:
            return;
    }
    driver_.perform();
}

/// While it waits, among many.
void channel::hold_little() {
    if (driver_.core().is_crowded())
        transport_.release_buffers();
}

void channel::wait_readable() {
    if (std::exchange(reading_, true))
        return;
    if (open_) {
        if (engine::session* const session = driver_.core().session_of(id_))
            session->release_buffer();
        hold_little();
    }
    transport_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code) {
        self->reading_ = false;
        if (self->closed_)
            return;
        if (self->shaking_hands_)
            self->shake_hands();
        else
            self->on_readable();
    });
}

void channel::wait_writable() {
    if (std::exchange(writing_, true))
        return;
    transport_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](error_code) {
        self->writing_ = false;
        if (self->closed_)
            return;
        if (self->shaking_hands_) {
            self->shake_hands();
            return;
        }
        self->write();
        self->read();
    });
}

void channel::on_readable() {
    const std::shared_ptr<channel> self = shared_from_this();
    for (int round = 0; round != max_rounds; ++round) {
        engine::session* const session = driver_.core().session_of(id_);
        if (closed_ || !session || !session->wants_bytes())
            return;
        const io_result result = transport_.read_some(session->room());
        if (result.status == io_status::want_read) {
            wait_readable();
            return;
        }
        if (result.status == io_status::want_write) {
            wait_writable();
            return;
        }
        take(result);
        if (!transport_.may_have_more()) {
            const engine::session* const left = driver_.core().session_of(id_);
            if (left && left->wants_bytes())
                wait_readable();
            return;
        }
    }
    reading_ = true;
    asio::post(driver_.executor(), [self] {
        self->reading_ = false;
        if (!self->closed_)
            self->on_readable();
    });
}

}  // namespace jobmode::net

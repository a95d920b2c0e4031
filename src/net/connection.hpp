// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/decoder.hpp>
#include <jobmode/secret.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "net/buffer_pool.hpp"
#include "net/connector.hpp"
#include "net/operation.hpp"
#include "net/proxy_tunnel.hpp"
#include "net/transport.hpp"
#include "policy/time.hpp"
#include "wire/exchange.hpp"

namespace jobmode::net {

class engine;

/// One connection to the server: opens, shakes hands, carries operations, ends.
///
/// ```
/// resolving -> connecting -> tunnelling -> shaking_hands -> ready -> closed
///      \____________\____________\_____________\____________________/
/// ```
/// Without a proxy there is no tunnelling; with one, resolving and connecting are about the proxy.
/// While it is ready a wait for readability is outstanding, but when a stream's reader is not asking: that is how a
/// server's closing an idle connection is noticed, and how a slow reader slows the server. Each event ends either with
/// such a wait or closed. The engine is told of everything that ends, through `engine::on_...`, and is never called
/// once closed.
///
/// Owned by the engine and by its own outstanding waits, which find it closed when they end after it; a stream keeps it
/// too, since its records live here. Not thread-safe.
class connection final : public std::enable_shared_from_this<connection>, private wire::body_sink {
public:
    connection(engine& owner, std::size_t slot);
    ~connection();

    /// Begins to connect.
    void open();
    /// Whether it can be given an operation. False if an unused one turns out to have been closed, or to hold bytes
    /// that nobody asked for; it must then be closed. Only when ready.
    bool usable();
    /// Takes an operation: its request is written by `flush`. Only when ready.
    void send(operation_ptr op);
    /// Writes what `send` took.
    void flush();
    /// Goes on with a stream's answer after `operation::on_batch`. Only while this connection carries it.
    void resume();
    /// Closes without a word to the engine. What it carried is handed back.
    std::deque<operation_ptr> close();

    std::size_t slot() const noexcept { return slot_; }
    /// When something must have happened by; `max` while nothing is awaited.
    policy::time_point deadline() const noexcept;
    /// Ends with the timeout of the phase it is in.
    void on_deadline();
    /// What it carries, the one being answered first.
    const std::deque<operation_ptr>& operations() const noexcept { return operations_; }

private:
    enum class state : std::uint8_t { resolving, connecting, tunnelling, shaking_hands, ready, closed };

    void connect(const std::vector<tcp::endpoint>& endpoints);
    void on_connected(connect_race::result result);
    void on_tunnelled(proxy_tunnel::result result);
    void start_handshake(tcp::socket socket);
    void shake_hands();
    void become_ready();
    void fail_to_shake_hands(const io_result& result);
    std::string about_proxy(std::string detail) const;
    void fail_to_open(error_code code, error_code cause, std::string detail, unsigned http_status = 0);

    void hold_little();
    void wait_readable();
    void wait_writable();
    void on_readable();
    void make_room();
    void begin_front();
    decoder& front_decoder();
    bool process();
    bool take_answers();
    bool drain_pieces();
    arrival arrival_of(std::string_view piece, record_batch batch);
    bool finish_front(bool whole);
    void drop_blank_lines();
    bool silent();
    io_result probe();
    void on_failed_read(error_code cause);
    bool on_eof();
    void fail(error_code code, error_code cause, phase where);
    void fail_decoding(error_code ec);
    void note_answer_error(operation& op, error_code ec);
    void on_head(const wire::response_head& head, error_code& ec) override;
    void on_body(std::string_view piece, error_code& ec) override;

    engine& engine_;
    std::size_t slot_;
    state state_ = state::resolving;
    transport transport_;
    std::shared_ptr<connect_race> race_;
    std::shared_ptr<proxy_tunnel> tunnel_;
    policy::time_point last_progress_;

    wire::exchange exchange_;
    /// Of the answer that is coming in.
    std::optional<decoder> decoder_;
    std::deque<operation_ptr> operations_;

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
    /// The length of the body, where the header says it.
    std::optional<std::uint64_t> body_bytes_;

    /// The verdict of a header other than 200: the body that follows is skipped, up to a limit.
    error_code refusal_;
    std::uint64_t skipped_ = 0;
    /// The pause that the refusal asked for.
    std::optional<std::chrono::milliseconds> retry_after_;
    /// A wait for readability, or for writability, is outstanding.
    bool reading_ = false;
    bool writing_ = false;
    bool processing_ = false;
    /// A stream's reader has been given records and has not asked for more.
    bool paused_ = false;
    /// Why the connection is broken, where that may have been the end of an answer.
    error_code broken_by_;
    /// Answers that came whole over this connection.
    std::size_t answered_ = 0;
};

}  // namespace jobmode::net

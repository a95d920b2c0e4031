// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/attempt.hpp>
#include <jobmode/config.hpp>
#include <jobmode/error.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/buffer_pool.hpp"
#include "engine/call.hpp"
#include "engine/counters.hpp"
#include "engine/scheduler.hpp"
#include "engine/session.hpp"
#include "policy/address_book.hpp"
#include "policy/blame.hpp"
#include "policy/time.hpp"
#include "wire/request.hpp"

namespace jobmode::engine {

/// What is to be done outside of the engine.
struct step {
    enum class kind : std::uint8_t {
        /// Look the server's name up; `lookup` is to be given back with what was found.
        resolve,
        /// Connect `id` to one of the addresses of the last look-up, in this `order`, and shake hands.
        open,
        /// Write what `core::session_of(id)` has, after a look at whether it is silent, if it was idle.
        write,
        /// Go on reading from `id`.
        read,
        /// Close `id`, whatever it is doing.
        close,
        /// Tell `who` its end.
        complete,
    };
    kind what;
    connection_id id{};
    std::uint64_t lookup = 0;
    std::vector<std::size_t> order{};
    call_ptr who{};
    error_code ec{};
};

/// The client of one server without sockets, clock or threads: what happens goes in, and what is to be done comes out
/// of `take_steps`, after each event. Events of connections and look-ups that are no more change nothing.
/// Not thread-safe, and not to be called while it is being called.
class core {
public:
    /// `config` must be valid. `seed` is for what is random in pauses.
    core(const client_config& config, std::string cookie_path, wire::request_encoder encoder, std::uint64_t seed,
         counters& count);
    core(const core&) = delete;
    core& operator=(const core&) = delete;
    ~core();

    /// Events.
    /// @{
    void submit(call_ptr who, const instant& now);
    /// Ends a call with `ec`, wherever it is; nothing happens if it has ended.
    void cancel(call& who, error_code ec, const instant& now);
    /// The reader of a stream asks for more.
    void resume(call& who, const instant& now);
    /// Ends all calls and connections; later calls end at once.
    void close(const instant& now);
    /// The same, but no call is told: they are handed out, marked as ended.
    std::vector<call_ptr> abandon();
    /// Other credentials: calls that were held back for them go on.
    void set_encoder(wire::request_encoder encoder, const instant& now);
    /// Those of the proxy are others now.
    void renew_credentials(const instant& now);
    /// Connections are made in another way from now on: those there are carry nothing more than they do.
    void renew_connections(const instant& now);
    /// See `scheduler::share`.
    void share(std::shared_ptr<shared_health> with, std::function<void()> changed);
    /// Another client has learnt something of the server.
    void others_learnt(const instant& now);
    /// See `scheduler::keep_open`.
    void keep_open(std::size_t connections, const instant& now);

    /// A look-up has ended, with this many addresses, in the order in which they are to be tried, or with a failure.
    void resolved(std::uint64_t lookup, std::size_t addresses, error_code failure, const instant& now);
    /// An attempt to open a connection found that an address does not work.
    void address_failed(connection_id id, std::size_t address);
    /// A connection has reached the proxy, and asks it for the way to the server.
    void tunnelling(connection_id id, std::size_t address);
    /// A connection has reached an address, and begins to shake hands.
    void connected(connection_id id, std::size_t address, const instant& now);
    void opened(connection_id id, bool resumed, const instant& now);
    void open_failed(connection_id id, const policy::failure& why, jobmode::diagnostics known, const instant& now);
    void received(connection_id id, std::size_t bytes, const instant& now);
    void end_of_stream(connection_id id, const instant& now);
    void lost(connection_id id, error_code cause, bool alert, const instant& now);
    void wrote(connection_id id, std::size_t bytes, const instant& now);
    /// The alarm has gone off.
    void due(const instant& now);
    /// @}

    /// What is to be done, in order, since the last time. Emptied by the caller.
    std::vector<step>& steps() noexcept { return steps_; }
    /// When `due` is to be called; `max` if never.
    policy::time_point next_alarm() const noexcept;

    /// An attempt that has ended, and the address it was made to, if it came to one.
    struct attempt {
        attempt_info info;
        std::optional<std::size_t> address;
        /// The query's, which `info` refers to.
        std::string login_name;
    };
    /// What has ended since the last time, in order; nothing unless the configuration asks for it. Emptied by the
    /// caller.
    std::vector<attempt>& attempts() noexcept { return attempts_; }

    /// The session of an open connection; null if it is no more. Valid until the next event.
    session* session_of(connection_id id) noexcept;
    /// Whether a connection is being opened or open.
    bool knows(connection_id id) const noexcept;
    /// Whether connections are so many that one that waits should hold no memory that can be had again.
    bool is_crowded() const noexcept { return scheduler_.pool().open() > few_connections; }
    /// How many calls can be sent now, those in flight included.
    std::size_t sendable() const noexcept { return scheduler_.sendable(); }
    const scheduler& plan() const noexcept { return scheduler_; }

private:
    enum class phase_of : std::uint8_t { free, resolving, connecting, tunnelling, handshaking, ready };
    struct connection {
        std::uint32_t generation = 0;
        phase_of at = phase_of::free;
        policy::time_point since{};
        /// The one that it has come to, if any.
        std::optional<std::size_t> address{};
        bool resumed = false;
        /// No other one's.
        std::uint64_t number = 0;
        policy::time_point began{};
        policy::time_point connected{};
        std::optional<session> carries{};
    };

    static phase phase_told(phase_of at) noexcept;
    connection* find(connection_id id) noexcept;
    void begin_opening(std::size_t slot, const instant& now);
    void order_open(std::size_t slot);
    void fail_opening(std::size_t slot, const policy::failure& why, jobmode::diagnostics known, const instant& now);
    void drop(std::size_t slot);
    attempt* note(const connection& which, policy::time_point began, const instant& now);
    void note(const connection& which, const call& who, error_code ec, bool cancelled, const instant& now);
    void note_opening(const connection& which, error_code ec, const instant& now);
    std::vector<call_ptr> take_carried();
    void withdraw(const call_ptr& who, error_code ec, const instant& now);
    void take_reports(std::size_t slot, const instant& now);
    void carry_on(const instant& now);
    void watch(const connection& which) noexcept;
    policy::time_point deadline_of(const connection& which) const noexcept;
    void check_connections(const instant& now);
    void check_calls(const instant& now);

    /// What this many connections hold is not worth allocating anew for each query.
    static constexpr std::size_t few_connections = 128;

    client_config config_;
    std::string cookie_path_;
    wire::request_encoder encoder_;
    std::uint64_t credentials_ = 0;
    buffer_pool buffers_;
    session_shared shared_;
    scheduler scheduler_;
    std::vector<std::unique_ptr<connection>> connections_;
    policy::time_point connection_alarm_ = policy::time_point::max();

    policy::address_book addresses_;
    std::optional<policy::time_point> addresses_known_since_;
    /// The look-up that is going on; 0 if none is.
    std::uint64_t lookup_ = 0;
    std::uint64_t lookups_ = 0;

    std::vector<step> steps_;
    std::uint64_t opened_ = 0;
    std::vector<attempt> attempts_;
};

}  // namespace jobmode::engine

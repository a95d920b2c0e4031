// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobmode::simulation {

/// A time from the beginning of a run.
using span_of_time = std::chrono::nanoseconds;
inline constexpr span_of_time never = span_of_time::max();

/// What can go wrong. The comment says when: by chance for each connection or request, or for a time (`weather`), or in
/// the callers' or the machine's behaviour.
enum class fault : std::uint8_t {
    // By chance, for each connection.
    handshake_alert,
    handshake_closed,
    handshake_hangs,
    handshake_garbage,
    certificate_glitch,
    reset_in_request,
    reset_while_idle,
    closed_while_idle,
    half_open,
    alert_after_handshake,
    noise_while_idle,
    address_refuses,
    address_hangs,
    dns_glitch,
    // By chance, for each request.
    slow_answer,
    stalled_answer,
    silent_answer,
    reset_in_answer,
    closed_in_answer,
    no_close_notify,
    garbage_answer,
    early_answer,
    surplus_answer,
    long_header,
    request_timeout_408,
    busy_503,
    busy_429,
    busy_with_retry_after,
    not_found_404,
    page_in_place_of_json,
    redirect,
    encoded_body,
    api_error,
    broken_json,
    endless_refusal,
    unauthorized_401,
    // For a time.
    server_refuses,
    server_unreachable,
    server_half_open,
    server_resets_all,
    server_hangs_in_handshake,
    dns_fails,
    dns_silent,
    maintenance_503,
    maintenance_retry_after,
    deployed_404,
    deployed_page,
    certificate_changed,
    descriptors_run_out,
    password_changed,
    proxy_refuses_credentials,
    // The server allows fewer connections than are wanted.
    surplus_refused,
    surplus_closed,
    surplus_hangs,
    // The clock.
    clock_jumps,
    clock_stands_still,
    wall_clock_jumps,
    alarm_is_late,
    // Events of what is no more.
    late_events,
    // Callers.
    call_cancelled,
    call_throws,
    call_has_little_time,
    stream_is_slow,
    stream_not_read,
    client_closed,
    client_abandoned,
    count
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(fault::count);
std::string_view name_of(fault kind);

/// A fault that lasts.
struct weather {
    fault kind;
    span_of_time from;
    span_of_time to;
};

/// A call that is made.
struct planned_call {
    /// What it is known by, to the server too.
    std::size_t number = 0;
    span_of_time at{0};
    std::size_t endpoint = 0;
    bool streams = false;
    bool urgent = false;
    std::chrono::milliseconds total{0};
    span_of_time cancelled_at = never;
    /// Throws at the first piece of its answer.
    bool throws = false;
    /// How long the reader of a stream takes for each piece; `never`: it reads nothing.
    span_of_time pause{0};
    /// When one ends, this many others are made at once by its handler.
    unsigned followers = 0;
};

/// All that a run is made of: two runs of one script are the same.
struct script {
    explicit script(std::uint64_t from_seed);

    std::uint64_t seed;
    client_config config;
    /// How often a fault happens, of 10,000; only before `calm_at`.
    std::array<unsigned, fault_count> chance{};
    /// How often it happens at most.
    std::array<std::uint64_t, fault_count> most{};
    std::vector<weather> skies;
    std::vector<planned_call> calls;
    /// Whenever a call ends another is made, until there are so many.
    std::size_t crawl = 0;
    /// When the last fault is over.
    span_of_time calm_at{0};

    std::size_t addresses = 1;
    std::size_t connections_allowed = 1'000'000;
    /// The server closes after so many requests, with a word; 0: never.
    unsigned requests_per_connection = 0;
    /// The server closes after so long a silence.
    span_of_time keep_alive = never;
    /// How long the way takes, one way, and the answer, at most.
    span_of_time latency{std::chrono::milliseconds(1)};
    span_of_time think{std::chrono::milliseconds(5)};
    std::size_t body_bytes = 200;
    /// The driver reads from connections that carry nothing; or else it looks at them before it writes.
    bool watches_idle = true;
    /// The clock goes on in steps of this.
    span_of_time tick{1};
    span_of_time jump_at = never;
    span_of_time jump_by{0};
    span_of_time close_at = never;
    span_of_time abandon_at = never;
    /// When the client is told of the password that was changed.
    span_of_time password_told_at = never;
    /// How the server answers a wrong password: 401 in place of JSON.
    bool refuses_by_status = false;
    std::chrono::seconds retry_after{1};
    /// Retry-After is a date.
    bool retry_after_is_date = false;
    /// Calls that must be answered, once all is calm and time enough has passed.
    unsigned probes = 2;

    bool has(fault kind) const;
    /// Takes a fault out, wherever it stands.
    void remove(fault kind);
    std::string describe() const;
};

/// Draws a script: a subset of the faults, their rates, a configuration, and calls.
script draw(std::uint64_t seed);

}  // namespace jobmode::simulation

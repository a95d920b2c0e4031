// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace jobmode::policy {

/// What a failure speaks about, and therefore whom it concerns.
enum class subject : std::uint8_t {
    /// The query itself: it ends, or is tried again at its own cost.
    query,
    /// One connection: its query goes again on a fresh one, and nobody else notices.
    connection,
    /// The server, or the way to it: nothing more is sent for a while, and no query pays.
    server,
    /// This machine: what is open is used, and no query pays.
    machine,
    /// The credentials: all other queries are held back.
    credentials,
    /// The server's identity: every query ends.
    trust,
};

/// A failure, as it was seen.
struct failure {
    error_code code;
    /// The operating system's, resolver's or TLS library's error below it, if there was one.
    error_code cause{};
    jobmode::phase phase = jobmode::phase::none;
    /// The status of the answer; 0 if there was none.
    unsigned http_status = 0;
    /// The pause that the server asked for.
    std::optional<std::chrono::milliseconds> retry_after{};
    /// The connection had answered another query before.
    bool kept = false;
    /// The header of an answer had come.
    bool answer_begun = false;
};

/// What else is known when a failure is judged.
struct surroundings {
    /// The server has answered some query, at any time.
    bool answered_ever = false;
    /// The server has answered a query of this kind, at any time.
    bool kind_answered_ever = false;
    /// Another query was answered since this one was sent.
    bool answered_since = false;
    /// Other connections are open, whose server was trusted.
    bool others_open = false;
    /// Connections lost in a row, this one included, without an answer between them.
    unsigned lost_in_a_row = 1;
    /// Queries in a row, this one included, that were refused as too much or got no answer in time, without an answer
    /// between them.
    unsigned unanswered_in_a_row = 1;
    /// Answers in a row, this one included, that were not the API's, to queries of this kind.
    unsigned strange_in_a_row = 1;
};

/// The rows of the table by which it is decided whose failure it was.
enum class rule : std::uint8_t {
    /// The query's own answer, or what was made of it.
    own_answer,
    /// Refused as too much while other queries were answered.
    busy_among_answers,
    /// No answer in time while other queries were answered.
    silent_among_answers,
    /// Not the API's answer, from a kind that has never been answered, or for the first time.
    strange_among_answers,
    /// The connection had been given up before the query came.
    stale_connection,
    /// The connection was lost with the query on it.
    lost_connection,
    /// No further connection could be opened, while others are open.
    surplus_connection,
    /// A connection was lost in its opening.
    lost_opening,
    /// A certificate that is not trusted, while connections are open whose was.
    untrusted_connection,
    /// The server's identity is not trusted.
    untrusted_server,
    /// No connection can be opened.
    unreachable_server,
    /// Connections in a row were lost without an answer.
    losing_server,
    /// Refused as too much, and nobody was answered; or with a time to come back.
    busy_server,
    /// No answer in time, and nobody was answered.
    silent_server,
    /// Not the API's answer, from a server that gives no other.
    strange_server,
    /// This machine has run out of something.
    exhausted_machine,
    /// User or password were refused.
    refused_credentials,
};
inline constexpr std::size_t rule_count = 17;

/// What follows from a failure.
struct verdict {
    subject about = subject::query;
    /// Whether the query that failed pays with an attempt.
    bool charged = true;
    /// Whether the server may have too much to do, so that the limit is to be lowered.
    bool overload = false;
    /// Why.
    rule by = rule::own_answer;
};

/// Decides whose failure it was. This is the only place where that is decided.
verdict judge(const failure& what, const surroundings& around) noexcept;

/// Whether an answer is not the API's: a status that no query explains, a page in place of JSON, a redirect.
bool is_strange(error_code code) noexcept;

/// Whether the server has spoken as the API does, in whatever sense: it is there, and so is its application.
bool is_answer(error_code code) noexcept;

/// Whether a cause says that this machine has run out of something: descriptors, ports, memory, threads.
bool is_local(error_code cause) noexcept;

/// This many connections lost in a row, queries left unanswered in a row, or strange answers in a row of a kind that
/// was answered before, speak about the server.
inline constexpr unsigned too_many_lost = 3;
inline constexpr unsigned too_many_unanswered = 5;
inline constexpr unsigned too_many_strange = 2;

}  // namespace jobmode::policy

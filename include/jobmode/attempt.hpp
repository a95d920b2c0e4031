// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>
#include <jobmode/export.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace jobmode {

/// What became of an attempt.
enum class attempt_verdict : std::uint8_t {
    /// The query was answered, or the connection opened.
    succeeded,
    /// It failed, and is tried again at its own cost.
    retried,
    /// It failed through no fault of its own, and is sent again at no charge.
    resent,
    /// It failed, and with it the query.
    failed,
    /// Its query was taken back, or had no more time.
    cancelled,
};

/// Whom a failed attempt speaks about.
enum class attempt_subject : std::uint8_t { nobody, query, connection, server, machine, credentials, trust };

/// One attempt that has ended: to open a connection, or to have one query answered. Handed to
/// `client_config::on_attempt`; the strings it refers to live as long as that call.
struct JOBMODE_EXPORT attempt_info {
    attempt_info();

    /// The command, such as `ListBackupJobMode`; empty for the opening of a connection.
    std::string_view command;
    /// The query's user and date, as it was asked; empty for the opening of a connection.
    std::string_view login_name;
    /// Which attempt of its query this was, from 1, those at no charge not counted; 0 for the opening of a connection.
    unsigned number = 0;
    /// The connection, which no other one of its client has; 0 if there was none.
    std::uint64_t connection = 0;
    /// The address that it was, or was being, connected to, with its port; empty if there was none yet.
    std::string address;
    /// It had carried other queries before.
    bool reused = false;
    /// Its TLS session was resumed.
    bool resumed = false;
    /// When it began: the query's sending, or the connection's opening.
    std::chrono::steady_clock::time_point began;
    /// When the socket was connected, for the opening of a connection; the epoch if it was not.
    std::chrono::steady_clock::time_point connected;
    /// When the header of the answer had come; the epoch if it had not.
    std::chrono::steady_clock::time_point answer_began;
    /// When it ended.
    std::chrono::steady_clock::time_point ended;
    /// Bytes of the request that were written, without TLS's own.
    std::uint64_t bytes_sent = 0;
    /// Bytes of the answer that were taken, header included.
    std::uint64_t bytes_received = 0;
    /// Why it failed.
    error_code error;
    /// The status of the answer; 0 if there was none.
    unsigned http_status = 0;
    /// What became of it.
    attempt_verdict verdict = attempt_verdict::succeeded;
    /// Whom the failure speaks about.
    attempt_subject about = attempt_subject::nobody;
};

}  // namespace jobmode

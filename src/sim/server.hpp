// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/capacity.hpp"
#include "sim/certificate.hpp"
#include "sim/fleet.hpp"
#include "sim/spec.hpp"

namespace jobmode::sim {

/// A request as a script sees it.
struct request_info {
    /// The number of the connection, from 0, and of the request on it, from 0.
    std::uint64_t connection = 0;
    std::uint64_t request = 0;
    std::string_view target;
    std::string_view cookie;
    std::string_view body;
};

/// A step of an answer that a test has written.
struct script_step {
    enum class kind : std::uint8_t {
        /// Send `bytes`.
        send,
        /// Send `bytes` one at a time.
        trickle,
        /// Close in order (with TLS: with close_notify).
        close,
        /// Close the socket without a word of TLS.
        cut,
        /// Reset the connection.
        reset,
        /// Wait until the client closes.
        stall,
    };
    script_step(kind action, std::string data = {}) : what(action), bytes(std::move(data)) {}
    kind what;
    std::string bytes;
};

/// What a server is, and how it behaves.
struct server_config {
    server_config();

    std::string address = "127.0.0.1";
    /// 0: the kernel picks.
    std::uint16_t port = 0;
    fleet_config fleet;
    std::string sys_user = "system";
    std::string sys_pwd = "system1";
    /// How long an answer takes.
    latency_spec latency;
    /// How many are given at a time. What is refused has status 503.
    capacity_config capacity;
    /// What goes wrong with answers of the List calls once the credentials are right, drawn for each of them.
    std::vector<fault_spec> faults;
    /// Plain HTTP if false.
    bool tls = true;
    /// The server's own certificate with its chain; by default one of its own authority for localhost.
    std::optional<sim::certificate> identity;
    /// PEM of the authority whose client certificates are demanded; empty demands none.
    std::string client_ca;
    /// Tomcat's `maxKeepAliveRequests`: the answer to this many has `Connection: close`. 0 means no limit.
    std::size_t max_requests = 100;
    /// Tomcat's `keepAliveTimeout`: an idle connection is closed after this, without a word.
    std::chrono::milliseconds idle_timeout{20'000};
    /// An answer longer than this many bytes is chunked.
    std::size_t chunk_above = 8192;
    /// A path before `/obs`, as behind a reverse proxy.
    std::string prefix;
    /// Answers instead of the server where it gives steps. Called on the server's thread.
    std::function<std::optional<std::vector<script_step>>(const request_info&)> script;
};

/// What a server has been asked and has done.
struct server_counters {
    std::uint64_t connections = 0;
    std::uint64_t tls_resumed = 0;
    std::uint64_t handshakes_failed = 0;
    /// Requests of any kind.
    std::uint64_t requests = 0;
    /// Requests of ListBackupJobMode answered as they should be, and the records in these answers.
    std::uint64_t queries = 0;
    std::uint64_t records = 0;
    /// Requests beyond what its capacity and queue hold.
    std::uint64_t overloaded = 0;
    /// Requests of ListBackupJobs answered as they should be.
    std::uint64_t job_lists = 0;
    /// Requests with a wrong system user or password.
    std::uint64_t refused = 0;
    /// HTTP sessions begun, for requests that brought no cookie of an earlier one.
    std::uint64_t sessions = 0;
    /// Faults played.
    std::uint64_t faults = 0;
    /// The most requests that were being answered at a time.
    std::uint64_t most_in_flight = 0;

    /// As one JSON object.
    std::string to_json() const;
};

/// A simulated AhsayCBS server, on a thread of its own from construction to destruction. It behaves as Tomcat does on
/// the wire (wire contract: 100 requests a connection, chunking above 8 KB, 20 s idle, arbitrary key order, the session
/// cookie), and answers ListBackupJobMode, ListUsers, ListBackupSets and ListBackupJobs from a `fleet`. `GET
/// /sim/counters` answers with the counters. All member functions are thread-safe.
class server {
public:
    /// Binds and begins to listen. Throws `boost::system::system_error` or `std::runtime_error` if it cannot.
    explicit server(server_config config);
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server();

    std::uint16_t port() const noexcept;
    /// `https://localhost:PORT` and the prefix; the address in place of localhost if that is not 127.0.0.1.
    std::string url() const;
    /// The authority to trust, in PEM.
    const std::string& ca_pem() const noexcept;
    /// The pin of the server's key.
    const std::string& pin() const noexcept;
    server_counters counters() const;
    const sim::fleet& fleet() const noexcept;
    /// Replaces the faults from the next answer on.
    void set_faults(std::vector<fault_spec> faults);

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace jobmode::sim

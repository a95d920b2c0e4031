// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/attempt.hpp>
#include <jobmode/decoder.hpp>
#include <jobmode/export.hpp>
#include <jobmode/secret.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace jobmode {

/// How a server proves who it is, and how this client does.
struct JOBMODE_EXPORT tls_config {
    tls_config();

    /// A PEM file of the certificates to trust; empty means the system's store. They need not be self-signed: an
    /// intermediate authority, or the server's own certificate alone, will do. Dates and names are checked all the
    /// same.
    std::string ca_file;
    /// The server's public key as curl's `--pinnedpubkey` writes it: `sha256//` and the Base64 of the SHA-256 of the
    /// key (SubjectPublicKeyInfo, DER); several separated by `;`, any of which will do. Alone it stands in for chain,
    /// dates and name, so that a self-signed server is used safely; together with `ca_file` both are checked.
    std::string pinned_public_key;
    /// Accept any certificate. Whoever sits between can then read the password. Cannot be combined with the two above.
    bool insecure = false;
    /// PEM files of a certificate (with its chain) and its key, for a server that asks for one; both or neither.
    std::string client_cert_file;
    /// See `client_cert_file`.
    std::string client_key_file;
    /// Accept TLS 1.3 only; by default 1.2 too.
    bool tls13_only = false;
};

/// An HTTP proxy that the server is reached through: it is asked for a tunnel (CONNECT), in which TLS runs from end to
/// end, so that it sees the server's name and port and nothing else. The library reads no environment variable.
struct JOBMODE_EXPORT proxy_config {
    /// None.
    proxy_config();
    /// Takes `http://[user[:password]@]host:port` apart; user and password, which may be percent-encoded, go to the
    /// members of that name, so that `url` never holds them.
    explicit proxy_config(std::string_view url);

    /// `http://host:port`; empty means no proxy.
    std::string url;
    /// The user that the proxy asks for (Basic), without a colon; empty means none. It and the password travel to the
    /// proxy in the clear.
    std::string user;
    /// The user's password.
    secret password;
};

/// The connections kept to a server.
struct JOBMODE_EXPORT pool_config {
    pool_config();

    /// Connections open or being opened at a time. 0: as many as the queries in flight can need
    /// (`concurrency_config`), and 64 if that is more.
    std::size_t max_connections = 0;
    /// Connections being opened at a time; at least 1. Tomcat lets this many wait to be accepted.
    std::size_t max_connecting = 100;
    /// How long an unused connection is kept. Tomcat closes its end after 20 s without a word. 0 keeps none.
    std::chrono::milliseconds idle_timeout{15'000};
    /// How old a connection may be when it is given a query; 0 means any age.
    std::chrono::milliseconds max_lifetime{0};
    /// Queries sent over one connection before it is closed; 0 means no limit. Tomcat closes after 100 by itself.
    std::size_t max_uses = 0;
};

/// How long things may take. 0 always means no limit.
struct JOBMODE_EXPORT timeout_config {
    timeout_config();

    /// Resolving the name and connecting to one of its addresses, together; through a proxy, until the tunnel is open.
    std::chrono::milliseconds connect{10'000};
    /// The TLS handshake.
    std::chrono::milliseconds handshake{10'000};
    /// The server's longest silence while a request is being sent or an answer is awaited.
    std::chrono::milliseconds read{30'000};
    /// A whole query from the call to its end: waiting for a connection, every attempt and the pauses between them. For
    /// a stream it ends when the stream does, so that a slow reader of a large answer wants a larger value or 0.
    std::chrono::milliseconds total{0};
    /// How long the next address waits for the one before it (RFC 8305, Connection Attempt Delay).
    std::chrono::milliseconds connection_attempt_delay{250};
};

/// What is tried again, and how. Connect failures, lost connections, timeouts of connecting and reading, and the
/// statuses 429, 502, 503 and 504 are; the API's own errors and anything about trust are not.
struct JOBMODE_EXPORT retry_config {
    retry_config();

    /// Attempts after the first.
    unsigned max_retries = 3;
    /// The pause before retry n is random between 0 and `initial_backoff` * 2^(n-1), at most `max_backoff` (full
    /// jitter).
    std::chrono::milliseconds initial_backoff{200};
    /// See `initial_backoff`.
    std::chrono::milliseconds max_backoff{10'000};
    /// The longest Retry-After that is honoured; a longer one ends the query with `errc::server_busy`.
    std::chrono::milliseconds max_retry_after{60'000};
    /// The retry budget: retries may add this share to the queries answered, so that a dying server is not stormed.
    double budget_ratio = 0.2;
    /// Retries allowed beyond that share at the start.
    unsigned budget_reserve = 20;
};

class shared_health;

/// For `availability_config::shared` of all clients of one server.
JOBMODE_EXPORT std::shared_ptr<shared_health> share_health();

/// What becomes of queries while the server does not answer at all: they wait, at no cost, and one at a time finds out
/// whether it is back, after pauses that grow to ten seconds or that the server asked for (Retry-After).
struct JOBMODE_EXPORT availability_config {
    availability_config();

    /// How long a query waits for a server that has answered before, from the moment it went away or the query came;
    /// then it ends with the server's cause. A longer Retry-After ends it at once. 0: as long as its own time lasts.
    std::chrono::milliseconds max_wait{60'000};
    /// Wait just so for a server that has never answered. By default all that wait end with its error once it has been
    /// tried `retry_config::max_retries` more times: a wrong URL is told at once.
    bool wait_for_first_answer = false;
    /// Whether this waiting counts in `timeout_config::total`.
    bool counts_in_total = true;
    /// Shared by clients of one server, on whatever threads: when it is away, one query of all of theirs tries it, and
    /// what one of them learns holds for all. Null: the client is on its own. See `share_health`.
    std::shared_ptr<shared_health> shared;
};

/// How many queries are under way at a time.
struct JOBMODE_EXPORT concurrency_config {
    concurrency_config();

    /// A fixed number; 0 adapts: start low, grow while latency stays flat, back off when it rises or errors come.
    std::size_t max_in_flight = 0;
    /// Where adapting starts; at least 1.
    std::size_t initial = 4;
    /// Adapting never exceeds this.
    std::size_t ceiling = 1024;
};

/// The most queries a second (a token bucket).
struct JOBMODE_EXPORT rate_config {
    rate_config();

    /// Queries a second; 0 means no limit.
    double queries_per_second = 0;
    /// Queries that may be sent at once after a pause; at least 1.
    double burst = 1;
};

/// Everything a client is told about its server.
struct JOBMODE_EXPORT client_config {
    /// `url` is the server's base: `https://cbs.example.com`, with a port and a path prefix if any.
    explicit client_config(std::string_view url);

    /// See the constructor. `/obs/api/json/ListBackupJobMode.do` is added to its path.
    std::string url;
    /// The AhsayCBS system user, with the Admin or the API role.
    std::string sys_user;
    /// Its password.
    secret sys_pwd;
    /// Take an `http://` URL, which sends the password in the clear.
    bool allow_http = false;
    /// Let any thread use the client at any time. Costs a strand; without it calls, and the run of its executor, must
    /// not overlap.
    bool thread_safe = false;
    /// Requests sent ahead on one connection without waiting for answers (HTTP/1.1 pipelining); 1 is none. Streams are
    /// never sent ahead. Leave it at 1 where a server or a proxy before it may answer one request twice (response
    /// splitting): of answers to several requests under way, nothing tells a surplus one from the next.
    std::size_t pipeline_depth = 1;
    /// Queries that may wait to be sent; one more ends at once with `errc::queue_full`. 0 means no limit.
    std::size_t max_waiting = 0;
    /// The User-Agent header; left out if empty.
    std::string user_agent = "jobmode/0.1";
    /// The most bytes a response may have that are no body: its header, 1xx responses and blank lines before it, chunk
    /// extensions, trailers.
    std::size_t header_bytes = 16 * 1024;

    /// Whom to trust.
    tls_config tls;
    /// The proxy to go through, if any.
    proxy_config proxy;
    /// The connections kept.
    pool_config pool;
    /// How long things may take.
    timeout_config timeouts;
    /// What is tried again.
    retry_config retry;
    /// What becomes of queries while the server is away.
    availability_config availability;
    /// How many queries are under way at a time.
    concurrency_config concurrency;
    /// How many queries a second.
    rate_config rate;
    /// How much of an answer is taken.
    decoder_limits limits;
    /// Called for each attempt that has ended, on the client's executor, but not for those that closing the client
    /// ends. It may use the client; what it throws is dropped. Costs nothing if it is empty.
    std::function<void(const attempt_info&)> on_attempt;

    /// `errc::invalid_config` or `errc::plain_http_refused` if it cannot be used; `why`, if not null, gets a sentence
    /// that says what and what to do about it. Reads no file.
    error_code validate(std::string* why = nullptr) const;
};

}  // namespace jobmode

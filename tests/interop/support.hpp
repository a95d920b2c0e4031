// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What the tests against real servers share; `tests/interop/run` starts the servers and says where they are.
#pragma once

#include <jobmode/client.hpp>
#include <jobmode/crawl.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "async.hpp"

namespace jobmode::test {

/// The value of a variable that `tests/interop/run` sets; throws without it.
std::string server(const char* variable);

/// A configuration for the server at `url`. `name` is the user agent, by which the application counts what it saw.
client_config config_for(const std::string& url, const std::string& name);

/// What the application at a server has seen of one user agent.
struct server_view {
    std::uint64_t sessions = 0;
    std::uint64_t requests = 0;
    /// Requests that would have taken a compressed answer.
    std::uint64_t encodings = 0;
};

/// Asks Tomcat, without a proxy.
server_view seen_of(const std::string& name);

/// One query, on a client of its own.
struct answer {
    error_code error;
    jobmode::diagnostics diagnostics;
    std::vector<record> records;
    jobmode::metrics metrics;
};
answer ask(const client_config& config, const query& asked);

/// A crawl of `count` queries, all of them checked against what the application answers.
struct crawl_result {
    std::uint64_t answered = 0;
    std::uint64_t wrong = 0;
    /// The first failure in words.
    std::string failure;
    jobmode::metrics metrics;
};
crawl_result crawl_all(const client_config& config, std::uint64_t count);

/// Checks what a client says of its connections, of which it may have `most` at a time, against the number of sessions
/// that a server has opened: one for each connection on which it has seen requests. The two differ by connections that
/// were opened for a query which another one that became free took first.
void check_connections(const metrics& counted, std::uint64_t queries, std::uint64_t sessions, std::uint64_t most);

/// Reads one answer of `count` records as a stream, and checks each; the number of records.
std::uint64_t stream_all(const client_config& config, std::uint64_t count);

}  // namespace jobmode::test

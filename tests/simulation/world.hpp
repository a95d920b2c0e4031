// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "policy/blame.hpp"
#include "simulation/script.hpp"

namespace jobmode::simulation {

/// How a call ended.
struct ending {
    /// As in the script; followers and probes come after all of those.
    std::size_t number = 0;
    error_code code;
    jobmode::diagnostics known;
    span_of_time at{0};
};

/// What a run came to.
struct report {
    /// The first invariant that did not hold; empty if all did.
    std::string violation;
    /// A hash over every event and step: the same on every platform.
    std::uint64_t trace = 0;
    std::vector<ending> endings;

    std::uint64_t answered = 0;
    std::uint64_t failed = 0;
    /// Requests that the server received whole.
    std::vector<span_of_time> requests;
    /// Calls that were given to a connection.
    std::vector<span_of_time> sendings;
    /// When a failure was first the server's, or this machine's.
    span_of_time first_unwell = never;
    /// Attempts to open a connection.
    std::vector<span_of_time> openings;
    std::size_t refused_password_requests = 0;
    std::size_t most_connections = 0;
    std::size_t due_calls = 0;
    std::uint64_t retries = 0;
    span_of_time ended_at{0};
    std::array<std::uint64_t, fault_count> reached{};
    std::array<std::uint64_t, policy::rule_count> judged{};

    std::size_t count_of(error_code code) const;
};

/// Runs a script: the whole client core against a simulated network, server, resolver and clock, in one thread.
/// `log`, if not null, is told every event and step.
report run(const script& plan, std::string* log = nullptr);

/// Makes a script that fails as small as can be by taking one thing after another out, as long as it fails.
script shrink(script plan);

}  // namespace jobmode::simulation

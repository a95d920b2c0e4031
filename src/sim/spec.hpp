// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace jobmode::sim {

/// How long an answer takes: `2ms`, `uniform:1ms,5ms`, `exponential:5ms` (its mean) or `lognormal:20ms,0.5` (its
/// median, and the deviation of its logarithm). Times are numbers with `us`, `ms` or `s`.
class latency_spec {
public:
    /// None at all.
    latency_spec() = default;
    /// Nothing if the text has another form.
    static std::optional<latency_spec> parse(std::string_view text);

    /// One draw; at most a minute.
    std::chrono::nanoseconds draw(std::mt19937_64& random) const;

private:
    enum class kind : std::uint8_t { constant, uniform, exponential, lognormal };
    kind kind_ = kind::constant;
    /// Seconds.
    double first_ = 0;
    double second_ = 0;
};

/// Ways in which an answer can go wrong.
enum class fault_kind : std::uint8_t {
    /// The connection is reset instead of answered.
    reset,
    /// There is no answer until the client closes.
    stall,
    /// The connection is closed in the middle of the answer.
    truncate,
    /// The answer is followed by closing the connection, unannounced.
    close,
    /// The answer comes one byte at a time.
    slow,
    /// The answer is an HTML page with status 200.
    html,
    /// The answer is not well-formed JSON.
    bad_json,
    /// The answer is this status, with an HTML page.
    status_429,
    status_502,
    status_503,
    status_504,
};

/// The number of `fault_kind`s.
inline constexpr std::size_t fault_kind_count = 11;

/// The spelling of a fault in a specification: `reset`, `bad-json`, `503`.
std::string_view to_string(fault_kind kind) noexcept;

/// A fault and how often it happens: `reset:0.01`; without a number, always.
struct fault_spec {
    fault_spec(fault_kind what, double how_often) : kind(what), probability(how_often) {}
    /// Nothing if the text has another form.
    static std::optional<fault_spec> parse(std::string_view text);

    fault_kind kind;
    double probability;
};

}  // namespace jobmode::sim

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include "policy/random.hpp"
#include "policy/time.hpp"

namespace jobmode::policy {

/// How long to leave a server alone that does not answer.
struct health_config {
    /// The pause after the first failure is at least three quarters of this.
    std::chrono::milliseconds initial_pause{500};
    /// Each pause is twice the one before, up to this; a pause that the server asks for is taken as it is.
    std::chrono::milliseconds max_pause{10'000};
};

/// Whether a server answers, and who may find out.
///
/// ```
///            failed                 the pause is over, one query is sent
///   well ------------> resting ------------------------------------------> trying
///    ^                    ^                                                  |  |
///    |                    +-------------------- failed, or taken back -------+  |
///    +------------------------------------------ answered ---------------------+
/// ```
/// While it rests nothing is sent; while it is tried nothing but that one query is. What queries sent before the first
/// failure come to changes nothing, but that a longer pause which the server asks for is kept. Not thread-safe.
class server_health {
public:
    explicit server_health(const health_config& config) noexcept : config_(config) {}

    enum class state : std::uint8_t { well, resting, trying };
    state at() const noexcept { return at_; }
    bool well() const noexcept { return at_ == state::well; }

    /// Whether a query may be sent now.
    bool may_send(time_point now) const noexcept {
        return at_ == state::well || (at_ == state::resting && now >= until_);
    }
    /// When a query may be sent; `max` while one is being tried.
    time_point next_try() const noexcept;
    /// When the next try is due, or the one that goes on was; meaningless while the server is well.
    time_point try_due() const noexcept { return until_; }

    /// Until when the server asked to be left alone, the last time that it did.
    time_point asked_until() const noexcept { return asked_until_; }

    /// A query, known by a number other than 0, is sent; `may_send` allowed it.
    void sent(std::uint64_t query) noexcept;
    /// A query was answered. True if that made the server well again; a pause that it asked for meanwhile holds.
    bool answered(std::uint64_t query, time_point now) noexcept;
    /// The server has failed, seen by this query, or by an attempt to connect (0).
    void failed(std::uint64_t query, time_point now, std::optional<std::chrono::milliseconds> retry_after,
                random_numbers& random) noexcept;
    /// What was learnt of the server is forgotten, but for a pause that it asked for.
    void restart(time_point now) noexcept;
    /// Whoever tries is gone.
    void given_up() noexcept {
        if (at_ == state::trying)
            at_ = state::resting;
    }
    /// Somebody else tries a server that is not well.
    void tried_elsewhere() noexcept;
    bool is_tried_elsewhere() const noexcept { return at_ == state::trying && who_ == nobody_here; }
    /// A query has ended or gone back without telling anything of the server. True if another one is to try.
    bool taken_back(std::uint64_t query, time_point now) noexcept;

    /// Since when the server has not been well; meaningless while it is.
    time_point since() const noexcept { return since_; }
    /// Tries that failed, the first failure included, since it was well.
    unsigned failures() const noexcept { return failures_; }
    /// How long the server has not been well, in all, up to now.
    std::chrono::nanoseconds unwell(time_point now) const noexcept;

private:
    /// No query has this number.
    static constexpr std::uint64_t nobody_here = std::numeric_limits<std::uint64_t>::max();

    health_config config_;
    state at_ = state::well;
    time_point since_{};
    time_point until_{};
    /// Until when the server asked to be left alone.
    time_point asked_until_{time_point::min()};
    std::chrono::nanoseconds unwell_{0};
    unsigned failures_ = 0;
    /// Who is trying; 0 if it is an attempt to connect, or nobody yet.
    std::uint64_t who_ = 0;
};

}  // namespace jobmode::policy

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "policy/time.hpp"

namespace jobmode::policy {

/// A client's pool as it is configured, with the number of connections that follows from the rest where none is given.
pool_config bounded_pool(const client_config& config);

/// The pool's books: which connections there are, what each carries, and what to do for a query that waits. Connections
/// are known by small numbers, which are used again after `closed`.
///
/// ```
///   lease -> open        opened             lease -> use        finished
///   (free) ----------> connecting ---> idle --------------> busy ---------> idle ...
///      ^                    |            |                    |
///      +--------------------+------------+--------------------+   closed
/// ```
/// A retired connection is given nothing new, and is closed by its owner when it carries nothing. Each call takes
/// constant time, or time proportional to the pipeline depth, but for `expired`. Not thread-safe.
class pool_ledger {
public:
    /// `config` is one of `bounded_pool`; `pipeline_depth` is how many queries a connection may carry at a time.
    pool_ledger(const pool_config& config, std::size_t pipeline_depth);

    enum class verdict : std::uint8_t {
        /// `slot` carries the query now.
        use,
        /// `slot` is connecting now; the query still waits.
        open,
        /// `slot`, which is idle, is to be closed, and the question asked again: it is too old, or in the way.
        discard,
        /// Nothing can be done until something changes.
        wait,
    };
    struct decision {
        verdict what;
        std::size_t slot;
    };
    /// What a query wants.
    struct want {
        /// How many queries wait, this one included; no more connections are being opened at a time.
        std::size_t waiting = 1;
        /// Share a connection with no other query.
        bool exclusive = false;
        /// A connection that has carried nothing yet.
        bool fresh = false;
        /// Whether a connection may be opened now.
        bool may_open = true;
    };
    /// What to do for the query that waits longest. An idle connection is taken, the one used last first; else one is
    /// opened, if there may be more; else one that carries the least is given one more.
    decision lease(time_point now, const want& wanted);

    /// A connection is open, and idle.
    void opened(std::size_t slot, time_point now);
    /// A connection carries one query less.
    void finished(std::size_t slot, time_point now);
    /// Whether a connection has served its time: its uses, its age, or being idle at all.
    bool retiring(std::size_t slot, time_point now) const;
    /// Nothing new may be given to a connection.
    void retire(std::size_t slot);
    /// A connection is gone, whatever it was doing.
    void closed(std::size_t slot);

    /// Idle connections that are to be closed now: unused for too long, or too old.
    std::vector<std::size_t> expired(time_point now) const;
    /// Idle connections that nobody waits for, if none are to be kept.
    std::vector<std::size_t> unwanted() const;
    /// When an idle connection will have been unused for too long, the next one.
    std::optional<time_point> next_expiry() const;

    std::size_t idle() const noexcept { return idle_; }
    std::size_t connecting() const noexcept { return connecting_; }
    std::size_t busy() const noexcept { return open_ - idle_; }
    /// Idle and busy ones.
    std::size_t open() const noexcept { return open_; }
    /// Queries that a connection carries.
    std::size_t load(std::size_t slot) const { return slots_[slot].load; }
    /// Another connection is to be opened, for nobody yet: its slot, unless there may be no more.
    std::optional<std::size_t> open_another();
    /// The connections that are open and not retired.
    std::vector<std::size_t> in_use() const;
    /// The most connections, open or being opened.
    std::size_t most() const noexcept { return config_.max_connections; }
    /// Queries given to a connection since it was opened.
    std::size_t uses(std::size_t slot) const { return slots_[slot].uses; }

private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    enum class state : std::uint8_t { free, connecting, ready, retired };

    struct entry {
        state at = state::free;
        bool exclusive = false;
        std::size_t load = 0;
        std::size_t uses = 0;
        time_point opened_at{};
        time_point idle_since{};
        /// The neighbours in the list of ready connections with this load.
        std::size_t newer = none;
        std::size_t older = none;
        bool listed = false;
    };
    struct list {
        std::size_t newest = none;
        std::size_t oldest = none;
    };

    bool too_old(const entry& which, time_point now) const noexcept;
    bool too_idle(const entry& which, time_point now) const noexcept;
    bool used_up(const entry& which) const noexcept;
    void enlist(std::size_t slot);
    void delist(std::size_t slot);
    decision use(std::size_t slot, bool exclusive);
    decision open_one();

    pool_config config_;
    std::vector<entry> slots_;
    std::vector<std::size_t> free_;
    /// By load, from 0 to the depth less one: the ready connections that may be given one more.
    std::vector<list> by_load_;
    std::size_t idle_ = 0;
    std::size_t open_ = 0;
    std::size_t connecting_ = 0;
};

}  // namespace jobmode::policy

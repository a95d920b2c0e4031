// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "policy/server_health.hpp"

namespace jobmode {

/// What several clients of one server know of whether it is there, together: when it is away, one query of all of
/// theirs tries. Each client has a copy, hands over what it learns, and takes what others have learnt before it decides
/// anything. Thread-safe.
class shared_health {
public:
    /// What is known.
    struct knowledge {
        policy::server_health health;
        /// What the last failure was.
        error_code code;
        jobmode::diagnostics known;
        /// The server has answered some query, of whichever client, at some time.
        bool answered_ever = false;
    };

    /// A client takes part. `changed` is called, from any thread, whenever another one has learnt something; it must
    /// not call back. The number is the client's.
    std::uint64_t join(std::function<void()> changed);
    /// It does so no longer; `changed` is not called any more once this returns.
    void leave(std::uint64_t client) noexcept;

    /// Counts what was learnt; a client whose copy has this number knows everything.
    std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
    /// Everything, as the client is to see it, and the number of that; nothing as long as nothing was ever learnt.
    std::optional<knowledge> take(std::uint64_t client, std::uint64_t& version) const;
    /// The client has learnt this. Its number.
    std::uint64_t put(std::uint64_t client, const knowledge& what);
    /// The client wants to try the server, which others must not do until it has learnt something. False if somebody
    /// has learnt something since the client's copy was made; else `version` is the new number.
    bool claim(std::uint64_t client, const knowledge& what, std::uint64_t& version);

private:
    std::uint64_t change(std::uint64_t client, const knowledge& what, std::uint64_t trying);

    mutable std::mutex mutex_;
    std::atomic<std::uint64_t> version_{0};
    std::optional<knowledge> known_;
    /// Who tries; 0 if nobody does, as far as others need to know.
    std::uint64_t trying_ = 0;
    std::uint64_t clients_ = 0;
    std::map<std::uint64_t, std::function<void()>> subscribers_;
};

}  // namespace jobmode

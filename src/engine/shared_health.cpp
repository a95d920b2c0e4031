// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "engine/shared_health.hpp"

#include <jobmode/config.hpp>

#include <memory>
#include <utility>

namespace jobmode {

std::shared_ptr<shared_health> share_health() {
    return std::make_shared<shared_health>();
}

std::uint64_t shared_health::join(std::function<void()> changed) {
    const std::scoped_lock lock(mutex_);
    subscribers_.emplace(++clients_, std::move(changed));
    return clients_;
}

void shared_health::leave(std::uint64_t client) noexcept {
    const std::scoped_lock lock(mutex_);
    subscribers_.erase(client);
}

std::optional<shared_health::knowledge> shared_health::take(std::uint64_t client, std::uint64_t& version) const {
    const std::scoped_lock lock(mutex_);
    version = version_.load(std::memory_order_relaxed);
    std::optional<knowledge> seen = known_;
    if (seen && trying_ != 0 && trying_ != client)
        seen->health.tried_elsewhere();
    return seen;
}

std::uint64_t shared_health::put(std::uint64_t client, const knowledge& what) {
    const std::scoped_lock lock(mutex_);
    if (what.health.is_tried_elsewhere() && known_) {
        // Of the server's health whoever tries knows more.
        knowledge merged = what;
        merged.health = known_->health;
        return change(client, merged, trying_);
    }
    return change(client, what, what.health.at() == policy::server_health::state::trying ? client : 0);
}

bool shared_health::claim(std::uint64_t client, const knowledge& what, std::uint64_t& version) {
    const std::scoped_lock lock(mutex_);
    if (version != version_.load(std::memory_order_relaxed))
        return false;
    version = change(client, what, client);
    return true;
}

std::uint64_t shared_health::change(std::uint64_t client, const knowledge& what, std::uint64_t trying) {
    const bool answered = known_ && known_->answered_ever;
    known_ = what;
    known_->answered_ever = answered || what.answered_ever;
    trying_ = trying;
    const std::uint64_t version = version_.load(std::memory_order_relaxed) + 1;
    version_.store(version, std::memory_order_release);
    for (const auto& [number, changed] : subscribers_)
        if (number != client)
            changed();
    return version;
}

}  // namespace jobmode

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/pool_ledger.hpp"

#include <algorithm>

namespace jobmode::policy {
namespace {

// What a few streams that are not read hold must not be all that a client of few queries at a time has.
constexpr std::size_t least_connections = 64;

}  // namespace

pool_config bounded_pool(const client_config& config) {
    pool_config pool = config.pool;
    if (pool.max_connections == 0) {
        const concurrency_config& limit = config.concurrency;
        const std::size_t queries = limit.max_in_flight != 0 ? limit.max_in_flight : limit.ceiling;
        pool.max_connections = std::max(least_connections, (queries - 1) / config.pipeline_depth + 1);
    }
    return pool;
}

pool_ledger::pool_ledger(const pool_config& config, std::size_t pipeline_depth)
    : config_(config), by_load_(pipeline_depth) {}

pool_ledger::decision pool_ledger::lease(time_point now, const want& wanted) {
    for (std::size_t slot = by_load_[0].newest; slot != none; slot = slots_[slot].older) {
        if (too_old(slots_[slot], now) || too_idle(slots_[slot], now))
            return {verdict::discard, slot};
        if (!wanted.fresh || slots_[slot].uses == 0)
            return use(slot, wanted.exclusive);
    }
    const bool full = open_ + connecting_ >= config_.max_connections;
    if (wanted.may_open && !full && connecting_ < config_.max_connecting && connecting_ < wanted.waiting)
        return open_one();
    if (wanted.fresh) {
        // What is idle here has been used.
        if (wanted.may_open && full && connecting_ == 0 && by_load_[0].oldest != none)
            return {verdict::discard, by_load_[0].oldest};
        return {verdict::wait, none};
    }
    if (!wanted.exclusive)
        for (std::size_t load = 1; load < by_load_.size(); ++load)
            if (by_load_[load].newest != none)
                return use(by_load_[load].newest, false);
    return {verdict::wait, none};
}

std::optional<std::size_t> pool_ledger::open_another() {
    if (open_ + connecting_ >= config_.max_connections || connecting_ >= config_.max_connecting)
        return std::nullopt;
    return open_one().slot;
}

std::vector<std::size_t> pool_ledger::in_use() const {
    std::vector<std::size_t> found;
    for (std::size_t slot = 0; slot != slots_.size(); ++slot)
        if (slots_[slot].at == state::ready)
            found.push_back(slot);
    return found;
}

pool_ledger::decision pool_ledger::open_one() {
    if (free_.empty()) {
        free_.push_back(slots_.size());
        slots_.emplace_back();
    }
    const std::size_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = entry();
    slots_[slot].at = state::connecting;
    ++connecting_;
    return {verdict::open, slot};
}

void pool_ledger::opened(std::size_t slot, time_point now) {
    entry& which = slots_[slot];
    which.at = state::ready;
    which.opened_at = which.idle_since = now;
    --connecting_;
    ++open_;
    ++idle_;
    enlist(slot);
}

void pool_ledger::finished(std::size_t slot, time_point now) {
    entry& which = slots_[slot];
    delist(slot);
    if (--which.load == 0) {
        ++idle_;
        which.idle_since = now;
        which.exclusive = false;
    }
    enlist(slot);
}

bool pool_ledger::retiring(std::size_t slot, time_point now) const {
    const entry& which = slots_[slot];
    return which.at == state::retired || used_up(which) || too_old(which, now) ||
           (which.load == 0 && config_.idle_timeout.count() == 0);
}

void pool_ledger::retire(std::size_t slot) {
    delist(slot);
    slots_[slot].at = state::retired;
}

void pool_ledger::closed(std::size_t slot) {
    entry& which = slots_[slot];
    delist(slot);
    if (which.at == state::connecting) {
        --connecting_;
    } else {
        --open_;
        if (which.load == 0)
            --idle_;
    }
    which.at = state::free;
    free_.push_back(slot);
}

std::vector<std::size_t> pool_ledger::expired(time_point now) const {
    std::vector<std::size_t> found;
    for (std::size_t slot = by_load_[0].newest; slot != none; slot = slots_[slot].older)
        if (too_old(slots_[slot], now) || too_idle(slots_[slot], now))
            found.push_back(slot);
    return found;
}

std::vector<std::size_t> pool_ledger::unwanted() const {
    std::vector<std::size_t> found;
    if (config_.idle_timeout.count() == 0)
        for (std::size_t slot = by_load_[0].newest; slot != none; slot = slots_[slot].older)
            found.push_back(slot);
    return found;
}

std::optional<time_point> pool_ledger::next_expiry() const {
    if (by_load_[0].oldest == none || config_.idle_timeout.count() == 0)
        return std::nullopt;
    return slots_[by_load_[0].oldest].idle_since + config_.idle_timeout;
}

bool pool_ledger::too_old(const entry& which, time_point now) const noexcept {
    return config_.max_lifetime.count() != 0 && now - which.opened_at >= config_.max_lifetime;
}

bool pool_ledger::too_idle(const entry& which, time_point now) const noexcept {
    // If none are kept, what is idle has just been opened for a query that waits; see `unwanted`.
    return config_.idle_timeout.count() != 0 && now - which.idle_since >= config_.idle_timeout;
}

bool pool_ledger::used_up(const entry& which) const noexcept {
    return config_.max_uses != 0 && which.uses >= config_.max_uses;
}

void pool_ledger::enlist(std::size_t slot) {
    entry& which = slots_[slot];
    if (which.at != state::ready || which.exclusive || which.load >= by_load_.size() || used_up(which))
        return;
    list& peers = by_load_[which.load];
    which.older = peers.newest;
    which.newer = none;
    (peers.newest == none ? peers.oldest : slots_[peers.newest].newer) = slot;
    peers.newest = slot;
    which.listed = true;
}

void pool_ledger::delist(std::size_t slot) {
    entry& which = slots_[slot];
    if (!which.listed)
        return;
    list& peers = by_load_[which.load];
    (which.newer == none ? peers.newest : slots_[which.newer].older) = which.older;
    (which.older == none ? peers.oldest : slots_[which.older].newer) = which.newer;
    which.newer = which.older = none;
    which.listed = false;
}

pool_ledger::decision pool_ledger::use(std::size_t slot, bool exclusive) {
    entry& which = slots_[slot];
    delist(slot);
    if (which.load++ == 0)
        --idle_;
    ++which.uses;
    which.exclusive = exclusive;
    enlist(slot);
    return {verdict::use, slot};
}

}  // namespace jobmode::policy

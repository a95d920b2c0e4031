// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "catch.hpp"
#include "policy/pool_ledger.hpp"

namespace pool_ledger_test {

using namespace jobmode;
using namespace std::chrono_literals;
using jobmode::policy::pool_ledger;
using verdict = jobmode::policy::pool_ledger::verdict;

namespace {

constexpr policy::time_point start{1000s};

pool_config small_config() {
    pool_config config;
    config.max_connections = 4;
    config.max_connecting = 2;
    config.idle_timeout = 10s;
    return config;
}

pool_ledger::want wants(std::size_t waiting, bool exclusive = false, bool fresh = false, bool may_open = true) {
    pool_ledger::want all;
    all.waiting = waiting;
    all.exclusive = exclusive;
    all.fresh = fresh;
    all.may_open = may_open;
    return all;
}

/// Opens one connection, which is idle then.
std::size_t open_one(pool_ledger& ledger, policy::time_point now) {
    const pool_ledger::decision decision = ledger.lease(now, wants(1));
    REQUIRE(decision.what == verdict::open);
    ledger.opened(decision.slot, now);
    return decision.slot;
}

std::size_t use_one(pool_ledger& ledger, policy::time_point now, bool exclusive = false) {
    const pool_ledger::decision decision = ledger.lease(now, wants(1, exclusive));
    REQUIRE(decision.what == verdict::use);
    return decision.slot;
}

/// Opens `count` connections, all idle, in the order of their opening.
std::vector<std::size_t> open_many(pool_ledger& ledger, std::size_t count) {
    std::vector<std::size_t> slots;
    while (slots.size() != count) {
        std::vector<std::size_t> opening;
        for (;;) {
            const pool_ledger::decision decision = ledger.lease(start, wants(count - slots.size(), false));
            if (decision.what != verdict::open)
                break;
            opening.push_back(decision.slot);
        }
        REQUIRE_FALSE(opening.empty());
        // Carried queries hide the idle ones from `lease`, so that the next round opens more.
        for (const std::size_t slot : opening) {
            ledger.opened(slot, start);
            REQUIRE(use_one(ledger, start) == slot);
            slots.push_back(slot);
        }
    }
    for (const std::size_t slot : slots)
        ledger.finished(slot, start);
    return slots;
}

}  // namespace

TEST_CASE("a pool opens what waits, and no more than it may at a time") {
    pool_ledger ledger(small_config(), 1);
    CHECK(ledger.lease(start, wants(0)).what == verdict::wait);
    const pool_ledger::decision first = ledger.lease(start, wants(1));
    CHECK(first.what == verdict::open);
    CHECK(ledger.lease(start, wants(1)).what == verdict::wait);
    const pool_ledger::decision second = ledger.lease(start, wants(9));
    CHECK(second.what == verdict::open);
    CHECK(second.slot != first.slot);
    CHECK(ledger.lease(start, wants(9)).what == verdict::wait);
    CHECK(ledger.connecting() == 2);
    CHECK(ledger.open() == 0);

    ledger.opened(first.slot, start);
    CHECK(ledger.idle() == 1);
    CHECK(use_one(ledger, start) == first.slot);
    CHECK(ledger.busy() == 1);
    CHECK(ledger.load(first.slot) == 1);
    CHECK(ledger.uses(first.slot) == 1);
}

TEST_CASE("a pool never holds more connections than it may") {
    pool_ledger ledger(small_config(), 1);
    const std::vector<std::size_t> slots = open_many(ledger, 4);
    for (std::size_t index = 0; index != 4; ++index)
        use_one(ledger, start);
    CHECK(ledger.lease(start, wants(100)).what == verdict::wait);
    ledger.closed(slots[1]);
    const pool_ledger::decision decision = ledger.lease(start, wants(100));
    CHECK(decision.what == verdict::open);
    CHECK(decision.slot == slots[1]);
    CHECK(ledger.uses(decision.slot) == 0);
    CHECK(ledger.load(decision.slot) == 0);
}

TEST_CASE("the connection used last is used next") {
    pool_ledger ledger(small_config(), 1);
    const std::vector<std::size_t> slots = open_many(ledger, 3);
    for (std::size_t index = 0; index != 3; ++index)
        use_one(ledger, start);
    for (const std::size_t slot : {slots[1], slots[2], slots[0]})
        ledger.finished(slot, start + 1s);
    CHECK(use_one(ledger, start + 2s) == slots[0]);
    CHECK(use_one(ledger, start + 2s) == slots[2]);
    CHECK(use_one(ledger, start + 2s) == slots[1]);
}

TEST_CASE("a failed attempt to connect leaves room for another") {
    pool_ledger ledger(small_config(), 1);
    const pool_ledger::decision first = ledger.lease(start, wants(1));
    ledger.closed(first.slot);
    CHECK(ledger.connecting() == 0);
    CHECK(ledger.lease(start, wants(1)).what == verdict::open);
}

TEST_CASE("an idle connection is given to nobody once its time is up, and is reported") {
    pool_ledger ledger(small_config(), 1);
    const std::size_t slot = open_one(ledger, start);
    CHECK(ledger.next_expiry() == start + 10s);
    CHECK(ledger.expired(start + 10s - 1ns).empty());
    CHECK(ledger.expired(start + 10s) == std::vector<std::size_t>{slot});
    const pool_ledger::decision late = ledger.lease(start + 10s, wants(1));
    CHECK(late.what == verdict::discard);
    CHECK(late.slot == slot);
    ledger.closed(slot);
    CHECK(ledger.lease(start + 10s, wants(1)).what == verdict::open);

    pool_ledger used(small_config(), 1);
    const std::size_t other = open_one(used, start);
    use_one(used, start + 9s);
    CHECK_FALSE(used.next_expiry());
    CHECK(used.expired(start + 1h).empty());
    used.finished(other, start + 60s);
    CHECK(used.next_expiry() == start + 70s);
    CHECK(used.expired(start + 69s).empty());
    CHECK(use_one(used, start + 69s) == other);
}

TEST_CASE("only the idle connections whose time is up are reported") {
    pool_ledger ledger(small_config(), 1);
    const std::vector<std::size_t> slots = open_many(ledger, 4);
    for (std::size_t index = 0; index != 4; ++index)
        use_one(ledger, start);
    ledger.finished(slots[2], start + 1s);
    ledger.finished(slots[0], start + 2s);
    ledger.finished(slots[3], start + 3s);
    CHECK(ledger.next_expiry() == start + 11s);
    CHECK(ledger.expired(start + 11s) == std::vector<std::size_t>{slots[2]});
    std::vector<std::size_t> expired = ledger.expired(start + 12s);
    std::sort(expired.begin(), expired.end());
    std::vector<std::size_t> expected{slots[0], slots[2]};
    std::sort(expected.begin(), expected.end());
    CHECK(expired == expected);
    for (const std::size_t slot : expired)
        ledger.closed(slot);
    CHECK(ledger.next_expiry() == start + 13s);
}

TEST_CASE("a connection retires after its uses") {
    pool_config config = small_config();
    config.max_uses = 2;
    pool_ledger ledger(config, 1);
    const std::size_t slot = open_one(ledger, start);
    CHECK(use_one(ledger, start) == slot);
    ledger.finished(slot, start);
    CHECK_FALSE(ledger.retiring(slot, start));
    CHECK(use_one(ledger, start) == slot);
    CHECK(ledger.uses(slot) == 2);
    ledger.finished(slot, start);
    CHECK(ledger.retiring(slot, start));
    CHECK(ledger.lease(start, wants(1)).what == verdict::open);
    CHECK(ledger.expired(start + 1h).empty());
}

TEST_CASE("the uses of a shared connection are counted when it is given, not when it is done") {
    pool_config config = small_config();
    config.max_connections = 1;
    config.max_uses = 3;
    pool_ledger ledger(config, 8);
    const std::size_t slot = open_one(ledger, start);
    for (int use = 0; use != 3; ++use)
        CHECK(use_one(ledger, start) == slot);
    CHECK(ledger.lease(start, wants(1)).what == verdict::wait);
    ledger.finished(slot, start);
    CHECK(ledger.retiring(slot, start));
    CHECK(ledger.lease(start, wants(1)).what == verdict::wait);
    CHECK(ledger.load(slot) == 2);
}

TEST_CASE("a connection retires at its age, when its queries are done") {
    pool_config config = small_config();
    config.max_lifetime = 60s;
    config.idle_timeout = 3600s;
    pool_ledger ledger(config, 1);
    const std::size_t slot = open_one(ledger, start);
    use_one(ledger, start + 59s);
    ledger.finished(slot, start + 59s);
    CHECK_FALSE(ledger.retiring(slot, start + 59s));
    use_one(ledger, start + 59s);
    ledger.finished(slot, start + 60s);
    CHECK(ledger.retiring(slot, start + 60s));

    pool_ledger idle(config, 1);
    const std::size_t other = open_one(idle, start);
    CHECK(idle.expired(start + 59s).empty());
    CHECK(idle.expired(start + 60s) == std::vector<std::size_t>{other});
    CHECK(idle.lease(start + 60s, wants(1)).what == verdict::discard);
    idle.closed(other);
    CHECK(idle.lease(start + 60s, wants(1)).what == verdict::open);
}

TEST_CASE("a pool full of connections that are too old gives way to new ones") {
    pool_config config = small_config();
    config.max_lifetime = 5s;
    config.idle_timeout = 3600s;
    pool_ledger ledger(config, 1);
    open_many(ledger, 4);
    for (std::size_t gone = 0; gone != 4; ++gone) {
        const pool_ledger::decision old = ledger.lease(start + 5s, wants(1));
        REQUIRE(old.what == verdict::discard);
        ledger.closed(old.slot);
    }
    CHECK(ledger.lease(start + 5s, wants(1)).what == verdict::open);
}

TEST_CASE("a query that wants a fresh connection gets none that was used, and makes room for one") {
    pool_config config = small_config();
    config.max_connections = 2;
    pool_ledger ledger(config, 3);
    const std::vector<std::size_t> slots = open_many(ledger, 2);
    CHECK(ledger.lease(start, wants(1, false, true, false)).what == verdict::wait);
    const pool_ledger::decision in_the_way = ledger.lease(start, wants(1, false, true));
    CHECK(in_the_way.what == verdict::discard);
    // The one that has been idle for longest.
    CHECK(in_the_way.slot == slots[0]);
    ledger.closed(slots[0]);
    const pool_ledger::decision opening = ledger.lease(start, wants(1, false, true));
    CHECK(opening.what == verdict::open);
    // It waits for that one, and nothing else is thrown away.
    CHECK(ledger.lease(start, wants(1, false, true)).what == verdict::wait);
    // Others go on meanwhile.
    CHECK(use_one(ledger, start) == slots[1]);
    CHECK(ledger.lease(start, wants(1, false, true)).what == verdict::wait);
    ledger.opened(opening.slot, start);
    const pool_ledger::decision fresh = ledger.lease(start, wants(1, false, true));
    CHECK(fresh.what == verdict::use);
    CHECK(fresh.slot == opening.slot);
}

TEST_CASE("where no connection may be opened those that are there are shared") {
    pool_ledger ledger(small_config(), 2);
    CHECK(ledger.lease(start, wants(1, false, false, false)).what == verdict::wait);
    const std::size_t slot = open_one(ledger, start);
    use_one(ledger, start);
    const pool_ledger::decision second = ledger.lease(start, wants(1, false, false, false));
    CHECK(second.what == verdict::use);
    CHECK(second.slot == slot);
    CHECK(ledger.lease(start, wants(1, false, false, false)).what == verdict::wait);
}

TEST_CASE("a pool that keeps no idle connection still uses the one it has opened") {
    pool_config config = small_config();
    config.idle_timeout = 0ms;
    pool_ledger ledger(config, 1);
    const std::size_t slot = open_one(ledger, start);
    CHECK(use_one(ledger, start + 1s) == slot);
    ledger.finished(slot, start + 2s);
    CHECK(ledger.retiring(slot, start + 2s));
}

TEST_CASE("a connection that nobody came for is unwanted where none are kept") {
    pool_config config = small_config();
    config.idle_timeout = 0ms;
    pool_ledger ledger(config, 1);
    const std::vector<std::size_t> slots{open_one(ledger, start)};
    CHECK(ledger.unwanted() == slots);
    CHECK_FALSE(ledger.next_expiry());
    CHECK(ledger.expired(start + 1h).empty());
    use_one(ledger, start);
    CHECK(ledger.unwanted().empty());
    pool_ledger keeps(small_config(), 1);
    open_one(keeps, start);
    CHECK(keeps.unwanted().empty());
}

TEST_CASE("a retired connection is given nothing, and may carry on to the end of what it has") {
    pool_ledger ledger(small_config(), 4);
    const std::size_t slot = open_one(ledger, start);
    use_one(ledger, start);
    CHECK(ledger.lease(start, wants(1)).what == verdict::open);
    ledger.retire(slot);
    CHECK(ledger.retiring(slot, start));
    CHECK(ledger.lease(start, wants(2)).what == verdict::open);
    CHECK(ledger.lease(start, wants(2)).what == verdict::wait);
    CHECK(ledger.busy() == 1);
    ledger.finished(slot, start);
    CHECK(ledger.load(slot) == 0);
    CHECK(ledger.lease(start, wants(1)).what == verdict::wait);
    CHECK(ledger.expired(start + 1h).empty());
    ledger.closed(slot);
    CHECK(ledger.open() == 0);
    CHECK(ledger.idle() == 0);
}

TEST_CASE("queries share connections only when no more can be opened, the least loaded first") {
    pool_config config = small_config();
    config.max_connections = 2;
    pool_ledger ledger(config, 3);
    const std::vector<std::size_t> slots = open_many(ledger, 2);
    std::vector<std::size_t> load(2);
    for (std::size_t query = 0; query != 6; ++query) {
        const std::size_t slot = use_one(ledger, start);
        ++load[slot == slots[0] ? 0 : 1];
        CHECK(std::max(load[0], load[1]) == query / 2 + 1);
    }
    CHECK(ledger.lease(start, wants(1)).what == verdict::wait);
    ledger.finished(slots[1], start);
    CHECK(use_one(ledger, start) == slots[1]);
}

TEST_CASE("a query goes out over a shared connection while another one is being opened") {
    pool_ledger ledger(small_config(), 2);
    const std::size_t slot = open_one(ledger, start);
    use_one(ledger, start);
    CHECK(ledger.lease(start, wants(1)).what == verdict::open);
    CHECK(use_one(ledger, start) == slot);
    CHECK(ledger.load(slot) == 2);
}

TEST_CASE("an exclusive query shares its connection with no other") {
    pool_config config = small_config();
    config.max_connections = 1;
    pool_ledger ledger(config, 4);
    const std::size_t slot = open_one(ledger, start);
    CHECK(use_one(ledger, start, true) == slot);
    CHECK(ledger.lease(start, wants(1)).what == verdict::wait);
    CHECK(ledger.lease(start, wants(1, true)).what == verdict::wait);
    ledger.finished(slot, start);
    CHECK(use_one(ledger, start) == slot);
    // Nor does it join others.
    CHECK(ledger.lease(start, wants(1, true)).what == verdict::wait);
    CHECK(use_one(ledger, start) == slot);
    ledger.finished(slot, start);
    CHECK(ledger.lease(start, wants(1, true)).what == verdict::wait);
    ledger.finished(slot, start);
    CHECK(use_one(ledger, start, true) == slot);
}

namespace {

/// The same rules, written down as plainly as possible.
struct model {
    struct connection {
        enum { connecting, ready, retired } at = connecting;
        std::size_t load = 0;
        std::size_t uses = 0;
        bool exclusive = false;
        policy::time_point opened_at{};
        policy::time_point idle_since{};
        /// When it last entered the state it is in, by count.
        std::size_t since = 0;
    };

    pool_config config;
    std::size_t depth;
    std::map<std::size_t, connection> all;
    std::size_t events = 0;

    bool fresh(const connection& which, policy::time_point now) const {
        const bool old = config.max_lifetime.count() != 0 && now - which.opened_at >= config.max_lifetime;
        return !old && now - which.idle_since < config.idle_timeout;
    }
    bool used_up(const connection& which) const { return config.max_uses != 0 && which.uses >= config.max_uses; }
    bool may_take(const connection& which) const {
        return which.at == connection::ready && !which.exclusive && which.load < depth && !used_up(which);
    }
    std::size_t count(auto&& predicate) const {
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const auto& each) { return predicate(each.second); }));
    }
    std::size_t connecting() const {
        return count([](const connection& each) { return each.at == connection::connecting; });
    }

    /// The idle one that was used last, of those that pass.
    std::optional<std::size_t> last_idle(auto&& passes) const {
        std::optional<std::size_t> found;
        for (const auto& [slot, each] : all)
            if (each.load == 0 && may_take(each) && passes(each) && (!found || each.since > all.at(*found).since))
                found = slot;
        return found;
    }
    /// The slot that must be used or thrown away, if one must.
    std::optional<std::size_t> idle_to_use(policy::time_point now, bool unused) const {
        return last_idle([&](const connection& each) { return !fresh(each, now) || !unused || each.uses == 0; });
    }
    std::optional<std::size_t> first_idle() const {
        std::optional<std::size_t> found;
        for (const auto& [slot, each] : all)
            if (each.load == 0 && may_take(each) && (!found || each.since < all.at(*found).since))
                found = slot;
        return found;
    }
    bool may_open(std::size_t waiting) const {
        return all.size() < config.max_connections && connecting() < config.max_connecting && connecting() < waiting;
    }
    std::optional<std::size_t> least_load() const {
        std::optional<std::size_t> found;
        for (const auto& [slot, each] : all)
            if (each.load != 0 && may_take(each) && (!found || each.load < *found))
                found = each.load;
        return found;
    }
};

void walk(const pool_config& config, std::size_t depth, unsigned seed) {
    INFO("depth " << depth << ", seed " << seed << ", max_uses " << config.max_uses << ", max_lifetime "
                  << config.max_lifetime.count());
    using connection = model::connection;
    pool_ledger ledger(config, depth);
    model expected{config, depth, {}, 0};
    std::mt19937 random(seed);
    policy::time_point now = start;
    const auto pick = [&](auto&& predicate) -> std::optional<std::size_t> {
        std::vector<std::size_t> found;
        for (const auto& [slot, each] : expected.all)
            if (predicate(each))
                found.push_back(slot);
        if (found.empty())
            return std::nullopt;
        return found[random() % found.size()];
    };

    for (int step = 0; step != 4000; ++step) {
        switch (random() % 12) {
            case 0:
            case 1:
            case 2:
            case 3: {
                const std::size_t waiting = random() % 6;
                const bool exclusive = random() % 4 == 0;
                const bool unused = random() % 4 == 0;
                const bool may_open = random() % 4 != 0;
                const pool_ledger::decision decision = ledger.lease(now, wants(waiting, exclusive, unused, may_open));
                const bool full = expected.all.size() >= config.max_connections;
                if (const auto idle = expected.idle_to_use(now, unused)) {
                    REQUIRE(decision.slot == *idle);
                    if (!expected.fresh(expected.all.at(*idle), now)) {
                        REQUIRE(decision.what == verdict::discard);
                        ledger.closed(*idle);
                        expected.all.erase(*idle);
                        break;
                    }
                    REQUIRE(decision.what == verdict::use);
                } else if (may_open && expected.may_open(waiting)) {
                    REQUIRE(decision.what == verdict::open);
                    REQUIRE(decision.slot < config.max_connections);
                    REQUIRE_FALSE(expected.all.contains(decision.slot));
                    expected.all[decision.slot] = connection();
                    break;
                } else if (const auto oldest = expected.first_idle();
                           unused && may_open && full && expected.connecting() == 0 && oldest) {
                    REQUIRE(decision.what == verdict::discard);
                    REQUIRE(decision.slot == *oldest);
                    ledger.closed(*oldest);
                    expected.all.erase(*oldest);
                    break;
                } else if (const auto load = expected.least_load(); load && !exclusive && !unused) {
                    REQUIRE(decision.what == verdict::use);
                    REQUIRE(expected.all.contains(decision.slot));
                    REQUIRE(expected.may_take(expected.all.at(decision.slot)));
                    REQUIRE(expected.all.at(decision.slot).load == *load);
                } else {
                    REQUIRE(decision.what == verdict::wait);
                    break;
                }
                connection& which = expected.all.at(decision.slot);
                ++which.load;
                ++which.uses;
                which.exclusive = exclusive;
                break;
            }
            case 4:
            case 5:
                if (const auto slot = pick([](const connection& each) { return each.at == connection::connecting; })) {
                    ledger.opened(*slot, now);
                    connection& which = expected.all.at(*slot);
                    which.at = connection::ready;
                    which.opened_at = which.idle_since = now;
                    which.since = ++expected.events;
                }
                break;
            case 6:
            case 7:
            case 8:
                if (const auto slot = pick([](const connection& each) { return each.load != 0; })) {
                    ledger.finished(*slot, now);
                    connection& which = expected.all.at(*slot);
                    if (--which.load == 0) {
                        which.exclusive = false;
                        which.idle_since = now;
                        which.since = ++expected.events;
                    }
                    const bool old = config.max_lifetime.count() != 0 && now - which.opened_at >= config.max_lifetime;
                    const bool retiring = which.at == connection::retired || expected.used_up(which) || old;
                    REQUIRE(ledger.retiring(*slot, now) == retiring);
                    if (retiring && which.load == 0) {
                        ledger.closed(*slot);
                        expected.all.erase(*slot);
                    } else if (retiring) {
                        ledger.retire(*slot);
                        which.at = connection::retired;
                    }
                }
                break;
            case 9:
                if (const auto slot = pick([](const connection& each) { return each.at == connection::ready; });
                    slot && random() % 4 == 0) {
                    ledger.retire(*slot);
                    expected.all.at(*slot).at = connection::retired;
                }
                break;
            case 10:
                if (const auto slot = pick([](const connection&) { return true; }); slot && random() % 4 == 0) {
                    ledger.closed(*slot);
                    expected.all.erase(*slot);
                }
                break;
            default: {
                now += std::chrono::milliseconds(random() % 3000);
                std::vector<std::size_t> due;
                std::optional<policy::time_point> next;
                for (const auto& [slot, each] : expected.all) {
                    if (each.load != 0 || !expected.may_take(each))
                        continue;
                    if (!expected.fresh(each, now))
                        due.push_back(slot);
                    next = std::min(next.value_or(policy::time_point::max()), each.idle_since + config.idle_timeout);
                }
                if (config.max_lifetime.count() == 0)
                    REQUIRE(ledger.next_expiry() == next);
                std::vector<std::size_t> found = ledger.expired(now);
                std::sort(found.begin(), found.end());
                REQUIRE(found == due);
                if (random() % 2 == 0)
                    for (const std::size_t slot : found) {
                        ledger.closed(slot);
                        expected.all.erase(slot);
                    }
            }
        }
        REQUIRE(ledger.connecting() == expected.connecting());
        REQUIRE(ledger.open() == expected.all.size() - expected.connecting());
        REQUIRE(ledger.idle() == expected.count([](const connection& each) {
            return each.at != connection::connecting && each.load == 0;
        }));
        REQUIRE(ledger.busy() == expected.count([](const connection& each) { return each.load != 0; }));
        for (const auto& [slot, each] : expected.all) {
            REQUIRE(ledger.load(slot) == each.load);
            REQUIRE(ledger.uses(slot) == each.uses);
        }
    }
}

}  // namespace

TEST_CASE("a long random life agrees with the plainest account of it") {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        pool_config config = small_config();
        walk(config, 1, seed);
        walk(config, 3, seed);
        config.max_connections = 9;
        config.max_connecting = 9;
        walk(config, 2, seed);
        config.max_uses = 5;
        walk(config, 1, seed);
        walk(config, 4, seed);
        config.max_lifetime = 8s;
        walk(config, 1, seed);
    }
}

TEST_CASE("ten thousand connections come and go") {
    pool_config config;
    config.max_connections = 10'000;
    config.max_connecting = 10'000;
    pool_ledger ledger(config, 1);
    const std::vector<std::size_t> slots = open_many(ledger, 10'000);
    CHECK(ledger.idle() == 10'000);
    for (std::size_t index = 0; index != slots.size(); ++index)
        CHECK(ledger.lease(start + 1s, wants(1)).what == verdict::use);
    CHECK(ledger.idle() == 0);
    CHECK(ledger.lease(start + 1s, wants(1)).what == verdict::wait);
    for (const std::size_t slot : slots)
        ledger.finished(slot, start + 2s);
    for (const std::size_t slot : ledger.expired(start + 1h))
        ledger.closed(slot);
    CHECK(ledger.open() == 0);
    CHECK_FALSE(ledger.next_expiry());
}

TEST_CASE("without a number of its own the pool has as many connections as queries in flight need") {
    client_config config("https://cbs.example.com");
    const auto most = [&] { return policy::bounded_pool(config).max_connections; };
    CHECK(most() == config.concurrency.ceiling);
    config.concurrency.max_in_flight = 250;
    CHECK(most() == 250);
    config.pipeline_depth = 2;
    CHECK(most() == 125);
    config.pipeline_depth = 16;
    CHECK(most() == 64);
    config.concurrency.max_in_flight = 1;
    CHECK(most() == 64);
    config.pool.max_connections = 3;
    CHECK(most() == 3);
}

}  // namespace pool_ledger_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A server that takes on only so much: what it refuses is tried again or fails, and all of it is accounted for. How
// well the limit adapts is shown without sockets, in tests/unit/capacity_test.cpp.
#include <jobmode/crawl.hpp>

#include <optional>

#include "catch.hpp"
#include "integration/support.hpp"

namespace capacity_test {

using namespace jobmode;

TEST_CASE("every query is accounted for with a server that refuses what is too much") {
    constexpr std::size_t total = 300;
    sim::server_config server;
    // So little that a client has more in flight, however slow it is itself.
    server.capacity.workers = 1;
    server.capacity.queue = 1;
    server.latency = sim::latency_spec::parse("5ms").value();
    test::fixture with(std::move(server));
    client_config config = with.config();
    const bool adaptive = GENERATE(false, true);
    const bool retried = GENERATE(false, true);
    config.concurrency.max_in_flight = adaptive ? 0 : 64;
    config.retry.max_retries = retried ? 3 : 0;
    client client(with.context.get_executor(), config);
    const query asked("obm", std::chrono::year(2024) / std::chrono::June / 26);
    std::size_t answered = 0;
    std::size_t failed = 0;
    test::run(with.context, [&]() -> asio::awaitable<void> {
        std::size_t made = 0;
        crawl all(client,
                  [&]() -> std::optional<query> { return made++ == total ? std::nullopt : std::optional(asked); });
        while (const std::optional<outcome> one = co_await all.async_next()) {
            CHECK((!one->error || one->error == errc::server_busy));
            if (one->error)
                CHECK(one->diagnostics.http_status == 503);
            ++(one->error ? failed : answered);
        }
        client.close();
    }());
    const sim::server_counters counted = with.server.counters();
    CHECK(answered + failed == total);
    CHECK(counted.queries == answered);
    CHECK(counted.overloaded == failed + client.metrics().retries + client.metrics().resends);
    CHECK(counted.requests == counted.queries + counted.overloaded);
    if (!adaptive)
        CHECK(counted.overloaded > 0);
}

}  // namespace capacity_test

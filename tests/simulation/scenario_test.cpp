// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Small inputs that once went wrong, each with a server and a clock that are simulated.
#include <algorithm>
#include <chrono>
#include <string>

#include "catch.hpp"
#include "simulation/world.hpp"

namespace scenario_test {

using namespace jobmode;
using namespace jobmode::simulation;
using namespace std::chrono_literals;

namespace {

/// `count` calls at once, and no faults.
script calls_at_once(std::size_t count, span_of_time at = 0s) {
    script plan(1);
    for (std::size_t number = 0; number != count; ++number) {
        planned_call call;
        call.number = number;
        call.at = at;
        plan.calls.push_back(call);
    }
    return plan;
}

/// A crawl of `count` queries that has so many of them waiting or under way.
script crawl_of(std::size_t count, std::size_t window = 100) {
    script plan = calls_at_once(window);
    plan.crawl = count;
    return plan;
}

void strike(script& plan, fault kind, unsigned chance, std::uint64_t most = ~std::uint64_t{0}) {
    plan.chance[static_cast<std::size_t>(kind)] = chance;
    plan.most[static_cast<std::size_t>(kind)] = most;
    plan.calm_at = std::max<span_of_time>(plan.calm_at, 24h);
}

void blow(script& plan, fault kind, span_of_time from, span_of_time to) {
    plan.skies.push_back({kind, from, to});
    plan.calm_at = std::max(plan.calm_at, to == never ? 24h : to);
}

report run_well(const script& plan) {
    report came = run(plan);
    CHECK(came.violation == "");
    return came;
}

/// The first few failures, in words.
std::string failures_of(const report& came) {
    std::string text;
    std::size_t more = 5;
    for (const ending& one : came.endings)
        if (one.code && more != 0) {
            --more;
            text += std::to_string(one.number) + " at " + std::to_string(one.at.count() / 1'000'000) +
                    " ms: " + one.known.describe(one.code) + '\n';
        }
    return text;
}

/// How many requests and attempts to connect began in a time.
std::size_t begun(const report& came, span_of_time from, span_of_time to) {
    const auto within = [&](span_of_time at) { return from < at && at < to; };
    return static_cast<std::size_t>(std::ranges::count_if(came.sendings, within) +
                                    std::ranges::count_if(came.openings, within));
}

span_of_time end_of(const report& came, std::size_t number) {
    const auto found = std::ranges::find(came.endings, number, &ending::number);
    REQUIRE(found != came.endings.end());
    CHECK(found->code == error_code());
    return found->at;
}

}  // namespace

TEST_CASE("a crawl loses nothing to a server that refuses connections for two seconds") {
    script plan = crawl_of(20'000);
    blow(plan, fault::server_refuses, 280ms, 2'300ms);
    blow(plan, fault::server_resets_all, 300ms, 301ms);
    const report came = run_well(plan);
    CHECK(came.answered == 20'000 + plan.probes);
    CHECK(failures_of(came) == "");
    CHECK(begun(came, 310ms, 2'300ms) <= 20);
    // It goes on soon after that.
    CHECK(begun(came, 2'300ms, 7s) > 10'000);
}

TEST_CASE("whatever way a server is away for 40 seconds, it is hardly bothered, and no query fails") {
    const auto kind =
        GENERATE(fault::server_refuses, fault::server_unreachable, fault::server_half_open,
                 fault::server_hangs_in_handshake, fault::dns_fails, fault::maintenance_503,
                 fault::maintenance_retry_after, fault::deployed_404, fault::deployed_page, fault::descriptors_run_out);
    INFO(name_of(kind));
    script plan = crawl_of(3'000);
    // So slow that most is still to be asked when the server goes away.
    plan.config.concurrency.ceiling = 16;
    plan.config.availability.max_wait = 15min;
    plan.config.timeouts.read = 5s;
    plan.retry_after = 60s;
    const span_of_time back = 40'200ms;
    // The first 503 come among answers, and each costs an attempt.
    if (kind == fault::maintenance_503)
        plan.config.retry.budget_reserve = 200;
    blow(plan, kind, 200ms, back);
    // What is open would be used; and known addresses serve for half a minute.
    const span_of_time reset_at = kind == fault::dns_fails ? 35s : 200ms;
    if (kind == fault::dns_fails)
        plan.config.rate.queries_per_second = 50;
    if (kind != fault::maintenance_503 && kind != fault::maintenance_retry_after && kind != fault::deployed_404 &&
        kind != fault::deployed_page)
        blow(plan, fault::server_resets_all, reset_at, reset_at + 1ms);
    const report came = run_well(plan);
    CHECK(came.answered == 3'000 + plan.probes);
    CHECK(failures_of(came) == "");
    CHECK(came.first_unwell < reset_at + 20s);
    // As long as there are connections, having no descriptor for another is no reason to send less.
    const span_of_time from =
        kind == fault::descriptors_run_out ? std::max(came.first_unwell, reset_at + 20ms) : came.first_unwell;
    CHECK(begun(came, from, back) <= 20);
}

TEST_CASE("queries that were overtaken by the last answer before a silence do not pay for it one by one") {
    script plan = crawl_of(1'000, 64);
    plan.config.concurrency.max_in_flight = 64;
    plan.config.retry.budget_ratio = 0;
    plan.config.timeouts.read = 1s;
    blow(plan, fault::server_half_open, 30ms, 10s);
    const report came = run_well(plan);
    CHECK(failures_of(came) == "");
}

TEST_CASE("a server that answers 503 to everything is not stormed") {
    script plan = calls_at_once(3'000);
    plan.config.concurrency.ceiling = 16;
    SECTION("it never did anything else") {
        blow(plan, fault::maintenance_503, 0s, 10min);
        const report came = run_well(plan);
        CHECK(came.count_of(errc::server_busy) == 3'000);
        // One query's attempts.
        CHECK(begun(came, -1s, 10min) <= 2 * (1 + plan.config.retry.max_retries));
    }
    SECTION("it did well before") {
        blow(plan, fault::maintenance_503, 200ms, 10min);
        const report came = run_well(plan);
        CHECK(came.count_of(errc::server_busy) > 1'000);
        CHECK(came.count_of(errc::server_busy) + came.answered == 3'000 + plan.probes);
        CHECK(begun(came, came.first_unwell, 10min) <= 30);
        const auto last = std::ranges::max_element(
            came.endings, {}, [](const ending& one) { return one.code ? one.at : span_of_time(0); });
        CHECK(last->at < 62s);
    }
}

TEST_CASE("a Retry-After holds for all, and tells at once those that cannot wait so long") {
    script plan = calls_at_once(3'000);
    plan.config.concurrency.ceiling = 16;
    plan.retry_after = 300s;
    blow(plan, fault::maintenance_retry_after, 200ms, 250ms);
    SECTION("longer than they may wait") {
        const report came = run_well(plan);
        CHECK(came.count_of(errc::server_busy) > 1'000);
        CHECK(begun(came, came.first_unwell, 299s) <= 1);
        for (const ending& one : came.endings)
            if (one.code) {
                CHECK(one.at < 1s);
                if (one.at > came.first_unwell)
                    CHECK(one.known.detail.find("which is longer than this query may wait") != std::string::npos);
            }
    }
    SECTION("they may wait") {
        plan.config.availability.max_wait = 15min;
        const report came = run_well(plan);
        CHECK(failures_of(came) == "");
        CHECK(begun(came, came.first_unwell, 300s) == 0);
    }
}

TEST_CASE("an alert on one connection of many is noticed by nobody") {
    const auto kind = GENERATE(fault::handshake_alert, fault::alert_after_handshake, fault::handshake_closed,
                               fault::certificate_glitch, fault::garbage_answer, fault::early_answer);
    INFO(name_of(kind));
    script plan = calls_at_once(1'000);
    plan.config.concurrency.max_in_flight = 32;
    plan.think = 20ms;
    // Not the very first: of that one nobody could tell.
    plan.seed = 5;
    strike(plan, kind, 2'000, 1);
    const report came = run_well(plan);
    CHECK(came.reached[static_cast<std::size_t>(kind)] == 1);
    CHECK(failures_of(came) == "");
    CHECK(came.first_unwell == never);
}

TEST_CASE("the connections that a server allows are used, and no query pays for the others") {
    const auto kind = GENERATE(fault::surplus_refused, fault::surplus_closed, fault::surplus_hangs);
    INFO(name_of(kind));
    script plan = crawl_of(2'000, 200);
    plan.config.concurrency.max_in_flight = 64;
    plan.connections_allowed = 8;
    plan.think = 20ms;
    plan.chance[static_cast<std::size_t>(kind)] = 1;
    const report came = run_well(plan);
    CHECK(failures_of(came) == "");
    CHECK(came.reached[static_cast<std::size_t>(kind)] > 0);
}

TEST_CASE("connections that have become too old are in nobody's way") {
    script plan = calls_at_once(4);
    plan.config.pool.max_connections = 4;
    plan.config.pool.idle_timeout = 6s;
    plan.config.pool.max_lifetime = 1s;
    plan.config.concurrency.max_in_flight = 8;
    plan.think = 50ms;
    planned_call late;
    late.number = 4;
    late.at = 2s;
    plan.calls.push_back(late);
    const report came = run_well(plan);
    CHECK(end_of(came, 4) < 2'200ms);
}

TEST_CASE("streams that nobody reads leave room for others") {
    script plan = calls_at_once(4);
    plan.config.concurrency.max_in_flight = 4;
    for (planned_call& call : plan.calls) {
        call.streams = true;
        call.pause = never;
        call.cancelled_at = 60s;
    }
    strike(plan, fault::stream_not_read, 1);
    plan.calm_at = 60s;
    for (std::size_t number = 4; number != 6; ++number) {
        planned_call call;
        call.number = number;
        call.at = 1s;
        call.streams = number == 4;
        plan.calls.push_back(call);
    }
    const report came = run_well(plan);
    CHECK(end_of(came, 4) < 1'100ms);
    CHECK(end_of(came, 5) < 1'100ms);
}

TEST_CASE("a connection that was opened for nobody is closed where none are kept, and no timer spins") {
    script plan = calls_at_once(1);
    plan.config.pool.idle_timeout = 0ms;
    plan.calls.front().cancelled_at = 5ms;
    strike(plan, fault::call_cancelled, 1);
    plan.calm_at = 1s;
    plan.probes = 0;
    const report came = run_well(plan);
    CHECK(came.count_of(came.endings.front().code) == 1);
    CHECK(came.openings.size() == 1);
    CHECK(came.due_calls <= 2);
}

TEST_CASE("a wrong password is sent once, however many wait") {
    script plan = calls_at_once(10'000);
    plan.refuses_by_status = GENERATE(false, true);
    blow(plan, fault::password_changed, 0s, never);
    plan.calm_at = 30s;
    SECTION("and all are told") {
        plan.probes = 0;
        plan.config.availability.max_wait = 1s;
        const report came = run_well(plan);
        CHECK(came.refused_password_requests == 1);
        CHECK(came.requests.size() == 1);
        CHECK(came.count_of(errc::authentication_refused) == 10'000);
    }
    SECTION("and with the right one they go on") {
        plan.calls.resize(1'000);
        plan.password_told_at = 20s;
        const report came = run_well(plan);
        CHECK(came.refused_password_requests == 1);
        CHECK(came.count_of(errc::authentication_refused) == 1);
        CHECK(came.answered == 999 + plan.probes);
    }
}

TEST_CASE("a password that is changed under way costs at most what was under way") {
    script plan = crawl_of(2'000);
    plan.config.concurrency.max_in_flight = 16;
    blow(plan, fault::password_changed, 100ms, never);
    plan.calm_at = 30s;
    plan.password_told_at = 20s;
    const report came = run_well(plan);
    CHECK(came.refused_password_requests <= 16);
    CHECK(came.count_of(errc::authentication_refused) + came.answered == 2'000 + plan.probes);
    CHECK(came.count_of(errc::authentication_refused) <= 16);
}

TEST_CASE("a server of a wrong URL is told of at once") {
    const auto kind = GENERATE(fault::server_refuses, fault::dns_fails, fault::deployed_404, fault::deployed_page,
                               fault::certificate_changed);
    INFO(name_of(kind));
    script plan = calls_at_once(500);
    blow(plan, kind, 0s, 5min);
    const report came = run_well(plan);
    CHECK(came.failed == 500);
    CHECK(begun(came, -1s, 4min) <= 10);
    for (const ending& one : came.endings)
        if (one.code)
            CHECK(one.at < 10s);
}

TEST_CASE("a loss on a fresh connection costs an attempt, and one on a pooled connection costs none") {
    unsigned fresh = 0;
    unsigned pooled = 0;
    for (std::uint64_t seed = 1; seed != 30; ++seed) {
        script plan = calls_at_once(1);
        plan.seed = seed;
        plan.config.retry.max_retries = 0;
        planned_call second;
        second.number = 1;
        second.at = 1s;
        plan.calls.push_back(second);
        strike(plan, fault::request_timeout_408, 4'000, 1);
        const report came = run_well(plan);
        if (came.reached[static_cast<std::size_t>(fault::request_timeout_408)] == 0)
            continue;
        const auto first = std::ranges::find(came.endings, std::size_t{0}, &ending::number);
        if (first->code) {
            ++fresh;
            CHECK(first->code == errc::http_status);
            CHECK(came.failed == 1);
        } else if (came.requests.size() == 3 + plan.probes && came.requests[2] < 2s) {
            ++pooled;
            CHECK(failures_of(came) == "");
        }
    }
    CHECK(fresh > 0);
    CHECK(pooled > 0);
}

TEST_CASE("a pause that the server asked for holds when nobody waited for its end") {
    script plan = calls_at_once(20);
    plan.retry_after = 60s;
    plan.config.availability.max_wait = 10s;
    blow(plan, fault::maintenance_retry_after, 0s, 1s);
    planned_call later;
    later.number = 20;
    later.at = 55s;
    plan.calls.push_back(later);
    const report came = run_well(plan);
    CHECK(came.requests.front() < 1s);
    CHECK(came.count_of(errc::server_busy) == 20);
    CHECK(end_of(came, 20) >= 60s);
    CHECK(end_of(came, 20) < 61s);
}

TEST_CASE("a client without a pause between its attempts is kept from storming a server that is away") {
    const auto kind = GENERATE(fault::server_refuses, fault::maintenance_503, fault::deployed_404);
    INFO(name_of(kind));
    script plan = crawl_of(1'000);
    plan.config.concurrency.ceiling = 16;
    plan.config.retry.initial_backoff = 0ms;
    plan.config.retry.budget_reserve = 200;
    blow(plan, kind, 40ms, 30s);
    blow(plan, fault::server_resets_all, 50ms, 51ms);
    const report came = run_well(plan);
    CHECK(failures_of(came) == "");
    CHECK(begun(came, 100ms, 30s) <= 60);
}

TEST_CASE("a stream that is not an answer ends with what it is") {
    script plan = calls_at_once(1);
    plan.calls.front().streams = true;
    plan.config.retry.max_retries = 0;
    strike(plan, fault::page_in_place_of_json, 10'000, 1);
    const report came = run_well(plan);
    CHECK(came.endings.front().code == errc::not_json);
}

TEST_CASE("a query that met with a pooled connection that was dead goes again on a fresh one") {
    script plan = calls_at_once(64);
    plan.config.retry.max_retries = 0;
    plan.config.concurrency.max_in_flight = 64;
    plan.watches_idle = false;
    plan.keep_alive = 300ms;
    plan.think = 50ms;
    planned_call late;
    late.number = 64;
    late.at = 5s;
    plan.calls.push_back(late);
    plan.probes = 0;
    const report came = run_well(plan);
    CHECK(came.most_connections > 8);
    CHECK(failures_of(came) == "");
    CHECK(std::ranges::count_if(came.sendings, [](span_of_time at) { return at >= 5s; }) == 2);
    CHECK(std::ranges::count_if(came.openings, [](span_of_time at) { return at >= 5s; }) == 1);
}

}  // namespace scenario_test

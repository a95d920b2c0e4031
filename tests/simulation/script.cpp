// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "simulation/script.hpp"

#include <algorithm>
#include <initializer_list>
#include <sstream>
#include <utility>

#include "policy/random.hpp"

namespace jobmode::simulation {
namespace {

using namespace std::chrono_literals;
using policy::random_numbers;

constexpr std::array<std::string_view, fault_count> names{"handshake_alert",
                                                          "handshake_closed",
                                                          "handshake_hangs",
                                                          "handshake_garbage",
                                                          "certificate_glitch",
                                                          "reset_in_request",
                                                          "reset_while_idle",
                                                          "closed_while_idle",
                                                          "half_open",
                                                          "alert_after_handshake",
                                                          "noise_while_idle",
                                                          "address_refuses",
                                                          "address_hangs",
                                                          "dns_glitch",
                                                          "slow_answer",
                                                          "stalled_answer",
                                                          "silent_answer",
                                                          "reset_in_answer",
                                                          "closed_in_answer",
                                                          "no_close_notify",
                                                          "garbage_answer",
                                                          "early_answer",
                                                          "surplus_answer",
                                                          "long_header",
                                                          "request_timeout_408",
                                                          "busy_503",
                                                          "busy_429",
                                                          "busy_with_retry_after",
                                                          "not_found_404",
                                                          "page_in_place_of_json",
                                                          "redirect",
                                                          "encoded_body",
                                                          "api_error",
                                                          "broken_json",
                                                          "endless_refusal",
                                                          "unauthorized_401",
                                                          "server_refuses",
                                                          "server_unreachable",
                                                          "server_half_open",
                                                          "server_resets_all",
                                                          "server_hangs_in_handshake",
                                                          "dns_fails",
                                                          "dns_silent",
                                                          "maintenance_503",
                                                          "maintenance_retry_after",
                                                          "deployed_404",
                                                          "deployed_page",
                                                          "certificate_changed",
                                                          "descriptors_run_out",
                                                          "password_changed",
                                                          "proxy_refuses_credentials",
                                                          "surplus_refused",
                                                          "surplus_closed",
                                                          "surplus_hangs",
                                                          "clock_jumps",
                                                          "clock_stands_still",
                                                          "wall_clock_jumps",
                                                          "alarm_is_late",
                                                          "late_events",
                                                          "call_cancelled",
                                                          "call_throws",
                                                          "call_has_little_time",
                                                          "stream_is_slow",
                                                          "stream_not_read",
                                                          "client_closed",
                                                          "client_abandoned"};

bool is_weather(fault kind) {
    return kind >= fault::server_refuses && kind <= fault::proxy_refuses_credentials;
}

template <class Value>
Value one_of(random_numbers& random, std::initializer_list<Value> values) {
    return *(values.begin() + random.below(values.size()));
}

bool by_chance(random_numbers& random, unsigned percent) {
    return random.below(100) < percent;
}

span_of_time up_to(random_numbers& random, span_of_time most) {
    return span_of_time(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most.count()) + 1)));
}

void draw_config(client_config& config, random_numbers& random) {
    config.pool.max_connections = one_of<std::size_t>(random, {0, 1, 2, 4, 8, 64});
    config.pool.max_connecting = one_of<std::size_t>(random, {1, 2, 16, 100});
    config.pool.idle_timeout = one_of<std::chrono::milliseconds>(random, {0ms, 50ms, 6'000ms, 15'000ms});
    config.pool.max_lifetime = one_of<std::chrono::milliseconds>(random, {0ms, 0ms, 0ms, 300ms, 20'000ms});
    config.pool.max_uses = one_of<std::size_t>(random, {0, 0, 0, 1, 3});
    config.timeouts.connect = one_of<std::chrono::milliseconds>(random, {500ms, 10'000ms});
    config.timeouts.handshake = one_of<std::chrono::milliseconds>(random, {500ms, 10'000ms});
    config.timeouts.read = one_of<std::chrono::milliseconds>(random, {400ms, 5'000ms, 30'000ms});
    config.timeouts.total = one_of<std::chrono::milliseconds>(random, {0ms, 0ms, 0ms, 2'000ms, 90'000ms});
    config.retry.max_retries = one_of<unsigned>(random, {0, 1, 3, 3, 3, 6});
    config.retry.initial_backoff = one_of<std::chrono::milliseconds>(random, {0ms, 20ms, 200ms, 200ms});
    config.retry.max_backoff = one_of<std::chrono::milliseconds>(random, {200ms, 10'000ms});
    config.retry.max_retry_after = one_of<std::chrono::milliseconds>(random, {0ms, 60'000ms});
    config.retry.budget_ratio = one_of<double>(random, {0, 0.25, 1});
    config.retry.budget_reserve = one_of<unsigned>(random, {0, 3, 20, 20});
    config.availability.max_wait = one_of<std::chrono::milliseconds>(random, {0ms, 3'000ms, 60'000ms, 900'000ms});
    config.availability.wait_for_first_answer = by_chance(random, 40);
    config.availability.counts_in_total = by_chance(random, 60);
    config.concurrency.max_in_flight = one_of<std::size_t>(random, {0, 0, 1, 2, 8, 64});
    config.concurrency.initial = one_of<std::size_t>(random, {1, 4});
    config.concurrency.ceiling = one_of<std::size_t>(random, {4, 1024});
    if (by_chance(random, 20)) {
        config.rate.queries_per_second = one_of<double>(random, {4, 50, 1000});
        config.rate.burst = one_of<double>(random, {1, 6});
    }
    config.pipeline_depth = one_of<std::size_t>(random, {1, 1, 1, 2, 5});
    config.max_waiting = one_of<std::size_t>(random, {0, 0, 0, 0, 4, 20});
    config.header_bytes = one_of<std::size_t>(random, {1'024, 16'384});
}

void draw_calls(script& plan, random_numbers& random) {
    const std::size_t count = by_chance(random, 5) ? 150 + random.below(250) : 4 + random.below(60);
    const auto spread = one_of<span_of_time>(random, {0s, 500ms, 20s, 20s, 60s});
    const unsigned streams = one_of<unsigned>(random, {0, 0, 10, 60});
    const unsigned urgent = one_of<unsigned>(random, {0, 0, 20, 80});
    const bool one_kind = by_chance(random, 50);
    const unsigned followers = one_of<unsigned>(random, {0, 0, 5});
    for (std::size_t number = 0; number != count; ++number) {
        planned_call call;
        call.number = number;
        call.at = up_to(random, spread);
        call.endpoint = one_kind ? 0 : random.below(3);
        call.streams = by_chance(random, streams);
        call.urgent = by_chance(random, urgent);
        if (by_chance(random, followers))
            call.followers = 1 + static_cast<unsigned>(random.below(3));
        call.pause = up_to(random, 2ms);
        if (plan.has(fault::call_has_little_time) && by_chance(random, 30)) {
            call.total = std::chrono::milliseconds(1 + random.below(by_chance(random, 50) ? 40 : 20'000));
        }
        if (plan.has(fault::call_cancelled) && by_chance(random, 30))
            call.cancelled_at = call.at + up_to(random, by_chance(random, 70) ? span_of_time(30ms) : 20s);
        if (plan.has(fault::call_throws) && by_chance(random, 20))
            call.throws = true;
        if (call.streams && plan.has(fault::stream_is_slow) && by_chance(random, 50))
            call.pause = up_to(random, 3s);
        if (call.streams && plan.has(fault::stream_not_read) && by_chance(random, 40)) {
            call.pause = never;
            call.cancelled_at = plan.calm_at + up_to(random, 1s);
        }
        plan.calls.push_back(call);
    }
    std::ranges::stable_sort(plan.calls, {}, &planned_call::at);
}

}  // namespace

std::string_view name_of(fault kind) {
    return names.at(static_cast<std::size_t>(kind));
}

script::script(std::uint64_t from_seed) : seed(from_seed), config("https://cbs.example.com") {
    config.sys_user = "api";
    config.sys_pwd = secret("p0");
    most.fill(~std::uint64_t{0});
}

bool script::has(fault kind) const {
    return chance[static_cast<std::size_t>(kind)] != 0 ||
           std::ranges::any_of(skies, [kind](const weather& one) { return one.kind == kind; });
}

void script::remove(fault kind) {
    chance[static_cast<std::size_t>(kind)] = 0;
    std::erase_if(skies, [kind](const weather& one) { return one.kind == kind; });
    switch (kind) {
        case fault::clock_jumps:
            jump_at = never;
            break;
        case fault::clock_stands_still:
            tick = span_of_time(1);
            break;
        case fault::client_closed:
            close_at = never;
            break;
        case fault::client_abandoned:
            abandon_at = never;
            break;
        case fault::password_changed:
            password_told_at = never;
            break;
        case fault::surplus_refused:
        case fault::surplus_closed:
        case fault::surplus_hangs:
            connections_allowed = 1'000'000;
            break;
        case fault::call_cancelled:
            for (planned_call& call : calls)
                if (call.pause != never)
                    call.cancelled_at = never;
            break;
        case fault::call_throws:
            for (planned_call& call : calls)
                call.throws = false;
            break;
        case fault::call_has_little_time:
            for (planned_call& call : calls)
                call.total = {};
            break;
        case fault::stream_is_slow:
            for (planned_call& call : calls)
                if (call.pause != never)
                    call.pause = 1ms;
            break;
        case fault::stream_not_read:
            for (planned_call& call : calls)
                if (call.pause == never) {
                    call.pause = 1ms;
                    call.cancelled_at = never;
                }
            break;
        default:
            break;
    }
}

std::string script::describe() const {
    const auto ms = [](span_of_time time) {
        return time == never
                   ? std::string("never")
                   : std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(time).count()) + "us";
    };
    std::ostringstream out;
    out << "seed " << seed << "\n  chances of 10,000:";
    for (std::size_t index = 0; index != fault_count; ++index)
        if (chance[index] != 0)
            out << ' ' << names[index] << '=' << chance[index];
    out << "\n  weather:";
    for (const weather& one : skies)
        out << ' ' << name_of(one.kind) << " from " << ms(one.from) << " to " << ms(one.to) << ';';
    out << "\n  calm at " << ms(calm_at) << "; addresses " << addresses << "; connections allowed "
        << connections_allowed << "; requests a connection " << requests_per_connection << "; keep-alive "
        << ms(keep_alive) << "; latency " << ms(latency) << "; think " << ms(think) << "; body " << body_bytes
        << (watches_idle ? "" : "; idle ones not read") << "; tick " << ms(tick) << "; jump at " << ms(jump_at)
        << " by " << ms(jump_by) << "; closed at " << ms(close_at) << "; abandoned at " << ms(abandon_at)
        << "; password told at " << ms(password_told_at) << "; Retry-After " << retry_after.count() << "s"
        << (retry_after_is_date ? " (date)" : "");
    out << "\n  config: connections " << config.pool.max_connections << '/' << config.pool.max_connecting << ", idle "
        << config.pool.idle_timeout.count() << ", lifetime " << config.pool.max_lifetime.count() << ", uses "
        << config.pool.max_uses << "; connect " << config.timeouts.connect.count() << ", handshake "
        << config.timeouts.handshake.count() << ", read " << config.timeouts.read.count() << ", total "
        << config.timeouts.total.count() << "; retries " << config.retry.max_retries << ", backoff "
        << config.retry.initial_backoff.count() << ".." << config.retry.max_backoff.count() << ", retry-after "
        << config.retry.max_retry_after.count() << ", budget " << config.retry.budget_ratio << '+'
        << config.retry.budget_reserve << "; wait " << config.availability.max_wait.count() << ", first "
        << config.availability.wait_for_first_answer << ", counts " << config.availability.counts_in_total
        << "; in flight " << config.concurrency.max_in_flight << " from " << config.concurrency.initial << " to "
        << config.concurrency.ceiling << "; rate " << config.rate.queries_per_second << '+' << config.rate.burst
        << "; depth " << config.pipeline_depth << "; waiting " << config.max_waiting << "; header "
        << config.header_bytes;
    out << "\n  calls:";
    for (const planned_call& call : calls) {
        out << ' ' << call.number << '@' << ms(call.at) << "/e" << call.endpoint;
        if (call.streams)
            out << " stream(" << ms(call.pause) << ')';
        if (call.urgent)
            out << " urgent";
        if (call.total.count() != 0)
            out << " total=" << call.total.count() << "ms";
        if (call.cancelled_at != never)
            out << " cancelled@" << ms(call.cancelled_at);
        if (call.throws)
            out << " throws";
        if (call.followers != 0)
            out << " followers=" << call.followers;
        out << ';';
    }
    return out.str();
}

script draw(std::uint64_t seed) {
    random_numbers random(seed);
    script plan(seed);
    draw_config(plan.config, random);
    const unsigned kinds = one_of<unsigned>(random, {0, 1, 2, 4, 8, 14});
    const auto bad_time = one_of<span_of_time>(random, {100ms, 3s, 15s, 40s});
    plan.calm_at = bad_time;
    plan.latency = one_of<span_of_time>(random, {0s, 300us, 20ms});
    plan.think = one_of<span_of_time>(random, {0s, 2ms, 100ms});
    plan.addresses = one_of<std::size_t>(random, {1, 1, 3});
    plan.body_bytes = one_of<std::size_t>(random, {60, 400, 400, 6'000, 40'000});
    plan.requests_per_connection = one_of<unsigned>(random, {0, 0, 5});
    plan.keep_alive = one_of<span_of_time>(random, {20s, 20s, 300ms});
    plan.retry_after = std::chrono::seconds(one_of<int>(random, {0, 1, 1, 5, 30, 300}));
    plan.retry_after_is_date = by_chance(random, 30);
    plan.refuses_by_status = by_chance(random, 50);
    for (unsigned number = 0; number != kinds; ++number) {
        const auto kind = static_cast<fault>(random.below(fault_count));
        unsigned& chance = plan.chance[static_cast<std::size_t>(kind)];
        if (kind == fault::password_changed && plan.has(kind))
            continue;
        if (is_weather(kind)) {
            const span_of_time from = up_to(random, bad_time);
            const span_of_time to = from + up_to(random, bad_time - from);
            plan.skies.push_back({kind, from, to});
            if (kind == fault::password_changed) {
                plan.skies.back().to = never;
                plan.password_told_at = to;
            }
            continue;
        }
        chance = one_of<unsigned>(random, {50, 500, 3'000, 10'000});
        switch (kind) {
            case fault::clock_jumps:
                plan.jump_at = up_to(random, bad_time);
                plan.jump_by = one_of<span_of_time>(random, {20s, 3h});
                break;
            case fault::clock_stands_still:
                plan.tick = one_of<span_of_time>(random, {16ms, 1s});
                break;
            case fault::client_closed:
                plan.close_at = up_to(random, bad_time);
                break;
            case fault::client_abandoned:
                plan.abandon_at = up_to(random, bad_time);
                break;
            case fault::surplus_refused:
            case fault::surplus_closed:
            case fault::surplus_hangs:
                plan.connections_allowed = 1 + random.below(8);
                break;
            default:
                break;
        }
    }
    // Of a clock in such steps no timeout can be shorter.
    if (plan.tick > span_of_time(100ms))
        for (std::chrono::milliseconds* const timeout :
             {&plan.config.timeouts.connect, &plan.config.timeouts.handshake, &plan.config.timeouts.read})
            *timeout = std::max<std::chrono::milliseconds>(*timeout, 5s);
    draw_calls(plan, random);
    plan.watches_idle = by_chance(random, 50);
    return plan;
}

}  // namespace jobmode::simulation

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/attempt.hpp>
#include <jobmode/call_options.hpp>
#include <jobmode/config.hpp>

#include <algorithm>
#include <cmath>

#include "policy/base_url.hpp"
#include "policy/pin.hpp"
#include "policy/proxy.hpp"
#include "wire/utf8.hpp"

namespace jobmode {
namespace {

bool has_control(std::string_view text) noexcept {
    return std::ranges::any_of(text, [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; });
}

/// A sentence on what is wrong, or nothing.
std::string fault_of(const client_config& config) {
    if (config.sys_user.empty())
        return "the system user's name is empty";
    if (has_control(config.sys_user) || !wire::is_utf8(config.sys_user))
        return "the system user's name must be UTF-8 without control characters";
    if (config.sys_pwd.empty())
        return "the system user's password is empty";
    if (!wire::is_utf8(config.sys_pwd.reveal()))
        return "the system user's password must be UTF-8";
    if (has_control(config.user_agent))
        return "the user agent must not have control characters";
    if (config.header_bytes < 256 || config.header_bytes > (1U << 20U))
        return "header_bytes must be from 256 to 1048576";
    if (config.pipeline_depth < 1 || config.pipeline_depth > 1024)
        return "pipeline_depth must be from 1 to 1024";

    const tls_config& tls = config.tls;
    std::vector<policy::pin> pins;
    if (!policy::parse_pins(tls.pinned_public_key, pins))
        return "a pin is sha256// and the Base64 of a SHA-256 (44 characters), several are separated by ;";
    if (tls.insecure && (!tls.ca_file.empty() || !tls.pinned_public_key.empty()))
        return "insecure cannot be combined with a CA file or a pin: they would not be checked";
    if (tls.client_cert_file.empty() != tls.client_key_file.empty())
        return "a client certificate needs its key, and a key its certificate";

    const pool_config& pool = config.pool;
    if (pool.max_connections > 1'000'000)
        return "max_connections must be at most 1000000";
    if (pool.max_connecting < 1)
        return "max_connecting must be at least 1";
    const timeout_config& timeouts = config.timeouts;
    for (const std::chrono::milliseconds value :
         {pool.idle_timeout, pool.max_lifetime, timeouts.connect, timeouts.handshake, timeouts.read, timeouts.total,
          timeouts.connection_attempt_delay, config.retry.initial_backoff, config.retry.max_backoff,
          config.retry.max_retry_after, config.availability.max_wait})
        if (value.count() < 0 || value > std::chrono::hours(24 * 365))
            return "a time must not be negative or longer than a year";

    if (!(config.retry.budget_ratio >= 0) || !std::isfinite(config.retry.budget_ratio))
        return "budget_ratio must not be negative";
    if (config.concurrency.initial < 1 || config.concurrency.ceiling < config.concurrency.initial)
        return "concurrency must start with at least 1 and its ceiling must not be below that";
    if (!(config.rate.queries_per_second >= 0) || !std::isfinite(config.rate.queries_per_second))
        return "queries_per_second must not be negative";
    if (!(config.rate.burst >= 1) || !std::isfinite(config.rate.burst))
        return "burst must be at least 1";
    if (config.limits.depth < 3)
        return "a depth limit below 3 admits no answer";
    if (config.limits.field_bytes < 1)
        return "a field limit of 0 admits no answer";
    return {};
}

}  // namespace

tls_config::tls_config() = default;
proxy_config::proxy_config() = default;
proxy_config::proxy_config(std::string_view whole) {
    policy::split_proxy_url(whole, *this);
}
pool_config::pool_config() = default;
timeout_config::timeout_config() = default;
retry_config::retry_config() = default;
availability_config::availability_config() = default;
concurrency_config::concurrency_config() = default;
rate_config::rate_config() = default;

attempt_info::attempt_info() = default;
call_options::call_options() = default;
call_options::call_options(jobmode::diagnostics* out) : diagnostics(out) {}

client_config::client_config(std::string_view base) : url(base) {}

error_code client_config::validate(std::string* why) const {
    policy::base_url base;
    if (const error_code ec = policy::parse_base_url(url, base, why))
        return ec;
    if (!base.tls && !allow_http) {
        if (why)
            *why = "the URL begins with http://, which would send the password in the clear: use https://, or allow it";
        return errc::plain_http_refused;
    }
    policy::proxy_address ignored;
    if (const error_code ec = policy::parse_proxy(proxy, ignored, why))
        return ec;
    std::string fault = fault_of(*this);
    if (fault.empty())
        return {};
    if (why)
        *why = std::move(fault);
    return errc::invalid_config;
}

}  // namespace jobmode

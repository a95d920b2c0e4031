// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/retry.hpp"

#include <algorithm>

namespace jobmode::policy {

bool is_retryable(error_code ec) noexcept {
    return ec == errc::resolve_failed || ec == errc::handshake_timeout || ec == errc::connect_failed ||
           ec == errc::connect_timeout || ec == errc::connection_lost || ec == errc::read_timeout ||
           ec == errc::server_busy;
}

bool is_overload(error_code ec) noexcept {
    return (is_retryable(ec) && ec != errc::resolve_failed) || ec == errc::total_timeout;
}

retry_budget::retry_budget(const retry_config& config) noexcept
    : ratio_(config.budget_ratio),
      // However long all went well, what is saved up is no more than a few times the reserve.
      capacity_(std::max(4.0 * config.budget_reserve, 1.0)),
      retries_(config.budget_reserve) {}

void retry_budget::on_answer() noexcept {
    retries_ = std::min(capacity_, retries_ + ratio_);
}

bool retry_budget::try_spend() noexcept {
    if (retries_ < 1)
        return false;
    retries_ -= 1;
    return true;
}

std::chrono::milliseconds backoff(const retry_config& config, unsigned retry, std::uint64_t random) noexcept {
    std::int64_t bound = config.initial_backoff.count();
    const std::int64_t most = config.max_backoff.count();
    for (unsigned doubling = 1; doubling < retry && bound < most; ++doubling)
        bound *= 2;
    bound = std::min(bound, most);
    return std::chrono::milliseconds(static_cast<std::int64_t>(random % (static_cast<std::uint64_t>(bound) + 1)));
}

retry_decision decide_retry(const retry_config& config, retry_budget& budget, unsigned attempts,
                            std::optional<std::chrono::milliseconds> retry_after, std::chrono::nanoseconds time_left,
                            std::uint64_t random) noexcept {
    if (attempts > config.max_retries)
        return {};
    if (retry_after && *retry_after > config.max_retry_after)
        return {};
    const std::chrono::milliseconds pause =
        std::max(backoff(config, attempts, random), retry_after.value_or(std::chrono::milliseconds(0)));
    if (pause >= time_left || !budget.try_spend())
        return {};
    return {true, pause};
}

}  // namespace jobmode::policy

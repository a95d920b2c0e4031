// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>
#include <jobmode/error.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace jobmode::policy {

/// Whether another attempt can help: the server could not be reached, was lost, silent or busy. The API's own errors,
/// trust, and answers that cannot be read are as they are.
bool is_retryable(error_code ec) noexcept;

/// Whether a failure may mean that the server has too much to do.
bool is_overload(error_code ec) noexcept;

/// Lets retries be a share of what is answered, and no more, but for a reserve: when a server dies, the retries of
/// everything that fails would multiply the load on it. Not thread-safe.
class retry_budget {
public:
    explicit retry_budget(const retry_config& config) noexcept;
    /// A query was answered.
    void on_answer() noexcept;
    /// Takes one retry, if there is one.
    bool try_spend() noexcept;

private:
    double ratio_;
    double capacity_;
    double retries_;
};

/// The pause before retry number `retry`, from 1: a random part, told by `random`, of an exponentially growing time.
std::chrono::milliseconds backoff(const retry_config& config, unsigned retry, std::uint64_t random) noexcept;

/// Whether to try again, and after which pause.
struct retry_decision {
    bool retry = false;
    std::chrono::milliseconds pause{0};
};

/// Decides what follows `attempts` attempts of a query, the last of which failed in a way that another may mend.
/// `retry_after` is what the server asked for. A retry that would begin after `time_left` does not happen. The budget
/// is only charged for a retry that happens.
retry_decision decide_retry(const retry_config& config, retry_budget& budget, unsigned attempts,
                            std::optional<std::chrono::milliseconds> retry_after, std::chrono::nanoseconds time_left,
                            std::uint64_t random) noexcept;

}  // namespace jobmode::policy

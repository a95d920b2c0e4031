// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "bulk/crawl_plan.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace jobmode::bulk {

std::uint64_t shard_of(std::string_view login_name, std::uint64_t shards) noexcept {
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const char c : login_name)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return hash % shards;
}

crawl_plan::crawl_plan(std::vector<std::string> users, std::chrono::year_month_day from, std::chrono::year_month_day to,
                       std::vector<std::string> sets)
    : users_(std::move(users)),
      sets_(std::move(sets)),
      from_(from),
      days_(static_cast<std::uint64_t>(
          std::max((std::chrono::sys_days(to) - from_).count() + 1, std::chrono::days::rep{0}))) {}

std::uint64_t crawl_plan::size() const noexcept {
    return days_ * users_.size() * std::max<std::size_t>(sets_.size(), 1);
}

std::size_t crawl_plan::user_of(std::uint64_t index) const noexcept {
    return index / std::max<std::size_t>(sets_.size(), 1) % users_.size();
}

std::uint64_t crawl_plan::day_of(std::uint64_t index) const noexcept {
    return index / std::max<std::size_t>(sets_.size(), 1) / users_.size();
}

query crawl_plan::at(std::uint64_t index) const {
    std::optional<std::string> set;
    if (!sets_.empty())
        set = sets_[index % sets_.size()];
    const auto day = static_cast<int>(day_of(index));
    return {users_[user_of(index)], std::chrono::year_month_day(from_ + std::chrono::days(day)), std::move(set)};
}

}  // namespace jobmode::bulk

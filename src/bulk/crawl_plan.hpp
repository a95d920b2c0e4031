// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/query.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jobmode::bulk {

/// Which of `shards` shards, counted from 0, a user belongs to. It depends on the name alone, and is the same on every
/// machine and in every version: the 64-bit FNV-1a hash of the name's bytes, modulo `shards`, which is not 0.
std::uint64_t shard_of(std::string_view login_name, std::uint64_t shards) noexcept;

/// Every query of a crawl: users by dates by backup sets, each with a number that depends on nothing but these three
/// lists. Dates change slowest, so that neighbours concern different users. Thread-safe once constructed.
class crawl_plan {
public:
    /// Every date from `from` to `to`, both included; none if `to` is before `from`. Without sets there is one query
    /// for a user and date.
    crawl_plan(std::vector<std::string> users, std::chrono::year_month_day from, std::chrono::year_month_day to,
               std::vector<std::string> sets);

    /// The number of queries.
    std::uint64_t size() const noexcept;
    /// Query number `index`, which must be below `size`.
    query at(std::uint64_t index) const;

    /// Whom and which day that query is about: the place in the list of users, and the days since the first date.
    std::size_t user_of(std::uint64_t index) const noexcept;
    std::uint64_t day_of(std::uint64_t index) const noexcept;

private:
    std::vector<std::string> users_;
    std::vector<std::string> sets_;
    std::chrono::sys_days from_;
    std::uint64_t days_;
};

}  // namespace jobmode::bulk

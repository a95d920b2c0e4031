// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bulk/crawl_plan.hpp"

namespace jobmode::fleet {

/// What a crawl of a server's users asks about each of them.
struct crawl_scope {
    std::chrono::year_month_day from;
    /// Included.
    std::chrono::year_month_day to;
    /// Sorted; empty asks once for all sets.
    std::vector<std::string> sets;
    /// The most days of an item; at least 1.
    unsigned span = 1;

    friend bool operator==(const crawl_scope&, const crawl_scope&) = default;
};

/// A piece of work that takes seconds: a user and some days in a row.
struct work_item {
    /// The server as records name it.
    std::string server;
    std::string login_name;
    std::chrono::year_month_day from;
    /// Included.
    std::chrono::year_month_day to;
    std::vector<std::string> sets;

    /// The same on every machine and in every version: a digest of all of the above.
    std::string id() const;
    std::string to_json() const;
    /// Nothing if the text is no item, or one that cannot be asked.
    static std::optional<work_item> parse(std::string_view json);
    /// Its queries.
    bulk::crawl_plan plan() const { return {{login_name}, from, to, sets}; }
};

/// The number of items that each user of a crawl is.
std::uint64_t items_per_user(const crawl_scope& scope) noexcept;
/// Item number `index`, below `items_per_user`, of a user.
work_item item_of(const std::string& server, const std::string& login_name, const crawl_scope& scope,
                  std::uint64_t index);

/// What the fleet knows of a server, in the bucket of servers.
struct server_settings {
    std::string server;
    crawl_scope scope;
    /// Items that the whole fleet works on at a time.
    unsigned slots = 8;
    /// Queries of an item in flight at a time.
    unsigned in_flight = 4;
    /// Whether all items have been put in the queue: not while a plan runs, or after one was cut off.
    bool planned = false;

    std::string to_json() const;
    static std::optional<server_settings> parse(std::string_view json);
};

}  // namespace jobmode::fleet

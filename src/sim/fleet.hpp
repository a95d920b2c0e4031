// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jobmode::sim {

/// How large a fleet is, and which one of all those of its size.
struct fleet_config {
    fleet_config();

    unsigned users = 100;
    /// Backup sets of a user: from one to this many.
    unsigned sets = 2;
    /// Days that have jobs, of which `until` is the last.
    unsigned days = 365;
    std::chrono::year_month_day until{std::chrono::year(2024) / std::chrono::June / 30};
    std::uint64_t seed = 1;
};

/// A backup set.
struct backup_set {
    std::string id;
    std::string name;
    std::string type;
};

/// A job as the API reports it. A missing optional is a key that is left out.
struct job {
    /// `yyyy-MM-dd-HH-mm-ss`: when it began, or when one that did not run should have. Those of `bulk_job` have none.
    std::string id;
    std::optional<std::string> record_id;
    std::string login_name;
    std::optional<std::string> owner;
    std::string user_id;
    /// Whether the server writes the user's ID as a number.
    bool user_id_is_number = false;
    std::string start;
    std::string end;
    std::string set_id;
    std::string set_name;
    /// Empty stands for null.
    std::string mode;
    /// Decides the order of keys, and what else is odd about the record.
    std::uint64_t quirk = 0;
};

/// The customers of a made-up provider and their jobs: a pure function of the configuration, the user, the set and the
/// date. The user `obm` of the vendor's example is always among them, with the one job that the example shows.
/// Thread-safe once constructed.
class fleet {
public:
    explicit fleet(const fleet_config& config);

    /// Every login name, in a fixed order.
    const std::vector<std::string>& login_names() const noexcept { return names_; }
    bool has(std::string_view login_name) const { return index_of(login_name).has_value(); }
    /// A user's backup sets; none for an unknown user.
    std::vector<backup_set> sets(std::string_view login_name) const;
    /// The records of a date, of one set if given.
    std::vector<job> jobs(std::string_view login_name, std::chrono::year_month_day date,
                          std::string_view set_id = {}) const;
    /// The dates that have jobs at all, the first and the last.
    std::chrono::sys_days first_day() const noexcept;
    std::chrono::sys_days last_day() const noexcept { return config_.until; }

    /// A user whose name is `bulk-` and a number has that many records on every date; this is one of them.
    static job bulk_job(std::string_view login_name, std::uint64_t index);
    /// The number in such a name.
    static std::optional<std::uint64_t> bulk_size(std::string_view login_name) noexcept;

private:
    std::optional<std::size_t> index_of(std::string_view login_name) const;
    void add_jobs(std::vector<job>& out, std::size_t user, unsigned set, std::chrono::sys_days day) const;

    fleet_config config_;
    std::vector<std::string> names_;
    std::unordered_map<std::string_view, std::size_t> index_;
};

/// Appends a record as the server writes it: in an order of keys that depends on the job.
void append_record(std::string& out, const job& which);
/// Appends a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace jobmode::sim

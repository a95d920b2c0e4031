// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "sim/fleet.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace jobmode::sim {
namespace {

constexpr std::string_view example_user = "obm";
constexpr std::string_view example_set = "1687750405259";

std::uint64_t mix(std::uint64_t value) noexcept {
    value += 0x9E3779B97F4A7C15U;
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31U);
}

std::uint64_t hash_of(std::uint64_t seed, std::uint64_t user, std::uint64_t set, std::uint64_t day) noexcept {
    return mix(mix(mix(mix(seed) ^ user) ^ set) ^ day);
}

std::string padded(std::uint64_t value, std::size_t width) {
    std::string text = std::to_string(value);
    return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

std::string name_of(std::size_t user) {
    const std::string number = padded(user + 1, 4);
    if (user % 101 == 100)
        return "o\"brien\\" + number;
    if (user % 37 == 36)
        return "kundin-m\u00fcller-" + number;
    return "customer-" + number;
}

/// `yyyy-MM-dd`, a separator, and a time of day in seconds written with two more separators.
std::string stamp(std::chrono::sys_days day, unsigned second, char between, char within, char last) {
    const std::chrono::year_month_day date(day);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u%c%02u%c%02u%c%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), between, second / 3600,
                  within, second / 60 % 60, last, second % 60);
    return text.data();
}

std::string set_id_of(std::size_t user, unsigned set) {
    return std::to_string(1687000000000U + static_cast<std::uint64_t>(user) * 1000 + set);
}

std::string set_name_of(unsigned set) {
    static constexpr std::array names{"File Backup", "MS SQL Server Backup", "System State Backup", "VMware Backup"};
    return std::string(names[set % names.size()]) + (set < names.size() ? "" : " " + std::to_string(set));
}

job example_job() {
    job made;
    made.id = "2024-06-26-11-33-52";
    made.login_name = example_user;
    made.owner = "";
    made.user_id = example_user;
    made.start = "2024-06-26 11:33:52";
    // The vendor's own example has this semicolon.
    made.end = "2024-06-26 11;34:15";
    made.set_id = example_set;
    made.set_name = "v6 File Backup";
    made.mode = "M";
    return made;
}

}  // namespace

fleet_config::fleet_config() = default;

fleet::fleet(const fleet_config& config) : config_(config) {
    names_.reserve(config.users + 1);
    for (std::size_t user = 0; user != config.users; ++user)
        names_.push_back(name_of(user));
    names_.emplace_back(example_user);
    for (std::size_t user = 0; user != names_.size(); ++user)
        index_.emplace(names_[user], user);
}

std::chrono::sys_days fleet::first_day() const noexcept {
    return last_day() - std::chrono::days(config_.days) + std::chrono::days(1);
}

std::optional<std::size_t> fleet::index_of(std::string_view login_name) const {
    const auto found = index_.find(login_name);
    return found == index_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<backup_set> fleet::sets(std::string_view login_name) const {
    if (login_name == example_user)
        return {{std::string(example_set), "v6 File Backup", "FILE"}};
    const std::optional<std::size_t> user = index_of(login_name);
    std::vector<backup_set> found;
    if (!user || config_.sets == 0)
        return found;
    const auto count = static_cast<unsigned>(1 + hash_of(config_.seed, *user, 0, 0) % config_.sets);
    for (unsigned set = 0; set != count; ++set)
        found.push_back({set_id_of(*user, set), set_name_of(set), set == 1 ? "Microsoft SQL Server" : "FILE"});
    return found;
}

std::vector<job> fleet::jobs(std::string_view login_name, std::chrono::year_month_day date,
                             std::string_view set_id) const {
    std::vector<job> found;
    const std::optional<std::size_t> user = index_of(login_name);
    const std::chrono::sys_days day = date;
    if (login_name == example_user) {
        if (date == std::chrono::year(2024) / std::chrono::June / 26)
            found.push_back(example_job());
    } else if (user && day >= first_day() && day <= last_day()) {
        const std::size_t count = sets(login_name).size();
        for (unsigned set = 0; set != count; ++set)
            add_jobs(found, *user, set, day);
    }
    if (!set_id.empty())
        std::erase_if(found, [set_id](const job& one) { return one.set_id != set_id; });
    return found;
}

void fleet::add_jobs(std::vector<job>& out, std::size_t user, unsigned set, std::chrono::sys_days day) const {
    const std::uint64_t dice =
        hash_of(config_.seed, user, set + 1, static_cast<std::uint64_t>(day.time_since_epoch().count()));
    const std::uint64_t nature = hash_of(config_.seed, user, 0, 1);
    // One customer in twelve has a nightly backup that silently stopped within the last six weeks.
    const bool stopped = nature % 12 == 0 && last_day() - day < std::chrono::days(1 + nature / 12 % 42);

    const auto add = [&](std::string mode, unsigned start, unsigned length) {
        job made;
        const std::uint64_t quirk = mix(dice ^ start);
        made.id = stamp(day, start, '-', '-', '-');
        if (quirk % 16 != 0)
            made.record_id = std::to_string(quirk % 1'000'000'000);
        made.login_name = names_[user];
        if (nature % 5 != 0)
            made.owner = nature % 3 == 0 ? "reseller-" + padded(nature / 3 % 9 + 1, 2) : "";
        made.user_id = std::to_string(1'000'000 + user);
        made.user_id_is_number = nature % 7 == 0;
        made.start = stamp(day, start, ' ', ':', ':');
        made.end = stamp(day, std::min(start + length, 86399U), ' ', quirk % 64 == 0 ? ';' : ':', ':');
        made.set_id = set_id_of(user, set);
        made.set_name = set_name_of(set);
        made.mode = std::move(mode);
        made.quirk = quirk;
        out.push_back(std::move(made));
    };
    const auto night = static_cast<unsigned>(79200 + nature / 7 % 3600);
    const auto length = static_cast<unsigned>(30 + dice / 100 % 3000);
    const std::uint64_t lot = dice % 100;
    if (stopped) {
        if (lot < 50)
            add("", night, 0);
    } else if (lot < 86) {
        add("S", night, length);
    } else if (lot < 90) {
        add("M", static_cast<unsigned>(32400 + dice / 100 % 20000), length);
    } else if (lot < 92) {
        add("R", static_cast<unsigned>(36000 + dice / 100 % 20000), length);
    } else if (lot < 95) {
        add("", night, 0);
    } else if (lot < 98) {
        add("M", static_cast<unsigned>(32400 + dice / 100 % 20000), length);
        add("S", night, length);
    } else if (lot == 98) {
        add("X", night, length);
    }
}

job fleet::bulk_job(std::string_view login_name, std::uint64_t index) {
    job made;
    made.record_id = std::to_string(1'000'000'000 + index);
    made.login_name = login_name;
    made.owner = "reseller-01";
    made.user_id = "4711";
    const std::chrono::sys_days day =
        std::chrono::sys_days(std::chrono::year(2024) / 1 / 1) + std::chrono::days(index % 180);
    const auto start = static_cast<unsigned>(index * 37 % 80000);
    made.start = stamp(day, start, ' ', ':', ':');
    made.end = stamp(day, start + 61, ' ', ':', ':');
    made.set_id = "1687750405259";
    made.set_name = "v6 File Backup";
    made.mode = index % 10 == 0 ? "M" : "S";
    return made;
}

std::optional<std::uint64_t> fleet::bulk_size(std::string_view login_name) noexcept {
    static constexpr std::string_view prefix = "bulk-";
    if (!login_name.starts_with(prefix))
        return std::nullopt;
    login_name.remove_prefix(prefix.size());
    std::uint64_t size = 0;
    const auto [end, ec] = std::from_chars(login_name.data(), login_name.data() + login_name.size(), size);
    if (ec != std::errc() || end != login_name.data() + login_name.size() || size > 10'000'000)
        return std::nullopt;
    return size;
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            std::array<char, 8> escape{};
            std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
            out += escape.data();
        } else {
            out += c;
        }
    }
    out += '"';
}

void append_record(std::string& out, const job& which) {
    // Nine members beginning at any of them, forwards or backwards: enough orders to keep a reader honest.
    static constexpr std::size_t members = 9;
    const std::size_t first = which.quirk / 64 % members;
    const bool backwards = which.quirk / 1024 % 2 == 1;
    bool any = false;
    const auto key = [&](std::string_view name) {
        if (std::exchange(any, true))
            out += ',';
        append_json_string(out, name);
        out += ':';
    };
    const auto member = [&](std::string_view name, std::string_view value) {
        key(name);
        append_json_string(out, value);
    };
    out += '{';
    for (std::size_t step = 0; step != members; ++step) {
        switch ((backwards ? first + members - step : first + step) % members) {
            case 0:
                member("BackupSetName", which.set_name);
                break;
            case 1:
                member("LoginName", which.login_name);
                break;
            case 2:
                if (which.owner)
                    member("Owner", *which.owner);
                break;
            case 3:
                member("EndTime", which.end);
                break;
            case 4:
                key("UserId");
                if (which.user_id_is_number)
                    out += which.user_id;
                else
                    append_json_string(out, which.user_id);
                break;
            case 5:
                member("StartTime", which.start);
                break;
            case 6:
                key("BackupJobMode");
                if (which.mode.empty())
                    out += "null";
                else
                    append_json_string(out, which.mode);
                break;
            case 7:
                member("BackupSetID", which.set_id);
                break;
            default:
                if (which.record_id)
                    member("ID", *which.record_id);
                break;
        }
    }
    if (which.quirk % 256 == 7) {
        key("Statistics");
        out += R"({"Files":[{"New":12,"Ratio":-0.5e-1},[],null],"Note":"\u00fc \"quoted\""})";
    }
    out += '}';
}

}  // namespace jobmode::sim

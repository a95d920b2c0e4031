// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/asked_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <tuple>
#include <utility>

#include "store/day.hpp"
#include "store/json_text.hpp"

namespace jobmode::store {
namespace {

constexpr std::array<std::string_view, 4> ending_names{"answered", "failed", "skipped", "unseen"};

void append_member(std::string& out, std::string_view key, std::string_view value) {
    out += out.ends_with('{') ? "\"" : ",\"";
    out += key;
    out += "\":";
    append_json_string(out, value);
}

}  // namespace

std::string moment_text(moment at) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &local);
    const long offset = local.tm_gmtoff / 60;
    return fmt::format("{}{}{:02}:{:02}", std::string_view(text.data(), size), offset < 0 ? '-' : '+',
                       std::labs(offset) / 60, std::labs(offset) % 60);
}

void asked_log::add(ending how, std::string_view server, const query& asked, std::string_view error, moment at) {
    entry& made = entries_.emplace_back();
    made.server = server;
    made.login_name = asked.login_name;
    made.has_set = asked.backup_set_id.has_value();
    made.set = asked.backup_set_id.value_or(std::string());
    made.how = how;
    made.error = error;
    made.day = asked.backup_date.date();
    made.at = at;
}

void asked_log::answered(std::string_view server, const query& asked, moment at) {
    add(ending::answered, server, asked, {}, at);
}

void asked_log::failed(std::string_view server, const query& asked, std::string_view error, moment at) {
    add(ending::failed, server, asked, error, at);
}

void asked_log::skipped(std::string_view server, const query& skipped, moment at) {
    add(ending::skipped, server, skipped, {}, at);
}

void asked_log::unseen(std::string_view server, std::string_view error, moment at) {
    entry& made = entries_.emplace_back();
    made.server = server;
    made.how = ending::unseen;
    made.error = error;
    made.at = at;
}

void asked_log::listed(std::string_view server, const std::vector<std::string>& users, moment at) {
    std::string line = "{";
    append_member(line, "Server", server);
    append_member(line, "Ended", "listed");
    line += ",\"Users\":[";
    for (const std::string& user : users) {
        line += line.ends_with('[') ? "" : ",";
        append_json_string(line, user);
    }
    line += ']';
    append_member(line, "At", moment_text(at));
    listings_ += line + "}\n";
}

std::string asked_log::take_lines() {
    std::ranges::sort(entries_);
    const auto about = [](const entry& one) {
        return std::tie(one.server, one.login_name, one.set, one.has_set, one.how, one.error);
    };
    std::string lines = std::exchange(listings_, {});
    for (auto first = entries_.begin(); first != entries_.end();) {
        auto last = first;
        moment at = first->at;
        auto next = std::next(first);
        for (; next != entries_.end() && about(*next) == about(*first) && next->day - last->day <= std::chrono::days(1);
             ++next) {
            at = std::min(at, next->at);
            last = next;
        }
        std::string line = "{";
        append_member(line, "Server", first->server);
        if (first->how != ending::unseen) {
            append_member(line, "LoginName", first->login_name);
            if (first->has_set)
                append_member(line, "BackupSetID", first->set);
            append_member(line, "From", day_text(first->day));
            append_member(line, "To", day_text(last->day));
        }
        append_member(line, "Ended", ending_names[static_cast<std::size_t>(first->how)]);
        if (!first->error.empty())
            append_member(line, "Error", first->error);
        append_member(line, "At", moment_text(at));
        lines += line + "}\n";
        first = next;
    }
    entries_.clear();
    return lines;
}

}  // namespace jobmode::store

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/collect_checkpoint.hpp"

#include <fmt/format.h>

#include <array>

namespace jobmode::store {
namespace {

constexpr std::array<checkpoint_table, 2> collect_tables{{
    {"collected", "CREATE TABLE collected(item TEXT PRIMARY KEY) WITHOUT ROWID"},
    {"failures",
     "CREATE TABLE failures(number INTEGER PRIMARY KEY, login_name TEXT NOT NULL, date TEXT NOT NULL,"
     " backup_set TEXT NOT NULL, has_set INTEGER NOT NULL, error TEXT NOT NULL, message TEXT NOT NULL,"
     " attempts INTEGER NOT NULL)"},
}};

constexpr checkpoint_kind collect_kind{"collection", "collect anew", "fleet-3", collect_tables};

}  // namespace

collect_checkpoint::collect_checkpoint(const std::string& path) : file_(path, collect_kind) {
    if (!file_.begun())
        return;
    const auto value = [this](std::string_view key) { return file_.value(key); };
    identity_ = {value("server"), value("stream"), value("format"), value("out")};
    created_ = static_cast<std::int64_t>(file_.number("created"));
    position_ = file_.number("position");
    output_ = {file_.number("output_bytes"), file_.number("asked_bytes")};
}

std::string collect_checkpoint::difference(const collect_identity& wanted) const {
    const auto differs = [](std::string_view what, const std::string& before, const std::string& now) {
        return before == now ? std::string() : fmt::format("{} was {} and is {} now", what, before, now);
    };
    if (std::string found = differs("the server", identity_.server, wanted.server); !found.empty())
        return found;
    if (std::string found = differs("--stream", identity_.stream, wanted.stream); !found.empty())
        return found;
    if (std::string found = differs("--format", identity_.format, wanted.format); !found.empty())
        return found;
    return differs("--out, as seen from the state's folder,", identity_.out, wanted.out);
}

void collect_checkpoint::begin(const collect_identity& identity) {
    checkpoint::change all(file_);
    all.clear();
    all.set("server", identity.server);
    all.set("stream", identity.stream);
    all.set("format", identity.format);
    all.set("out", identity.out);
    all.set("created", "0");
    all.set("position", "0");
    all.set("output_bytes", "0");
    all.set("asked_bytes", "0");
    all.commit();
    identity_ = identity;
}

bool collect_checkpoint::has(std::string_view item) {
    if (new_items_.contains(std::string(item)))
        return true;
    statement find = file_.prepare("SELECT 1 FROM collected WHERE item = ?");
    return find.bind(0, item).step();
}

std::uint64_t collect_checkpoint::items() {
    statement count = file_.prepare("SELECT count(*) FROM collected");
    count.step();
    return static_cast<std::uint64_t>(count.integer(0)) + new_items_.size();
}

void collect_checkpoint::add_item(std::string_view item) {
    new_items_.emplace(item);
}

void collect_checkpoint::commit(std::int64_t created, std::uint64_t position, const sink_position& output) {
    statement last = file_.prepare("SELECT ifnull(max(number), 0) FROM failures");
    last.step();
    std::int64_t number = last.integer(0);
    last.reset();
    checkpoint::change all(file_);
    for (const std::string& item : new_items_)
        all.put("collected", {std::string_view(item)});
    for (const failure_row& row : new_failures_)
        all.put("failures", {++number, std::string_view(row.asked.login_name), row.asked.backup_date.text(),
                             row.asked.backup_set_id ? std::string_view(*row.asked.backup_set_id) : std::string_view(),
                             std::int64_t{row.asked.backup_set_id.has_value()}, std::string_view(row.failed.error),
                             std::string_view(row.failed.message), std::int64_t{row.failed.attempts}});
    const auto set = [&all](std::string_view key, const std::string& value) { all.set(key, value); };
    set("created", std::to_string(created));
    set("position", std::to_string(position));
    set("output_bytes", std::to_string(output.output));
    set("asked_bytes", std::to_string(output.asked));
    all.commit();
    created_ = created;
    position_ = position;
    output_ = output;
    new_items_.clear();
    new_failures_.clear();
}

}  // namespace jobmode::store

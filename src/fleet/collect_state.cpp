// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/collect_state.hpp"

#include <fmt/format.h>

#include <charconv>

namespace jobmode::fleet {
namespace {

constexpr std::string_view layout = "fleet-1";

template <class Number>
Number number_of(const std::string& text) {
    Number parsed = 0;
    std::from_chars(text.data(), text.data() + text.size(), parsed);
    return parsed;
}

}  // namespace

collect_state::collect_state(const std::string& path) : database_(path) {
    database_.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL; BEGIN EXCLUSIVE");
    cli::statement list = database_.prepare("SELECT count(*), sum(name = 'collected') FROM sqlite_schema");
    list.step();
    if (list.integer(0) != 0 && list.integer(1) == 0)
        throw cli::database_error(
            fmt::format("{} is a database of something else: name another file with --state", path), SQLITE_NOTADB);
    list.reset();
    database_.execute(
        "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS collected(item TEXT PRIMARY KEY) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS failures(number INTEGER PRIMARY KEY, login_name TEXT NOT NULL, date TEXT NOT NULL,"
        " backup_set TEXT NOT NULL, has_set INTEGER NOT NULL, error TEXT NOT NULL, message TEXT NOT NULL,"
        " attempts INTEGER NOT NULL);"
        "COMMIT");
    const std::string found = value("layout");
    if (found.empty())
        return;
    if (found != layout)
        throw cli::database_error(fmt::format("{} was written by another version of this program", path), SQLITE_ERROR);
    begun_ = true;
    identity_ = {value("server"), value("stream"), value("format"), value("out")};
    created_ = number_of<std::int64_t>(value("created"));
    position_ = number_of<std::uint64_t>(value("position"));
    output_bytes_ = number_of<std::uint64_t>(value("output_bytes"));
}

std::string collect_state::difference(const collect_identity& wanted) const {
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

void collect_state::begin(const collect_identity& identity) {
    cli::transaction all(database_);
    set_value("layout", layout);
    set_value("server", identity.server);
    set_value("stream", identity.stream);
    set_value("format", identity.format);
    set_value("out", identity.out);
    all.commit();
    identity_ = identity;
    begun_ = true;
}

bool collect_state::has(std::string_view item) {
    if (new_items_.contains(std::string(item)))
        return true;
    cli::statement find = database_.prepare("SELECT 1 FROM collected WHERE item = ?");
    return find.bind(0, item).step();
}

std::uint64_t collect_state::items() {
    cli::statement count = database_.prepare("SELECT count(*) FROM collected");
    count.step();
    return static_cast<std::uint64_t>(count.integer(0)) + new_items_.size();
}

void collect_state::add_item(std::string_view item) {
    new_items_.emplace(item);
}

void collect_state::commit(std::int64_t created, std::uint64_t position, std::uint64_t output_bytes) {
    cli::transaction all(database_);
    cli::statement add = database_.prepare("INSERT INTO collected(item) VALUES(?)");
    for (const std::string& item : new_items_)
        add.bind(0, item).run();
    cli::statement fail = database_.prepare(
        "INSERT INTO failures(login_name, date, backup_set, has_set, error, message, attempts) "
        "VALUES(?, ?, ?, ?, ?, ?, ?)");
    for (const failure_row& row : new_failures_) {
        const std::string set = row.asked.backup_set_id.value_or(std::string());
        fail.bind(0, row.asked.login_name)
            .bind(1, row.asked.backup_date.text())
            .bind(2, set)
            .bind(3, std::int64_t{row.asked.backup_set_id.has_value()})
            .bind(4, row.failed.error)
            .bind(5, row.failed.message)
            .bind(6, std::int64_t{row.failed.attempts})
            .run();
    }
    set_value("created", std::to_string(created));
    set_value("position", std::to_string(position));
    set_value("output_bytes", std::to_string(output_bytes));
    all.commit();
    created_ = created;
    position_ = position;
    output_bytes_ = output_bytes;
    new_items_.clear();
    new_failures_.clear();
}

std::string collect_state::value(std::string_view key) {
    cli::statement find = database_.prepare("SELECT value FROM meta WHERE key = ?");
    return find.bind(0, key).step() ? find.text(0) : std::string();
}

void collect_state::set_value(std::string_view key, std::string_view value) {
    cli::statement put = database_.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)");
    put.bind(0, key).bind(1, value).run();
}

}  // namespace jobmode::fleet

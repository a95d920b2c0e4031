// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/crawl_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <set>
#include <utility>

namespace jobmode::cli {
namespace {

constexpr std::string_view layout = "2";

// A commit writes the blocks in which something changed, and not the whole set.
constexpr std::size_t block_bytes = 1024;

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// Undoes what was begun unless it is committed.
class transaction {
public:
    explicit transaction(database& in) : in_(in) { in_.execute("BEGIN IMMEDIATE"); }
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    ~transaction() {
        if (open_)
            try {
                in_.execute("ROLLBACK");
            } catch (const database_error&) {
                // SQLite has rolled back by itself, as it does when the disk is full.
                return;
            }
    }
    void commit() {
        in_.execute("COMMIT");
        open_ = false;
    }

private:
    database& in_;
    bool open_ = true;
};

}  // namespace

std::uint64_t index_set::count() const noexcept {
    std::uint64_t total = 0;
    for (const char byte : bits_)
        total += static_cast<std::uint64_t>(std::popcount(static_cast<unsigned char>(byte)));
    return total;
}

crawl_state::crawl_state(const std::string& path) : database_(path) {
    database_.execute(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL;"
        "BEGIN EXCLUSIVE;"
        "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS users(number INTEGER PRIMARY KEY, name TEXT NOT NULL);"
        "CREATE TABLE IF NOT EXISTS done(block INTEGER PRIMARY KEY, bits BLOB NOT NULL);"
        "CREATE TABLE IF NOT EXISTS failed(query INTEGER PRIMARY KEY, error TEXT NOT NULL, message TEXT NOT NULL,"
        "                                  attempts INTEGER NOT NULL);"
        "COMMIT;");
    const std::string found = value("layout");
    if (!found.empty() && found != layout)
        throw database_error(
            fmt::format("{} was written by another version of this program: finish that crawl with it, or remove the "
                        "file and crawl anew",
                        path),
            SQLITE_ERROR);
    const std::string reached = value("stage");
    stage_ = reached == "finished" ? stage::finished : reached == "unfinished" ? stage::unfinished : stage::none;
    identity_ = {value("server"), value("users"),  value("from"),  value("to"),
                 value("sets"),   value("format"), value("shard"), value("out")};
    output_bytes_ = number(value("output_bytes"));
    records_ = number(value("records"));
}

std::string crawl_state::difference(const crawl_identity& wanted) const {
    const auto differs = [](std::string_view what, const std::string& before, const std::string& now) {
        return before == now ? std::string() : fmt::format("{} was {} and is {} now", what, before, now);
    };
    if (std::string found = differs("the server", identity_.server, wanted.server); !found.empty())
        return found;
    if (identity_.users != wanted.users)
        return "the list of users is another one";
    if (std::string found = differs("--from", identity_.from, wanted.from); !found.empty())
        return found;
    if (std::string found = differs("--to", identity_.to, wanted.to); !found.empty())
        return found;
    if (identity_.sets != wanted.sets)
        return "the backup sets are others";
    if (std::string found = differs("--format", identity_.format, wanted.format); !found.empty())
        return found;
    static constexpr auto shard_text = [](const crawl_identity& of) {
        return of.shard.empty() ? std::string("that of a whole crawl") : of.shard;
    };
    if (std::string found = differs("--shard", shard_text(identity_), shard_text(wanted)); !found.empty())
        return found;
    return differs("--out, as seen from the state's folder,", identity_.out, wanted.out);
}

void crawl_state::begin(const crawl_identity& identity, const std::vector<std::string>& users, std::uint64_t total) {
    transaction all(database_);
    database_.execute("DELETE FROM meta; DELETE FROM users; DELETE FROM done; DELETE FROM failed;");
    set_value("layout", layout);
    set_value("stage", "unfinished");
    set_value("server", identity.server);
    set_value("users", identity.users);
    set_value("from", identity.from);
    set_value("to", identity.to);
    set_value("sets", identity.sets);
    set_value("format", identity.format);
    set_value("shard", identity.shard);
    set_value("out", identity.out);
    set_value("output_bytes", "0");
    set_value("records", "0");
    statement add = database_.prepare("INSERT INTO users(name) VALUES(?)");
    for (const std::string& name : users)
        add.bind(0, name).run();
    all.commit();
    stage_ = stage::unfinished;
    identity_ = identity;
    done_ = index_set(total);
    done_count_ = output_bytes_ = records_ = 0;
}

std::vector<std::string> crawl_state::users() {
    std::vector<std::string> names;
    statement all = database_.prepare("SELECT name FROM users ORDER BY number");
    while (all.step())
        names.push_back(all.text(0));
    return names;
}

void crawl_state::load(std::uint64_t total) {
    done_ = index_set(total);
    statement blocks = database_.prepare("SELECT block, bits FROM done");
    while (blocks.step()) {
        const auto at = static_cast<std::size_t>(blocks.integer(0)) * block_bytes;
        const std::string bits = blocks.text(1);
        if (at < done_.bytes().size())
            std::copy_n(bits.begin(), std::min(bits.size(), done_.bytes().size() - at),
                        done_.bytes().begin() + static_cast<std::ptrdiff_t>(at));
    }
    done_count_ = done_.count();
}

std::uint64_t crawl_state::failed_count() {
    statement count = database_.prepare("SELECT count(*) FROM failed");
    count.step();
    return static_cast<std::uint64_t>(count.integer(0));
}

void crawl_state::mark_done(std::uint64_t index, std::uint64_t records) {
    done_.insert(index);
    ++done_count_;
    records_ += records;
    newly_done_.push_back(index);
}

void crawl_state::mark_failed(std::uint64_t index, failed_query failed) {
    newly_failed_.insert_or_assign(index, std::move(failed));
}

void crawl_state::commit(std::uint64_t output_bytes) {
    write(output_bytes, stage::unfinished);
}

void crawl_state::finish(std::uint64_t output_bytes) {
    write(output_bytes, stage::finished);
}

void crawl_state::write(std::uint64_t output_bytes, stage reached) {
    transaction all(database_);
    std::set<std::uint64_t> blocks;
    statement forget = database_.prepare("DELETE FROM failed WHERE query = ?");
    for (const std::uint64_t index : newly_done_) {
        blocks.insert(index / 8 / block_bytes);
        forget.bind(0, static_cast<std::int64_t>(index)).run();
    }
    statement put = database_.prepare("INSERT OR REPLACE INTO done(block, bits) VALUES(?, ?)");
    for (const std::uint64_t block : blocks) {
        const auto at = static_cast<std::size_t>(block) * block_bytes;
        put.bind(0, static_cast<std::int64_t>(block));
        put.bind_blob(1, {done_.bytes().data() + at, std::min(block_bytes, done_.bytes().size() - at)}).run();
    }
    statement fail =
        database_.prepare("INSERT OR REPLACE INTO failed(query, error, message, attempts) VALUES(?, ?, ?, ?)");
    for (const auto& [index, failed] : newly_failed_)
        fail.bind(0, static_cast<std::int64_t>(index))
            .bind(1, failed.error)
            .bind(2, failed.message)
            .bind(3, std::int64_t{failed.attempts})
            .run();
    set_value("output_bytes", std::to_string(output_bytes));
    set_value("records", std::to_string(records_));
    set_value("stage", reached == stage::finished ? "finished" : "unfinished");
    all.commit();
    output_bytes_ = output_bytes;
    stage_ = reached;
    newly_done_.clear();
    newly_failed_.clear();
}

std::string crawl_state::value(std::string_view key) {
    statement find = database_.prepare("SELECT value FROM meta WHERE key = ?");
    return find.bind(0, key).step() ? find.text(0) : std::string();
}

void crawl_state::set_value(std::string_view key, std::string_view value) {
    statement put = database_.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)");
    put.bind(0, key).bind(1, value).run();
}

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/crawl_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

namespace jobmode::cli {
namespace {

constexpr std::string_view layout = "4";

constexpr std::string_view meta_table = "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";

// As SQLite keeps them, so that a file with anything else in it is known to be another program's.
constexpr std::array<std::string_view, 6> tables{
    "CREATE TABLE done(block INTEGER PRIMARY KEY, bits BLOB NOT NULL)",
    "CREATE TABLE failed(query INTEGER PRIMARY KEY, error TEXT NOT NULL, message TEXT NOT NULL, attempts INTEGER NOT "
    "NULL)",
    meta_table,
    "CREATE TABLE sections(number INTEGER PRIMARY KEY, server TEXT NOT NULL, total INTEGER NOT NULL)",
    "CREATE TABLE skipped(block INTEGER PRIMARY KEY, bits BLOB NOT NULL)",
    "CREATE TABLE users(number INTEGER PRIMARY KEY, section INTEGER NOT NULL, name TEXT NOT NULL)",
};

// A commit writes the blocks in which something changed, and not the whole set.
constexpr std::size_t block_bytes = 1024;

/// A set of `count` queries has room for so many: it is made of whole blocks, which keep their size when it grows.
std::uint64_t in_whole_blocks(std::uint64_t count) {
    static constexpr std::uint64_t block = block_bytes * 8;
    return (count + block - 1) / block * block;
}

[[noreturn]] void report_damage(const std::string& path, std::string_view what) {
    throw database_error(
        fmt::format("{} is damaged ({}): put an intact copy in its place, or remove it to crawl anew", path, what),
        SQLITE_CORRUPT);
}

[[noreturn]] void report_version(const std::string& path) {
    throw database_error(
        fmt::format("{} was written by another version of this program: finish that crawl with it, or remove the file "
                    "and crawl anew",
                    path),
        SQLITE_ERROR);
}

std::string value_of(database& in, std::string_view key) {
    statement find = in.prepare("SELECT value FROM meta WHERE key = ?");
    return find.bind(0, key).step() ? find.text(0) : std::string();
}

/// Makes the tables where there is nothing at all, and otherwise wants them and nothing else.
void check_tables(database& in) {
    statement list = in.prepare("SELECT sql FROM sqlite_schema ORDER BY name");
    std::size_t found = 0;
    bool ours = true;
    bool has_meta = false;
    for (; list.step(); ++found) {
        const std::string sql = list.text(0);
        ours = ours && found < tables.size() && sql == tables[found];
        has_meta = has_meta || sql == meta_table;
    }
    if (found != 0 && (!ours || found != tables.size())) {
        if (has_meta && !value_of(in, "layout").empty())
            report_version(in.path());
        throw database_error(
            fmt::format("{} is a database of something else: name another file with --state", in.path()),
            SQLITE_NOTADB);
    }
    // A file whose first page is gone looks as if it had no tables.
    {
        statement check = in.prepare("PRAGMA integrity_check(1)");
        if (!check.step() || check.text(0) != "ok")
            report_damage(in.path(), check.text(0));
    }
    if (found == 0)
        for (const std::string_view sql : tables)
            in.prepare(sql).run();
}

}  // namespace

crawl_state::crawl_state(const std::string& path) : database_(path) {
    database_.execute(
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL;"
        "BEGIN EXCLUSIVE");
    check_tables(database_);
    database_.execute("COMMIT");
    const std::string found = value("layout");
    if (found.empty()) {
        statement others = database_.prepare("SELECT 1 FROM meta");
        if (others.step())
            report_damage(path, "it has no layout");
        return;
    }
    if (found != layout)
        report_version(path);
    const std::string reached = value("stage");
    if (reached != "finished" && reached != "unfinished")
        report_damage(path, "it is neither finished nor unfinished");
    stage_ = reached == "finished" ? stage::finished : stage::unfinished;
    identity_ = {value("servers"), value("users"), value("from"), value("to"), value("sets"),
                 value("format"),  value("shard"), value("plan"), value("out")};
    output_bytes_ = number("output_bytes");
    records_ = number("records");
}

std::string crawl_state::difference(const crawl_identity& wanted) const {
    const auto differs = [](std::string_view what, const std::string& before, const std::string& now) {
        return before == now ? std::string() : fmt::format("{} was {} and is {} now", what, before, now);
    };
    if (identity_.servers.find('\n') == std::string::npos && wanted.servers.find('\n') == std::string::npos) {
        if (std::string found = differs("the server", identity_.servers, wanted.servers); !found.empty())
            return found;
    } else if (identity_.servers != wanted.servers) {
        return "the servers are others";
    }
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
    if (std::string found = differs("--plan", identity_.plan, wanted.plan); !found.empty())
        return found;
    return differs("--out, as seen from the state's folder,", identity_.out, wanted.out);
}

void crawl_state::begin(const crawl_identity& identity) {
    transaction all(database_);
    database_.execute(
        "DELETE FROM meta; DELETE FROM sections; DELETE FROM users; DELETE FROM skipped; DELETE FROM done;"
        "DELETE FROM failed;");
    set_value("layout", layout);
    set_value("stage", "unfinished");
    set_value("servers", identity.servers);
    set_value("users", identity.users);
    set_value("from", identity.from);
    set_value("to", identity.to);
    set_value("sets", identity.sets);
    set_value("format", identity.format);
    set_value("shard", identity.shard);
    set_value("plan", identity.plan);
    set_value("out", identity.out);
    set_value("output_bytes", "0");
    set_value("records", "0");
    all.commit();
    stage_ = stage::unfinished;
    identity_ = identity;
    skipped_ = done_ = index_set();
    total_ = done_count_ = output_bytes_ = records_ = 0;
}

void crawl_state::add(const crawl_section& section, const index_set& skipped) {
    const std::uint64_t room = in_whole_blocks(total_ + section.total);
    index_set all_skipped = skipped_;
    all_skipped.extend(room);
    std::set<std::uint64_t> blocks;
    for (std::uint64_t index = 0; index != section.total; ++index)
        if (skipped.contains(index)) {
            all_skipped.insert(total_ + index);
            blocks.insert((total_ + index) / 8 / block_bytes);
        }
    transaction all(database_);
    statement put = database_.prepare("INSERT INTO sections(server, total) VALUES(?, ?)");
    put.bind(0, section.server).bind(1, static_cast<std::int64_t>(section.total)).run();
    statement last = database_.prepare("SELECT max(number) FROM sections");
    last.step();
    const std::int64_t number = last.integer(0);
    statement add_user = database_.prepare("INSERT INTO users(section, name) VALUES(?, ?)");
    for (const std::string& name : section.users)
        add_user.bind(0, number).bind(1, name).run();
    write_blocks("skipped", all_skipped, blocks);
    all.commit();
    skipped_ = std::move(all_skipped);
    done_.extend(room);
    total_ += section.total;
}

std::vector<crawl_section> crawl_state::sections() {
    std::vector<crawl_section> found;
    statement all = database_.prepare("SELECT number, server, total FROM sections ORDER BY number");
    statement names = database_.prepare("SELECT name FROM users WHERE section = ? ORDER BY number");
    while (all.step()) {
        crawl_section& section = found.emplace_back();
        section.server = all.text(1);
        section.total = static_cast<std::uint64_t>(all.integer(2));
        names.bind(0, all.integer(0));
        while (names.step())
            section.users.push_back(names.text(0));
        names.reset();
    }
    return found;
}

void crawl_state::load(const std::vector<std::uint64_t>& totals) {
    const std::string& path = database_.path();
    const std::vector<crawl_section> known = sections();
    if (known.size() != totals.size())
        report_damage(path, fmt::format("it is of {} servers, and not of {}", known.size(), totals.size()));
    total_ = 0;
    for (std::size_t index = 0; index != totals.size(); ++index) {
        if (known[index].total != totals[index])
            report_damage(path, fmt::format("it is of {} queries, and not of {}", known[index].total, totals[index]));
        total_ += totals[index];
    }
    read_set("skipped", skipped_);
    read_set("done", done_);
    for (std::size_t at = 0; at != done_.bytes().size(); ++at)
        if ((done_.bytes()[at] & skipped_.bytes()[at]) != 0)
            report_damage(path, "queries are both done and skipped");
    done_count_ = done_.count();
    for_each_failed([&](std::uint64_t index, const failed_query&) {
        if (index >= total_ || done_.contains(index) || skipped_.contains(index))
            report_damage(path, "queries have failed that it does not have, or that are done");
    });
}

/// Reads a set of queries, of which each must be one that there is.
void crawl_state::read_set(std::string_view table, index_set& into) {
    const auto refuse = [&] {
        report_damage(database_.path(), fmt::format("queries are {} that it does not have", table));
    };
    into = index_set(in_whole_blocks(total_));
    std::vector<char>& bytes = into.bytes();
    statement blocks = database_.prepare(fmt::format("SELECT block, bits FROM {}", table));
    while (blocks.step()) {
        const auto block = static_cast<std::uint64_t>(blocks.integer(0));
        const std::string bits = blocks.blob(1);
        if (block >= bytes.size() / block_bytes || bits.size() != block_bytes)
            refuse();
        std::ranges::copy(bits, bytes.begin() + static_cast<std::ptrdiff_t>(block * block_bytes));
    }
    for (std::uint64_t beyond = total_; beyond < bytes.size() * 8; ++beyond)
        if (into.contains(beyond))
            refuse();
}

void crawl_state::write_blocks(std::string_view table, const index_set& from, const std::set<std::uint64_t>& blocks) {
    statement put = database_.prepare(fmt::format("INSERT OR REPLACE INTO {}(block, bits) VALUES(?, ?)", table));
    for (const std::uint64_t block : blocks) {
        const auto at = static_cast<std::size_t>(block) * block_bytes;
        put.bind(0, static_cast<std::int64_t>(block));
        put.bind_blob(1, {from.bytes().data() + at, block_bytes}).run();
    }
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
    write_blocks("done", done_, blocks);
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

std::uint64_t crawl_state::number(std::string_view key) {
    const std::string text = value(key);
    std::uint64_t parsed = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (ec != std::errc() || end != text.data() + text.size())
        report_damage(database_.path(), fmt::format("its {} is not a number", key));
    return parsed;
}

std::string crawl_state::value(std::string_view key) {
    return value_of(database_, key);
}

void crawl_state::set_value(std::string_view key, std::string_view value) {
    statement put = database_.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)");
    put.bind(0, key).bind(1, value).run();
}

}  // namespace jobmode::cli

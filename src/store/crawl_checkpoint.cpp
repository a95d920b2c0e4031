// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/crawl_checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace jobmode::store {
namespace {

constexpr std::array<checkpoint_table, 5> crawl_tables{{
    {"done", "CREATE TABLE done(block INTEGER PRIMARY KEY, bits BLOB NOT NULL)"},
    {"failed",
     "CREATE TABLE failed(query INTEGER PRIMARY KEY, error TEXT NOT NULL, message TEXT NOT NULL, attempts INTEGER NOT "
     "NULL)"},
    {"sections", "CREATE TABLE sections(number INTEGER PRIMARY KEY, server TEXT NOT NULL, total INTEGER NOT NULL)"},
    {"skipped", "CREATE TABLE skipped(block INTEGER PRIMARY KEY, bits BLOB NOT NULL)"},
    {"users", "CREATE TABLE users(number INTEGER PRIMARY KEY, section INTEGER NOT NULL, name TEXT NOT NULL)"},
}};

constexpr checkpoint_kind crawl_kind{"crawl", "crawl anew", "6", crawl_tables};

// A commit writes the blocks in which something changed, and not the whole set.
constexpr std::size_t block_bytes = 1024;

/// A set of `count` queries has room for so many: it is made of whole blocks, which keep their size when it grows.
std::uint64_t in_whole_blocks(std::uint64_t count) {
    static constexpr std::uint64_t block = block_bytes * 8;
    return (count + block - 1) / block * block;
}

}  // namespace

crawl_checkpoint::crawl_checkpoint(const std::string& path) : file_(path, crawl_kind) {
    if (!file_.begun())
        return;
    const auto value = [this](std::string_view key) { return file_.value(key); };
    stage_ = value("stage") == "finished" ? stage::finished : stage::unfinished;
    identity_ = {value("servers"), value("users"), value("from"), value("to"), value("sets"),
                 value("format"),  value("shard"), value("plan"), value("out")};
    position_ = {file_.number("output_bytes"), file_.number("asked_bytes")};
    records_ = file_.number("records");
    statement count = file_.prepare("SELECT count(*) FROM failed");
    count.step();
    failed_count_ = static_cast<std::uint64_t>(count.integer(0));
}

std::string crawl_checkpoint::difference(const crawl_identity& wanted) const {
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

void crawl_checkpoint::begin(const crawl_identity& identity) {
    checkpoint::change all(file_);
    all.clear();
    all.set("stage", "unfinished");
    all.set("servers", identity.servers);
    all.set("users", identity.users);
    all.set("from", identity.from);
    all.set("to", identity.to);
    all.set("sets", identity.sets);
    all.set("format", identity.format);
    all.set("shard", identity.shard);
    all.set("plan", identity.plan);
    all.set("out", identity.out);
    all.set("output_bytes", "0");
    all.set("asked_bytes", "0");
    all.set("records", "0");
    all.commit();
    stage_ = stage::unfinished;
    identity_ = identity;
    skipped_ = done_ = index_set();
    total_ = failed_count_ = done_count_ = records_ = 0;
    position_ = {};
}

void crawl_checkpoint::add(const crawl_section& section, const index_set& skipped) {
    const std::uint64_t room = in_whole_blocks(total_ + section.total);
    index_set all_skipped = skipped_;
    all_skipped.extend(room);
    std::set<std::uint64_t> blocks;
    for (std::uint64_t index = 0; index != section.total; ++index)
        if (skipped.contains(index)) {
            all_skipped.insert(total_ + index);
            blocks.insert((total_ + index) / 8 / block_bytes);
        }
    const auto next_of = [this](const char* sql) {
        statement last = file_.prepare(sql);
        last.step();
        return last.integer(0) + 1;
    };
    const std::int64_t number = next_of("SELECT ifnull(max(number), 0) FROM sections");
    std::int64_t user = next_of("SELECT ifnull(max(number), 0) FROM users");
    checkpoint::change all(file_);
    all.put("sections", {number, std::string_view(section.server), static_cast<std::int64_t>(section.total)});
    for (const std::string& name : section.users)
        all.put("users", {user++, number, std::string_view(name)});
    put_blocks(all, "skipped", all_skipped, blocks);
    all.commit();
    skipped_ = std::move(all_skipped);
    done_.extend(room);
    total_ += section.total;
}

std::vector<crawl_section> crawl_checkpoint::sections() {
    std::vector<crawl_section> found;
    statement all = file_.prepare("SELECT number, server, total FROM sections ORDER BY number");
    statement names = file_.prepare("SELECT name FROM users WHERE section = ? ORDER BY number");
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

void crawl_checkpoint::load(const std::vector<std::uint64_t>& totals) {
    const std::vector<crawl_section> known = sections();
    if (known.size() != totals.size())
        file_.report_damage(fmt::format("it is of {} servers, and not of {}", known.size(), totals.size()));
    total_ = 0;
    for (std::size_t index = 0; index != totals.size(); ++index) {
        if (known[index].total != totals[index])
            file_.report_damage(fmt::format("it is of {} queries, and not of {}", known[index].total, totals[index]));
        total_ += totals[index];
    }
    read_set("skipped", skipped_);
    read_set("done", done_);
    for (std::size_t at = 0; at != done_.bytes().size(); ++at)
        if ((done_.bytes()[at] & skipped_.bytes()[at]) != 0)
            file_.report_damage("queries are both done and skipped");
    done_count_ = done_.count();
    for_each_failed([&](std::uint64_t index, const failed_query&) {
        if (index >= total_ || done_.contains(index) || skipped_.contains(index))
            file_.report_damage("queries have failed that it does not have, or that are done");
    });
}

/// Reads a set of queries, of which each must be one that there is.
void crawl_checkpoint::read_set(std::string_view table, index_set& into) {
    const auto refuse = [&] { file_.report_damage(fmt::format("queries are {} that it does not have", table)); };
    into = index_set(in_whole_blocks(total_));
    std::vector<char>& bytes = into.bytes();
    statement blocks = file_.prepare(fmt::format("SELECT block, bits FROM {}", table));
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

void crawl_checkpoint::put_blocks(checkpoint::change& in, std::string_view table, const index_set& from,
                                  const std::set<std::uint64_t>& blocks) {
    for (const std::uint64_t block : blocks)
        in.put(table, {static_cast<std::int64_t>(block),
                       cell::blob({from.bytes().data() + static_cast<std::size_t>(block) * block_bytes, block_bytes})});
}

void crawl_checkpoint::mark_done(std::uint64_t index, std::uint64_t records) {
    done_.insert(index);
    ++done_count_;
    records_ += records;
    newly_done_.push_back(index);
}

void crawl_checkpoint::mark_failed(std::uint64_t index, failed_query failed) {
    newly_failed_.insert_or_assign(index, std::move(failed));
}

void crawl_checkpoint::commit(const sink_position& position) {
    write(position, stage::unfinished);
}

void crawl_checkpoint::finish(const sink_position& position) {
    write(position, stage::finished);
}

void crawl_checkpoint::write(const sink_position& position, stage reached) {
    checkpoint::change all(file_);
    std::set<std::uint64_t> blocks;
    for (const std::uint64_t index : newly_done_) {
        blocks.insert(index / 8 / block_bytes);
        if (failed_count_ != 0)
            all.erase("failed", static_cast<std::int64_t>(index));
    }
    put_blocks(all, "done", done_, blocks);
    for (const auto& [index, failed] : newly_failed_)
        all.put("failed", {static_cast<std::int64_t>(index), std::string_view(failed.error),
                           std::string_view(failed.message), std::int64_t{failed.attempts}});
    const std::string bytes = std::to_string(position.output);
    const std::string asked = std::to_string(position.asked);
    const std::string records = std::to_string(records_);
    all.set("output_bytes", bytes);
    all.set("asked_bytes", asked);
    all.set("records", records);
    all.set("stage", reached == stage::finished ? "finished" : "unfinished");
    all.commit();
    statement count = file_.prepare("SELECT count(*) FROM failed");
    count.step();
    failed_count_ = static_cast<std::uint64_t>(count.integer(0));
    position_ = position;
    stage_ = reached;
    newly_done_.clear();
    newly_failed_.clear();
}

}  // namespace jobmode::store

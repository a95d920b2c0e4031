// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/record_sink.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "store/checkpoint.hpp"
#include "store/index_set.hpp"

namespace jobmode::store {

/// What makes two crawls the same crawl: with any of these changed, what was done says nothing about what is to be
/// done.
struct crawl_identity {
    /// The servers, one a line.
    std::string servers;
    /// `all`, or the SHA-256 of the list of users, for each server.
    std::string users;
    std::string from;
    std::string to;
    std::string sets;
    std::string format;
    /// `K/N`; empty if the crawl is not split.
    std::string shard;
    /// `daily` or `jobs`.
    std::string plan;
    /// The output's path as seen from the state's folder, so that the two can be moved together.
    std::string out;
};

/// The queries of a crawl that concern one server. They are numbered in a row, behind those of the server before it.
struct crawl_section {
    std::string server;
    /// The number of queries, those that are skipped included.
    std::uint64_t total = 0;
    /// The login names, if they cannot be had again.
    std::vector<std::string> users;
};

/// A query that has failed for good.
struct failed_query {
    std::string error;
    std::string message;
    unsigned attempts = 0;
};

/// What a crawl has done.
///
/// The rule that makes a crawl resumable at any instant: `commit` says that queries are done, and how long the output
/// is with their records, in one transaction, after these records have reached the disk. Whatever stands after that
/// length is of queries that are not known to be done, and is cut off. A damaged file is refused: see `checkpoint`.
/// Used by one thread at a time. All functions throw `database_error`.
class crawl_checkpoint {
public:
    enum class stage { none, unfinished, finished };

    /// Opens the file, or makes an empty one, and locks it. Refuses a file of another program, of another version of
    /// this one, or that is damaged.
    explicit crawl_checkpoint(const std::string& path);

    /// What the file holds.
    stage holds() const noexcept { return stage_; }
    /// What the file is of; empty if it holds nothing.
    const crawl_identity& identity() const noexcept { return identity_; }
    /// Which part of `wanted` is another in the file, as a sentence; empty if none.
    std::string difference(const crawl_identity& wanted) const;

    /// Forgets everything and begins a crawl.
    void begin(const crawl_identity& identity);
    /// Adds the queries of a server. Those in `skipped`, numbered from 0, are not asked.
    void add(const crawl_section& section, const index_set& skipped);
    /// What was added.
    std::vector<crawl_section> sections();
    /// Reads what is done and what is skipped. `totals` are those of all sections, as whoever goes on with the crawl
    /// has them. Refuses a state that has others, or that says of queries that they are done, skipped or have failed
    /// which are not among them.
    void load(const std::vector<std::uint64_t>& totals);

    /// The number of queries of all sections.
    std::uint64_t total() const noexcept { return total_; }
    const index_set& skipped() const noexcept { return skipped_; }
    const index_set& done() const noexcept { return done_; }
    std::uint64_t done_count() const noexcept { return done_count_; }
    /// How much of the output belongs to queries done, as `record_sink::sync` counts it.
    const sink_position& position() const noexcept { return position_; }
    std::uint64_t records() const noexcept { return records_; }
    std::uint64_t failed_count() const noexcept { return failed_count_; }
    /// Calls `visit(index, failed)` for each query that has failed.
    template <class Visit>
    void for_each_failed(Visit visit) {
        statement all = file_.prepare("SELECT query, error, message, attempts FROM failed ORDER BY query");
        while (all.step())
            visit(static_cast<std::uint64_t>(all.integer(0)),
                  failed_query{all.text(1), all.text(2), static_cast<unsigned>(all.integer(3))});
    }

    /// What has come since the last commit.
    void mark_done(std::uint64_t index, std::uint64_t records);
    void mark_failed(std::uint64_t index, failed_query failed);
    /// Makes it last, together with the output's length.
    void commit(const sink_position& position);
    /// The same, and there is nothing more to do.
    void finish(const sink_position& position);

private:
    void read_set(std::string_view table, index_set& into);
    static void put_blocks(checkpoint::change& in, std::string_view table, const index_set& from,
                           const std::set<std::uint64_t>& blocks);
    void write(const sink_position& position, stage reached);

    checkpoint file_;
    stage stage_ = stage::none;
    crawl_identity identity_;
    std::uint64_t total_ = 0;
    std::uint64_t failed_count_ = 0;
    index_set skipped_;
    index_set done_;
    std::uint64_t done_count_ = 0;
    sink_position position_;
    std::uint64_t records_ = 0;
    std::vector<std::uint64_t> newly_done_;
    std::map<std::uint64_t, failed_query> newly_failed_;
};

}  // namespace jobmode::store

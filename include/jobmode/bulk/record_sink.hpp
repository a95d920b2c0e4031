// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/query.hpp>
#include <jobmode/record.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace jobmode {

/// How one query of a bulk crawl ended. Everything that it refers to is valid until the call that passes it returns.
struct bulk_outcome {
    /// The server's name, as `bulk_server::name` has it.
    std::string_view server;
    /// What was asked.
    const jobmode::query& query;
    /// The answer; empty if the query failed.
    const record_list& records;
    /// The name of the error (`read_timeout`); empty if the query was answered.
    std::string_view error;
    /// When it ended, by this machine's clock.
    std::chrono::sys_seconds at;
};

/// How much of a sink is durable. What the two numbers count is the sink's own affair; they never decrease. Nothing of
/// a new sink is: both are 0.
struct sink_position {
    /// Of the output itself: bytes of text, or answered queries.
    std::uint64_t output = 0;
    /// Of a list beside it, if there is one.
    std::uint64_t asked = 0;

    friend bool operator==(const sink_position&, const sink_position&) = default;
};

/// Why a sink cannot take or keep what it was given, as a sentence.
class sink_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Where the outcomes of a bulk crawl go.
///
/// The contract that makes a crawl exactly-once: what was added before a `sync` that returned is durable, and `resume`
/// with the position that it returned puts the sink back to that moment: whatever was added later is removed, or will
/// be replaced when the same query is added again. The crawl keeps the position in its checkpoint, together with the
/// queries that are done, and asks all others again.
///
/// All functions but the destructor are called on one thread, which belongs to the crawl, one at a time: a sink may
/// block. What they throw ends the crawl, and `bulk_crawl::async_run` hands it out; nothing is called after that.
class record_sink {
public:
    virtual ~record_sink() = default;

    /// Called first, once: opens the sink where `kept` was returned by `sync`; with `sink_position()` for the first
    /// time. Throws if the sink holds less than that: the checkpoint is of something else, or something was lost.
    virtual void resume(const sink_position& kept) = 0;
    /// Takes how a query ended. May keep it back until `sync`.
    virtual void add(const bulk_outcome& ended) = 0;
    /// Takes a query that was not asked, since it is known to have no records (`bulk_plan::jobs`). The same query may
    /// come again after a resume. By default it is ignored.
    virtual void add_skipped(std::string_view server, const query& skipped, std::chrono::sys_seconds at);
    /// Takes a server of which nothing could be learnt, not even who its users are. By default it is ignored.
    virtual void add_unseen(std::string_view server, std::string_view error, std::chrono::sys_seconds at);
    /// Takes the names of all users that a server has, as it listed them at this moment: who is not among them is gone.
    /// By default it is ignored.
    virtual void add_listing(std::string_view server, const std::vector<std::string>& users,
                             std::chrono::sys_seconds at);
    /// How many bytes are kept back; the crawl calls `sync` early when they are 4 MiB. By default 0.
    virtual std::uint64_t pending() const noexcept;
    /// Makes everything taken so far durable, and returns the position of this moment.
    virtual sink_position sync() = 0;
};

/// How a sink of this library writes records.
enum class sink_format {
    /// An object of JSON a line.
    ndjson,
    /// RFC 4180, with a line of names.
    csv,
    /// The same; a cell that begins with = + - @, a tab or CR, which a spreadsheet would take for a formula, gets a '
    /// before it.
    csv_safe,
    /// Tables in an SQLite file. They are added to, and an answer replaces an older one to the same query.
    sqlite,
};

/// A sink that writes a file. What was asked goes to PATH.asked.ndjson where the output is text in a regular file, and
/// into tables of SQLite. Text also goes to what is no regular file: a device, a FIFO, or
/// `-`, which is standard output; then nothing stands beside it. `servers` are the names of those whose records it
/// is for. Nothing is opened before `record_sink::resume`. Its functions throw `sink_error`, and `std::runtime_error`
/// for what SQLite says.
std::unique_ptr<record_sink> make_file_sink(sink_format format, std::string path, std::vector<std::string> servers);

}  // namespace jobmode

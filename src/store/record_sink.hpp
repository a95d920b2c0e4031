// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/crawl.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "store/asked_log.hpp"
#include "store/row_writer.hpp"
#include "store/sink_position.hpp"

namespace jobmode::store {

/// Why an output cannot be written, as a sentence.
class output_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Nobody reads the output any more, as in `jobmode crawl ... | head`.
class output_unread : public output_error {
public:
    output_unread() : output_error("standard output is closed") {}
};

/// Where the records of a crawl go, and what was asked. Used by one thread at a time; what fails throws `output_error`
/// or `database_error`.
class record_sink {
public:
    virtual ~record_sink() = default;

    /// Takes a server's answer to a query, which came at this moment. May wait for `sync` to write it.
    virtual void add(std::string_view server, const query& asked, const record_list& records, moment at) = 0;
    /// Takes a query that failed for good.
    virtual void add_failure(std::string_view server, const query& asked, std::string_view error, moment at) = 0;
    /// Takes a query that was not asked since it is known to have no records. May be told of it again when the crawl is
    /// resumed.
    virtual void add_skipped(std::string_view server, const query& skipped, moment at) = 0;
    /// Takes a server of which nothing could be learnt, not even who its users are.
    virtual void add_unseen(std::string_view server, std::string_view error, moment at) = 0;
    /// How much is held back until `sync`, in bytes.
    virtual std::uint64_t pending() const noexcept = 0;
    /// Makes everything taken so far last. Returns how much is then complete: what `open_sink` is to be given if the
    /// crawl is resumed here.
    virtual sink_position sync() = 0;
};

/// Opens an output for the first time, or, with `keep` of it known to be complete, again: text that stands behind it is
/// cut off, and an output that holds less is refused. The path `-` is standard output. `servers` are those whose
/// records it is for. What was asked goes to PATH.asked.ndjson if the output is text in a regular file, and into tables
/// with SQLite.
std::unique_ptr<record_sink> open_sink(row_format format, const std::string& path,
                                       const std::vector<std::string>& servers, sink_position keep);

}  // namespace jobmode::store

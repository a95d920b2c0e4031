// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/crawl.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "store/row_writer.hpp"

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

/// Where the records of a crawl go. Used by one thread at a time; what fails throws `output_error` or
/// `database_error`.
class record_sink {
public:
    virtual ~record_sink() = default;

    /// Takes a server's answer to a query. May wait for `sync` to write it.
    virtual void add(std::string_view server, const query& asked, const record_list& records) = 0;
    /// Takes a query that failed for good.
    virtual void add_failure(std::string_view server, const query& asked, std::string_view error) = 0;
    /// Takes a query that was not asked since it is known to have no records. May be told of it again when the crawl is
    /// resumed.
    virtual void add_skipped(std::string_view server, const query& skipped) = 0;
    /// How much is held back until `sync`, in bytes.
    virtual std::uint64_t pending() const noexcept = 0;
    /// Makes everything taken so far last. Returns how much of the output is then complete, in bytes of text or in
    /// answered queries of tables: what `open_sink` is to be given if the crawl is resumed here.
    virtual std::uint64_t sync() = 0;
};

/// Opens an output for the first time, or, with `keep` of it known to be complete, again: text that stands behind it is
/// cut off, and an output that holds less is refused. The path `-` is standard output. `servers` are those whose
/// records it is for.
std::unique_ptr<record_sink> open_sink(row_format format, const std::string& path,
                                       const std::vector<std::string>& servers, std::uint64_t keep);

}  // namespace jobmode::store

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/crawl.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "store/crawl_checkpoint.hpp"

namespace jobmode::fleet {

/// Writes how an item's queries ended as messages, none of them longer than `limit` bytes: the last of them, the final,
/// and as many parts before it as do not fit in there.
class result_writer {
public:
    /// `limit` is at least 1024.
    explicit result_writer(std::size_t limit) : limit_(limit) {}

    /// Takes how a query ended. A record that alone is longer than the limit makes the query a failure.
    void add(const outcome& ended);
    /// The parts, each a message; complete once all has been added.
    const std::vector<std::string>& parts() const noexcept { return parts_; }
    /// The final, which names the run whose parts belong to it.
    std::string final_of(std::string_view item, std::string_view run) const;

private:
    void add_failure(const query& asked, std::string_view error, std::string_view message, unsigned attempts);
    void add_entry(std::string entry);

    std::size_t limit_;
    std::vector<std::string> parts_;
    /// The entries that are in no part yet, separated by commas.
    std::string open_;
};

/// What a final says.
struct item_final {
    std::string item;
    std::string run;
    std::size_t parts = 0;
    /// The entries that are in no part, as a JSON array.
    std::string entries;
};

/// Thrown when a message is none of this program's.
class malformed_result : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Reads a final. Throws `malformed_result`.
item_final read_final(std::string_view message);

/// Puts the queries of an item together again: to be given the entries of its parts, in order, and of its final.
class result_reader {
public:
    /// `answered` is called with each query that was answered and its records, `failed` with each that failed.
    result_reader(std::function<void(const outcome&)> answered,
                  std::function<void(const query&, const store::failed_query&)> failed)
        : answered_(std::move(answered)), failed_(std::move(failed)) {}

    /// Takes a JSON array of entries. Throws `malformed_result`.
    void take(std::string_view entries);

private:
    void take_entry(const boost::json::object& entry);

    std::function<void(const outcome&)> answered_;
    std::function<void(const query&, const store::failed_query&)> failed_;
    /// The query whose records are still coming.
    outcome open_;
};

}  // namespace jobmode::fleet

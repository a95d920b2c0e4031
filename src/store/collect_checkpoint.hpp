// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/record_sink.hpp>
#include <jobmode/query.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "store/checkpoint.hpp"
#include "store/crawl_checkpoint.hpp"

namespace jobmode::store {

/// What makes two collections the same one.
struct collect_identity {
    std::string server;
    std::string stream;
    std::string format;
    /// The output's path as seen from the state's folder.
    std::string out;
};

/// A query that failed for good.
struct failure_row {
    query asked;
    failed_query failed;
};

/// Which items have been collected, and how much of the output is theirs. As with a crawl, `commit` says that after it
/// has reached the disk, so that whatever stands in the output after it is cut off. A damaged file is refused: see
/// `checkpoint`. Used by one thread; all functions throw `database_error`.
class collect_checkpoint {
public:
    /// Opens the file, or makes an empty one, and locks it; the path `:memory:` is no file.
    explicit collect_checkpoint(const std::string& path);

    /// Whether a collection has begun.
    bool begun() const noexcept { return file_.begun(); }
    /// Which part of `wanted` is another in the file, as a sentence; empty if none.
    std::string difference(const collect_identity& wanted) const;
    void begin(const collect_identity& identity);

    /// The number, in the stream that was created at `created`, up to which all has been collected.
    std::uint64_t position(std::int64_t created) const noexcept { return created == created_ ? position_ : 0; }
    /// How much of the output is of what has been collected.
    const sink_position& output() const noexcept { return output_; }
    bool has(std::string_view item);
    std::uint64_t items();

    /// What has come since the last commit. An item is known from then on.
    void add_item(std::string_view item);
    void add_failure(failure_row failed) { new_failures_.push_back(std::move(failed)); }
    /// Makes it last.
    void commit(std::int64_t created, std::uint64_t position, const sink_position& output);
    /// Calls `visit(row)` for each query that has failed.
    template <class Visit>
    void for_each_failure(Visit visit) {
        statement all = file_.prepare(
            "SELECT login_name, date, backup_set, has_set, error, message, attempts FROM failures ORDER BY number");
        while (all.step()) {
            failure_row row{query(all.text(0), all.text(1)),
                            {all.text(4), all.text(5), static_cast<unsigned>(all.integer(6))}};
            if (all.integer(3) != 0)
                row.asked.backup_set_id = all.text(2);
            visit(row);
        }
    }

private:
    checkpoint file_;
    collect_identity identity_;
    std::int64_t created_ = 0;
    std::uint64_t position_ = 0;
    sink_position output_;
    std::unordered_set<std::string> new_items_;
    std::vector<failure_row> new_failures_;
};

}  // namespace jobmode::store

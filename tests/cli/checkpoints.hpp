// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Checkpoints as a crash may have left them, and as damage leaves them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "store/crawl_checkpoint.hpp"
#include "store/database.hpp"

namespace jobmode::test {

/// Makes the checkpoint of a crawl that had been finished one that knows nothing of its first queries, and that knows
/// of this much of the output, or of all of it.
inline void undo(const std::string& path, std::uint64_t queries, std::optional<sink_position> known = {}) {
    store::crawl_identity identity;
    std::vector<store::crawl_section> sections;
    {
        store::crawl_checkpoint before(path);
        identity = before.identity();
        sections = before.sections();
        known = known.value_or(before.position());
    }
    REQUIRE(std::remove(path.c_str()) == 0);
    store::crawl_checkpoint after(path);
    after.begin(identity);
    for (const store::crawl_section& section : sections)
        after.add(section, store::index_set(section.total));
    for (std::uint64_t index = std::min(queries, after.total()); index != after.total(); ++index)
        after.mark_done(index, 1);
    after.commit(*known);
}

/// Each way to damage one value of an SQLite file, or to lose or double one row, as a statement.
inline std::vector<std::string> damages(const std::string& path) {
    static constexpr const char* values[] = {
        "NULL",          "'x'", "''", "0", "-1", "1", "'0'", "'-1'", "1e99", "x'00ff'", "'999999999999999999999'",
        "zeroblob(1024)"};
    std::vector<std::string> found;
    store::database file(path);
    std::vector<std::string> tables;
    store::statement list = file.prepare("SELECT name FROM sqlite_schema ORDER BY name");
    while (list.step())
        tables.push_back(list.text(0));
    for (const std::string& table : tables) {
        std::vector<std::string> columns;
        store::statement about = file.prepare("SELECT name FROM pragma_table_info('" + table + "')");
        while (about.step())
            columns.push_back(about.text(0));
        std::vector<std::string> keys;
        store::statement rows = file.prepare("SELECT quote(" + columns.front() + ") FROM " + table);
        while (rows.step())
            keys.push_back(rows.text(0));
        // The first, the last and some between.
        for (std::size_t row = 0; row < keys.size(); row += std::max<std::size_t>(keys.size() / 12, 1)) {
            const std::string where = " WHERE " + columns.front() + " = " + keys[row];
            found.push_back("DELETE FROM " + table + where);
            for (const std::string& column : columns) {
                for (const char* const value : values)
                    found.push_back("UPDATE OR REPLACE " + table + " SET " + column + " = " + value + where);
                // What another row has there.
                found.push_back("UPDATE OR REPLACE " + table + " SET " + column + " = (SELECT " + column + " FROM " +
                                table + " WHERE " + columns.front() + " = " + keys[(row + 1) % keys.size()] + ")" +
                                where);
                found.push_back("UPDATE OR REPLACE " + table + " SET " + column + " = " + column + " + 1" + where);
                found.push_back("UPDATE OR REPLACE " + table + " SET " + column + " = " + column + " || '0'" + where);
            }
        }
        found.push_back("DELETE FROM " + table);
    }
    return found;
}

}  // namespace jobmode::test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.hpp"

namespace jobmode::store {

/// A table of a checkpoint. The first column is its key.
struct checkpoint_table {
    std::string_view name;
    /// The statement that creates it, as SQLite keeps it.
    std::string_view sql;
};

/// What a checkpoint is of.
struct checkpoint_kind {
    /// `crawl`, `collection`: as messages call it.
    std::string_view noun;
    /// What a user does to do without the file: `crawl anew`.
    std::string_view anew;
    /// Its version: a file of another one is refused.
    std::string_view layout;
    /// Sorted by name; `meta` is added to them.
    std::span<const checkpoint_table> tables;
};

/// A value of a row.
class cell {
public:
    // NOLINTBEGIN(google-explicit-constructor)
    cell(std::int64_t value) : what_(kind::integer), integer_(value) {}
    /// The text must live until the cell has been used.
    cell(std::string_view text) : what_(kind::text), bytes_(text) {}
    // NOLINTEND(google-explicit-constructor)
    /// The bytes must live until the cell has been used.
    static cell blob(std::string_view bytes);

private:
    friend class checkpoint;
    enum class kind : std::uint8_t { integer, text, blob };
    kind what_;
    std::int64_t integer_ = 0;
    std::string_view bytes_;
};

/// A file that says how far something is, and that survives the process and the power: SQLite tables that change
/// together in transactions, and a seal over every value in them.
///
/// The seal is the sum of the hashes of all rows, so that a commit costs as much as what it changes. Whatever value was
/// damaged, lost, doubled or exchanged, it does not fit the seal; then the file is refused, with a sentence that says
/// what to do, and nothing in it is changed. The same holds for a file of another program or of another version. A
/// checkpoint that somebody falsifies on purpose is not noticed.
///
/// The file is locked as long as this object lives. Used by one thread at a time. All functions throw `database_error`.
class checkpoint {
public:
    /// Opens the file, or makes an empty one, and locks it; the path `:memory:` is no file. `kind` must outlive this
    /// object.
    checkpoint(const std::string& path, const checkpoint_kind& kind);

    /// Whether anything was ever written.
    bool begun() const noexcept { return begun_; }
    const std::string& path() const noexcept { return database_.path(); }
    /// A named value; empty if there is none.
    std::string value(std::string_view key);
    /// A named value that must be a number without a sign.
    std::uint64_t number(std::string_view key);
    /// For reading only.
    statement prepare(std::string_view sql) { return database_.prepare(sql); }
    /// Refuses the file: `what` is a clause on what is wrong with it.
    [[noreturn]] void report_damage(std::string_view what) const;

    /// Changes that become durable together, or not at all. Only one at a time. If it ends without `commit`, the
    /// checkpoint is as it was before.
    class change {
    public:
        explicit change(checkpoint& of);
        change(const change&) = delete;
        change& operator=(const change&) = delete;
        ~change();

        void set(std::string_view key, std::string_view value);
        /// Puts a row in the place of the one with its key, if there is one.
        void put(std::string_view table, std::initializer_list<cell> row);
        /// Removes the row with a key, if there is one.
        void erase(std::string_view table, const cell& key);
        /// Removes everything.
        void clear();
        void commit();

    private:
        checkpoint& of_;
        transaction all_;
        std::uint64_t sum_before_;
        bool begun_before_;
        bool committed_ = false;
    };

private:
    /// A table's statements, prepared when they are first needed.
    struct writer {
        std::string_view table;
        statement find;
        statement put;
        statement erase;
    };

    void check_tables();
    void check_seal();
    writer& writer_of(std::string_view table);
    void add_old_row(writer& with, const cell& key);
    static void bind(statement& to, int index, const cell& value);
    static std::uint64_t hash_of(std::string_view table, std::span<const cell> row);
    static std::uint64_t hash_of(std::string_view table, const statement& row);
    std::string seal() const;

    database database_;
    const checkpoint_kind& kind_;
    bool begun_ = false;
    /// Of the hashes of all rows but the seal's own.
    std::uint64_t sum_ = 0;
    std::vector<writer> writers_;
};

}  // namespace jobmode::store

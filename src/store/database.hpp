// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace jobmode::store {

/// What SQLite said, as a sentence with the file's name and what to do about it.
class database_error : public std::runtime_error {
public:
    database_error(const std::string& sentence, int code) : std::runtime_error(sentence), code_(code) {}
    /// SQLite's primary result code.
    int code() const noexcept { return code_; }

private:
    int code_;
};

/// A prepared statement. Columns and parameters are counted from 0.
class statement {
public:
    statement() = default;

    statement& bind(int index, std::int64_t value);
    /// The text must live until `step` or `run`.
    statement& bind(int index, std::string_view value);
    statement& bind_null(int index);
    /// The bytes must live until `step` or `run`.
    statement& bind_blob(int index, std::string_view value);
    /// Goes to the next row; false at the end. Throws `database_error`.
    bool step();
    /// Runs to the end and prepares for new values. Throws `database_error`.
    void run();
    void reset() noexcept;

    int columns() const noexcept;
    /// `SQLITE_INTEGER`, `SQLITE_TEXT` and so on: how the value is stored.
    int type(int column) const noexcept;
    std::int64_t integer(int column) const;
    std::string text(int column) const;
    /// The bytes as they are stored, which `text` may convert.
    std::string blob(int column) const;
    /// The same, valid until the next step; for a text or a blob.
    std::string_view bytes(int column) const;

private:
    friend class database;
    struct deleter {
        void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
    };
    std::unique_ptr<sqlite3_stmt, deleter> handle_;
};

/// A connection to an SQLite file. Used by one thread at a time.
class database {
public:
    database() = default;
    /// Opens the file, or creates it. Throws `database_error`.
    explicit database(const std::string& path);

    explicit operator bool() const noexcept { return handle_ != nullptr; }
    const std::string& path() const noexcept { return path_; }
    /// Runs statements without parameters or results. Throws `database_error`.
    void execute(const char* sql);
    /// Throws `database_error` if the file is no longer where it was opened: what is written to it would be lost, and
    /// its journal would not be found after a crash.
    void check_place() const;
    /// Throws `database_error`.
    statement prepare(std::string_view sql);

private:
    [[noreturn]] void fail() const;
    struct deleter {
        void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
    };
    std::unique_ptr<sqlite3, deleter> handle_;
    std::string path_;
};

/// Changes of a file that is still in its place. Undoes what was begun unless it is committed. All functions throw
/// `database_error`.
class transaction {
public:
    explicit transaction(database& in);
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    ~transaction();
    void commit();

private:
    database& in_;
    bool open_ = true;
};

}  // namespace jobmode::store

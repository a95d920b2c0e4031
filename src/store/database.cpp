// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/database.hpp"

#include <fmt/format.h>

#include <cstring>

namespace jobmode::store {
namespace {

/// Whether the file is no longer where it was opened.
bool has_moved(sqlite3* handle) {
    int moved = 0;
    return handle && sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

[[noreturn]] void report_moved(const std::string& path) {
    throw database_error(path + " was moved or removed while it was in use: put it back", SQLITE_IOERR);
}

/// What went wrong and what to do about it. SQLite's own words say neither to whoever does not know it, and for a file
/// that is gone they are those for one that is read-only, or for a disk that fails, as it happens to notice it.
[[noreturn]] void report(sqlite3* handle, const std::string& path) {
    const int code = sqlite3_errcode(handle) & 0xFF;
    const int cause = sqlite3_system_errno(handle);
    const std::string words = sqlite3_errmsg(handle);
    if (sqlite3_extended_errcode(handle) == SQLITE_READONLY_DBMOVED || has_moved(handle))
        report_moved(path);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        throw database_error(path + " is in use by another process: wait for it to end, or stop it", code);
    if (code == SQLITE_NOTADB)
        throw database_error(path + " exists and is no SQLite file: choose another name, or remove it", code);
    if (code == SQLITE_CORRUPT)
        throw database_error(path + " is damaged: put an intact copy in its place, or remove it", code);
    if (code == SQLITE_FULL)
        throw database_error("cannot write " + path + ": the disk is full: make room, and go on from there", code);
    if (code == SQLITE_READONLY)
        throw database_error("cannot write " + path + ": it is read-only: allow writing it, or choose another name",
                             code);
    if (code == SQLITE_CANTOPEN)
        throw database_error(fmt::format("cannot open {}, or a journal beside it: {}: see that its folder is there and "
                                         "may be written, or choose another name",
                                         path, cause != 0 ? std::strerror(cause) : words),
                             code);
    if (code == SQLITE_IOERR)
        throw database_error(fmt::format("cannot read or write {}: {}: see to its disk and go on from there", path,
                                         cause != 0 ? std::strerror(cause) : words),
                             code);
    throw database_error(fmt::format("cannot use {}: {}", path, words), code);
}

}  // namespace

statement& statement::bind(int index, std::int64_t value) {
    sqlite3_bind_int64(handle_.get(), index + 1, value);
    return *this;
}

statement& statement::bind(int index, std::string_view value) {
    // A null pointer would mean NULL.
    sqlite3_bind_text64(handle_.get(), index + 1, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
    return *this;
}

statement& statement::bind_null(int index) {
    sqlite3_bind_null(handle_.get(), index + 1);
    return *this;
}

statement& statement::bind_blob(int index, std::string_view value) {
    sqlite3_bind_blob64(handle_.get(), index + 1, value.data(), value.size(), SQLITE_STATIC);
    return *this;
}

bool statement::step() {
    const int code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW)
        return true;
    if (code == SQLITE_DONE)
        return false;
    sqlite3* const owner = sqlite3_db_handle(handle_.get());
    const char* const path = sqlite3_db_filename(owner, "main");
    report(owner, path ? path : "the database");
}

void statement::run() {
    while (step()) {
    }
    reset();
}

void statement::reset() noexcept {
    sqlite3_reset(handle_.get());
}

int statement::columns() const noexcept {
    return sqlite3_column_count(handle_.get());
}

int statement::type(int column) const noexcept {
    return sqlite3_column_type(handle_.get(), column);
}

std::int64_t statement::integer(int column) const {
    return sqlite3_column_int64(handle_.get(), column);
}

std::string statement::text(int column) const {
    const auto* const data = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)))
                : std::string();
}

std::string statement::blob(int column) const {
    return std::string(bytes(column));
}

std::string_view statement::bytes(int column) const {
    const auto* const data = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
    return data ? std::string_view(data, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)))
                : std::string_view();
}

database::database(const std::string& path) : path_(path) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    handle_.reset(handle);
    if (code != SQLITE_OK)
        fail();
}

void database::execute(const char* sql) {
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        fail();
}

statement database::prepare(std::string_view sql) {
    sqlite3_stmt* handle = nullptr;
    if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &handle, nullptr) != SQLITE_OK)
        fail();
    statement made;
    made.handle_.reset(handle);
    return made;
}

void database::check_place() const {
    if (has_moved(handle_.get()))
        report_moved(path_);
}

void database::fail() const {
    report(handle_.get(), path_);
}

transaction::transaction(database& in) : in_(in) {
    in_.check_place();
    in_.execute("BEGIN IMMEDIATE");
}

transaction::~transaction() {
    if (!open_)
        return;
    try {
        in_.execute("ROLLBACK");
    } catch (const database_error&) {
        // SQLite has rolled back by itself, as it does when the disk is full.
        return;
    }
}

void transaction::commit() {
    in_.execute("COMMIT");
    open_ = false;
}

}  // namespace jobmode::store

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

namespace jobmode::store {
namespace {

constexpr std::string_view meta = "meta";
constexpr std::string_view meta_sql = "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";
constexpr std::string_view seal_key = "seal";

/// The hash of a row, value by value (FNV-1a, mixed at the end so that sums of hashes tell rows apart). Two rows that
/// differ in any value, or in where it stands, have different ones but by a chance of 1 in 2^64.
class row_hash {
public:
    explicit row_hash(std::string_view table) noexcept { add('t', table); }

    void add(char kind, std::string_view bytes) noexcept {
        take(static_cast<unsigned char>(kind));
        take_number(bytes.size());
        for (const char byte : bytes)
            take(static_cast<unsigned char>(byte));
    }
    void add(std::int64_t value) noexcept {
        take('i');
        take_number(static_cast<std::uint64_t>(value));
    }

    std::uint64_t end() const noexcept {
        std::uint64_t mixed = value_;
        mixed = (mixed ^ mixed >> 33U) * 0xff51afd7ed558ccdU;
        mixed = (mixed ^ mixed >> 33U) * 0xc4ceb9fe1a85ec53U;
        return mixed ^ mixed >> 33U;
    }

private:
    void take(unsigned char byte) noexcept { value_ = (value_ ^ byte) * 0x100000001b3U; }
    void take_number(std::uint64_t number) noexcept {
        for (unsigned shift = 0; shift != 64; shift += 8)
            take(static_cast<unsigned char>(number >> shift));
    }

    std::uint64_t value_ = 0xcbf29ce484222325U;
};

}  // namespace

cell cell::blob(std::string_view bytes) {
    cell made(bytes);
    made.what_ = kind::blob;
    return made;
}

checkpoint::checkpoint(const std::string& path, const checkpoint_kind& kind) : database_(path), kind_(kind) {
    database_.execute(
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL;"
        "BEGIN EXCLUSIVE");
    check_tables();
    database_.execute("COMMIT");
    const std::string layout = value("layout");
    if (layout.empty()) {
        for (const checkpoint_table& table : kind.tables)
            if (prepare(fmt::format("SELECT 1 FROM {}", table.name)).step())
                report_damage("it has no layout");
        if (prepare("SELECT 1 FROM meta").step())
            report_damage("it has no layout");
        return;
    }
    if (layout != kind.layout)
        throw database_error(
            fmt::format("{} was written by another version of this program: finish that {} with it, or remove the file "
                        "and {}",
                        path, kind.noun, kind.anew),
            SQLITE_ERROR);
    check_seal();
    begun_ = true;
}

/// Makes the tables where there is nothing at all, and otherwise wants them and nothing else.
void checkpoint::check_tables() {
    std::vector<std::string_view> wanted;
    bool has_meta = false;
    for (const checkpoint_table& table : kind_.tables) {
        if (!has_meta && meta < table.name) {
            wanted.push_back(meta_sql);
            has_meta = true;
        }
        wanted.push_back(table.sql);
    }
    if (!has_meta)
        wanted.push_back(meta_sql);

    std::vector<std::string> found;
    statement list = prepare("SELECT sql FROM sqlite_schema ORDER BY name");
    while (list.step())
        found.push_back(list.text(0));
    list.reset();
    if (!found.empty() && !std::ranges::equal(found, wanted)) {
        if (std::ranges::find(found, meta_sql) != found.end() && !value("layout").empty())
            throw database_error(
                fmt::format("{} was written by another version of this program: finish that {} with it, or remove the "
                            "file and {}",
                            path(), kind_.noun, kind_.anew),
                SQLITE_ERROR);
        throw database_error(fmt::format("{} is a database of something else: name another file with --state", path()),
                             SQLITE_NOTADB);
    }
    // A file whose first page is gone looks as if it had no tables.
    {
        statement check = prepare("PRAGMA integrity_check(1)");
        if (!check.step() || check.text(0) != "ok")
            report_damage(check.text(0));
    }
    if (found.empty())
        for (const std::string_view sql : wanted)
            prepare(sql).run();
}

void checkpoint::check_seal() {
    const auto add_all = [this](std::string_view table, std::string_view sql) {
        statement all = prepare(sql);
        while (all.step())
            sum_ += hash_of(table, all);
    };
    add_all(meta, "SELECT * FROM meta WHERE key <> 'seal'");
    for (const checkpoint_table& table : kind_.tables)
        add_all(table.name, fmt::format("SELECT * FROM {}", table.name));
    if (value(seal_key) != seal())
        report_damage("its values do not agree");
}

std::string checkpoint::seal() const {
    return fmt::format("{:016x}", sum_);
}

void checkpoint::report_damage(std::string_view what) const {
    throw database_error(fmt::format("{} is damaged ({}): put an intact copy in its place, or remove it to {}", path(),
                                     what, kind_.anew),
                         SQLITE_CORRUPT);
}

std::string checkpoint::value(std::string_view key) {
    statement find = prepare("SELECT value FROM meta WHERE key = ?");
    return find.bind(0, key).step() ? find.text(0) : std::string();
}

std::uint64_t checkpoint::number(std::string_view key) {
    const std::string text = value(key);
    std::uint64_t parsed = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (ec != std::errc() || end != text.data() + text.size())
        report_damage(fmt::format("its {} is not a number", key));
    return parsed;
}

checkpoint::writer& checkpoint::writer_of(std::string_view table) {
    const auto known = std::ranges::find(writers_, table, &writer::table);
    if (known != writers_.end())
        return *known;
    std::string key = "key";
    for (const checkpoint_table& one : kind_.tables)
        if (one.name == table) {
            const auto begin = one.sql.find('(') + 1;
            key = one.sql.substr(begin, one.sql.find(' ', begin) - begin);
        }
    statement find = prepare(fmt::format("SELECT * FROM {} WHERE {} = ?", table, key));
    std::string marks = "?";
    for (int column = 1; column != find.columns(); ++column)
        marks += ", ?";
    writers_.push_back({table, std::move(find),
                        prepare(fmt::format("INSERT OR REPLACE INTO {} VALUES({})", table, marks)),
                        prepare(fmt::format("DELETE FROM {} WHERE {} = ?", table, key))});
    return writers_.back();
}

void checkpoint::add_old_row(writer& with, const cell& key) {
    bind(with.find, 0, key);
    if (with.find.step())
        sum_ -= hash_of(with.table, with.find);
    with.find.reset();
}

void checkpoint::bind(statement& to, int index, const cell& value) {
    switch (value.what_) {
        case cell::kind::integer:
            to.bind(index, value.integer_);
            break;
        case cell::kind::text:
            to.bind(index, value.bytes_);
            break;
        case cell::kind::blob:
            to.bind_blob(index, value.bytes_);
            break;
    }
}

std::uint64_t checkpoint::hash_of(std::string_view table, std::span<const cell> row) {
    row_hash hash(table);
    for (const cell& value : row)
        if (value.what_ == cell::kind::integer)
            hash.add(value.integer_);
        else
            hash.add(value.what_ == cell::kind::text ? 's' : 'b', value.bytes_);
    return hash.end();
}

std::uint64_t checkpoint::hash_of(std::string_view table, const statement& row) {
    row_hash hash(table);
    for (int column = 0; column != row.columns(); ++column) {
        switch (row.type(column)) {
            case SQLITE_INTEGER:
                hash.add(row.integer(column));
                break;
            case SQLITE_TEXT:
                hash.add('s', row.bytes(column));
                break;
            case SQLITE_BLOB:
                hash.add('b', row.bytes(column));
                break;
            default:
                // No row has one of these.
                hash.add('?', {});
                break;
        }
    }
    return hash.end();
}

checkpoint::change::change(checkpoint& of)
    : of_(of), all_(of.database_), sum_before_(of.sum_), begun_before_(of.begun_) {}

checkpoint::change::~change() {
    if (committed_)
        return;
    of_.sum_ = sum_before_;
    of_.begun_ = begun_before_;
}

void checkpoint::change::set(std::string_view key, std::string_view value) {
    put(meta, {key, value});
}

void checkpoint::change::put(std::string_view table, std::initializer_list<cell> row) {
    writer& with = of_.writer_of(table);
    of_.add_old_row(with, *row.begin());
    int index = 0;
    for (const cell& value : row)
        bind(with.put, index++, value);
    with.put.run();
    of_.sum_ += hash_of(table, {row.begin(), row.size()});
}

void checkpoint::change::erase(std::string_view table, const cell& key) {
    writer& with = of_.writer_of(table);
    of_.add_old_row(with, key);
    bind(with.erase, 0, key);
    with.erase.run();
}

void checkpoint::change::clear() {
    of_.prepare("DELETE FROM meta").run();
    for (const checkpoint_table& table : of_.kind_.tables)
        of_.prepare(fmt::format("DELETE FROM {}", table.name)).run();
    of_.sum_ = 0;
    set("layout", of_.kind_.layout);
    of_.begun_ = true;
}

void checkpoint::change::commit() {
    statement put = of_.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)");
    const std::string seal = of_.seal();
    put.bind(0, seal_key).bind(1, std::string_view(seal)).run();
    all_.commit();
    committed_ = true;
}

}  // namespace jobmode::store

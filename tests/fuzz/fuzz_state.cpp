// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Whatever bytes a crawl's state file has, opening it ends in a sentence, and the file as it was; or in a state that is
// sound, to which more can be added and of which nothing is lost.
//
// An input is such a file; or, behind a first line `#`, what is done to an intact one: lines of a letter for a table
// (m, u, d, k, f) and the values of a row, or of an s and SQL.
#include <sqlite3.h>

#include <unistd.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pieces.hpp"
#include "store/crawl_checkpoint.hpp"

using namespace jobmode;
using jobmode::fuzz::require;

namespace {

// Two blocks, and bits to spare in the last byte of the second.
constexpr std::uint64_t total = 10'003;

/// A folder in memory where there is one, for files that are made very many times.
class folder {
public:
    folder() {
        const std::filesystem::path memory("/dev/shm");
        std::error_code ignored;
        path_ =
            (is_directory(memory, ignored) ? memory : std::filesystem::temp_directory_path()) / "jobmode-fuzz-XXXXXX";
        require(::mkdtemp(path_.data()) != nullptr, "a folder can be made");
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    /// A file in it with these bytes, and nothing beside it.
    std::string file(std::string_view bytes) const {
        for (const auto& old : std::filesystem::directory_iterator(path_))
            std::filesystem::remove(old.path());
        const std::string path = path_ + "/state";
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }

private:
    std::string path_;
};

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

store::crawl_identity identity() {
    return {"cbs.example.com", "all", "2024-06-01", "2024-06-30", "", "ndjson", "", "daily", "out.ndjson"};
}

const std::vector<std::string>& users() {
    static const std::vector<std::string> names{"anna", "berta", "obm"};
    return names;
}

/// Begins a crawl, of whose queries the last one is skipped.
void begin(store::crawl_checkpoint& state) {
    state.begin(identity());
    store::index_set skipped(total);
    skipped.insert(total - 1);
    state.add({"cbs.example.com", total, users()}, skipped);
}

/// A state as a crawl leaves it half way.
std::string intact_file(const folder& in) {
    const std::string path = in.file("");
    store::crawl_checkpoint state(path);
    begin(state);
    for (std::uint64_t index = 0; index != 9'000; index += 3)
        state.mark_done(index, 2);
    state.mark_failed(1, {"server_busy", "the server is busy", 4});
    state.commit({1234, 12});
    return contents(path);
}

std::string_view next_word(std::string_view& rest) {
    const auto at = rest.find(' ');
    const std::string_view word = rest.substr(0, at);
    rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
    return word;
}

int allow(void*, int action, const char*, const char*, const char*, const char*) {
    return action == SQLITE_ATTACH || action == SQLITE_DETACH ? SQLITE_DENY : SQLITE_OK;
}

/// Does to a file what a text says, as far as SQLite lets it.
void change(const std::string& path, std::string_view text) {
    sqlite3* in = nullptr;
    require(sqlite3_open(path.c_str(), &in) == SQLITE_OK, "an intact file can be opened");
    sqlite3_set_authorizer(in, allow, nullptr);
    int budget = 100;
    sqlite3_progress_handler(
        in, 1000, [](void* left) { return --*static_cast<int*>(left) < 0 ? 1 : 0; }, &budget);
    sqlite3_exec(in, "PRAGMA synchronous=OFF; BEGIN", nullptr, nullptr, nullptr);
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::string_view kind = next_word(line);
        if (kind == "s") {
            sqlite3_exec(in, std::string(line).c_str(), nullptr, nullptr, nullptr);
            continue;
        }
        const char* const sql = kind == "m"   ? "INSERT OR REPLACE INTO meta VALUES(?, ?)"
                                : kind == "u" ? "INSERT OR REPLACE INTO users VALUES(?, 1, ?)"
                                : kind == "d" ? "INSERT OR REPLACE INTO done VALUES(?, ?)"
                                : kind == "k" ? "INSERT OR REPLACE INTO skipped VALUES(?, ?)"
                                : kind == "f" ? "INSERT OR REPLACE INTO failed VALUES(?, ?, ?, ?)"
                                              : nullptr;
        sqlite3_stmt* row = nullptr;
        if (!sql || sqlite3_prepare_v2(in, sql, -1, &row, nullptr) != SQLITE_OK)
            continue;
        const bool is_blocks = kind == "d" || kind == "k";
        std::vector<std::string> values;
        for (int column = 1; column <= sqlite3_bind_parameter_count(row); ++column) {
            std::string value(next_word(line));
            if (is_blocks && column == 2) {
                // So many bytes of the same bits.
                unsigned size = 0;
                unsigned bits = 0;
                std::from_chars(value.data(), value.data() + value.size(), size);
                const std::string_view digits = next_word(line);
                std::from_chars(digits.data(), digits.data() + digits.size(), bits);
                value.assign(std::min(size, 4096U), static_cast<char>(bits));
            }
            values.push_back(std::move(value));
        }
        for (std::size_t column = 0; column != values.size(); ++column) {
            const int number = static_cast<int>(column) + 1;
            const int size = static_cast<int>(values[column].size());
            if (is_blocks && column == 1)
                sqlite3_bind_blob(row, number, values[column].data(), size, SQLITE_STATIC);
            else
                sqlite3_bind_text(row, number, values[column].data(), size, SQLITE_STATIC);
        }
        sqlite3_step(row);
        sqlite3_finalize(row);
    }
    sqlite3_exec(in, "COMMIT", nullptr, nullptr, nullptr);
    sqlite3_close_v2(in);
}

/// What a state says.
struct view {
    std::string done;
    std::string skipped;
    std::uint64_t count = 0;
    std::vector<std::uint64_t> failed;
    std::vector<std::string> users;
    sink_position position;
    std::uint64_t records = 0;

    friend bool operator==(const view&, const view&) = default;
};

view look_at(store::crawl_checkpoint& state) {
    view seen;
    for (const store::crawl_section& section : state.sections())
        seen.users.insert(seen.users.end(), section.users.begin(), section.users.end());
    state.load({total});
    seen.done.assign(state.done().bytes().begin(), state.done().bytes().end());
    seen.skipped.assign(state.skipped().bytes().begin(), state.skipped().bytes().end());
    seen.count = state.done_count();
    seen.position = state.position();
    seen.records = state.records();
    state.for_each_failed([&](std::uint64_t index, const store::failed_query&) { seen.failed.push_back(index); });
    require(seen.failed.size() == state.failed_count(), "what has failed is counted");

    std::uint64_t found = 0;
    for (std::uint64_t index = 0; index != total; ++index)
        found += state.done().contains(index) ? 1 : 0;
    require(found == seen.count && found == state.done().count(), "what is done is among the queries");
    for (std::uint64_t index = 0; index != total; ++index)
        require(!state.done().contains(index) || !state.skipped().contains(index), "what is done was not skipped");
    for (const std::uint64_t index : seen.failed)
        require(index < total && !state.done().contains(index) && !state.skipped().contains(index),
                "what has failed is among them, and neither done nor skipped");
    return seen;
}

/// Opens a state and looks at it; nothing if it is refused.
std::optional<view> reopen(const std::string& path) {
    try {
        store::crawl_checkpoint state(path);
        require(state.holds() != store::crawl_checkpoint::stage::none, "what was begun is kept");
        return look_at(state);
    } catch (const store::database_error&) {
        return std::nullopt;
    }
}

/// Goes on with a sound state. False if the file could not be written.
bool add(store::crawl_checkpoint& state, view& seen) {
    try {
        const auto byte = std::ranges::find_if(seen.done, [](char bits) { return bits != '\xFF'; });
        std::uint64_t index = static_cast<std::uint64_t>(byte - seen.done.begin()) * 8;
        while (index < total && (state.done().contains(index) || state.skipped().contains(index)))
            ++index;
        view after = seen;
        if (index < total) {
            after.done[index / 8] = static_cast<char>(after.done[index / 8] | 1 << index % 8);
            ++after.count;
            after.records += 3;
            std::erase(after.failed, index);
            state.mark_done(index, 3);
        }
        after.position = {77, 7};
        state.commit({77, 7});
        seen = after;
        return true;
    } catch (const store::database_error&) {
        return false;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const folder place;
    static const std::string intact = intact_file(place);
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    static constexpr std::string_view changes = "#\n";
    const bool changed = input.starts_with(changes);
    const std::string path = place.file(changed ? std::string_view(intact) : input);
    if (changed)
        change(path, input.substr(changes.size()));
    const std::string before = contents(path);

    std::optional<view> expected;
    try {
        store::crawl_checkpoint state(path);
        if (state.holds() == store::crawl_checkpoint::stage::none) {
            begin(state);
            require(state.difference(identity()).empty(), "a state is of what it was begun for");
            expected = look_at(state);
            require(expected->count == 0 && expected->failed.empty() && expected->users == users(),
                    "what has begun is empty");
        } else {
            expected = look_at(state);
        }
        add(state, *expected);
    } catch (const store::database_error& problem) {
        require(std::string_view(problem.what()).find(path) != std::string_view::npos, "a sentence names the file");
        require(contents(path) == before, "a file that is refused stays as it is");
        return 0;
    }
    require(reopen(path) == expected, "nothing is lost");
    return 0;
}

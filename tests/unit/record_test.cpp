// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/record.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace record_test {

using namespace jobmode;
using namespace std::chrono_literals;

TEST_CASE("a time is read with any of the separators") {
    const auto expected = std::chrono::local_days(2024y / 6 / 26) + 11h + 33min + 52s;
    for (const char* text :
         {"2024-06-26 11:33:52", "2024-06-26 11;33:52", "2024/06/26T11.33.52", "2024-06-26-11-33-52"}) {
        INFO(text);
        CHECK(parse_time(text) == expected);
    }
    for (const char* text :
         {"", "2024-06-26", "2024-06-26 11:33", "2024-06-26 11:33:52 ", "2024-06-26  1:33:52", "2024-02-30 11:33:52",
          "2024-13-26 11:33:52", "2024-06-00 11:33:52", "2024-06-26 24:00:00", "2024-06-26 11:60:00",
          "2024-06-26 11:33:60", "2024_06-26 11:33:52", "2024-06-26 11:33:5x", "20240-6-26 11:33:52"}) {
        INFO(text);
        CHECK_FALSE(parse_time(text));
    }
}

TEST_CASE("modes, presences and keys have their names") {
    CHECK(parse_job_mode("R") == job_mode::remote);
    CHECK(parse_job_mode("M") == job_mode::manual);
    CHECK(parse_job_mode("S") == job_mode::scheduled);
    for (const char* text : {"s", "SS", "X", "nul", "null!", "none"})
        CHECK(parse_job_mode(text) == job_mode::unknown);
    for (const char* text : {"", " ", "\t\r\n", "null", "Null", "NULL"})
        CHECK(parse_job_mode(text) == job_mode::none);
    CHECK(to_string(job_mode::none) == "none");
    CHECK(to_string(job_mode::remote) == "remote");
    CHECK(to_string(job_mode::manual) == "manual");
    CHECK(to_string(job_mode::scheduled) == "scheduled");
    CHECK(to_string(job_mode::unknown) == "unknown");
    CHECK(key_of(field::id) == "ID");
    CHECK(key_of(field::backup_job_mode) == "BackupJobMode");
}

TEST_CASE("each field has its text and its presence, and a copy has the same") {
    record original;
    for (std::size_t index = 0; index != field_count; ++index) {
        const auto which = static_cast<field>(index);
        original.text(which) = std::string(index * 20, static_cast<char>('a' + index));
        original.set(which, static_cast<presence>(index % 3));
    }
    for (std::size_t index = 0; index != field_count; ++index)
        CHECK(original.has(static_cast<field>(index)) == static_cast<presence>(index % 3));
    CHECK(original.owner == std::string(40, 'c'));
    const record_view view(original);
    CHECK(record(view) == original);
    CHECK(view.owner.data() == original.owner.data());
    original.set(field::id, presence::null);
    CHECK_FALSE(record(view) == original);
}

TEST_CASE("a list keeps its records' text, moved or not") {
    record_list list;
    std::vector<record> expected;
    for (std::size_t turn = 0; turn != 200; ++turn) {
        record each;
        each.id = std::to_string(turn);
        each.owner = std::string(turn * 31 % 20000, 'o');
        const record_view view(each);
        list.append(record_batch({&view, 1}));
        expected.push_back(std::move(each));
    }
    const record_list moved = std::move(list);
    REQUIRE(moved.size() == expected.size());
    for (std::size_t index = 0; index != expected.size(); ++index)
        CHECK(record(moved[index]) == expected[index]);
}

TEST_CASE("a list takes over the memory that text is in, and copies what is elsewhere") {
    constexpr std::size_t bytes = 64;
    auto memory = std::make_unique<char[]>(bytes);
    std::fill_n(memory.get(), bytes, 'm');
    const std::string before(10, 'b');
    std::string behind(3000, 'e');
    std::array<record_view, 2> records;
    records[0].id = {memory.get(), 5};
    records[0].owner = before;
    records[1].id = behind;
    records[1].owner = {memory.get() + bytes - 5, 5};
    const char* const where = memory.get();
    record_list list;
    list.reserve(2);
    list.append(record_batch(records), std::move(memory), bytes);
    behind.assign(behind.size(), '!');
    const record_list moved = std::move(list);
    REQUIRE(moved.size() == 2);
    CHECK(moved[0].id.data() == where);
    CHECK(moved[0].owner == before);
    CHECK(moved[0].owner.data() != before.data());
    CHECK(moved[1].id == std::string(3000, 'e'));
    CHECK(moved[1].owner.data() == where + bytes - 5);
    CHECK(moved[1].user_id.empty());
}

TEST_CASE("what a list or an arena was moved from can be used again") {
    detail::text_arena arena;
    const std::string_view kept = arena.copy("first");
    const detail::text_arena other = std::move(arena);
    CHECK(arena.copy(std::string(900, 'x')) == std::string(900, 'x'));
    CHECK(kept == "first");
}

TEST_CASE("an arena's memory is used again, whatever the lengths of its texts") {
    detail::text_arena arena;
    const char* first = nullptr;
    for (int turn = 0; turn != 10; ++turn) {
        arena.clear();
        const std::string_view text = arena.copy("some text");
        CHECK(text == "some text");
        if (!first)
            first = text.data();
        CHECK(text.data() == first);
        CHECK(arena.copy("").empty());
    }
    arena.clear();
    std::vector<std::pair<std::string_view, std::string>> all;
    for (std::size_t size = 1; size < 40000; size = size * 3 / 2 + 1)
        all.emplace_back(arena.copy(std::string(size, 'x')), std::string(size, 'x'));
    detail::text_arena moved = std::move(arena);
    for (const auto& [copy, text] : all)
        CHECK(copy == text);
}

}  // namespace record_test

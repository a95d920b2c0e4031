// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What a crawl does when its files, its disk or its clock are not as they should be.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "cli/crawl_state.hpp"
#include "cli/process.hpp"

using namespace jobmode;

namespace {

constexpr std::uint64_t total = 10'003;

cli::crawl_identity some_crawl() {
    return {"cbs.example.com", "all", "2024-06-01", "2024-06-30", "", "ndjson", "", "jobs", "out.ndjson"};
}

/// A state as a crawl leaves it half way.
std::string write_state(const test::temporary_folder& in) {
    const std::string path = in.path("state");
    cli::crawl_state state(path);
    state.begin(some_crawl());
    cli::index_set skipped(total);
    skipped.insert(7);
    state.add({"cbs.example.com", total, {"anna", "berta"}}, skipped);
    state.mark_done(0, 2);
    state.mark_done(total - 1, 1);
    state.mark_failed(1, {"server_busy", "the server is busy", 4});
    state.commit(1234);
    return path;
}

/// What is wrong with a state, in the words with which it is refused; empty if nothing is.
std::string problem_of(const std::string& path) {
    try {
        cli::crawl_state state(path);
        if (state.holds() != cli::crawl_state::stage::none)
            state.load({total});
        return {};
    } catch (const cli::database_error& problem) {
        return problem.what();
    }
}

}  // namespace

TEST_CASE("a state keeps what it was told") {
    const test::temporary_folder folder;
    cli::crawl_state state(write_state(folder));
    CHECK(state.holds() == cli::crawl_state::stage::unfinished);
    CHECK(state.difference(some_crawl()) == "");
    const std::vector<cli::crawl_section> sections = state.sections();
    REQUIRE(sections.size() == 1);
    CHECK(sections[0].server == "cbs.example.com");
    CHECK(sections[0].total == total);
    CHECK(sections[0].users == std::vector<std::string>{"anna", "berta"});
    state.load({total});
    CHECK(state.done_count() == 2);
    CHECK(state.done().contains(0));
    CHECK(state.done().contains(total - 1));
    CHECK_FALSE(state.done().contains(1));
    CHECK(state.skipped().count() == 1);
    CHECK(state.skipped().contains(7));
    CHECK(state.failed_count() == 1);
    CHECK(state.output_bytes() == 1234);
    CHECK(state.records() == 3);
}

TEST_CASE("a state takes the queries of further servers at any time, and keeps what is not yet to last from lasting") {
    const test::temporary_folder folder;
    const std::string path = folder.path("state");
    {
        cli::crawl_state state(path);
        state.begin(some_crawl());
        cli::index_set skipped(5);
        skipped.insert(4);
        state.add({"a", 5, {}}, skipped);
        state.mark_done(0, 1);
        state.commit(10);
        // In the same block as what is added next.
        state.mark_done(1, 1);
        cli::index_set more(total);
        more.insert(0);
        more.insert(total - 1);
        state.add({"b", total, {"obm"}}, more);
    }
    cli::crawl_state state(path);
    state.load({5, total});
    CHECK(state.total() == total + 5);
    CHECK(state.done_count() == 1);
    CHECK(state.done().contains(0));
    CHECK(state.skipped().count() == 3);
    for (const std::uint64_t number : {std::uint64_t{4}, std::uint64_t{5}, total + 4})
        CHECK(state.skipped().contains(number));
    CHECK(state.sections()[1].users == std::vector<std::string>{"obm"});
    CHECK(state.output_bytes() == 10);
}

TEST_CASE("a state that is damaged is refused with a reason, and stays as it is") {
    struct row {
        const char* sql;
        const char* word;
    };
    for (const row& each : {
             row{"UPDATE meta SET value = 'halted' WHERE key = 'stage'", "neither finished nor unfinished"},
             row{"DELETE FROM meta WHERE key = 'stage'", "neither finished nor unfinished"},
             row{"DELETE FROM meta WHERE key = 'layout'", "no layout"},
             row{"UPDATE meta SET value = '3' WHERE key = 'layout'", "another version"},
             row{"UPDATE meta SET value = '-1' WHERE key = 'output_bytes'", "output_bytes is not a number"},
             row{"UPDATE meta SET value = '18446744073709551616' WHERE key = 'records'", "records is not a number"},
             row{"UPDATE sections SET total = 9", "of 9 queries, and not of 10003"},
             row{"DELETE FROM sections", "of 0 servers, and not of 1"},
             row{"INSERT INTO skipped VALUES(2, zeroblob(1024))", "skipped that it does not have"},
             row{"UPDATE skipped SET bits = CAST(x'01' || zeroblob(1023) AS BLOB)", "both done and skipped"},
             row{"UPDATE failed SET query = 7", "or that are done"},
             row{"INSERT INTO done VALUES(-1, zeroblob(1024))", "done that it does not have"},
             row{"INSERT INTO done VALUES(18014398509481984, zeroblob(1024))", "done that it does not have"},
             row{"INSERT INTO done VALUES(2, zeroblob(1))", "done that it does not have"},
             row{"UPDATE done SET bits = zeroblob(1023) WHERE block = 0", "done that it does not have"},
             row{"UPDATE done SET bits = CAST(zeroblob(226) || x'ff' || zeroblob(797) AS BLOB) WHERE block = 1",
                 "does not have"},
             row{"UPDATE failed SET query = 0", "or that are done"},
             row{"UPDATE failed SET query = 10003", "failed that it does not have"},
             row{"CREATE TRIGGER all_gone AFTER INSERT ON done BEGIN DELETE FROM done; END", "another version"},
             row{"ALTER TABLE users ADD COLUMN age INTEGER", "another version"},
             row{"DROP TABLE meta", "a database of something else"},
             row{"DROP TABLE done; DROP TABLE failed; DROP TABLE meta", "a database of something else"},
         }) {
        const test::temporary_folder folder;
        const std::string path = write_state(folder);
        cli::database(path).execute(each.sql);
        const std::string before = folder.read("state");
        INFO(each.sql);
        const std::string problem = problem_of(path);
        INFO(problem);
        CHECK(problem.find(each.word) != std::string::npos);
        CHECK(problem.find(path) == 0);
        CHECK(folder.read("state") == before);
    }
}

TEST_CASE("a file in the state's place that is none is refused, and stays as it is") {
    const test::temporary_folder folder;
    const std::string intact = [&] {
        write_state(folder);
        return folder.read("state");
    }();
    for (const std::string& bytes :
         {std::string("{\"LoginName\":\"obm\"}\n"), intact.substr(0, 100), intact.substr(0, intact.size() - 4096),
          intact.substr(0, 4096) + std::string(intact.size() - 4096, '\0'), std::string(100'000, '\0')}) {
        const std::string path = folder.write("state", bytes);
        const std::string problem = problem_of(path);
        INFO(problem);
        CHECK(problem.find(path) == 0);
        CHECK(folder.read("state") == bytes);
    }
    // A first page that says that there are no tables, before pages that are somebody's.
    const std::string empty_page = [&] {
        cli::database(folder.path("empty")).execute("CREATE TABLE t(x); DROP TABLE t; VACUUM");
        return folder.read("empty");
    }();
    REQUIRE(empty_page.size() == 4096);
    std::string cleared = empty_page + intact.substr(4096);
    std::ranges::copy(intact.substr(28, 4), cleared.begin() + 28);
    CHECK(problem_of(folder.write("state", cleared)).find("is damaged (") != std::string::npos);
    CHECK(folder.read("state") == cleared);
    CHECK(problem_of(folder.write("state", empty_page)) == "");
    CHECK(problem_of(folder.write("state", "")) == "");
}

TEST_CASE("each byte of a state's header and tables can be wrong, and nothing worse than a refusal comes of it") {
    const test::temporary_folder folder;
    write_state(folder);
    const std::string intact = folder.read("state");
    std::size_t refused = 0;
    // The header, the beginnings of all pages, and a sample of the rest.
    for (std::size_t at = 0; at < intact.size(); at += at < 100 || at % 4096 < 16 ? 1 : 61) {
        std::string bytes = intact;
        bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
        refused += problem_of(folder.write("state", bytes)).empty() ? 0 : 1;
        for (const char* const beside : {"state-journal", "state-wal", "state-shm"})
            std::filesystem::remove(folder.path(beside));
    }
    CHECK(refused > 50);
}

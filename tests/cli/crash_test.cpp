// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What a crawl does when its files, its disk or its clock are not as they should be.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"
#include "cli/process.hpp"
#include "store/crawl_checkpoint.hpp"

namespace crash_test {

using namespace jobmode;
using test::fleet_fixture;

namespace {

constexpr std::uint64_t total = 10'003;

store::crawl_identity some_crawl() {
    return {"cbs.example.com", "all", "2024-06-01", "2024-06-30", "", "ndjson", "", "jobs", "out.ndjson"};
}

/// A state as a crawl leaves it half way.
std::string write_state(const test::temporary_folder& in) {
    const std::string path = in.path("state");
    store::crawl_checkpoint state(path);
    state.begin(some_crawl());
    store::index_set skipped(total);
    skipped.insert(7);
    state.add({"cbs.example.com", total, {"anna", "berta"}}, skipped);
    state.mark_done(0, 2);
    state.mark_done(total - 1, 1);
    state.mark_failed(1, {"server_busy", "the server is busy", 4});
    state.commit({1234, 0});
    return path;
}

/// What is wrong with a state, in the words with which it is refused; empty if nothing is.
std::string problem_of(const std::string& path) {
    try {
        store::crawl_checkpoint state(path);
        if (state.holds() != store::crawl_checkpoint::stage::none)
            state.load({total});
        return {};
    } catch (const store::database_error& problem) {
        return problem.what();
    }
}

std::vector<std::string> to_file(const fleet_fixture& with, const std::string& name,
                                 std::vector<std::string> more = {}) {
    std::vector<std::string> all{"--out", with.folder.path(name)};
    all.insert(all.end(), more.begin(), more.end());
    return fleet_fixture::whole_fleet(all);
}

/// What an output holds, in an order that does not depend on that of the answers.
std::vector<std::string> rows_of(const std::string& path, const std::string& format) {
    std::vector<std::string> rows;
    if (format == "sqlite") {
        store::database out(path);
        store::statement all = out.prepare(
            "SELECT concat FROM (SELECT QueryLoginName || BackupDate || Number || coalesce(StartTime, '') || "
            "coalesce(BackupSetID, '') || coalesce(BackupJobMode, '-') AS concat FROM records UNION ALL "
            "SELECT LoginName || BackupDate || Records FROM queries)");
        while (all.step())
            rows.push_back(all.text(0));
    } else {
        std::ifstream in(path);
        for (std::string line; std::getline(in, line);)
            rows.push_back(line);
    }
    std::ranges::sort(rows);
    return rows;
}

}  // namespace

TEST_CASE("whatever SQLite notices first of a file that was moved away, it is said that it was moved") {
    struct row {
        const char* name;
        /// What comes before the move, and what fails after it.
        const char* before;
        const char* after;
        /// What else is moved: the journal, as whoever moves all files of a name does.
        bool journal;
    };
    for (const row& each : {
             row{"the journal is to be made", "", "INSERT INTO t VALUES(1)", false},
             row{"a transaction's first change", "BEGIN IMMEDIATE", "INSERT INTO t VALUES(1)", false},
             row{"the journal is to be removed", "BEGIN IMMEDIATE; INSERT INTO t VALUES(1)", "COMMIT", true},
             row{"a table is to be made", "BEGIN", "CREATE TABLE u(x)", false},
         }) {
        INFO(each.name);
        const test::temporary_folder folder;
        const std::string path = folder.path("out");
        store::database moved(path);
        moved.execute("CREATE TABLE t(x)");
        moved.execute(each.before);
        std::filesystem::rename(path, path + ".away");
        if (each.journal)
            std::filesystem::rename(path + "-journal", path + ".away-journal");
        CHECK_THROWS_WITH(moved.execute(each.after), path + " was moved or removed while it was in use: put it back");
    }
    const test::temporary_folder folder;
    const std::string path = folder.path("out");
    store::database moved(path);
    moved.execute("CREATE TABLE t(x)");
    store::statement put = moved.prepare("INSERT INTO t VALUES(1)");
    std::filesystem::remove(path);
    CHECK_THROWS_WITH(put.run(), test::contains(path + " was moved or removed"));
    CHECK_THROWS_WITH(store::transaction(moved), test::contains(path + " was moved or removed"));
}

TEST_CASE("what SQLite cannot do is said with what to do about it") {
    const test::temporary_folder folder;
    const std::string path = folder.path("out");
    store::database full(path);
    full.execute("CREATE TABLE t(x); PRAGMA max_page_count=2");
    CHECK_THROWS_WITH(full.execute("INSERT INTO t VALUES(zeroblob(100000))"),
                      test::contains(path + ": the disk is full"));
    full.execute("PRAGMA max_page_count=1000; PRAGMA query_only=1");
    CHECK_THROWS_WITH(full.execute("INSERT INTO t VALUES(1)"), test::contains(path + ": it is read-only: allow"));
    full.execute("PRAGMA query_only=0");
    // Where the journal would stand.
    std::filesystem::create_directory(path + "-journal");
    CHECK_THROWS_WITH(full.execute("INSERT INTO t VALUES(1)"),
                      test::contains(path + ": Is a directory: see to its disk"));
    CHECK_THROWS_WITH(store::database(folder.path("none") + "/out"), test::contains("No such file or directory: see"));
}

TEST_CASE("a state keeps what it was told") {
    const test::temporary_folder folder;
    store::crawl_checkpoint state(write_state(folder));
    CHECK(state.holds() == store::crawl_checkpoint::stage::unfinished);
    CHECK(state.difference(some_crawl()) == "");
    const std::vector<store::crawl_section> sections = state.sections();
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
    CHECK(state.position().output == 1234);
    CHECK(state.records() == 3);
}

TEST_CASE("a state takes the queries of further servers at any time, and keeps what is not yet to last from lasting") {
    const test::temporary_folder folder;
    const std::string path = folder.path("state");
    {
        store::crawl_checkpoint state(path);
        state.begin(some_crawl());
        store::index_set skipped(5);
        skipped.insert(4);
        state.add({"a", 5, {}}, skipped);
        state.mark_done(0, 1);
        state.commit({10, 0});
        // In the same block as what is added next.
        state.mark_done(1, 1);
        store::index_set more(total);
        more.insert(0);
        more.insert(total - 1);
        state.add({"b", total, {"obm"}}, more);
    }
    store::crawl_checkpoint state(path);
    state.load({5, total});
    CHECK(state.total() == total + 5);
    CHECK(state.done_count() == 1);
    CHECK(state.done().contains(0));
    CHECK(state.skipped().count() == 3);
    for (const std::uint64_t number : {std::uint64_t{4}, std::uint64_t{5}, total + 4})
        CHECK(state.skipped().contains(number));
    CHECK(state.sections()[1].users == std::vector<std::string>{"obm"});
    CHECK(state.position().output == 10);
}

TEST_CASE("a state that is damaged is refused with a reason, and stays as it is") {
    struct row {
        const char* sql;
        const char* word;
    };
    for (const row& each : {
             row{"UPDATE meta SET value = 'halted' WHERE key = 'stage'", "its values do not agree"},
             row{"DELETE FROM meta WHERE key = 'stage'", "its values do not agree"},
             row{"DELETE FROM meta WHERE key = 'layout'", "no layout"},
             row{"UPDATE meta SET value = '3' WHERE key = 'layout'", "another version"},
             row{"UPDATE meta SET value = '-1' WHERE key = 'output_bytes'", "its values do not agree"},
             row{"UPDATE meta SET value = '18446744073709551616' WHERE key = 'records'", "its values do not agree"},
             row{"UPDATE sections SET total = 9", "its values do not agree"},
             row{"DELETE FROM sections", "its values do not agree"},
             row{"INSERT INTO skipped VALUES(2, zeroblob(1024))", "its values do not agree"},
             row{"UPDATE skipped SET bits = CAST(x'01' || zeroblob(1023) AS BLOB)", "its values do not agree"},
             row{"UPDATE failed SET query = 7", "its values do not agree"},
             row{"INSERT INTO done VALUES(-1, zeroblob(1024))", "its values do not agree"},
             row{"INSERT INTO done VALUES(18014398509481984, zeroblob(1024))", "its values do not agree"},
             row{"INSERT INTO done VALUES(2, zeroblob(1))", "its values do not agree"},
             row{"UPDATE done SET bits = zeroblob(1023) WHERE block = 0", "its values do not agree"},
             row{"UPDATE done SET bits = CAST(zeroblob(226) || x'ff' || zeroblob(797) AS BLOB) WHERE block = 1",
                 "its values do not agree"},
             row{"UPDATE failed SET query = 0", "its values do not agree"},
             row{"UPDATE failed SET query = 10003", "its values do not agree"},
             row{"CREATE TRIGGER all_gone AFTER INSERT ON done BEGIN DELETE FROM done; END", "another version"},
             row{"ALTER TABLE users ADD COLUMN age INTEGER", "another version"},
             row{"DROP TABLE meta", "a database of something else"},
             row{"DROP TABLE done; DROP TABLE failed; DROP TABLE meta", "a database of something else"},
         }) {
        const test::temporary_folder folder;
        const std::string path = write_state(folder);
        store::database(path).execute(each.sql);
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
        store::database(folder.path("empty")).execute("CREATE TABLE t(x); DROP TABLE t; VACUUM");
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

TEST_CASE("a state whose keys are not in their order is refused") {
    const test::temporary_folder folder;
    write_state(folder);
    std::string bytes = folder.read("state");
    const auto at = bytes.find("sets");
    REQUIRE(at != std::string::npos);
    bytes[at] = 'a';
    folder.write("state", bytes);
    CHECK(problem_of(folder.path("state")).find("KEY order") != std::string::npos);
    CHECK(folder.read("state") == bytes);
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

TEST_CASE("a disk that becomes full ends a crawl with what is full, and nothing is lost") {
    const fleet_fixture with;
    for (const std::string format : {"ndjson", "csv", "sqlite"}) {
        const auto arguments = [&](const std::string& name) {
            return fleet_fixture::whole_fleet(
                {"--out", with.folder.path(name), "--format", format, "--resume", "--sync-interval", "0.002"});
        };
        REQUIRE(with.run("crawl", arguments(format)).exit_code == 0);
        const std::vector<std::string> whole = rows_of(with.folder.path(format), format);
        // Nothing at all; not the whole state; the state, but not the whole output.
        for (const std::uint64_t bytes : {100U, 10'000U, 45'000U}) {
            const std::string name = format + std::to_string(bytes);
            test::restrictions full;
            full.file_bytes = bytes;
            const auto ended =
                test::run_program(with.arguments("crawl", arguments(name)), {{"JOBMODE_SYS_PWD", "system1"}}, full);
            INFO(name << ": " << ended.err);
            CHECK(ended.exit_code == 1);
            CHECK(ended.err.find(with.folder.path(name)) != std::string::npos);
            const auto resumed = with.run("crawl", arguments(name));
            INFO(resumed.err);
            CHECK(resumed.exit_code == 0);
            CHECK(rows_of(with.folder.path(name), format) == whole);
        }
    }
}

TEST_CASE("a folder that may not be written ends a crawl, or lets it be resumed once it may") {
    fleet_fixture with;
    test::restrictions bound;
    bound.obey_permissions = true;
    REQUIRE(with.run("crawl", to_file(with, "whole")).exit_code == 0);
    const std::vector<std::string> whole = rows_of(with.folder.path("whole"), "ndjson");
    const std::filesystem::path inner = with.folder.path("inner");
    std::filesystem::create_directory(inner);
    using std::filesystem::perms;
    constexpr perms no_writing = perms::owner_read | perms::owner_exec;
    const std::vector<std::string> crawl = with.arguments(
        "crawl", to_file(with, "inner/out", {"--resume", "--sync-interval", "0.002", "--max-in-flight", "8"}));
    const auto run = [&] { return test::run_program(crawl, {{"JOBMODE_SYS_PWD", "system1"}}, bound); };
    SECTION("from the start") {
        std::filesystem::permissions(inner, no_writing);
        const auto ended = run();
        INFO(ended.err);
        CHECK(ended.exit_code != 0);
        CHECK(ended.err.find(inner.string()) != std::string::npos);
        CHECK(std::filesystem::is_empty(inner));
    }
    SECTION("while it runs") {
        with.trigger.arm(100, [&] { std::filesystem::permissions(inner, no_writing); });
        const auto ended = run();
        INFO(ended.err);
        CHECK((ended.exit_code == 0 || ended.err.find(inner.string()) != std::string::npos));
    }
    std::filesystem::permissions(inner, perms::owner_all);
    const auto resumed = run();
    INFO(resumed.err);
    CHECK(resumed.exit_code == 0);
    CHECK(rows_of(inner / "out", "ndjson") == whole);
}

TEST_CASE("an output or a state that is moved away while it is written ends the crawl, which goes on once it is back") {
    fleet_fixture with;
    for (const std::string format : {"ndjson", "sqlite"}) {
        const auto arguments = [&](const std::string& name) {
            return to_file(with, name,
                           {"--format", format, "--resume", "--sync-interval", "0.002", "--max-in-flight", "8"});
        };
        REQUIRE(with.run("crawl", arguments(format)).exit_code == 0);
        const std::vector<std::string> whole = rows_of(with.folder.path(format), format);
        for (const std::string what : {"", ".state"}) {
            const std::string name = format + (what.empty() ? "-itself" : "-beside");
            const std::string moved = with.folder.path(name) + what;
            // What has been answered is written a little later.
            with.trigger.arm(100, [&] {
                while (!std::filesystem::exists(moved))
                    std::this_thread::yield();
                std::filesystem::rename(moved, moved + ".away");
            });
            const auto ended = with.run("crawl", arguments(name));
            INFO(name << ": " << ended.err);
            CHECK(ended.exit_code == 1);
            CHECK(ended.err.find(moved + " was moved or removed") != std::string::npos);
            std::filesystem::rename(moved + ".away", moved);
            const auto resumed = with.run("crawl", arguments(name));
            INFO(resumed.err);
            CHECK(resumed.exit_code == 0);
            CHECK(rows_of(with.folder.path(name), format) == whole);
        }
    }
}

TEST_CASE("two crawls do not write one output, even with states of their own") {
    fleet_fixture with;
    const fleet_fixture other;
    const std::string out = with.folder.path("out");
    const auto crawl = [&](const fleet_fixture& of, const std::string& state) {
        return of.arguments("crawl", fleet_fixture::whole_fleet({"--out", out, "--state", with.folder.path(state),
                                                                 "--sync-interval", "0.002", "--max-in-flight", "4"}));
    };
    REQUIRE(with.run("crawl", to_file(with, "whole")).exit_code == 0);
    with.trigger.arm(200, [&] {
        while (!std::filesystem::exists(out))
            std::this_thread::yield();
        std::vector<std::string> second = crawl(other, "second");
        second.emplace_back("--force");
        const auto refused = test::run_program(second, {{"JOBMODE_SYS_PWD", "system1"}});
        INFO(refused.err);
        CHECK(refused.exit_code != 0);
        CHECK(refused.err.find("is being written by another crawl") != std::string::npos);
    });
    CHECK(test::run_program(crawl(with, "first"), {{"JOBMODE_SYS_PWD", "system1"}}).exit_code == 0);
    CHECK(rows_of(out, "ndjson") == rows_of(with.folder.path("whole"), "ndjson"));
}

TEST_CASE("a clock that jumps changes nothing") {
    sim::server_config config = fleet_fixture::small_fleet();
    config.faults.emplace_back(sim::fault_kind::status_503, 0.02);
    config.faults.emplace_back(sim::fault_kind::reset, 0.02);
    const fleet_fixture with(std::move(config));
    // Dates of certificates are no concern of this test; the pin alone is checked.
    std::string users;
    for (const std::string& name : with.server.fleet().login_names())
        users += name + '\n';
    const std::string list = with.folder.write("users", users);
    const auto crawl = [&](const std::string& out, const test::environment& more) {
        test::environment variables{{"JOBMODE_SYS_PWD", "system1"}};
        variables.insert(variables.end(), more.begin(), more.end());
        return test::run_program({"crawl",
                                  "--url",
                                  with.server.url(),
                                  "--sys-user",
                                  "system",
                                  "--pin",
                                  with.server.pin(),
                                  "--users",
                                  list,
                                  "--from",
                                  "2024-06-21",
                                  "--to",
                                  "2024-06-30",
                                  "--out",
                                  with.folder.path(out),
                                  "--metrics-file",
                                  with.folder.path(out + ".prom"),
                                  "--sync-interval",
                                  "0.002",
                                  "--retries",
                                  "20"},
                                 variables);
    };
    REQUIRE(crawl("calm", {}).exit_code == 0);
    const auto jumped = crawl("jumped", {{"LD_PRELOAD", JOBMODE_JUMPING_CLOCK},
                                         {"JUMPING_CLOCK_WITNESS", with.folder.path("witness")},
                                         {"ASAN_OPTIONS", "verify_asan_link_order=0"}});
    INFO(jumped.err);
    CHECK(jumped.exit_code == 0);
    CHECK(std::filesystem::exists(with.folder.path("witness")));
    CHECK(rows_of(with.folder.path("jumped"), "ndjson") == rows_of(with.folder.path("calm"), "ndjson"));
}

}  // namespace crash_test

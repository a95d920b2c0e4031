// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Whatever value of a checkpoint is damaged, it is refused, and stays as it is.
#include "store/checkpoint.hpp"

#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "catch.hpp"
#include "cli/checkpoints.hpp"
#include "cli/fleet_fixture.hpp"
#include "cli/process.hpp"
#include "store/collect_checkpoint.hpp"
#include "store/crawl_checkpoint.hpp"

namespace checkpoint_test {

using namespace jobmode;

namespace {

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void put_back(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// All that the tables of a file say.
std::string tables_of(const std::string& path) {
    store::database file(path);
    std::string all;
    store::statement list = file.prepare("SELECT name FROM sqlite_schema ORDER BY name");
    while (list.step()) {
        store::statement rows = file.prepare("SELECT * FROM " + list.text(0));
        while (rows.step())
            for (int column = 0; column != rows.columns(); ++column)
                all += std::to_string(rows.type(column)) + ':' + rows.blob(column) + '\n';
    }
    return all;
}

/// Does one damage after another to a file and wants `open` to refuse it each time. How many there were.
std::size_t refuse_all(const std::string& path, const std::function<void()>& open) {
    const std::string intact = contents(path);
    const std::string said = tables_of(path);
    std::size_t done = 0;
    for (const std::string& damage : test::damages(path)) {
        put_back(path, intact);
        try {
            store::database(path).execute(damage.c_str());
        } catch (const store::database_error&) {
            // A constraint forbids it.
            continue;
        }
        // The value was that before.
        if (tables_of(path) == said)
            continue;
        const std::string damaged = contents(path);
        INFO(damage);
        ++done;
        bool refused = false;
        try {
            open();
        } catch (const store::database_error& problem) {
            refused = true;
            CHECK(std::string(problem.what()).find(path) != std::string::npos);
        }
        CHECK(refused);
        CHECK(contents(path) == damaged);
    }
    put_back(path, intact);
    open();
    return done;
}

void make_crawl(const std::string& path) {
    store::crawl_checkpoint made(path);
    made.begin({"a.example.com\nb.example.com", "all", "2024-06-01", "2024-06-30", "s1\n", "ndjson", "1/2", "jobs",
                "out.ndjson"});
    store::index_set skipped(12'000);
    skipped.insert(11'999);
    made.add({"a.example.com", 12'000, {"anna", "berta"}}, skipped);
    made.add({"b.example.com", 3, {}}, store::index_set(3));
    for (std::uint64_t index = 0; index != 9'000; index += 3)
        made.mark_done(index, 2);
    made.mark_failed(1, {"server_busy", "the server is busy", 4});
    made.mark_failed(2, {"timeout", "", 1});
    made.commit({123'456, 99});
    made.mark_done(1, 0);
    made.commit({123'999, 100});
}

void make_collection(const std::string& path) {
    store::collect_checkpoint made(path);
    made.begin({"a.example.com", "june", "csv", "out.csv"});
    made.add_item("item 1");
    made.add_item("item 2");
    store::failure_row failed{query("anna", "2024-06-01"), {"server_busy", "the server is busy", 4}};
    made.add_failure(failed);
    failed.asked.backup_set_id = "7";
    made.add_failure(failed);
    made.commit(1'700'000'000'000'000'000, 17, {4'321, 55});
}

}  // namespace

TEST_CASE("whatever value of a crawl's checkpoint is damaged, it is refused") {
    const test::temporary_folder folder;
    const std::string path = folder.path("state");
    make_crawl(path);
    CHECK(refuse_all(path, [&] { store::crawl_checkpoint opened(path); }) > 300);
}

TEST_CASE("whatever value of a collection's checkpoint is damaged, it is refused") {
    const test::temporary_folder folder;
    const std::string path = folder.path("state");
    make_collection(path);
    CHECK(refuse_all(path, [&] { store::collect_checkpoint opened(path); }) > 150);
}

TEST_CASE("a checkpoint says after each commit what it was told, also when it is opened again") {
    const test::temporary_folder folder;
    const std::string path = folder.path("state");
    make_crawl(path);
    store::crawl_checkpoint opened(path);
    CHECK(opened.position() == sink_position{123'999, 100});
    CHECK(opened.failed_count() == 1);
    CHECK(opened.sections().size() == 2);
    CHECK(opened.sections().front().users == std::vector<std::string>{"anna", "berta"});
    opened.load({12'000, 3});
    CHECK(opened.done_count() == 3'001);
    CHECK(opened.skipped().contains(11'999));
    opened.begin(opened.identity());
    CHECK(opened.sections().empty());
    CHECK(opened.failed_count() == 0);
}

TEST_CASE("a change that is not committed leaves the checkpoint as it was") {
    static constexpr store::checkpoint_table tables[] = {
        {"rows", "CREATE TABLE rows(key TEXT PRIMARY KEY) WITHOUT ROWID"}};
    static constexpr store::checkpoint_kind kind{"test", "begin anew", "1", tables};
    const test::temporary_folder folder;
    const std::string path = folder.path("state");
    {
        store::checkpoint made(path, kind);
        CHECK_FALSE(made.begun());
        {
            store::checkpoint::change all(made);
            all.clear();
            all.put("rows", {std::string_view("a")});
        }
        CHECK_FALSE(made.begun());
        store::checkpoint::change all(made);
        all.clear();
        all.put("rows", {std::string_view("b")});
        all.commit();
        CHECK(made.begun());
    }
    {
        store::checkpoint opened(path, kind);
        store::checkpoint::change all(opened);
        all.put("rows", {std::string_view("c")});
        all.erase("rows", std::string_view("b"));
    }
    store::checkpoint opened(path, kind);
    store::statement rows = opened.prepare("SELECT key FROM rows");
    REQUIRE(rows.step());
    CHECK(rows.text(0) == "b");
    CHECK_FALSE(rows.step());
}

TEST_CASE("a crawl whose checkpoint has a damaged number is not resumed, and its output stays") {
    const test::fleet_fixture with;
    const std::vector<std::string> arguments{
        "--all-users", "--from", "2024-06-24", "--to", "2024-06-27", "--out", with.folder.path("out.ndjson"),
        "--resume"};
    REQUIRE(with.run("crawl", arguments).exit_code == 0);
    const std::string path = with.folder.path("out.ndjson.state");
    const std::string intact = contents(path);
    const std::string output = with.folder.read("out.ndjson");
    for (const std::string value : {"'x'", "'0'", "'-1'", "'1'", "''", "0"}) {
        for (const std::string key : {"output_bytes", "asked_bytes", "records", "stage", "plan", "from"}) {
            INFO(key << " = " << value);
            put_back(path, intact);
            store::database(path).execute(("UPDATE meta SET value = " + value + " WHERE key = '" + key + "'").c_str());
            const auto result = with.run("crawl", arguments);
            CHECK(result.exit_code == 1);
            CHECK(result.err.find("is damaged") != std::string::npos);
            CHECK(result.err.find("remove it to crawl anew") != std::string::npos);
            CHECK(with.folder.read("out.ndjson") == output);
        }
    }
}

}  // namespace checkpoint_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Items and results as they are written and read, without a queue.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "cli/process.hpp"
#include "fleet/item_result.hpp"
#include "fleet/names.hpp"
#include "fleet/work_item.hpp"
#include "store/collect_checkpoint.hpp"

namespace result_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

fleet::crawl_scope june(unsigned span) {
    return {2024y / std::chrono::June / 1, 2024y / std::chrono::June / 30, {"1", "2"}, span};
}

outcome answered(std::size_t records) {
    outcome one;
    one.query = query("a\"nna", "2024-06-01", "17");
    for (std::size_t index = 0; index != records; ++index) {
        const std::string id = "id-" + std::to_string(index);
        record_view record;
        record.id = id;
        record.set(field::id, presence::text);
        record.login_name = "a\"nna\n\xc3\xa9";
        record.set(field::login_name, presence::text);
        record.set(field::backup_job_mode, presence::null);
        one.records.append(record_batch({&record, 1}));
    }
    return one;
}

outcome failed() {
    outcome one;
    one.query = query("berta", "2024-06-02");
    one.error = errc::api_error;
    one.diagnostics.attempt = 3;
    // A server's words need not be UTF-8.
    one.diagnostics.server_message = "no \xff such user";
    return one;
}

struct read_back {
    std::vector<query> queries;
    std::vector<record> records;
    std::vector<query> failed;
    std::vector<store::failed_query> failures;
};

read_back read(const fleet::result_writer& writer) {
    read_back all;
    fleet::result_reader reader(
        [&](const outcome& one) {
            all.queries.push_back(one.query);
            for (const record_view& each : one.records)
                all.records.emplace_back(each);
        },
        [&](const query& asked, const store::failed_query& why) {
            all.failed.push_back(asked);
            all.failures.push_back(why);
        });
    for (const std::string& part : writer.parts())
        reader.take(part);
    const fleet::item_final last = fleet::read_final(writer.final_of("item", "run"));
    CHECK(last.item == "item");
    CHECK(last.run == "run");
    CHECK(last.parts == writer.parts().size());
    reader.take(last.entries);
    return all;
}

}  // namespace

TEST_CASE("the items of a user have each day once, whatever the span") {
    for (const unsigned span : {1U, 7U, 29U, 30U, 31U, 1000U}) {
        const fleet::crawl_scope scope = june(span);
        std::vector<std::string> days;
        for (std::uint64_t index = 0; index != fleet::items_per_user(scope); ++index) {
            const fleet::work_item item = fleet::item_of("cbs", "anna", scope, index);
            for (std::uint64_t number = 0; number != item.plan().size(); number += 2)
                days.emplace_back(item.plan().at(number).backup_date.text());
        }
        REQUIRE(days.size() == 30);
        CHECK(days.front() == "2024-06-01");
        CHECK(days.back() == "2024-06-30");
        CHECK(std::adjacent_find(days.begin(), days.end(), std::greater_equal<>()) == days.end());
    }
}

TEST_CASE("an item's ID is the same for ever, and another for another item") {
    const fleet::work_item item = fleet::item_of("cbs.example.com", "anna", june(7), 1);
    CHECK(item.id() == "aa7dabb698b1d475fde634d480e730a8");
    CHECK(fleet::server_key("cbs.example.com") == "193f4422bc6b4532");
    CHECK(fleet::item_of("cbs.example.com", "anna", june(7), 2).id() != item.id());
    CHECK(fleet::item_of("cbs.example.com", "berta", june(7), 1).id() != item.id());
    CHECK(fleet::item_of("cbs.example.org", "anna", june(7), 1).id() != item.id());
}

TEST_CASE("an item is read as it was written, and what is none is refused") {
    const fleet::work_item item = fleet::item_of("cbs", "an\"na", june(7), 4);
    const auto read = fleet::work_item::parse(item.to_json());
    REQUIRE(read);
    CHECK(read->id() == item.id());
    for (const char* text :
         {"", "{}", "[]", "{\"Version\":2}",
          R"({"Version":1,"Server":"s","LoginName":"","From":"2024-06-01","To":"2024-06-01","BackupSetIDs":[]})",
          R"({"Version":1,"Server":"s","LoginName":"a","From":"2024-06-02","To":"2024-06-01","BackupSetIDs":[]})",
          R"({"Version":1,"Server":"s","LoginName":"a","From":"2024-06-31","To":"2024-07-01","BackupSetIDs":[]})"})
        CHECK_FALSE(fleet::work_item::parse(text));
}

TEST_CASE("what is planned of a server is read as it was written") {
    const fleet::server_settings settings{"cbs", june(7), 3, 5, true};
    const auto read = fleet::server_settings::parse(settings.to_json());
    REQUIRE(read);
    CHECK(read->scope == settings.scope);
    CHECK(read->slots == 3);
    CHECK(read->in_flight == 5);
    CHECK(read->planned);
    CHECK_FALSE(fleet::server_settings::parse("{}"));
}

TEST_CASE("a result is the same whatever the size of its messages") {
    for (const std::size_t limit : {1024U, 1500U, 4000U, 1U << 20U}) {
        fleet::result_writer writer(limit);
        writer.add(answered(100));
        writer.add(failed());
        writer.add(answered(0));
        for (const std::string& part : writer.parts())
            CHECK(part.size() <= limit);
        CHECK(writer.final_of("item", "run").size() <= limit);
        CHECK(writer.parts().empty() == (limit > 100'000));

        const read_back all = read(writer);
        REQUIRE(all.queries.size() == 2);
        CHECK(all.queries[0] == query("a\"nna", "2024-06-01", "17"));
        const outcome wanted = answered(100);
        REQUIRE(all.records.size() == 100);
        for (std::size_t index = 0; index != 100; ++index)
            CHECK(all.records[index] == record(wanted.records[index]));
        REQUIRE(all.failed.size() == 1);
        CHECK(all.failed[0] == failed().query);
        CHECK(all.failures[0].error == "api_error");
        CHECK(all.failures[0].attempts == 3);
        CHECK(all.failures[0].message == failed().diagnostics.describe(errc::api_error));
    }
}

TEST_CASE("a record that is longer than a message makes its query a failure") {
    fleet::result_writer writer(1024);
    outcome one;
    one.query = query("anna", "2024-06-01");
    const std::string owner(2000, 'x');
    record_view record;
    record.owner = owner;
    record.set(field::owner, presence::text);
    one.records.append(record_batch({&record, 1}));
    writer.add(one);
    const read_back all = read(writer);
    CHECK(all.queries.empty());
    REQUIRE(all.failures.size() == 1);
    CHECK(all.failures[0].error == "field_limit");
}

TEST_CASE("a message that is no result is told") {
    for (const char* text : {"", "{}", "[]", R"({"Version":2})", R"({"Version":1,"Item":"i","Run":"r","Parts":0})"})
        CHECK_THROWS_AS(fleet::read_final(text), fleet::malformed_result);
    fleet::result_reader reader([](const outcome&) {}, [](const query&, const store::failed_query&) {});
    for (const char* text : {"", "{}", "[{}]", R"([{"LoginName":"a","BackupDate":"2024-06-01","Records":{}}])"})
        CHECK_THROWS_AS(reader.take(text), fleet::malformed_result);
}

TEST_CASE("a collection whose state was moved away keeps nothing in it") {
    const test::temporary_folder folder;
    const std::string path = folder.path("state");
    store::collect_checkpoint state(path);
    state.begin({"cbs.example.com", "june", "ndjson", "out.ndjson"});
    state.commit(1, 7, {100, 10});
    std::filesystem::rename(path, path + ".away");
    CHECK_THROWS_WITH(state.commit(1, 8, {200, 20}), test::contains(path + " was moved or removed"));
    CHECK(state.position(1) == 7);
}

}  // namespace result_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The durable crawl as a service embeds it, against the simulated server.
#include <jobmode/bulk/bulk_crawl.hpp>
#include <jobmode/crawl.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "cli/process.hpp"
#include "integration/support.hpp"
#include "sim/fleet.hpp"

namespace bulk_crawl_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

using std::chrono::June;
using std::chrono::year;

/// What a sink holds, which outlives the sink as a database does: what is durable, and what is not yet.
struct table {
    std::map<std::string, std::size_t> kept;
    std::map<std::string, std::size_t> pending;
    std::map<std::string, std::string> failed;
    std::vector<std::string> unseen;
    std::uint64_t syncs = 0;
    /// Called with each outcome.
    std::function<void(const bulk_outcome&)> on_add = [](const bulk_outcome&) {};
    std::function<void()> on_sync = [] {};

    std::size_t records() const {
        std::size_t count = 0;
        for (const auto& [key, size] : kept)
            count += size;
        return count;
    }
};

/// Counts how often each query was kept, and forgets at `resume` what was not synced, as a rollback does.
class table_sink final : public record_sink {
public:
    explicit table_sink(table& into) : into_(into) {}

    void resume(const sink_position& kept) override {
        if (into_.kept.size() < kept.output)
            throw sink_error("the table holds less than what was written");
        into_.pending.clear();
    }
    void add(const bulk_outcome& ended) override {
        into_.on_add(ended);
        const std::string key = std::string(ended.server) + ' ' + ended.query.login_name + ' ' +
                                std::string(ended.query.backup_date.text());
        if (!ended.error.empty()) {
            into_.failed[key] = ended.error;
            return;
        }
        if (into_.kept.contains(key) || !into_.pending.emplace(key, ended.records.size()).second)
            throw std::logic_error("added twice: " + key);
    }
    void add_unseen(std::string_view server, std::string_view, std::chrono::sys_seconds) override {
        into_.unseen.emplace_back(server);
    }
    sink_position sync() override {
        into_.on_sync();
        into_.kept.merge(into_.pending);
        into_.pending.clear();
        ++into_.syncs;
        return {into_.kept.size(), 0};
    }

private:
    table& into_;
};

struct fixture {
    explicit fixture(std::uint32_t users = 20) : with(small(users)) {}

    static sim::server_config small(std::uint32_t users) {
        sim::server_config config;
        config.fleet.users = users;
        config.fleet.days = 10;
        return config;
    }

    bulk_options options() const {
        bulk_options made;
        made.servers.push_back({"one", with.config(), std::nullopt});
        made.from = year(2024) / June / 21;
        made.to = year(2024) / June / 30;
        made.checkpoint = folder.path("state");
        made.format = "table";
        made.output = "memory";
        made.sync_interval = 1ms;
        return made;
    }

    std::uint64_t all() const { return with.server.fleet().login_names().size() * 10; }

    std::size_t all_records() const {
        std::size_t count = 0;
        const auto last = std::chrono::sys_days(year(2024) / June / 30);
        for (const std::string& name : with.server.fleet().login_names())
            for (auto day = last - std::chrono::days(9); day <= last; day += std::chrono::days(1))
                count += with.server.fleet().jobs(name, day).size();
        return count;
    }

    test::fixture with;
    test::temporary_folder folder;
    table rows;
};

struct ending {
    std::exception_ptr failure;
    bulk_summary summary;

    std::string what() const {
        try {
            if (failure)
                std::rethrow_exception(failure);
        } catch (const std::exception& thrown) {
            return thrown.what();
        }
        return {};
    }
};

/// Runs a crawl to its end; `meanwhile` is called with it once it has begun.
ending run(
    fixture& with, const bulk_options& options,
    const std::function<void(bulk_crawl&)>& meanwhile = [](bulk_crawl&) {}) {
    boost::asio::io_context& context = with.with.context;
    bulk_crawl crawl(context.get_executor(), options, std::make_unique<table_sink>(with.rows));
    std::optional<ending> seen;
    crawl.async_run([&](std::exception_ptr failure, bulk_summary summary) {
        seen = {std::move(failure), std::move(summary)};
    });
    meanwhile(crawl);
    REQUIRE(test::run_until(context, [&] { return seen.has_value(); }));
    return std::move(*seen);
}

}  // namespace

TEST_CASE("a bulk crawl hands every answer to its sink once, and says how it went") {
    fixture with;
    bulk_options options = with.options();
    options.threads = GENERATE(1U, 3U);
    const ending seen = run(with, options);
    CHECK(seen.what() == "");
    CHECK(seen.summary.complete);
    CHECK(seen.summary.begun);
    CHECK(seen.summary.counts.done == with.all());
    CHECK(seen.summary.servers.at(0).metrics.queries == with.all());
    CHECK(with.rows.kept.size() == with.all());
    CHECK(with.rows.records() == with.all_records());
    CHECK(seen.summary.counts.records == with.all_records());

    SECTION("and the next one has nothing to do") {
        const std::uint64_t asked = with.with.server.counters().queries;
        const ending again = run(with, options);
        CHECK(again.what() == "");
        CHECK(again.summary.nothing_left);
        CHECK(again.summary.complete);
        CHECK(with.with.server.counters().queries == asked);
    }
    SECTION("one without the table is refused by the sink, and nothing is asked") {
        with.rows.kept.clear();
        const std::uint64_t asked = with.with.server.counters().queries;
        CHECK(run(with, options).what() == "the table holds less than what was written");
        CHECK(with.with.server.counters().queries == asked);
    }
    SECTION("one of other dates is refused, and says what differs") {
        options.to = year(2024) / June / 29;
        const ending other = run(with, options);
        CHECK(other.what().find("is of another crawl") != std::string::npos);
        CHECK(other.what().find("2024-06-29") != std::string::npos);
    }
    SECTION("one that is not to be resumed begins anew") {
        options.resume = false;
        with.rows.kept.clear();
        CHECK(run(with, options).summary.counts.done_before == 0);
        CHECK(with.rows.kept.size() == with.all());
    }
}

TEST_CASE("a bulk crawl that was stopped at any query is resumed, and doubles nothing") {
    fixture with(300);
    const bulk_options options = with.options();
    std::uint64_t runs = 0;
    std::uint64_t before = 0;
    for (ending seen; !seen.summary.complete; ++runs) {
        REQUIRE(runs < 1000);
        std::atomic<int> left = static_cast<int>(7 + runs * 50);
        std::atomic<bulk_crawl*> running = nullptr;
        with.rows.on_add = [&](const bulk_outcome&) {
            // Terminal and gentle in turn; the sink may block meanwhile.
            if (--left != 0)
                return;
            while (!running)
                std::this_thread::yield();
            runs % 2 == 0 ? running.load()->stop() : running.load()->abandon();
        };
        seen = run(with, options, [&](bulk_crawl& crawl) { running = &crawl; });
        CHECK(seen.what() == "");
        CHECK(seen.summary.counts.done_before == before);
        before = seen.summary.counts.done;
        CHECK(with.rows.kept.size() == before);
    }
    CHECK(with.rows.kept.size() == with.all());
    CHECK(with.rows.records() == with.all_records());
}

TEST_CASE("what a sink throws ends the crawl, and the next one loses nothing") {
    fixture with;
    const bulk_options options = with.options();
    int left = 25;
    SECTION("as it takes an answer") {
        with.rows.on_add = [&](const bulk_outcome&) {
            if (--left == 0)
                throw sink_error("the table is full");
        };
    }
    SECTION("as it syncs") {
        with.rows.on_sync = [&] {
            if (!with.rows.pending.empty() && left-- == 25)
                throw sink_error("the table is full");
        };
    }
    const ending broken = run(with, options);
    CHECK(broken.what() == "the table is full");
    CHECK_FALSE(broken.summary.complete);
    with.rows.on_add = [](const bulk_outcome&) {};
    const ending seen = run(with, options);
    CHECK(seen.what() == "");
    CHECK(with.rows.kept.size() == with.all());
    CHECK(with.rows.records() == with.all_records());
}

TEST_CASE("a sink that is slow slows the crawl, in bounded memory, and blocks no executor") {
    fixture with(300);
    bulk_options options = with.options();
    options.max_queued = 4;
    options.servers.at(0).config.concurrency.max_in_flight = 8;
    std::atomic<std::uint64_t> added = 0;
    std::atomic<bool> ran = false;
    std::uint64_t most = 0;
    with.rows.on_add = [&](const bulk_outcome&) {
        // It goes on only when the executor has run something else meanwhile.
        ran = false;
        boost::asio::post(with.with.context, [&] { ran = true; });
        while (!ran)
            std::this_thread::yield();
        most = std::max<std::uint64_t>(most, with.with.server.counters().queries - added++);
    };
    const ending seen = run(with, options);
    CHECK(seen.what() == "");
    CHECK(seen.summary.complete);
    // In flight, in the crawl's buffer, in the queue, and in the batch that is being written.
    CHECK(most <= 8 + crawl_options().max_buffered + 2 * options.max_queued);
    CHECK(with.rows.kept.size() == with.all());
}

TEST_CASE("a server that cannot be reached is given up, and the others go on") {
    fixture with;
    const test::refusing_port nobody(with.with.context);
    bulk_options options = with.options();
    options.servers.push_back({"two", test::config_for("http", nobody.endpoint().port()), std::nullopt});
    std::vector<std::string> told;
    options.on_event = [&](const bulk_event& event) {
        CHECK(event.what == bulk_event::kind::given_up);
        told.emplace_back(event.server);
    };
    const ending seen = run(with, options);
    CHECK(seen.what() == "");
    CHECK_FALSE(seen.summary.complete);
    REQUIRE(seen.summary.servers.at(1).problem);
    CHECK(seen.summary.servers.at(1).problem->what == bulk_problem::kind::unreachable);
    CHECK_FALSE(seen.summary.servers.at(0).problem);
    CHECK(told == std::vector<std::string>{"two"});
    CHECK(with.rows.unseen == std::vector<std::string>{"two"});
    CHECK(with.rows.kept.size() == with.all());
}

TEST_CASE("a bulk crawl is cancelled as other operations are") {
    fixture with;
    const bulk_options options = with.options();
    boost::asio::io_context& context = with.with.context;
    boost::asio::cancellation_signal signal;
    const auto how = GENERATE(boost::asio::cancellation_type::total, boost::asio::cancellation_type::terminal);
    bulk_crawl crawl(context.get_executor(), options, std::make_unique<table_sink>(with.rows));
    std::optional<ending> seen;
    std::atomic<bool> begun = false;
    with.rows.on_add = [&](const bulk_outcome&) {
        if (!begun.exchange(true))
            boost::asio::post(context, [&] { signal.emit(how); });
    };
    crawl.async_run(
        boost::asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, bulk_summary summary) {
            seen = {std::move(failure), std::move(summary)};
        }));
    REQUIRE(test::run_until(context, [&] { return seen.has_value(); }));
    CHECK(seen->what() == "");
    CHECK(with.rows.kept.size() == seen->summary.counts.done);
}

TEST_CASE("a bulk crawl that is destroyed while it runs ends, tells its handler, and can be resumed") {
    fixture with;
    const bulk_options options = with.options();
    boost::asio::io_context& context = with.with.context;
    std::atomic<bool> begun = false;
    with.rows.on_add = [&](const bulk_outcome&) { begun = true; };
    std::optional<ending> seen;
    {
        bulk_crawl crawl(context.get_executor(), options, std::make_unique<table_sink>(with.rows));
        crawl.async_run([&](std::exception_ptr failure, bulk_summary summary) {
            seen = {std::move(failure), std::move(summary)};
        });
        while (!begun)
            std::this_thread::yield();
    }
    context.restart();
    context.run();
    REQUIRE(seen);
    if (!seen->summary.complete)
        CHECK(seen->failure);
    CHECK(run(with, options).summary.complete);
    CHECK(with.rows.kept.size() == with.all());
}

TEST_CASE("options that contradict one another are refused before anything is asked") {
    fixture with;
    bulk_options options = with.options();
    std::string expected;
    SECTION("no server") {
        options.servers.clear();
        expected = "there is no server";
    }
    SECTION("dates") {
        options.to = year(2024) / June / 1;
        expected = "dates";
    }
    SECTION("a shard that is not there") {
        options.shard = 3;
        options.shards = 2;
        expected = "shard";
    }
    SECTION("two servers of one name") {
        options.servers.push_back(options.servers.front());
        expected = "one name";
    }
    const ending seen = run(with, options);
    CHECK(seen.what().find(expected) != std::string::npos);
    CHECK(with.with.server.counters().queries == 0);
    CHECK_FALSE(std::filesystem::exists(options.checkpoint));
}

TEST_CASE("queries that fail are told to the sink, listed, and asked again by the next run") {
    fixture with;
    bulk_options options = with.options();
    options.servers.front().users = {"nobody-knows-this-user", with.with.server.fleet().login_names().front()};
    boost::asio::io_context& context = with.with.context;
    bulk_crawl crawl(context.get_executor(), options, std::make_unique<table_sink>(with.rows));
    std::optional<ending> seen;
    crawl.async_run([&](std::exception_ptr failure, bulk_summary summary) {
        seen = {std::move(failure), std::move(summary)};
    });
    REQUIRE(test::run_until(context, [&] { return seen.has_value(); }));
    CHECK(seen->summary.counts.failed == 10);
    CHECK(with.rows.failed.size() == 10);
    std::size_t listed = 0;
    crawl.for_each_failure([&](const bulk_failure& failed) {
        ++listed;
        CHECK(failed.server == "one");
        CHECK(failed.query.login_name == "nobody-knows-this-user");
        CHECK_FALSE(failed.message.empty());
        CHECK(failed.attempts >= 1);
    });
    CHECK(listed == 10);
}

}  // namespace bulk_crawl_test

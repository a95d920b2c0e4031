// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// `jobmode plan`, `work` and `collect` with real NATS servers, against the simulated server.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"
#include "fleet/nats_server.hpp"
#include "sim/certificate.hpp"
#include "store/database.hpp"

namespace fleet_test {

using namespace jobmode;
using namespace std::chrono_literals;
using test::fleet_fixture;
using test::program;
using test::run_program;

namespace {

const std::string stream = "june";

std::vector<std::string> sorted_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// A fleet: a simulated AhsayCBS server and the commands that share its work, by a queue that is elsewhere.
class crew : public fleet_fixture {
public:
    explicit crew(sim::server_config config = small_fleet()) : fleet_fixture(std::move(config)) {}

    using words = std::vector<std::string>;

    words command(const std::string& name, const std::string& nats, const words& more) const {
        words all = name == "collect" ? words{name, "--url", server.url()} : arguments(name, {});
        all.insert(all.end(), {"--nats", nats, "--stream", stream});
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    test::program_result plan(const std::string& nats, words more = {}, const std::string& span = "3") const {
        // Long enough that nobody whose machine is slow loses them.
        words all = whole_fleet({"--span", span, "--lease", "300", "--item-timeout", "300"});
        all.insert(all.end(), more.begin(), more.end());
        return run_program(command("plan", nats, all), with_password());
    }
    /// What a worker that is gone held is free soon. One whose machine is slow can lose it, too, and asks anew.
    test::program_result plan_for_losses(const std::string& nats, words more, const std::string& lease = "1") const {
        words all = whole_fleet({"--span", "3", "--lease", lease, "--item-timeout", "1"});
        all.insert(all.end(), more.begin(), more.end());
        return run_program(command("plan", nats, all), with_password());
    }
    std::unique_ptr<program> start_worker(const std::string& nats, words more = {}) const {
        more.push_back("--until-empty");
        return std::make_unique<program>(command("work", nats, more), with_password());
    }
    test::program_result collect(const std::string& nats, const std::string& out, words more = {}) const {
        more.insert(more.end(), {"--out", folder.path(out)});
        return run_program(command("collect", nats, more));
    }
    /// What one process gets.
    std::string crawled() const {
        CHECK(run("crawl", whole_fleet({"--out", folder.path("crawled.ndjson")})).exit_code == 0);
        return folder.read("crawled.ndjson");
    }
    void check_collected(const std::string& nats, const std::string& out) const {
        const auto result = collect(nats, out);
        INFO(result.err);
        CHECK(result.exit_code == 0);
        CHECK(sorted_lines(folder.read(out)) == sorted_lines(crawled()));
    }

    static test::environment with_password() { return {{"JOBMODE_SYS_PWD", "system1"}}; }
};

sim::server_config slow_fleet() {
    sim::server_config config = fleet_fixture::small_fleet();
    config.latency = sim::latency_spec::parse("uniform:2ms,10ms").value();
    return config;
}

}  // namespace

TEST_CASE("what is planned, worked and collected is what one crawl gets", "[threads]") {
    const crew with;
    test::nats_server nats(with.folder.path("nats"));
    const auto planned = with.plan(nats.url());
    INFO(planned.err);
    REQUIRE(planned.exit_code == 0);
    CHECK(contains(planned.err, "160 items of 400 queries: 160 put in the queue, 0 there before or done"));
    auto worker = with.start_worker(nats.url());
    const auto worked = worker->wait();
    INFO(worked.err);
    CHECK(worked.exit_code == 0);
    CHECK(contains(worked.err, "160 items done, 0 given back; 400 queries, 0 of them failed"));
    CHECK(with.server.counters().queries == 400);
    with.check_collected(nats.url(), "out.ndjson");

    SECTION("as CSV and as tables, too") {
        CHECK(with.collect(nats.url(), "out.csv", {"--format", "csv"}).exit_code == 0);
        CHECK(with.run("crawl", crew::whole_fleet({"--out", with.folder.path("crawled.csv"), "--format", "csv"}))
                  .exit_code == 0);
        CHECK(sorted_lines(with.folder.read("out.csv")) == sorted_lines(with.folder.read("crawled.csv")));
        CHECK(with.collect(nats.url(), "out.sqlite", {"--format", "sqlite"}).exit_code == 0);
        store::database tables(with.folder.path("out.sqlite"));
        store::statement queries = tables.prepare("SELECT count(*), sum(Records) FROM queries WHERE Error IS NULL");
        REQUIRE(queries.step());
        CHECK(queries.integer(0) == 400);
        CHECK(static_cast<std::size_t>(queries.integer(1)) == sorted_lines(with.folder.read("out.ndjson")).size());
    }
    SECTION("and collecting again adds nothing") {
        const std::string before = with.folder.read("out.ndjson");
        const auto again = with.collect(nats.url(), "out.ndjson");
        CHECK(again.exit_code == 0);
        CHECK(contains(again.err, "160 items collected (160 of them before), 0 queries"));
        CHECK(with.folder.read("out.ndjson") == before);
    }
}

TEST_CASE("planning twice adds nothing, whether items are queued or done") {
    const crew with;
    test::nats_server nats(with.folder.path("nats"));
    REQUIRE(with.plan(nats.url()).exit_code == 0);
    CHECK(contains(with.plan(nats.url()).err, "0 put in the queue, 160 there before or done"));
    CHECK(with.start_worker(nats.url())->wait().exit_code == 0);
    CHECK(contains(with.plan(nats.url()).err, "0 put in the queue, 160 there before or done"));
    CHECK(contains(with.start_worker(nats.url())->wait().err, "0 items done"));
    CHECK(with.server.counters().queries == 400);

    const auto other = with.plan(nats.url(), {}, "2");
    CHECK(other.exit_code == 2);
    CHECK(contains(other.err, "use the same, or another --stream"));
}

TEST_CASE("the limit of a server holds for all workers together") {
    const crew with(slow_fleet());
    test::nats_server nats(with.folder.path("nats"));
    REQUIRE(with.plan(nats.url(), {"--slots", "2", "--in-flight", "2"}).exit_code == 0);
    std::vector<std::unique_ptr<program>> workers;
    for (int index = 0; index != 3; ++index)
        workers.push_back(with.start_worker(nats.url()));
    for (const auto& one : workers)
        CHECK(one->wait().exit_code == 0);
    CHECK(with.server.counters().most_in_flight <= 4);
    CHECK(with.server.counters().queries == 400);
    with.check_collected(nats.url(), "out.ndjson");
}

TEST_CASE("workers and a collector that are killed at any instant lose nothing and double nothing") {
    crew with(slow_fleet());
    test::nats_server nats(with.folder.path("nats"));
    REQUIRE(with.plan_for_losses(nats.url(), {}).exit_code == 0);
    std::mt19937 random(7);
    // Four workers, each of which is killed when the server has been asked some more, and comes again.
    for (int round = 0; round != 3; ++round) {
        std::vector<std::unique_ptr<program>> workers;
        std::unique_ptr<program> collector;
        std::atomic<bool> started = false;
        // The server answers nothing before all are killed, so that none can come to its end.
        with.trigger.arm(20 + random() % 40, [&] {
            while (!started)
                std::this_thread::yield();
            for (const auto& one : workers)
                one->send(SIGKILL);
            collector->send(SIGKILL);
        });
        for (int index = 0; index != 4; ++index)
            workers.push_back(with.start_worker(nats.url()));
        collector =
            std::make_unique<program>(with.command("collect", nats.url(), {"--out", with.folder.path("out.ndjson")}));
        started = true;
        for (const auto& one : workers)
            CHECK(one->wait().exit_code == 128 + SIGKILL);
        collector->wait();
    }
    std::vector<std::unique_ptr<program>> workers;
    for (int index = 0; index != 4; ++index)
        workers.push_back(with.start_worker(nats.url()));
    for (const auto& one : workers)
        CHECK(one->wait().exit_code == 0);
    with.check_collected(nats.url(), "out.ndjson");
}

TEST_CASE("a network that is cut and healed loses nothing and doubles nothing", "[threads]") {
    crew with(slow_fleet());
    test::nats_server nats(with.folder.path("nats"));
    test::relay network;
    network.lead_to(nats.port());
    const std::string far = "nats://127.0.0.1:" + std::to_string(network.port());
    REQUIRE(with.plan_for_losses(nats.url(), {"--slots", "8"}).exit_code == 0);
    const std::future<void> asked = with.trigger.when(60, [&] { network.cut(); });
    auto cut_off = with.start_worker(far, {"--items", "8"});
    asked.wait();
    // What the worker behind the cut had in hand is done by this one, with the same slots.
    auto other = with.start_worker(nats.url());
    CHECK(other->wait().exit_code == 0);
    network.heal();
    CHECK(cut_off->wait().exit_code == 0);
    with.check_collected(nats.url(), "out.ndjson");
}

TEST_CASE("a cluster that loses a server loses nothing and doubles nothing") {
    const int signal = GENERATE(SIGKILL, SIGTERM);
    crew with(slow_fleet());
    test::nats_cluster nats(with.folder);
    const auto planned = with.plan_for_losses(nats.urls(), {"--replicas", "3"}, "2");
    INFO(planned.err);
    REQUIRE(planned.exit_code == 0);
    const std::future<void> asked = with.trigger.when(60);
    std::vector<std::unique_ptr<program>> workers;
    for (int index = 0; index != 2; ++index)
        workers.push_back(with.start_worker(nats.urls()));
    program collector(with.command("collect", nats.urls(), {"--out", with.folder.path("out.ndjson")}));
    asked.wait();
    nats.server(1).end(signal);
    for (const auto& one : workers) {
        const auto result = one->wait();
        INFO(result.err);
        CHECK(result.exit_code == 0);
    }
    const auto collected = collector.wait();
    INFO(collected.err);
    CHECK(collected.exit_code == 0);
    CHECK(sorted_lines(with.folder.read("out.ndjson")) == sorted_lines(with.crawled()));
}

TEST_CASE("what fails for a while is tried again, and what fails for good is recorded as by a crawl") {
    std::atomic<int> busy{0};
    sim::server_config config = fleet_fixture::small_fleet();
    config.script = [&busy](const sim::request_info& request) -> std::optional<std::vector<sim::script_step>> {
        const bool always = contains(request.body, "customer-0003") && contains(request.body, "2024-06-22");
        if (always || (contains(request.body, "customer-0001") && busy++ == 0))
            return std::vector<sim::script_step>{
                {sim::script_step::kind::send,
                 "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
                {sim::script_step::kind::close}};
        return std::nullopt;
    };
    const crew with(std::move(config));
    test::nats_server nats(with.folder.path("nats"));
    REQUIRE(with.plan(nats.url()).exit_code == 0);
    const auto worked =
        with.start_worker(nats.url(), {"--retries", "0", "--attempts", "2", "--retry-delay", "0.05"})->wait();
    INFO(worked.err);
    CHECK(worked.exit_code == 0);
    CHECK(contains(worked.err, "2 given back"));
    const auto collected = with.collect(nats.url(), "out.ndjson");
    CHECK(collected.exit_code == 1);
    CHECK(contains(collected.err, "1 failed: server_busy"));
    const auto crawled =
        with.run("crawl", crew::whole_fleet({"--out", with.folder.path("crawled.ndjson"), "--retries", "0"}));
    CHECK(crawled.exit_code == 1);
    CHECK(sorted_lines(with.folder.read("out.ndjson")) == sorted_lines(with.folder.read("crawled.ndjson")));
    CHECK(with.folder.read("out.ndjson.failed.ndjson") == with.folder.read("crawled.ndjson.failed.ndjson"));
}

TEST_CASE("a wrong password costs one attempt and no item", "[threads]") {
    const crew with;
    test::nats_server nats(with.folder.path("nats"));
    REQUIRE(with.plan(nats.url()).exit_code == 0);
    const std::uint64_t before = with.server.counters().refused;
    program wrong(with.command("work", nats.url(), {"--items", "8"}), {{"JOBMODE_SYS_PWD", "nonsense"}});
    const auto result = wrong.wait();
    CHECK(result.exit_code == 3);
    CHECK_FALSE(contains(result.err, "nonsense"));
    CHECK(with.server.counters().refused == before + 1);
    CHECK(with.start_worker(nats.url())->wait().exit_code == 0);
    with.check_collected(nats.url(), "out.ndjson");
}

TEST_CASE("an answer that is longer than a message is collected whole") {
    const crew with;
    test::nats_server nats(with.folder.path("nats"));
    const std::string users = with.folder.write("users", "bulk-20000\nobm\n");
    const std::vector<std::string> what{"--users", users, "--from", "2024-06-26", "--to", "2024-06-27"};
    REQUIRE(run_program(with.command("plan", nats.url(), what)).exit_code == 0);
    CHECK(with.start_worker(nats.url())->wait().exit_code == 0);
    CHECK(with.collect(nats.url(), "out.ndjson").exit_code == 0);
    std::vector<std::string> crawl = what;
    crawl.insert(crawl.end(), {"--out", with.folder.path("crawled.ndjson")});
    CHECK(with.run("crawl", crawl).exit_code == 0);
    const std::vector<std::string> lines = sorted_lines(with.folder.read("out.ndjson"));
    CHECK(lines.size() > 40'000);
    CHECK(lines == sorted_lines(with.folder.read("crawled.ndjson")));
}

// Not for ThreadSanitizer: libnats reads from and writes to a connection's SSL on two threads at a time.
TEST_CASE("NATS is reached over TLS with a user and a password, which are on no command line") {
    const sim::certificate authority = sim::make_authority("fleet");
    const crew with;
    const sim::certificate own = sim::make_certificate(sim::certificate_options(), &authority);
    const std::string ca = with.folder.write("ca.pem", authority.pem);
    test::nats_server nats(with.folder.path("nats"),
                           {"--tls", "--tlscert", with.folder.write("cert.pem", own.pem), "--tlskey",
                            with.folder.write("key.pem", own.key_pem), "--user", "fleet", "--pass", "swordfish"});
    const std::string url = "tls://localhost:" + std::to_string(nats.port());
    const auto plan = [&](std::vector<std::string> more, const std::string& password) {
        std::vector<std::string> all = crew::whole_fleet(std::move(more));
        return run_program(with.command("plan", url, all),
                           {{"JOBMODE_SYS_PWD", "system1"}, {"JOBMODE_NATS_PASSWORD", password}});
    };
    const auto good = plan({"--nats-ca", ca, "--nats-user", "fleet"}, "swordfish");
    INFO(good.err);
    CHECK(good.exit_code == 0);
    const auto wrong = plan({"--nats-ca", ca, "--nats-user", "fleet"}, "sardine");
    CHECK(wrong.exit_code == 4);
    CHECK_FALSE(contains(wrong.err, "sardine"));
    // The system trusts no authority that a test has made.
    CHECK(plan({"--nats-user", "fleet"}, "swordfish").exit_code == 4);

    sim::certificate_options elsewhere;
    elsewhere.names = {"elsewhere.example"};
    const sim::certificate stolen = sim::make_certificate(elsewhere, &authority);
    test::nats_server impostor(with.folder.path("impostor"),
                               {"--tls", "--tlscert", with.folder.write("stolen.pem", stolen.pem), "--tlskey",
                                with.folder.write("stolen-key.pem", stolen.key_pem)});
    const auto told_apart = run_program(with.command("plan", "tls://localhost:" + std::to_string(impostor.port()),
                                                     crew::whole_fleet({"--nats-ca", ca})),
                                        crew::with_password());
    CHECK(told_apart.exit_code == 4);
    CHECK(contains(told_apart.err, "hostname mismatch"));

    const auto told = run_program(with.command("plan", "nats://fleet:swordfish@localhost:4222", crew::whole_fleet({})));
    CHECK(told.exit_code == 2);
    CHECK_FALSE(contains(told.err, "swordfish"));
}

}  // namespace fleet_test

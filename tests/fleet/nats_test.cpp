// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What is made of libnats, in this process, with a real server.
#include "fleet/nats.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "cli/process.hpp"
#include "fleet/nats_server.hpp"
#include "fleet/problem.hpp"
#include "fleet/slot_lease.hpp"
#include "patience.hpp"

namespace nats_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

fleet::nats_config reached_at(std::uint16_t port) {
    fleet::nats_config config;
    config.urls = {"nats://127.0.0.1:" + std::to_string(port)};
    return config;
}

/// Tries to take a slot of a bucket whose values live so long; null if all are taken.
std::unique_ptr<fleet::slot_lease> take(fleet::connection& at, const std::string& bucket, unsigned slots,
                                        std::chrono::seconds lifetime) {
    std::unique_ptr<fleet::slot_lease> taken;
    fleet::persist(
        [&] {
            taken = fleet::slot_lease::acquire(at, bucket, "server", slots, 0, {lifetime, lifetime});
        },
        [] { return false; });
    return taken;
}

}  // namespace

TEST_CASE("a message is stored once for each subject, also when its ID has been forgotten") {
    const test::temporary_folder folder;
    test::nats_server server(folder.path("nats"));
    fleet::connection nats(reached_at(server.port()), "test");
    nats.create_stream({"s", {"s.>"}, false, 1});
    fleet::connection::condition first;
    first.id = "1";
    CHECK(nats.publish("s.a", "x", first) == std::optional<std::uint64_t>(1));
    CHECK_FALSE(nats.publish("s.a", "x", first));
    first.id = "2";
    CHECK_FALSE(nats.publish("s.a", "y", first));
    REQUIRE(nats.last("s", "s.*"));
    CHECK(nats.last("s", "s.*")->data() == "x");
    CHECK_FALSE(nats.last("s", "t.*"));
}

TEST_CASE("a slot has one holder at a time, who knows when it can be gone", "[threads]") {
    const test::temporary_folder folder;
    test::nats_server server(folder.path("nats"));
    test::relay network;
    network.lead_to(server.port());
    fleet::connection near(reached_at(server.port()), "near");
    fleet::connection far(reached_at(network.port()), "far");
    near.create_bucket("slots", 300s, 1);
    {
        const auto first = take(far, "slots", 2, 300s);
        auto second = take(near, "slots", 2, 300s);
        REQUIRE(first);
        REQUIRE(second);
        CHECK(first->number() != second->number());
        CHECK_FALSE(take(near, "slots", 2, 300s));
        const unsigned number = second->number();
        second.reset();
        second = take(near, "slots", 2, 300s);
        REQUIRE(second);
        CHECK(second->number() == number);
    }

    // The holder that is cut off ends before another can begin.
    near.create_bucket("brief", 1s, 1);
    const auto cut_off = take(far, "brief", 1, 1s);
    REQUIRE(cut_off);
    network.cut();
    while (!take(near, "brief", 1, 1s)) {
    }
    CHECK_FALSE(cut_off->held());
    network.heal();
}

TEST_CASE("a publisher ends while answers are on their way to it", "[threads]") {
    const test::temporary_folder folder;
    test::nats_server server(folder.path("nats"));
    fleet::connection nats(reached_at(server.port()), "test");
    nats.create_stream({"s", {"s.>"}, false, 1});
    constexpr int rounds = 20;
    constexpr int messages = 300;
    for (int round = 0; round != rounds; ++round) {
        fleet::bulk_publisher publisher(nats);
        for (int number = 0; number != messages; ++number)
            publisher.add("s." + std::to_string(round) + "." + std::to_string(round * messages + number), "x");
    }
    // What was sent is there, whoever waited for an answer.
    fleet::stream_reader all(nats, "s", "s.>", 0);
    int found = 0;
    while (found != rounds * messages)
        found += static_cast<int>(all.next(500, 500ms).size());
    CHECK_FALSE(nats.publish("s.0.0", "y", {}));
}

TEST_CASE("a lease's holder learns its deadline while the network is stuck", "[threads]") {
    const test::temporary_folder folder;
    test::nats_server server(folder.path("nats"));
    test::relay network;
    network.lead_to(server.port());
    fleet::connection nats(reached_at(network.port()), "test");
    nats.create_stream({"work", {"work.>"}, true, 1});
    nats.create_consumer("work", "worker", "work.*", std::chrono::nanoseconds(1s));
    nats.create_bucket("slots", 1s, 1);
    REQUIRE(nats.publish("work.1", "x", {}));
    fleet::queue_reader queue(nats, "work", "worker", "work.*");
    std::optional<fleet::message> item;
    while (!item)
        item = queue.next(1s);
    std::unique_ptr<fleet::slot_lease> lease;
    while (!lease)
        lease = take(nats, "slots", 1, 1s);
    lease->hold(*item);

    // Whoever sends much waits for the network, and everybody else who sends, for him.
    network.stick();
    std::atomic<bool> done{false};
    std::thread sender([&] {
        const std::string much(500'000, 'x');
        while (!done)
            natsConnection_Publish(nats.handle(), "nobody", much.data(), static_cast<int>(much.size()));
    });
    std::future<void> over = std::async(std::launch::async, [&] {
        while (lease->held())
            std::this_thread::yield();
    });
    CHECK(over.wait_for(test::patience) == std::future_status::ready);
    done = true;
    network.heal();
    sender.join();
    over.wait();
    lease->let_go();
}

TEST_CASE("a worker and a command call a problem of NATS the same") {
    const auto code_of = [](natsStatus status) {
        return fleet::problem_of(std::make_exception_ptr(fleet::nats_error("take items", status, 0))).code;
    };
    CHECK(code_of(NATS_CONNECTION_AUTH_FAILED) == cli::exit_code::unreachable);
    CHECK(code_of(NATS_TIMEOUT) == cli::exit_code::unreachable);
    CHECK(code_of(NATS_NOT_FOUND) == cli::exit_code::some_failed);
    CHECK(fleet::problem_of(std::make_exception_ptr(cli::usage_problem("no"))).code == cli::exit_code::usage);
    CHECK(fleet::problem_of(std::make_exception_ptr(std::bad_alloc())).code == cli::exit_code::some_failed);
}

}  // namespace nats_test

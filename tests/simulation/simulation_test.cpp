// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The whole client core against a simulated network, server, resolver and clock: many seeds, each of which draws what
// goes wrong. Environment variables:
//   JOBMODE_SIMULATION_SEEDS    fixed seeds to run, from 1 (20,000)
//   JOBMODE_SIMULATION_SECONDS  how long all of it takes at least: the rest is for fresh seeds, which are printed (60)
//   JOBMODE_SIMULATION_SEED     one seed, with a log of all that happens
//   JOBMODE_SIMULATION_BRIEF    set: stop at the first failure, and do not look for a smaller script that fails
#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "catch.hpp"
#include "simulation/world.hpp"

namespace simulation_test {

using namespace jobmode;
using namespace jobmode::simulation;

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text ? std::stoull(text) : otherwise;
}

struct totals {
    std::uint64_t runs = 0;
    std::uint64_t queries = 0;
    std::uint64_t answered = 0;
    std::uint64_t requests = 0;
    std::uint64_t trace = 0;
    std::array<std::uint64_t, fault_count> reached{};
    std::array<std::uint64_t, policy::rule_count> judged{};

    void add(const report& one) {
        ++runs;
        queries += one.endings.size();
        answered += one.answered;
        requests += one.requests.size();
        trace = (trace ^ one.trace) * 0x100000001B3U;
        for (std::size_t index = 0; index != fault_count; ++index)
            reached[index] += one.reached[index];
        for (std::size_t index = 0; index != policy::rule_count; ++index)
            judged[index] += one.judged[index];
    }
};

/// Runs a seed. A failure is printed with what is left of its script.
bool run_seed(std::uint64_t seed, totals& sum) {
    const script plan = draw(seed);
    const report one = run(plan);
    sum.add(one);
    if (one.violation.empty())
        return true;
    if (std::getenv("JOBMODE_SIMULATION_BRIEF"))
        FAIL("seed " << seed << ": " << one.violation);
    const script small = shrink(plan);
    FAIL_CHECK("seed " << seed << ": " << one.violation << "\nmade smaller: " << run(small).violation << '\n'
                       << small.describe());
    return false;
}

}  // namespace

TEST_CASE("a run is the same each time") {
    for (std::uint64_t seed = 1; seed != 50; ++seed) {
        const script plan = draw(seed);
        CHECK(run(plan).trace == run(plan).trace);
    }
}

TEST_CASE("whatever goes wrong, what must hold holds") {
    if (const std::uint64_t seed = number_from("JOBMODE_SIMULATION_SEED", 0)) {
        std::string log;
        const script plan = draw(seed);
        const report one = run(plan, &log);
        const script small = one.violation.empty() ? plan : shrink(plan);
        log.clear();
        const report again = run(small, &log);
        std::cout << small.describe() << '\n' << log << again.violation << '\n';
        CHECK(one.violation == "");
        return;
    }
    using std::chrono::steady_clock;
    const steady_clock::time_point begin = steady_clock::now();
    const std::uint64_t fixed = number_from("JOBMODE_SIMULATION_SEEDS", 20'000);
    const std::chrono::seconds least(number_from("JOBMODE_SIMULATION_SECONDS", 60));
    totals sum;
    unsigned failed = 0;
    for (std::uint64_t seed = 1; seed <= fixed && failed < 5; ++seed)
        failed += run_seed(seed, sum) ? 0 : 1;
    std::cout << "fixed seeds: " << sum.runs << " runs, trace " << std::hex << sum.trace << std::dec << '\n';

    const std::uint64_t fresh = (std::uint64_t{std::random_device()()} << 20U) + 1'000'000;
    std::uint64_t seed = fresh;
    for (; failed == 0 && steady_clock::now() - begin < least; ++seed)
        failed += run_seed(seed, sum) ? 0 : 1;
    const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
    std::cout << "fresh seeds: " << seed - fresh << " from " << fresh << "\nall: " << sum.queries << " queries, "
              << sum.answered << " answered, " << sum.requests << " requests, "
              << static_cast<std::uint64_t>(static_cast<double>(sum.queries) / seconds)
              << " queries a second\nreached:";
    for (std::size_t index = 0; index != fault_count; ++index)
        std::cout << ' ' << name_of(static_cast<fault>(index)) << '=' << sum.reached[index];
    std::cout << "\njudged:";
    for (std::size_t index = 0; index != policy::rule_count; ++index)
        std::cout << ' ' << index << '=' << sum.judged[index];
    std::cout << '\n';
    for (std::size_t index = 0; index != fault_count; ++index)
        if (sum.reached[index] == 0)
            FAIL_CHECK("no run met with the fault " << name_of(static_cast<fault>(index)));
    for (std::size_t index = 0; index != policy::rule_count; ++index)
        if (sum.judged[index] == 0)
            FAIL_CHECK("no run came to row " << index << " of the table of failures");
    CHECK(failed == 0);
}

}  // namespace simulation_test

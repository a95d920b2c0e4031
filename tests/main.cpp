// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Catch2's own part, and what `tests/flake` wants of each program: with JOBMODE_TEST_SEED in the environment the tests
// run in an order that this number chooses, and with JOBMODE_TEST_JOURNAL each program writes into that folder which
// tests it began and how they ended, so that one that dies or hangs is named too.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#define CATCH_CONFIG_RUNNER
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
#endif

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

#if __has_include(<catch2/catch_all.hpp>)
using listener_base = Catch::EventListenerBase;
#else
using listener_base = Catch::TestEventListenerBase;
#endif

class journal : public listener_base {
public:
    using listener_base::listener_base;

    void testCaseStarting(const Catch::TestCaseInfo& test) override {
        name_ = test.name;
        write("began");
    }
    void testCaseEnded(const Catch::TestCaseStats& test) override {
        write(test.totals.assertions.failed == 0 ? "passed" : "failed");
    }

private:
    void write(const char* what) const {
        if (const char* const folder = std::getenv("JOBMODE_TEST_JOURNAL"))
            std::ofstream(std::filesystem::path(folder) / std::to_string(::getpid()), std::ios::app)
                << what << ' ' << name_ << std::endl;
    }

    std::string name_;
};

}  // namespace

CATCH_REGISTER_LISTENER(journal)

int main(int argc, char** argv) {
    std::vector<const char*> words(argv, argv + argc);
    if (const char* const seed = std::getenv("JOBMODE_TEST_SEED"))
        words.insert(words.begin() + 1, {"--order", "rand", "--rng-seed", seed});
    return Catch::Session().run(static_cast<int>(words.size()), words.data());
}

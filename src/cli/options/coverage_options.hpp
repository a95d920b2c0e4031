// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

#include <chrono>
#include <string>

#include "report/coverage.hpp"

namespace jobmode::cli {

/// The options by which every subcommand asks who has a backup: the same words and the same defaults in all of them.
struct coverage_options {
    report::coverage::require require = report::coverage::require::any;
    std::string now;
    std::string expect;

    /// Adds `--require`, `--now` and `--expect` to a subcommand; this object must outlive it.
    void add_to(CLI::App& command);
    /// Adds `--require` alone.
    void add_require_to(CLI::App& command);

    /// What they ask.
    struct question {
        /// The moment of the judgement, in the time of this machine.
        std::chrono::local_seconds now;
        report::expectations wanted;
    };
    /// Fills in what they ask. Empty if that worked, else a sentence on what is wrong with them.
    std::string read(question& asked) const;
    /// Asks the model. What is wrong with `--expect` for what is in the model is in the assessment's `problem`, as a
    /// sentence that names the file.
    report::assessment assess(const report::coverage& known, const question& asked) const;
};

}  // namespace jobmode::cli

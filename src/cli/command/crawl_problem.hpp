// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/bulk_crawl.hpp>

#include <exception>
#include <stdexcept>
#include <string>

#include "cli/messages/exit_code.hpp"

namespace jobmode::cli {

/// Why a command cannot be carried out as it was given, as a sentence.
class usage_problem : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What ended a crawl that could not go on.
struct crawl_problem {
    exit_code code = exit_code::some_failed;
    std::string text;
    /// Nobody reads the output any more: no failure, and nothing to talk about.
    bool unread = false;
};

/// What an exception of a crawl, or of its files, means.
crawl_problem problem_of(const std::exception_ptr& failure);

/// What a program ends with whose only server was given up for this.
exit_code exit_code_of(const bulk_problem& problem) noexcept;

}  // namespace jobmode::cli

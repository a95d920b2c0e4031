// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/options/coverage_options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <jobmode/record.hpp>

#include <optional>
#include <string_view>

#include "cli/options/choice.hpp"
#include "cli/options/today.hpp"
#include "policy/date.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

/// `2024-06-30`, which is its first moment, or `2024-06-30 07:00`, with seconds or without.
std::optional<std::chrono::local_seconds> parse_moment(std::string_view text) {
    if (const auto day = policy::parse_date(text))
        return std::chrono::local_days(*day);
    static constexpr std::size_t without_seconds = 16;
    return parse_time(text.size() == without_seconds ? std::string(text) + ":00" : std::string(text));
}

}  // namespace

void coverage_options::add_to(CLI::App& command) {
    add_require_to(command);
    command.add_option("--now", now, "Judge as of this moment, a date or a date with a time; without it, now")
        ->type_name("TIME");
    command
        .add_option("--expect", expect,
                    "What is expected of sets, users and groups, in place of what they did until now")
        ->type_name("FILE");
}

void coverage_options::add_require_to(CLI::App& command) {
    command
        .add_option("--require", require,
                    "Which jobs count as a backup: any that ran, or those started by the schedule")
        ->transform(one_of<report::coverage::require>(
            {{"any", report::coverage::require::any}, {"scheduled", report::coverage::require::scheduled}}))
        ->default_str("any");
}

std::string coverage_options::read(question& asked) const {
    asked.now = local_now();
    if (!now.empty()) {
        const auto given = parse_moment(now);
        if (!given)
            return "--now: '" + now + "' is neither a date such as 2024-06-30 nor a time such as '2024-06-30 07:00'";
        asked.now = *given;
    }
    if (expect.empty())
        return {};
    std::string text;
    std::string problem;
    if (!store::read_file(expect, text, problem))
        return "--expect: " + problem;
    problem = asked.wanted.parse(text);
    return problem.empty() ? problem : fmt::format("--expect: {}, {}", expect, problem);
}

report::assessment coverage_options::assess(const report::coverage& known, const question& asked) const {
    report::assessment made = known.assess(asked.now, asked.wanted);
    if (!made.problem.empty())
        made.problem = fmt::format("--expect: {}: {}", expect, made.problem);
    return made;
}

}  // namespace jobmode::cli

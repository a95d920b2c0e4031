// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/options/scope_options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <jobmode/query.hpp>

#include <algorithm>

#include "cli/command/crawl_problem.hpp"
#include "policy/date.hpp"

namespace jobmode::cli {

void scope_options::add_to(CLI::App& app, const char* group) {
    CLI::Option_group* const users = app.add_option_group("Users");
    users->require_option(1);
    users
        ->add_option("--users", users_file,
                     "A file of login names, one a line, with comments that begin with #; - is standard input")
        ->type_name("FILE")
        ->group(group);
    users->add_flag("--all-users", all_users, "Every user that the server lists (ListUsers, AhsayCBS 9.7)")
        ->group(group);
    app.add_option("--from", from, "The first date")->required()->type_name("DATE")->group(group);
    app.add_option("--to", to, "The last date, included")->required()->type_name("DATE")->group(group);
    app.add_option("--backup-set-id", sets,
                   "Only jobs of this backup set; can be repeated, and each is a query of its own")
        ->expected(1)
        ->take_all()
        ->type_name("ID")
        ->group(group);
}

std::pair<std::chrono::year_month_day, std::chrono::year_month_day> scope_options::check() {
    const auto first = policy::parse_date(from);
    const auto last = policy::parse_date(to);
    if (!first || !last)
        throw usage_problem(
            fmt::format("{}: '{}' is not a date such as 2024-06-30", first ? "--to" : "--from", first ? to : from));
    if (std::chrono::sys_days(*last) < std::chrono::sys_days(*first))
        throw usage_problem("--to is before --from");
    for (const std::string& set : sets) {
        std::string why;
        if (query("any", *first, set).validate(&why))
            throw usage_problem("--backup-set-id: " + why);
    }
    std::ranges::sort(sets);
    sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
    return {*first, *last};
}

}  // namespace jobmode::cli

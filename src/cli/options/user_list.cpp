// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/options/user_list.hpp"

#include <jobmode/query.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string_view>
#include <unordered_set>

#include "store/file.hpp"
#include "store/list_text.hpp"

namespace jobmode::cli {

bool read_users(const std::string& path, std::vector<std::string>& users, std::string& problem) {
    std::string text;
    if (!store::read_file(path, text, problem))
        return false;
    std::unordered_set<std::string> known;
    problem = store::for_each_entry(text, [&](std::string_view name, std::size_t line) {
        std::string why;
        const std::chrono::year_month_day any(std::chrono::year(2024), std::chrono::January, std::chrono::day(1));
        if (query(std::string(name), any).validate(&why))
            return fmt::format("{}, line {}: {}", path == "-" ? "standard input" : path.c_str(), line, why);
        if (known.emplace(name).second)
            users.emplace_back(name);
        return std::string();
    });
    return problem.empty();
}

}  // namespace jobmode::cli

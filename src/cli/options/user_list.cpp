// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/options/user_list.hpp"

#include <jobmode/query.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <unordered_set>

#include "store/file.hpp"

namespace jobmode::cli {

bool read_users(const std::string& path, std::vector<std::string>& users, std::string& problem) {
    std::string text;
    if (!store::read_file(path, text, problem))
        return false;
    std::unordered_set<std::string> known;
    std::size_t line_number = 0;
    for (std::string_view rest = text; !rest.empty();) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        ++line_number;
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.empty())
            continue;
        std::string why;
        const std::chrono::year_month_day any(std::chrono::year(2024), std::chrono::January, std::chrono::day(1));
        if (query(std::string(line), any).validate(&why)) {
            problem = fmt::format("{}, line {}: {}", path == "-" ? "standard input" : path.c_str(), line_number, why);
            return false;
        }
        if (known.emplace(line).second)
            users.emplace_back(line);
    }
    return true;
}

}  // namespace jobmode::cli

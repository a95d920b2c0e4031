// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/list_text.hpp"

#include <algorithm>

namespace jobmode::store {

std::string_view without_mark(std::string_view text) {
    static constexpr std::string_view mark = "\xEF\xBB\xBF";
    return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

std::string for_each_entry(std::string_view text,
                           const std::function<std::string(std::string_view, std::size_t)>& take) {
    static constexpr std::string_view blank = " \t\r";
    text = without_mark(text);
    for (std::size_t number = 1; !text.empty(); ++number) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
        line = line.substr(0, line.find_last_not_of(blank) + 1);
        if (line.empty() || line.front() == '#')
            continue;
        if (std::string problem = take(line, number); !problem.empty())
            return problem;
    }
    return {};
}

}  // namespace jobmode::store

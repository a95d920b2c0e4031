// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/CLI.hpp>

#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace jobmode::cli {

/// Has an option of an enumeration's type take a word for each of its values, in the order in which they are shown:
/// `option->transform(one_of<row_format>({{"ndjson", row_format::ndjson}, ...}))`.
template <class Enum>
CLI::Validator one_of(std::initializer_list<std::pair<std::string, Enum>> words) {
    std::string known;
    for (const auto& [word, value] : words)
        known += (known.empty() ? "" : ",") + word;
    known = '{' + known + '}';
    return CLI::Validator(
        [all = std::vector(words), known](std::string& text) {
            for (const auto& [word, value] : all)
                if (word == text) {
                    text = std::to_string(static_cast<std::underlying_type_t<Enum>>(value));
                    return std::string();
                }
            return text + " not in " + known;
        },
        known);
}

}  // namespace jobmode::cli

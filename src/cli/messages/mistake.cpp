// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/mistake.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace jobmode::cli {
namespace {

/// How many letters to leave out, add, exchange with the next or replace make one word the other (optimal string
/// alignment).
std::size_t distance(std::string_view one, std::string_view other) {
    std::vector<std::size_t> before_last(other.size() + 1);
    std::vector<std::size_t> last(other.size() + 1);
    std::vector<std::size_t> row(other.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= one.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= other.size(); ++j) {
            row[j] = std::min(
                {last[j] + 1, row[j - 1] + 1, last[j - 1] + (one[i - 1] == other[j - 1] ? std::size_t{0} : 1)});
            if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        before_last.swap(last);
        last.swap(row);
    }
    return last[other.size()];
}

/// The long names of a command's options and of those in its groups.
void add_option_names(const CLI::App& command, std::vector<std::string>& names) {
    for (const CLI::Option* option : command.get_options())
        if (!option->get_group().empty())
            for (const std::string& name : option->get_lnames())
                names.push_back(name);
    for (const CLI::App* nested : command.get_subcommands(nullptr))
        if (nested->get_name().empty())
            add_option_names(*nested, names);
}

std::vector<std::string> subcommand_names(const CLI::App& root) {
    std::vector<std::string> names;
    for (const CLI::App* nested : root.get_subcommands(nullptr))
        if (!nested->get_name().empty() && !nested->get_group().empty())
            names.push_back(nested->get_name());
    return names;
}

std::string suggestion(const std::string& meant) {
    return meant.empty() ? std::string() : fmt::format("; did you mean {}?", meant);
}

bool takes_value(const CLI::Option& option) {
    return option.get_items_expected_min() > 0 && option.get_type_size() > 0;
}

}  // namespace

std::string closest(std::string_view word, const std::vector<std::string>& names) {
    const std::size_t most = std::max<std::size_t>(1, word.size() / 3);
    std::size_t least = most + 1;
    std::string found;
    for (const std::string& name : names)
        if (const std::size_t letters = distance(word, name); letters < least && letters < name.size()) {
            least = letters;
            found = name;
        }
    return found;
}

std::string mistake_of(const CLI::App& root, std::span<const char* const> arguments, const CLI::ParseError& problem) {
    const CLI::App* command = &root;
    std::string full_name = root.get_name();
    for (std::size_t index = 1; index < arguments.size(); ++index) {
        const std::string word = arguments[index];
        if (word == "--")
            break;
        if (word.starts_with('-') && word.size() > 1) {
            const std::string name = word.substr(0, word.find('='));
            // Several flags of a letter can share a dash.
            if (!name.starts_with("--") && name.size() > 2 && command->get_option_no_throw(name.substr(0, 2)))
                continue;
            const CLI::Option* const option = command->get_option_no_throw(name);
            if (!option) {
                std::vector<std::string> names;
                add_option_names(*command, names);
                const std::string meant =
                    closest(name.substr(std::min(name.find_first_not_of('-'), name.size())), names);
                return fmt::format("{} has no option {}{}", full_name, name,
                                   suggestion(meant.empty() ? meant : "--" + meant));
            }
            if (takes_value(*option) && name.size() == word.size())
                ++index;
        } else if (command == &root) {
            const std::vector<const CLI::App*> all = root.get_subcommands(nullptr);
            const auto found = std::ranges::find(all, word, [](const CLI::App* each) { return each->get_name(); });
            if (found == all.end())
                return fmt::format("there is no subcommand {}{}", word,
                                   suggestion(closest(word, subcommand_names(root))));
            command = *found;
            full_name += ' ' + word;
        }
    }
    return problem.what();
}

}  // namespace jobmode::cli

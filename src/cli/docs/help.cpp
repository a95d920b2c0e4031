// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/docs/help.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <set>
#include <utility>

#include "cli/messages/exit_code.hpp"

namespace jobmode::cli {
namespace {

constexpr std::size_t narrowest = 40;
constexpr std::size_t widest = 80;
/// Where descriptions begin, unless the names beside them are shorter.
constexpr std::size_t widest_names = 30;
/// Notes up to this length are not broken.
constexpr std::size_t short_note = 28;

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::string names_of(const std::set<CLI::Option*>& options) {
    std::vector<std::string> names;
    for (const CLI::Option* option : options)
        names.push_back(option->get_name());
    std::sort(names.begin(), names.end());
    return fmt::format("{}", fmt::join(names, ", "));
}

std::string unbroken(std::string text) {
    std::replace(text.begin(), text.end(), ' ', hard_space);
    return text;
}

/// A limit as CLI11 writes it, without an exponent.
std::string plain_number(const std::string& text) {
    return text.find('e') == std::string::npos ? text : fmt::format("{:.0f}", std::strtod(text.c_str(), nullptr));
}

/// CLI11's type names say what kind a value is and what its checks are: `TEXT`, `UINT:UINT in [1 - 1000]`,
/// `TEXT:{csv,ndjson}`.
void describe_value(const CLI::Option& option, option_help& out) {
    std::vector<std::string> checks = split(option.get_type_name(), ':');
    const std::string type = checks.front();
    checks.erase(checks.begin());
    for (const std::string& check : checks) {
        const auto range = check.find(" in [");
        if (check.size() > 2 && check.front() == '{' && check.back() == '}') {
            out.choices = split(std::string_view(check).substr(1, check.size() - 2), ',');
            out.notes.push_back(fmt::format("one of: {}", fmt::join(out.choices, ", ")));
        } else if (range != std::string::npos && check.back() == ']') {
            const std::string limits = check.substr(range + 5, check.size() - range - 6);
            const auto dash = limits.find(" - ");
            out.notes.push_back(dash == std::string::npos ? limits
                                                          : plain_number(limits.substr(0, dash)) + " to " +
                                                                plain_number(limits.substr(dash + 3)));
        }
    }
    if (out.positional)
        return;
    static constexpr std::array<std::string_view, 3> numbers{"UINT", "INT", "FLOAT"};
    if (std::find(numbers.begin(), numbers.end(), type) != numbers.end()) {
        out.value = "NUM";
    } else if (type == "TEXT" || type.empty()) {
        const std::string& name = out.names.back();
        out.value = upper(name.substr(name.find_last_of('-') + 1));
    } else {
        out.value = type;
    }
}

option_help describe(const CLI::Option& option) {
    option_help out;
    out.positional = option.get_positional();
    if (out.positional) {
        out.names.push_back(option.get_name(true));
    } else {
        for (const std::string& name : option.get_snames())
            out.names.push_back("-" + name);
        for (const std::string& name : option.get_lnames())
            out.names.push_back("--" + name);
    }
    out.description = option.get_description();
    out.required = option.get_required();
    if (option.get_items_expected_max() == 0 || option.get_type_size() == 0)
        return out;

    out.repeatable = option.get_expected_max() >= CLI::detail::expected_max_vector_size;
    describe_value(option, out);
    const std::string initial = option.get_default_str();
    if (!initial.empty() && initial != "[]" && initial != "\"\"")
        out.notes.push_back("default: " + initial);
    if (out.required)
        out.notes.emplace_back("required");
    if (out.repeatable && !out.positional)
        out.notes.emplace_back("may be given more than once");
    if (!option.get_envname().empty())
        out.notes.push_back("environment: " + option.get_envname());
    return out;
}

void add_option(const CLI::Option& option, const std::string& title, std::vector<option_group_help>& groups) {
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& each) { return each.title == title; });
    if (group == groups.end())
        group = groups.insert(groups.end(), option_group_help{title, {}});
    option_help described = describe(option);
    if (!option.get_needs().empty())
        described.notes.push_back("needs " + names_of(option.get_needs()));
    if (!option.get_excludes().empty())
        described.notes.push_back("not with " + names_of(option.get_excludes()));
    group->options.push_back(std::move(described));
}

/// What every command has, and every group of options inherits.
bool is_help(const CLI::App& command, const CLI::Option* option) {
    return option == command.get_help_ptr() || option == command.get_help_all_ptr() ||
           option == command.get_version_ptr();
}

std::string title_of(const CLI::Option& option) {
    if (option.get_positional())
        return "Arguments";
    // What CLI11 calls the group of an option that was given none depends on its version.
    static const std::string unnamed = CLI::OptionDefaults().get_group();
    return option.get_group() == unnamed ? "Options" : option.get_group();
}

void add_options(const CLI::App& command, command_help& out) {
    std::set<const CLI::Option*> grouped;
    // An option group of CLI11's is a command without a name.
    for (const CLI::App* nested : command.get_subcommands(nullptr)) {
        if (!nested->get_name().empty())
            continue;
        add_options(*nested, out);
        const std::vector<const CLI::Option*> options = nested->get_options();
        grouped.insert(options.begin(), options.end());
        if (nested->get_require_option_min() != 1 || nested->get_require_option_max() != 1)
            continue;
        std::vector<option_help>& choice = out.alternatives.emplace_back();
        for (const CLI::Option* option : options)
            if (!is_help(*nested, option))
                choice.push_back(describe(*option));
    }
    // Since CLI11 2.6 a command has the options of its groups, too.
    for (const CLI::Option* option : command.get_options())
        if (!option->get_group().empty() && !is_help(command, option) && !grouped.contains(option))
            add_option(*option, title_of(*option), out.groups);
}

void append_lines(std::string& out, const std::vector<std::string>& lines, std::size_t indent) {
    for (std::size_t index = 0; index != lines.size(); ++index)
        out += std::string(index == 0 ? 0 : indent, ' ') + lines[index] + '\n';
}

/// Two columns; a left one that is too long has a line for itself.
void append_entry(std::string& out, const std::string& left, const std::string& right, std::size_t column,
                  std::size_t width) {
    out += "  " + left;
    if (right.empty()) {
        out += '\n';
        return;
    }
    if (left.size() + 4 > column)
        out += '\n' + std::string(column, ' ');
    else
        out += std::string(column - left.size() - 2, ' ');
    append_lines(out, wrap(right, width - column), column);
}

std::string left_of(const option_help& option) {
    const bool aligned = !option.positional && option.names.front().starts_with("--");
    return (aligned ? "    " : "") + synopsis_of(option);
}

std::size_t terminal_width() {
    winsize size{};
    if (const char* const columns = std::getenv("COLUMNS")) {
        if (const long value = std::strtol(columns, nullptr, 10); value > 0)
            return std::clamp(static_cast<std::size_t>(value), narrowest, widest);
    }
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return std::clamp<std::size_t>(size.ws_col, narrowest, widest);
    return widest;
}

}  // namespace

command_help describe(const CLI::App& command, const std::string& full_name) {
    command_help out;
    out.name = command.get_name();
    out.full_name = full_name;
    out.description = command.get_description();
    out.footer = parse_footer(command.get_footer());
    add_options(command, out);
    std::stable_partition(out.groups.begin(), out.groups.end(),
                          [](const option_group_help& group) { return group.title == "Arguments"; });
    option_group_help help{"Help", {}};
    for (const CLI::Option* option : command.get_options())
        if (!option->get_group().empty() && is_help(command, option))
            help.options.push_back(describe(*option));
    if (!help.options.empty())
        out.groups.push_back(std::move(help));
    for (const CLI::App* nested : command.get_subcommands(nullptr))
        if (!nested->get_name().empty() && !nested->get_group().empty())
            out.subcommands.push_back(describe(*nested, full_name + ' ' + nested->get_name()));
    return out;
}

std::vector<footer_section> parse_footer(std::string_view text) {
    std::vector<footer_section> sections(1);
    const std::vector<std::string> lines = split(text, '\n');
    std::string paragraph;
    const auto end_paragraph = [&] {
        if (!paragraph.empty())
            sections.back().parts.push_back({false, std::exchange(paragraph, {})});
    };
    bool verbatim = false;
    for (std::size_t index = 0; index != lines.size(); ++index) {
        const std::string& line = lines[index];
        const bool indented = line.starts_with(' ');
        if (line.empty()) {
            end_paragraph();
        } else if (indented) {
            end_paragraph();
            const std::string shown = line.substr(std::min<std::size_t>(line.find_first_not_of(' '), 2));
            if (verbatim)
                sections.back().parts.back().text += '\n' + shown;
            else
                sections.back().parts.push_back({true, shown});
        } else if (line.ends_with(':') && index + 1 != lines.size() && lines[index + 1].starts_with(' ')) {
            end_paragraph();
            sections.push_back({line.substr(0, line.size() - 1), {}});
        } else {
            paragraph += (paragraph.empty() ? "" : " ") + line;
        }
        verbatim = indented;
    }
    end_paragraph();
    std::erase_if(sections, [](const footer_section& section) { return section.parts.empty(); });
    return sections;
}

std::string usage_of(const command_help& command) {
    std::string out;
    bool options = false;
    std::string required;
    std::string arguments;
    for (const option_group_help& group : command.groups)
        for (const option_help& option : group.options) {
            if (option.positional)
                arguments += ' ' + (option.required ? synopsis_of(option) : '[' + synopsis_of(option) + ']');
            else if (option.required)
                required += ' ' + unbroken(option.names.back() + ' ' + option.value);
            else
                options = true;
        }
    for (const std::vector<option_help>& choice : command.alternatives) {
        std::vector<std::string> each;
        for (const option_help& option : choice)
            each.push_back(option.names.back() + (option.value.empty() ? "" : ' ' + option.value));
        required += ' ' + unbroken(fmt::format("({})", fmt::join(each, " | ")));
    }
    if (options)
        out += " [OPTIONS]";
    out += required + arguments;
    if (!command.subcommands.empty())
        out += " SUBCOMMAND";
    return out.empty() ? out : out.substr(1);
}

std::string synopsis_of(const option_help& option) {
    std::string out = fmt::format("{}", fmt::join(option.names, ", "));
    if (option.positional)
        return option.repeatable ? out + "..." : out;
    return option.value.empty() ? out : out + ' ' + option.value;
}

std::string explanation_of(const option_help& option) {
    std::string out = option.description;
    for (const std::string& note : option.notes)
        out += (out.empty() ? "[" : " [") + (note.size() > short_note ? note : unbroken(note)) + ']';
    return out;
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z')
            c = static_cast<char>(c - 'a' + 'A');
    return text;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    for (const std::string& word : split(text, ' ')) {
        if (word.empty())
            continue;
        if (lines.empty() || lines.back().size() + 1 + word.size() > width)
            lines.push_back(word);
        else
            lines.back() += ' ' + word;
    }
    for (std::string& line : lines)
        std::replace(line.begin(), line.end(), hard_space, ' ');
    return lines;
}

std::string help_text(const command_help& command, std::size_t width) {
    std::string out;
    append_lines(out, wrap(command.description, width), 0);
    out += "\nUsage:\n  ";
    append_lines(out, wrap(command.full_name + ' ' + usage_of(command), width - 6), 6);

    std::size_t column = 0;
    for (const command_help& nested : command.subcommands)
        column = std::max(column, nested.name.size() + 4);
    if (column != 0) {
        out += "\nSubcommands:\n";
        for (const command_help& nested : command.subcommands)
            append_entry(out, nested.name, nested.description, column, width);
    }

    column = 0;
    for (const option_group_help& group : command.groups)
        for (const option_help& option : group.options)
            column = std::max(column, left_of(option).size() + 4);
    column = std::min({column, widest_names, width / 2});
    for (const option_group_help& group : command.groups) {
        out += '\n' + group.title + ":\n";
        for (const option_help& option : group.options)
            append_entry(out, left_of(option), explanation_of(option), column, width);
    }

    for (const footer_section& section : command.footer) {
        out += '\n';
        if (!section.title.empty())
            out += section.title + ":\n";
        bool first = true;
        for (const footer_part& part : section.parts) {
            if (!std::exchange(first, false))
                out += '\n';
            if (!part.verbatim) {
                append_lines(out, wrap(part.text, width), 0);
                continue;
            }
            for (const std::string& line : split(part.text, '\n'))
                out += "  " + line + '\n';
        }
    }
    return out;
}

void register_help(CLI::App& root, int& result) {
    auto wanted = std::make_shared<std::string>();
    CLI::App* const command = root.add_subcommand("help", "Print the help of a subcommand");
    std::vector<std::string> topics{"man"};
    for (const command_help& nested : describe(root, root.get_name()).subcommands)
        topics.push_back(nested.name);
    std::sort(topics.begin(), topics.end());
    command->add_option("SUBCOMMAND", *wanted, "Which one's; without it, the program's")
        ->check(CLI::IsMember(topics))
        ->type_name("");
    command->footer(
        "jobmode help crawl prints what jobmode crawl --help prints.\n\n"
        "Example:\n"
        "  jobmode help crawl");
    command->callback([&root, wanted, &result] {
        const command_help program = describe(root, root.get_name());
        const auto found = std::ranges::find(program.subcommands, *wanted, &command_help::name);
        result =
            static_cast<int>(print(help_text(found == program.subcommands.end() ? program : *found, terminal_width())));
    });
}

std::string help_formatter::make_help(const CLI::App* command, std::string full_name, CLI::AppFormatMode) const {
    return help_text(describe(*command, full_name), terminal_width());
}

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What the program says of itself: --help, the man pages and the shells' completions are all made of this.
#pragma once

#include <CLI/App.hpp>
#include <CLI/FormatterFwd.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace jobmode::cli {

/// An option or a positional argument, as a user sees it.
struct option_help {
    /// `-h`, `--help`; of a positional argument the one name it is shown by.
    std::vector<std::string> names;
    bool positional = false;
    /// What stands for its value, as `FILE`; empty if it takes none. A file is always `FILE`, a folder `FOLDER`.
    std::string value;
    /// The values it can have, if they are few and known.
    std::vector<std::string> choices;
    bool required = false;
    /// Whether it can be given more than once.
    bool repeatable = false;
    std::string description;
    /// What is in brackets behind the description: `default: 60`, `required`, `1 to 1000`.
    std::vector<std::string> notes;
};

/// Options under one heading.
struct option_group_help {
    std::string title;
    std::vector<option_help> options;
};

/// A paragraph of running text, or lines to be shown as they are.
struct footer_part {
    bool verbatim = false;
    std::string text;
};

/// Parts of a footer below a heading; the first ones may have none.
struct footer_section {
    std::string title;
    std::vector<footer_part> parts;
};

/// A program or a subcommand.
struct command_help {
    /// `serve`.
    std::string name;
    /// `jobmode serve`.
    std::string full_name;
    std::string description;
    std::vector<option_group_help> groups;
    /// Sets of options of each of which exactly one must be given.
    std::vector<std::vector<option_help>> alternatives;
    std::vector<command_help> subcommands;
    std::vector<footer_section> footer;
};

/// Reads a command and everything below it. Hidden options and subcommands, whose group is empty, are left out.
command_help describe(const CLI::App& command, const std::string& full_name);

/// Takes a footer apart. Lines that begin with a space are kept as they are, others are joined into paragraphs, which
/// an empty line ends; a line that ends in a colon and has lines that begin with a space below it is a heading.
std::vector<footer_section> parse_footer(std::string_view text);

/// A space at which `wrap` breaks no line.
inline constexpr char hard_space = '\x1f';

/// The words after the command's name, in brackets what can be left out: `[OPTIONS] --url URL FILE...`. For `wrap`, as
/// an option and its value stay together.
std::string usage_of(const command_help& command);

/// An option's names and its value, as `--ca FILE`, `-h, --help`, `FILE...`.
std::string synopsis_of(const option_help& option);

/// The description with its notes. For `wrap`, as a short note stays together.
std::string explanation_of(const option_help& option);

/// Breaks text into lines of at most `width` characters where it has spaces; a longer word stands alone. A
/// `hard_space` becomes a space.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// In capitals, of ASCII letters alone.
std::string upper(std::string text);

/// What `--help` prints, at most `width` columns wide, but for lines that are shown as they are.
std::string help_text(const command_help& command, std::size_t width);

/// Adds `jobmode help`, which prints what `--help` does; when it is what the user asked for, it runs and leaves its
/// exit code in `result`. To be called after all others but `man`.
void register_help(CLI::App& root, int& result);

/// Has CLI11 print `help_text`, as wide as the terminal, within reason.
class help_formatter : public CLI::FormatterBase {
public:
    std::string make_help(const CLI::App* command, std::string full_name, CLI::AppFormatMode mode) const override;
};

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/docs/man.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/messages/exit_code.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

constexpr std::size_t source_width = 72;

/// Text as troff reads it: no backslash, dash or leading dot of it means anything.
std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n'))
            out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    return out;
}

std::string bold(std::string_view text) {
    return "\\fB" + escape(text) + "\\fR";
}

std::string italic(std::string_view text) {
    return "\\fI" + escape(text) + "\\fR";
}

/// Running text, which troff fills again, in lines that an editor shows.
std::string filled(std::string_view text) {
    std::string out;
    for (const std::string& line : wrap(text, source_width))
        out += escape(line) + '\n';
    return out.empty() ? "\\&\n" : out;
}

std::string sentence(const std::string& text) {
    return filled(text.ends_with('.') ? text : text + '.');
}

/// `jobmode serve` as its page is named: `jobmode-serve`.
std::string page_name(const command_help& command) {
    std::string name = command.full_name;
    std::replace(name.begin(), name.end(), ' ', '-');
    return name;
}

/// `\fB-n\fR, \fB--count\fR \fINUM\fR`
std::string styled_synopsis(const option_help& option) {
    std::string out;
    for (const std::string& name : option.names)
        out += (out.empty() ? "" : ", ") + (option.positional ? italic(name) : bold(name));
    if (!option.value.empty() && !option.positional)
        out += ' ' + italic(option.value);
    return option.positional && option.repeatable ? out + "..." : out;
}

void append_section(std::string& out, const footer_section& section) {
    bool first = !section.title.empty();
    for (const footer_part& part : section.parts) {
        // A heading begins a paragraph of its own.
        if (!std::exchange(first, false))
            out += ".PP\n";
        out += part.verbatim ? ".RS 4\n.nf\n" + escape(part.text) + "\n.fi\n.RE\n" : filled(part.text);
    }
}

exit_code write_page(const std::string& folder, const command_help& command, const std::string& page) {
    const std::string problem = store::replace_file(folder + '/' + page_name(command) + ".1", page);
    return problem.empty() ? exit_code::all_answered : fail(exit_code::some_failed, problem);
}

exit_code write_pages(const std::string& folder, const command_help& program, const man_edition& edition) {
    exit_code result = write_page(folder, program, man_page(program, program, edition));
    for (const command_help& nested : program.subcommands)
        if (result == exit_code::all_answered)
            result = write_page(folder, nested, man_page(program, nested, edition));
    return result;
}

}  // namespace

std::string man_page(const command_help& root, const command_help& command, const man_edition& edition) {
    std::string out = fmt::format(".TH {} 1 {} \"{} {}\" \"User Commands\"\n", escape(upper(page_name(command))),
                                  edition.date, escape(root.name), escape(edition.version));
    out += ".SH NAME\n" + escape(page_name(command)) + " \\- " + escape(command.description) + '\n';
    out += ".SH SYNOPSIS\n.B " + escape(command.full_name) + '\n' + filled(usage_of(command));
    out += ".SH DESCRIPTION\n" + sentence(command.description);
    for (const footer_section& section : command.footer)
        if (section.title.empty())
            append_section(out, section);
    if (!command.subcommands.empty()) {
        out += ".SH SUBCOMMANDS\n";
        for (const command_help& nested : command.subcommands)
            out += ".TP\n" + bold(nested.name) + '\n' + sentence(nested.description);
    }
    out += ".SH OPTIONS\n";
    for (const option_group_help& group : command.groups) {
        out += ".SS " + escape(group.title) + '\n';
        for (const option_help& option : group.options)
            out += ".TP\n" + styled_synopsis(option) + '\n' + filled(explanation_of(option));
    }
    for (const footer_section& section : command.footer)
        if (!section.title.empty()) {
            out += ".SH " + escape(upper(section.title)) + '\n';
            append_section(out, section);
        }
    std::vector<std::string> others;
    if (command.full_name != root.full_name)
        others.push_back(page_name(root));
    for (const command_help& nested : root.subcommands)
        if (nested.full_name != command.full_name)
            others.push_back(page_name(nested));
    if (!others.empty())
        out += ".SH SEE ALSO\n";
    for (const std::string& other : others)
        out += ".BR " + escape(other) + (other == others.back() ? " (1)\n" : " (1),\n");
    return out;
}

void register_man(CLI::App& root, man_edition edition, int& result) {
    struct man_options {
        std::string topic;
        std::string folder;
    };
    auto options = std::make_shared<man_options>();
    CLI::App* const command = root.add_subcommand("man", "Print a manual page");
    std::vector<std::string> topics;
    for (const command_help& nested : describe(root, root.get_name()).subcommands)
        topics.push_back(nested.name);
    CLI::Option* const topic =
        command->add_option("SUBCOMMAND", options->topic, "Which subcommand's; without it, the program's")
            ->check(CLI::IsMember(topics))
            ->type_name("");
    command->add_option("--folder", options->folder, "Write all of them as files into this folder, which must be there")
        ->type_name("FOLDER")
        ->excludes(topic);
    command->footer(
        "An installed jobmode has them in place already: man jobmode-crawl.\n\n"
        "Examples:\n"
        "  jobmode man crawl | man -l -\n"
        "  jobmode man --folder ~/.local/share/man/man1");
    command->callback([&root, options, edition = std::move(edition), &result] {
        const command_help program = describe(root, root.get_name());
        if (!options->folder.empty()) {
            result = static_cast<int>(write_pages(options->folder, program, edition));
            return;
        }
        const auto found = std::find_if(program.subcommands.begin(), program.subcommands.end(),
                                        [&](const command_help& nested) { return nested.name == options->topic; });
        const std::string page = man_page(program, found == program.subcommands.end() ? program : *found, edition);
        result = static_cast<int>(print(page));
    });
}

}  // namespace jobmode::cli

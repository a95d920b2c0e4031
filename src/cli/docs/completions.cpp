// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/docs/completions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <vector>

#include "cli/messages/exit_code.hpp"

namespace jobmode::cli {
namespace {

const std::string& value_of(const option_help& option) {
    return option.positional ? option.names.front() : option.value;
}

bool is_file(const option_help& option) {
    return value_of(option) == "FILE";
}

bool is_folder(const option_help& option) {
    return value_of(option) == "FOLDER";
}

std::vector<const option_help*> options_of(const command_help& command, bool positional) {
    std::vector<const option_help*> out;
    for (const option_group_help& group : command.groups)
        for (const option_help& option : group.options)
            if (option.positional == positional)
                out.push_back(&option);
    return out;
}

/// In single quotes, for all three shells; fish reads a backslash in them too.
std::string quote(std::string_view text, bool backslashes) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'')
            out += backslashes ? "\\'" : "'\\''";
        else if (c == '\\' && backslashes)
            out += "\\\\";
        else
            out += c;
    }
    return out + '\'';
}

std::string joined_names(const command_help& command) {
    std::vector<std::string> names;
    for (const option_help* option : options_of(command, false))
        names.insert(names.end(), option->names.begin(), option->names.end());
    return fmt::format("{}", fmt::join(names, " "));
}

std::string subcommand_names(const command_help& program, std::string_view separator) {
    std::vector<std::string> names;
    for (const command_help& command : program.subcommands)
        names.push_back(command.name);
    return fmt::format("{}", fmt::join(names, separator));
}

/// Text inside the brackets or between the colons of a specification of zsh's `_arguments`.
std::string zsh_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '[' || c == ']' || c == ':' || c == '\\')
            out += '\\';
        out += c;
    }
    return out;
}

std::string zsh_action(const option_help& option) {
    if (is_file(option))
        return "_files";
    if (is_folder(option))
        return "_files -/";
    return option.choices.empty() ? " " : fmt::format("({})", fmt::join(option.choices, " "));
}

void append_zsh_options(std::string& out, const command_help& command, std::string_view indent) {
    for (const option_help* option : options_of(command, false))
        for (const std::string& name : option->names) {
            std::string text = (option->repeatable ? "*" : "") + name;
            text += '[' + zsh_text(option->description) + ']';
            if (!option->value.empty())
                text += ':' + zsh_text(option->value) + ':' + zsh_action(*option);
            out += fmt::format("{}{} \\\n", indent, quote(text, false));
        }
}

void append_fish_options(std::string& out, const command_help& command, const std::string& condition) {
    for (const option_help* option : options_of(command, false)) {
        out += "complete -c jobmode -n " + quote(condition, true);
        for (const std::string& name : option->names)
            out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
        if (!option->choices.empty())
            out += " -x -a " + quote(fmt::format("{}", fmt::join(option->choices, " ")), true);
        else if (is_folder(*option))
            out += " -x -a '(__fish_complete_directories)'";
        else if (!option->value.empty())
            out += is_file(*option) ? " -r -F" : " -x";
        out += " -d " + quote(option->description, true) + '\n';
    }
}

}  // namespace

std::string bash_completions(const command_help& program) {
    std::string out =
        "# bash completion of jobmode; made by `jobmode completions bash`.\n"
        "_jobmode() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' words='' files='' word\n"
        "    # bash makes three words of --option=value.\n"
        "    if [[ $cur == = ]]; then\n"
        "        cur=''\n"
        "    elif [[ $prev == = ]]; then\n"
        "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
        "    fi\n"
        "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
        "        case $word in\n";
    out += fmt::format("            {}) command=$word; break ;;\n", subcommand_names(program, " | "));
    out +=
        "        esac\n"
        "    done\n"
        "    COMPREPLY=()\n"
        "    case \"$command $prev\" in\n";
    for (const command_help& command : program.subcommands)
        for (const option_help* option : options_of(command, false)) {
            if (option->value.empty())
                continue;
            std::vector<std::string> patterns;
            for (const std::string& name : option->names)
                patterns.push_back('"' + command.name + ' ' + name + '"');
            std::string action = "return";
            if (is_file(*option) || is_folder(*option))
                action = fmt::format("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -{} -- \"$cur\"); return",
                                     is_file(*option) ? 'f' : 'd');
            else if (!option->choices.empty())
                action = fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\"); return",
                                     fmt::join(option->choices, " "));
            out += fmt::format("        {}) {} ;;\n", fmt::join(patterns, " | "), action);
        }
    out +=
        "    esac\n"
        "    case $command in\n";
    out += fmt::format("        '') words='{} {}' ;;\n", subcommand_names(program, " "), joined_names(program));
    for (const command_help& command : program.subcommands) {
        std::string words = joined_names(command);
        std::string files;
        for (const option_help* option : options_of(command, true)) {
            if (is_file(*option))
                files = " files=yes";
            if (!option->choices.empty())
                words += fmt::format(" {}", fmt::join(option->choices, " "));
        }
        out += fmt::format("        {}) words='{}'{} ;;\n", command.name, words, files);
    }
    out +=
        "    esac\n"
        "    if [[ $files && $cur != -* ]]; then\n"
        "        compopt -o filenames\n"
        "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
        "    else\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
        "    fi\n"
        "}\n"
        "complete -F _jobmode jobmode\n";
    return out;
}

std::string zsh_completions(const command_help& program) {
    std::string out =
        "#compdef jobmode\n"
        "# zsh completion of jobmode; made by `jobmode completions zsh`.\n"
        "_jobmode() {\n"
        "    local context state state_descr line\n"
        "    typeset -A opt_args\n"
        "    _arguments -C \\\n";
    append_zsh_options(out, program, "        ");
    out +=
        "        '1:subcommand:->subcommand' \\\n"
        "        '*::argument:->argument'\n"
        "    case $state in\n"
        "        subcommand)\n"
        "            local -a subcommands=(\n";
    for (const command_help& command : program.subcommands)
        out += fmt::format("                {}\n", quote(command.name + ':' + zsh_text(command.description), false));
    out +=
        "            )\n"
        "            _describe subcommand subcommands\n"
        "            ;;\n"
        "        argument)\n"
        "            case $line[1] in\n";
    for (const command_help& command : program.subcommands) {
        out += fmt::format("                {})\n                    _arguments -s \\\n", command.name);
        append_zsh_options(out, command, "                        ");
        for (const option_help* option : options_of(command, true))
            out += fmt::format(
                "                        {} \\\n",
                quote((option->repeatable ? "*:" : "1:") + zsh_text(option->names.front()) + ':' + zsh_action(*option),
                      false));
        out += "                        && return\n                    ;;\n";
    }
    out +=
        "            esac\n"
        "            ;;\n"
        "    esac\n"
        "}\n"
        "if [ \"$funcstack[1]\" = _jobmode ]; then\n"
        "    _jobmode \"$@\"\n"
        "else\n"
        "    compdef _jobmode jobmode\n"
        "fi\n";
    return out;
}

std::string fish_completions(const command_help& program) {
    std::string out =
        "# fish completion of jobmode; made by `jobmode completions fish`.\n"
        "complete -c jobmode -f\n";
    append_fish_options(out, program, "__fish_use_subcommand");
    for (const command_help& command : program.subcommands) {
        const std::string condition = "__fish_seen_subcommand_from " + command.name;
        out += fmt::format("complete -c jobmode -n __fish_use_subcommand -a {} -d {}\n", command.name,
                           quote(command.description, true));
        append_fish_options(out, command, condition);
        for (const option_help* option : options_of(command, true))
            if (!option->choices.empty())
                out += fmt::format("complete -c jobmode -n {} -a {}\n", quote(condition, true),
                                   quote(fmt::format("{}", fmt::join(option->choices, " ")), true));
            else if (is_file(*option))
                out += fmt::format("complete -c jobmode -n {} -F\n", quote(condition, true));
    }
    return out;
}

void register_completions(CLI::App& root, int& result) {
    auto shell = std::make_shared<std::string>();
    CLI::App* const command = root.add_subcommand("completions", "Print a script that teaches a shell to complete");
    command->add_option("SHELL", *shell, "Which shell")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->type_name("");
    command->footer(
        "An installed jobmode has them in place already.\n\n"
        "Examples:\n"
        "  . <(jobmode completions bash)\n"
        "  jobmode completions zsh > ~/.zfunc/_jobmode    # a folder of fpath's\n"
        "  jobmode completions fish > ~/.config/fish/completions/jobmode.fish");
    command->callback([&root, shell, &result] {
        const command_help program = describe(root, root.get_name());
        const std::string script = *shell == "bash"  ? bash_completions(program)
                                   : *shell == "zsh" ? zsh_completions(program)
                                                     : fish_completions(program);
        result = static_cast<int>(print(script));
    });
}

}  // namespace jobmode::cli

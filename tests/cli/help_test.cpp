// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/docs/help.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "catch.hpp"
#include "cli/docs/completions.hpp"
#include "cli/docs/man.hpp"
#include "cli/messages/mistake.hpp"
#include "cli/process.hpp"

namespace help_test {
namespace {

using namespace jobmode;
using namespace jobmode::cli;

/// A program with one of everything.
struct sample {
    sample() {
        app.set_help_flag("-h,--help", "Print this help");
        CLI::App* const command = app.add_subcommand("fetch", "Fetch it's things");
        command->add_option("FILE", files, "What to read")->required()->type_name("");
        command->add_option("-n,--count", count, "How many")->check(CLI::Range(1U, 9U))->capture_default_str();
        command->add_option("--kind", kind, "Which [sort]: one")
            ->check(CLI::IsMember({"odd", "even"}))
            ->group("Choice");
        command->add_option("--out", out, "Where to")->type_name("FILE")->required();
        command->add_option("--tag", tags, "A mark");
        command->add_option("--rate", rate, "How fast")->check(CLI::Range(0.0, 1e9));
        CLI::Option_group* const one = command->add_option_group("One");
        one->require_option(1);
        one->add_flag("--all", all, "All of them")->group("Choice");
        one->add_option("--some", some, "Some of them")->type_name("FILE")->group("Choice");
        command->add_flag("--dry", dry, "Do nothing");
        command->add_option("--secret", out, "Not shown")->group("");
        command->footer(
            "It fetches and\nfetches.\n\nAnd stops.\n\nExample:\n  jobmode fetch a \\\n      --out b\n  .dotted -x");
        app.add_subcommand("other", "Do something else");
        app.add_subcommand("inner", "Hidden")->group("");
    }

    command_help program() const { return describe(app, "jobmode"); }

    CLI::App app{"A sample", "jobmode"};
    std::vector<std::string> files;
    unsigned count = 3;
    std::string kind;
    std::string out;
    std::vector<std::string> tags;
    bool dry = false;
    double rate = 0;
    bool all = false;
    std::string some;
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

bool is_there(const std::string& program) {
    return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

/// Whether a program has nothing to say against a file; true if there is no such program.
bool accepts(const std::string& program, const std::string& options, const std::string& path) {
    return !is_there(program) || std::system((program + ' ' + options + ' ' + path).c_str()) == 0;
}

/// The subcommands that the program's help lists.
std::vector<std::string> subcommands() {
    const test::program_result help = test::run_program({"--help"}, {{"COLUMNS", "80"}});
    REQUIRE(help.exit_code == 0);
    const auto begin = help.out.find("\nSubcommands:\n");
    REQUIRE(begin != std::string::npos);
    std::istringstream lines(help.out.substr(begin + 14));
    std::vector<std::string> names;
    for (std::string line; std::getline(lines, line) && !line.empty();)
        if (!line.starts_with("   "))
            names.push_back(line.substr(2, line.find(' ', 2) - 2));
    return names;
}

/// A word that a shell is asked to complete, the last one of a line, and what it makes of that word; several
/// proposals in the order of the alphabet, between spaces.
struct completed {
    std::string line;
    std::string proposals;
};

const std::vector<completed>& completions_expected() {
    static const std::vector<completed> rows{
        {"jobmode ser", "serve"},
        {"jobmode serve --port-", "--port-file"},
        {"jobmode serve --port-file a-f", "a-file"},
        {"jobmode man --folder b-", "b-folder/"},
        {"jobmode crawl --format s", "sqlite"},
        {"jobmode query --format ", "csv ndjson table"},
        {"jobmode check --require s", "scheduled"},
        {"jobmode check --login-name s", ""},
        {"jobmode completions fi", "fish"},
        {"jobmode man que", "query"},
        {"jobmode report a-fi", "a-file"},
        {"jobmode --vers", "--version"},
    };
    return rows;
}

/// What a script that is run in a folder writes into the file `answer` there.
std::string answer_of(const test::temporary_folder& folder, const std::string& shell, const std::string& script) {
    folder.write("answer", "");
    REQUIRE(std::system(("cd " + folder.path("") + " && timeout 60 " + shell + ' ' + folder.write("driver", script) +
                         " >/dev/null 2>log")
                            .c_str()) == 0);
    INFO(folder.read("log"));
    return folder.read("answer");
}

/// A folder with the completions of a shell as `script`, and a file and a folder to be found.
void prepare(const test::temporary_folder& folder, const std::string& shell) {
    const test::program_result made = test::run_program({"completions", shell});
    REQUIRE(made.exit_code == 0);
    folder.write("script", made.out);
    folder.write("a-file", "");
    std::filesystem::create_directory(folder.path("b-folder"));
}

}  // namespace

TEST_CASE("Help is grouped, and shows values, defaults, limits and examples", "[help]") {
    const sample made;
    CHECK(help_text(made.program().subcommands.front(), 80) ==
          "Fetch it's things\n"
          "\n"
          "Usage:\n"
          "  jobmode fetch [OPTIONS] --out FILE (--all | --some FILE) FILE...\n"
          "\n"
          "Arguments:\n"
          "  FILE...          What to read [required]\n"
          "\n"
          "Choice:\n"
          "      --all        All of them\n"
          "      --some FILE  Some of them\n"
          "      --kind KIND  Which [sort]: one [one of: odd, even]\n"
          "\n"
          "Options:\n"
          "  -n, --count NUM  How many [1 to 9] [default: 3]\n"
          "      --out FILE   Where to [required]\n"
          "      --tag TAG    A mark [may be given more than once]\n"
          "      --rate NUM   How fast [0 to 1000000000]\n"
          "      --dry        Do nothing\n"
          "\n"
          "Help:\n"
          "  -h, --help       Print this help\n"
          "\n"
          "It fetches and fetches.\n"
          "\n"
          "And stops.\n"
          "\n"
          "Example:\n"
          "  jobmode fetch a \\\n"
          "      --out b\n"
          "  .dotted -x\n");
    CHECK(help_text(made.program(), 80) ==
          "A sample\n"
          "\n"
          "Usage:\n"
          "  jobmode [OPTIONS] SUBCOMMAND\n"
          "\n"
          "Subcommands:\n"
          "  fetch  Fetch it's things\n"
          "  other  Do something else\n"
          "\n"
          "Help:\n"
          "  -h, --help  Print this help\n");
}

TEST_CASE("Text is wrapped where it has spaces", "[help]") {
    CHECK(wrap("", 10).empty());
    CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
    CHECK(wrap("one two three", 6) == std::vector<std::string>{"one", "two", "three"});
    CHECK(wrap("unbreakable a b", 3) == std::vector<std::string>{"unbreakable", "a b"});
    CHECK(wrap("one two\x1fthree four", 9) == std::vector<std::string>{"one", "two three", "four"});
    // A name and its value, and a short note, are not torn apart.
    const sample made;
    const std::string narrow = help_text(made.program().subcommands.front(), 36);
    CHECK(has(narrow, "\n  jobmode fetch [OPTIONS]\n      --out FILE\n      (--all | --some FILE) FILE...\n"));
    CHECK(has(narrow, "How many [1 to\n") == false);
}

TEST_CASE("A manual page says what the help says, and troff takes none of it for a command", "[help]") {
    const sample made;
    const command_help program = made.program();
    const std::string page = man_page(program, program.subcommands.front(), {"1.2.3", "2024-06-30"});
    CHECK(has(page, ".TH JOBMODE\\-FETCH 1 2024-06-30 \"jobmode 1.2.3\""));
    CHECK(has(page, "jobmode\\-fetch \\- Fetch it's things\n"));
    CHECK(has(page, ".SS Choice\n"));
    CHECK(has(page, "\n\\fB\\-n\\fR, \\fB\\-\\-count\\fR \\fINUM\\fR\nHow many [1 to 9] [default: 3]\n"));
    CHECK(has(page, "\n\\fIFILE\\fR...\nWhat to read [required]\n"));
    CHECK(has(page, ".SH EXAMPLE\n"));
    CHECK(has(page, "\n\\&.dotted \\-x\n"));
    CHECK(has(page, "jobmode fetch a \\e\n"));
    CHECK(has(page, ".BR jobmode (1),\n.BR jobmode\\-other (1)\n"));
    CHECK_FALSE(has(page, "secret"));
}

TEST_CASE("Every subcommand has help with an example and a manual page, and no line of them is too wide", "[help]") {
    const test::temporary_folder folder;
    const std::vector<std::string> names = subcommands();
    REQUIRE(names.size() >= 7);
    REQUIRE(test::run_program({"man", "--folder", folder.path("")}).exit_code == 0);
    for (const std::string& name : names) {
        CAPTURE(name);
        const test::program_result help = test::run_program({name, "--help"}, {{"COLUMNS", "200"}});
        CHECK(help.exit_code == 0);
        CHECK(has(help.out, "\nUsage:\n  jobmode " + name + ' '));
        CHECK(has(help.out, "\nExample"));
        std::istringstream lines(help.out);
        for (std::string line; std::getline(lines, line);) {
            CAPTURE(line);
            CHECK(line.size() <= 80);
        }
        const test::program_result page = test::run_program({"man", name});
        CHECK(page.exit_code == 0);
        CHECK(has(page.out, ".SH SYNOPSIS\n.B jobmode " + name + '\n'));
        CHECK(has(page.out, "\n.SH EXAMPLE"));
        const std::string file = "jobmode-" + name + ".1";
        CHECK(folder.read(file) == page.out);
        CHECK(accepts("mandoc", "-T lint -W warning", folder.path(file)));
        CHECK(accepts("man", "--warnings=w -E UTF-8 -l -Tutf8 -Z >/dev/null 2>" + folder.path("warnings"),
                      folder.path(file)));
        CHECK(folder.read("warnings").empty());
    }
    CHECK(accepts("mandoc", "-T lint -W warning", folder.path("jobmode.1")));
    CHECK(test::run_program({"man", "nothing"}).exit_code == 2);
    CHECK(test::run_program({"man", "--folder", folder.path("none")}).exit_code == 1);
}

TEST_CASE("What bash proposes follows the command line", "[help]") {
    const test::temporary_folder folder;
    prepare(folder, "bash");
    std::vector<completed> rows = completions_expected();
    rows.push_back({"jobmode query --format = n", "ndjson"});
    rows.push_back({"jobmode query --format =", "csv ndjson table"});
    for (const completed& each : rows) {
        CAPTURE(each.line);
        std::string words = "'";
        for (const char c : each.line)
            words += c == ' ' ? std::string("' '") : std::string(1, c);
        // `compopt` works in an interactive shell alone; it is there that it puts the slash behind a folder.
        std::string found =
            answer_of(folder, "bash",
                      "set -u; . ./script; compopt() { :; }; COMP_WORDS=(" + words +
                          "'); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _jobmode; "
                          "printf '%s\\n' ${COMPREPLY[@]+\"${COMPREPLY[@]}\"} | sort | paste -sd ' ' >answer\n");
        found.pop_back();
        if (found == "b-folder")
            found += '/';
        CHECK(found == each.proposals);
    }
}

TEST_CASE("What zsh proposes follows the command line", "[help]") {
    if (!is_there("zsh"))
        return;
    const test::temporary_folder folder;
    prepare(folder, "zsh");
    std::filesystem::rename(folder.path("script"), folder.path("_jobmode"));
    // A zsh in a terminal of its own gets the keys, and writes the line as it then is.
    std::string driver =
        "zmodload zsh/zpty\n"
        "zpty child zsh -f -i\n"
        "type() { zpty -w -n child \"$1\"; }\n"
        "type $'fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; unsetopt auto_menu\\n'\n"
        "type $'tell() { print -r -- $BUFFER >>answer; BUFFER=; print -n \"do\"\"ne\"; }; zle -N tell\\n'\n"
        "type $'bindkey \"^I\" complete-word; bindkey \"^X\" tell; bindkey -r \"^[\"; print -n \"rea\"\"dy\"\\n'\n"
        "zpty -r child out '*ready*' || exit 1\n";
    std::string expected;
    for (const completed& each : completions_expected()) {
        if (has(each.proposals, " "))
            continue;
        driver += "type $'" + each.line + "\\t\\x18'\nzpty -r child out '*done*' || exit 1\n";
        const std::string before = each.line.substr(0, each.line.rfind(' ') + 1);
        if (each.proposals.empty())
            expected += each.line + '\n';
        else
            expected += before + each.proposals + (each.proposals.back() == '/' ? "\n" : " \n");
    }
    CHECK(answer_of(folder, "zsh -f", driver + "zpty -d child\n") == expected);
}

TEST_CASE("What fish proposes follows the command line", "[help]") {
    if (!is_there("fish"))
        return;
    const test::temporary_folder folder;
    prepare(folder, "fish");
    for (const completed& each : completions_expected()) {
        CAPTURE(each.line);
        std::string found =
            answer_of(folder, "fish --no-config",
                      "source script; complete -C '" + each.line + "' | cut -f 1 | sort | paste -sd ' ' >answer\n");
        found.pop_back();
        CHECK(found == each.proposals);
    }
}

TEST_CASE("The completions are scripts that their shells can read, whatever a description has", "[help]") {
    const test::temporary_folder folder;
    const sample made;
    for (const std::string shell : {"bash", "zsh", "fish"}) {
        CAPTURE(shell);
        const std::string script = shell == "bash"  ? bash_completions(made.program())
                                   : shell == "zsh" ? zsh_completions(made.program())
                                                    : fish_completions(made.program());
        CHECK(has(script, "other"));
        CHECK_FALSE(has(script, "secret"));
        CHECK_FALSE(has(script, "inner"));
        CHECK(accepts(shell, "-n", folder.write("sample", script)));
    }
    CHECK(test::run_program({"completions", "tcsh"}).exit_code == 2);
}

TEST_CASE("what was meant is found by a few letters", "[help]") {
    const std::vector<std::string> names{"crawl", "check", "max-in-flight", "max-age-days"};
    CHECK(closest("crwal", names) == "crawl");
    CHECK(closest("crxwl", names) == "crawl");
    CHECK(closest("max-inflight", names) == "max-in-flight");
    CHECK(closest("verbose", names) == "");
    CHECK(closest("", names) == "");
    CHECK(closest("x", {"y"}) == "");
}

TEST_CASE("a subcommand or an option that there is none of is named, with what was meant", "[help]") {
    const auto says = [](const std::vector<std::string>& arguments, const std::string& text) {
        const auto result = test::run_program(arguments);
        CAPTURE(arguments, result.out, result.err);
        CHECK(has(arguments.front() == "check" ? result.out : result.err, text));
        CHECK(result.exit_code == (arguments.front() == "check" ? 3 : 2));
    };
    says({"crwal"}, "jobmode: there is no subcommand crwal; did you mean crawl?");
    says({"zzzzzzzz"}, "there is no subcommand zzzzzzzz (");
    says({"crawl", "--max-inflight", "3"}, "jobmode crawl has no option --max-inflight; did you mean --max-in-flight?");
    says({"crawl", "--user", "x", "--from", "2024-06-01"}, "no option --user; did you mean --users?");
    says({"crawl", "-format=csv"}, "no option -format; did you mean --format?");
    says({"--verison"}, "no option --verison; did you mean --version?");
    says({"check", "--login-nam", "x"}, "no option --login-nam; did you mean --login-name?");
    // A value is none, whatever it looks like.
    says({"crawl", "--out", "--forse"}, "is required");
}

TEST_CASE("help prints what --help does", "[help]") {
    const test::environment wide{{"COLUMNS", "80"}};
    for (const std::string& name : subcommands())
        CHECK(test::run_program({"help", name}, wide).out == test::run_program({name, "--help"}, wide).out);
    CHECK(test::run_program({"help"}, wide).out == test::run_program({"--help"}, wide).out);
    CHECK(test::run_program({"help", "crwal"}).exit_code == 2);
}

TEST_CASE("the version is told with those of the libraries", "[help]") {
    const auto result = test::run_program({"-V"});
    CHECK(result.exit_code == 0);
    CHECK(result.out.starts_with("jobmode "));
    for (const char* const library : {"\nBoost 1.", "\nOpenSSL 3.", "\nSQLite 3."})
        CHECK(has(result.out, library));
    CHECK(has(result.out, "\nlibnats ") == has(test::run_program({"--help"}).out, "\n  work "));
    CHECK(result.out == test::run_program({"--version"}).out);
}

}  // namespace help_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/silent.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <jobmode/query.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/messages/exit_code.hpp"
#include "cli/messages/prometheus.hpp"
#include "cli/messages/terminal.hpp"
#include "cli/options/choice.hpp"
#include "cli/options/coverage_options.hpp"
#include "cli/text.hpp"
#include "report/coverage.hpp"
#include "report/report_input.hpp"
#include "store/csv_text.hpp"
#include "store/day.hpp"
#include "store/file.hpp"
#include "store/json_text.hpp"

namespace jobmode::cli {
namespace {

using report::coverage;
using report::coverage_row;
using std::chrono::sys_days;

enum class silent_format { text, csv, json };

struct silent_options {
    std::vector<std::string> files;
    silent_format format = silent_format::text;
    coverage_options ask;
    unsigned missed = 1;
    bool csv_safe = false;
    std::string metrics_file;
};

// What the program ends with.
constexpr int nobody = 0;
constexpr int somebody = 1;
constexpr int not_known = 3;

constexpr std::array<std::string_view, 11> silent_columns{"server",   "owner",     "login_name", "set_id",
                                                          "set_name", "last_good", "age_hours",  "due",
                                                          "missed",   "reason",    "detail"};

std::string day_text(const std::optional<sys_days>& day) {
    return day ? store::day_text(*day) : std::string();
}

std::array<std::string, silent_columns.size()> values_of(const coverage_row& row, sys_days as_of) {
    // Without the server's time zone an age is of whole days.
    const std::string age =
        row.said.last_good ? std::to_string(std::chrono::hours(as_of - *row.said.last_good).count()) : std::string();
    return {row.server,
            row.owner,
            row.login_name,
            row.set_id,
            row.set_name,
            day_text(row.said.last_good),
            age,
            day_text(row.said.due),
            std::to_string(row.said.missed),
            std::string(row.reason),
            row.detail};
}

std::string csv_of(const std::vector<coverage_row>& rows, sys_days as_of, store::csv_cells cells) {
    std::string text;
    const auto append = [&](const auto& values) {
        for (std::size_t column = 0; column != silent_columns.size(); ++column) {
            text += column == 0 ? "" : ",";
            store::append_csv_value(text, values[column], cells);
        }
        text += "\r\n";
    };
    append(silent_columns);
    for (const coverage_row& row : rows)
        append(values_of(row, as_of));
    return text;
}

/// One object: what was judged when, and the rows, with numbers as numbers and null for what there is none of.
std::string json_of(const std::vector<coverage_row>& rows, sys_days as_of) {
    std::string text = fmt::format("{{\"as_of\":\"{}\",\"outcomes\":\"not asked\",\"rows\":[", day_text(as_of));
    bool first = true;
    for (const coverage_row& row : rows) {
        text += std::exchange(first, false) ? "\n{" : ",\n{";
        const auto values = values_of(row, as_of);
        for (std::size_t column = 0; column != silent_columns.size(); ++column) {
            text += column == 0 ? "" : ",";
            store::append_json_string(text, silent_columns[column]);
            text += ':';
            if (silent_columns[column] == "missed" ||
                (silent_columns[column] == "age_hours" && !values[column].empty()))
                text += values[column];
            else if (values[column].empty() &&
                     (silent_columns[column] == "age_hours" || silent_columns[column] == "last_good" ||
                      silent_columns[column] == "due"))
                text += "null";
            else
                store::append_json_string(text, values[column]);
        }
        text += '}';
    }
    return text + "\n]}\n";
}

std::string days_ago(std::chrono::days age) {
    return age.count() == 0   ? "that day"
           : age.count() == 1 ? "1 day before"
                              : fmt::format("{} days before", age.count());
}

std::string text_of(const std::vector<coverage_row>& rows, sys_days as_of) {
    std::string text;
    for (const coverage_row& row : rows) {
        const std::string who = row.login_name.empty() ? row.server : row.login_name;
        const std::string set = row.set_name.empty() ? row.set_id : row.set_name;
        std::string line = terminal_text(who);
        if (!set.empty())
            line += ", " + terminal_text(set);
        line += fmt::format(": {}", row.reason);
        if (row.said.last_good)
            line +=
                fmt::format(", last on {} ({})", day_text(row.said.last_good), days_ago(as_of - *row.said.last_good));
        if (row.said.missed != 0)
            line += fmt::format(", {} expected {} missing", row.said.missed, row.said.missed == 1 ? "day" : "days");
        if (!row.detail.empty())
            line += ", " + terminal_text(row.detail);
        if (!row.login_name.empty())
            line += fmt::format(" [{}]", terminal_text(row.server));
        text += line + '\n';
    }
    return text;
}

/// What there is to say of old answers.
std::string age_text(const report::assessment& made) {
    if (!made.is_old())
        return {};
    return made.age ? fmt::format("; the newest complete answer is {} hours old", made.age->count())
                    : "; no answer came after its day was over";
}

int run(const silent_options& options) {
    if (options.csv_safe && options.format != silent_format::csv)
        return static_cast<int>(usage_error("--csv-safe is for CSV: give --format csv"));
    coverage_options::question asked;
    if (const std::string problem = options.ask.read(asked); !problem.empty())
        return static_cast<int>(usage_error(problem));
    coverage known(options.ask.require);
    for (const std::string& path : options.files)
        if (const std::string problem = report::read_crawl(known, path); !problem.empty())
            return static_cast<int>(fail(exit_code::usage, problem));
    if (!known.newest())
        return static_cast<int>(
            fail(exit_code::usage, "nothing was asked, as far as " + options.files.front() + " says"));
    const report::assessment made = options.ask.assess(known, asked);
    if (!made.problem.empty())
        return static_cast<int>(usage_error(made.problem));
    const sys_days as_of = made.as_of;
    if (!options.metrics_file.empty())
        if (const std::string problem = store::replace_file(options.metrics_file, coverage_text(made));
            !problem.empty())
            return static_cast<int>(usage_error("--metrics-file: " + problem));
    std::vector<coverage_row> named;
    std::size_t silent = 0;
    std::size_t unknown = 0;
    std::size_t removed = 0;
    for (const coverage_row& row : made.rows) {
        const bool is_silent = (row.said.is == report::verdict::silent && row.said.missed >= options.missed) ||
                               row.said.is == report::verdict::removed;
        removed += row.said.is == report::verdict::removed ? 1 : 0;
        if (is_silent)
            named.insert(named.begin() + static_cast<std::ptrdiff_t>(silent++), row);
        else if (row.said.is == report::verdict::unknown) {
            named.push_back(row);
            ++unknown;
        }
    }
    const std::string text =
        options.format == silent_format::csv
            ? csv_of(named, as_of, options.csv_safe ? store::csv_cells::safe : store::csv_cells::plain)
        : options.format == silent_format::json ? json_of(named, as_of)
                                                : text_of(named, as_of);
    const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    const std::string shown = !terminal                               ? text
                              : options.format == silent_format::csv  ? terminal_csv(text)
                              : options.format == silent_format::json ? terminal_json(text)
                                                                      : text;
    if (!store::write_all(STDOUT_FILENO, shown))
        return static_cast<int>(output_failed());
    const auto set_aside = std::ranges::count_if(
        made.rows, [](const coverage_row& row) { return row.reason == "ignored" || row.reason == "acknowledged"; });
    say_on_stderr(fmt::format(
        "as of {}: {} silent, {} unknown{}{}, of {} (outcomes not asked){}\n", day_text(as_of),
        grouped(silent - removed), grouped(unknown), removed == 0 ? "" : fmt::format(", {} removed", grouped(removed)),
        set_aside == 0 ? "" : fmt::format(", {} ignored or acknowledged", grouped(static_cast<std::size_t>(set_aside))),
        grouped(made.rows.size()), age_text(made)));
    if (silent != 0)
        return somebody;
    return unknown != 0 || made.is_old() ? not_known : nobody;
}

}  // namespace

void register_silent(CLI::App& root, int& exit_code) {
    auto options = std::make_shared<silent_options>();
    CLI::App* const command = root.add_subcommand("silent", "Name the backup sets whose expected backups are missing");
    command
        ->add_option("FILE", options->files,
                     "What `jobmode crawl` wrote, as NDJSON, CSV or SQLite; FILE.asked.ndjson is read if it is there")
        ->required()
        ->type_name("");
    command->add_option("--format", options->format, "How they are listed")
        ->transform(one_of<silent_format>(
            {{"text", silent_format::text}, {"csv", silent_format::csv}, {"json", silent_format::json}}))
        ->default_str("text");
    command->add_flag(
        "--csv-safe", options->csv_safe,
        "In CSV, put a ' before a cell that begins with = + - @, a tab or CR, so that no spreadsheet takes "
        "it for a formula");
    command->add_option("--missed", options->missed, "Name those that missed at least as many expected days")
        ->check(CLI::Range(1U, 3660U))
        ->type_name("N")
        ->capture_default_str();
    options->ask.add_to(*command);
    command
        ->add_option("--metrics-file", options->metrics_file,
                     "Write what is said here, too, for node exporter's textfile collector")
        ->type_name("FILE");
    command->footer(
        "A set is expected on each weekday on which it had a backup in three of four weeks, of the eight before its "
        "last\n"
        "one. Sets without such a weekday may be as old as their usual gaps; new ones, three days. A day that was not\n"
        "answered is never taken for a missing backup: sets about which nothing certain can be said are listed as\n"
        "unknown, after those that are silent.\n\n"
        "Exit status:\n"
        "  0  nobody is silent\n"
        "  1  at least one set is\n"
        "  2  the command line cannot be carried out, or a file cannot be read\n"
        "  3  none is known to be, but some are unknown, or the newest complete answer\n"
        "     is older than 36 hours\n\n"
        "Examples:\n"
        "  jobmode silent night.sqlite\n"
        "  jobmode silent june.ndjson --now 2024-07-01 --format csv > silent.csv");
    command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace jobmode::cli

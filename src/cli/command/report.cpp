// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/report.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/messages/exit_code.hpp"
#include "cli/messages/terminal.hpp"
#include "cli/options/coverage_options.hpp"
#include "cli/text.hpp"
#include "policy/date.hpp"
#include "report/report_data.hpp"
#include "report/report_input.hpp"
#include "report/report_page.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

/// A page of more days than this would be of no use, and is the sign of a wrong date.
constexpr int most_days = 3660;

struct report_options {
    std::vector<std::string> files;
    std::string out;
    std::string title;
    std::string from;
    std::string to;
    std::string users;
    coverage_options ask;
    unsigned missed = 1;
};

/// `crawl.ndjson` becomes `crawl.html`; standard input becomes standard output.
std::string default_out(const std::string& input) {
    if (input == "-")
        return "-";
    const auto dot = input.rfind('.');
    const auto slash = input.rfind('/');
    const bool has_extension = dot != std::string::npos && dot != 0 && (slash == std::string::npos || dot > slash + 1);
    return input.substr(0, has_extension ? dot : input.size()) + ".html";
}

bool is_same_file(const std::string& one, const std::string& other) {
    std::error_code ec;
    return one == other || std::filesystem::equivalent(one, other, ec);
}

std::string now_text() {
    const std::time_t now = std::time(nullptr);
    std::tm broken_down{};
    ::localtime_r(&now, &broken_down);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &broken_down)};
}

exit_code run(const report_options& options) {
    const auto from = policy::parse_date(options.from);
    if (!options.from.empty() && !from)
        return usage_error("--from: '" + options.from + "' is not a date such as 2024-06-30");
    const auto to = policy::parse_date(options.to);
    if (!options.to.empty() && !to)
        return usage_error("--to: '" + options.to + "' is not a date such as 2024-06-30");
    if (from && to && *from > *to)
        return usage_error("--from is later than --to");
    const std::string out = options.out.empty() ? default_out(options.files.front()) : options.out;
    const bool is_stream = store::is_stream(out);
    for (const std::string& path : options.files)
        if (!is_stream && is_same_file(path, out))
            return usage_error("--out: " + out + " is also what is to be read");
    if (const std::string problem = out == "-" ? "" : store::why_not_writable(out); !problem.empty())
        return usage_error("--out: " + problem);

    coverage_options::question asked;
    if (const std::string problem = options.ask.read(asked); !problem.empty())
        return usage_error(problem);
    // A page that ends before now tells who was silent at its end.
    if (to)
        asked.now =
            std::min(asked.now, std::chrono::local_seconds(std::chrono::local_days(*to) + std::chrono::days(1)));
    report::report_data data(options.ask.require);
    data.limit(from, to);
    for (const std::string& path : options.files)
        if (const std::string problem = report::read_crawl(data, path); !problem.empty())
            return fail(exit_code::some_failed, problem);
    if (!options.users.empty())
        if (const std::string problem = report::read_report_users(data, options.users); !problem.empty())
            return fail(exit_code::some_failed, problem);
    if (const auto range = data.days(); range && (range->second - range->first).count() >= most_days)
        return usage_error(fmt::format("the page would have {} days: narrow them down with --from and --to",
                                       (range->second - range->first).count() + 1));
    if (data.rows_without_user() != 0)
        say_on_stderr(
            fmt::format("jobmode: {} rows have no LoginName and are left out\n", grouped(data.rows_without_user())));

    const report::assessment said = options.ask.assess(data.model(), asked);
    if (!said.problem.empty())
        return usage_error(said.problem);
    const std::string page =
        report::report_page(options.title, data.to_json(options.title, now_text(), said, options.missed));
    if (out == "-") {
        if (!store::write_all(STDOUT_FILENO, page))
            return fail(exit_code::some_failed, store::system_problem("write to", "standard output"));
    } else if (const std::string problem = store::replace_file(out, page); !problem.empty()) {
        return fail(exit_code::some_failed, problem);
    } else if (!is_stream) {
        say_on_stderr(fmt::format("{} users: {}\n", grouped(data.users()), terminal_text(out)));
    }
    return exit_code::all_answered;
}

}  // namespace

void register_report(CLI::App& root, int& exit_code) {
    auto options = std::make_shared<report_options>();
    CLI::App* const command = root.add_subcommand("report", "Make a page that shows a crawl: users down, days across");
    command
        ->add_option("FILE", options->files,
                     "What `jobmode crawl` wrote, as NDJSON, CSV or SQLite; - is NDJSON on standard input. What was "
                     "asked and what "
                     "failed is read from FILE.asked.ndjson and FILE.failed.ndjson if they are there")
        ->required()
        ->type_name("");
    command
        ->add_option("--out", options->out,
                     "Write the page here; - is standard output. Without it, the first FILE's name with .html "
                     "at its end")
        ->type_name("FILE");
    command->add_option("--title", options->title, "What stands at the page's head")
        ->default_val("Backup jobs")
        ->capture_default_str();
    command->add_option("--missed", options->missed, "Point out sets that missed at least as many expected days")
        ->check(CLI::Range(1U, 3660U))
        ->type_name("N")
        ->capture_default_str();
    options->ask.add_to(*command);
    command->add_option("--from", options->from, "The first day; without it, the first that FILE has")
        ->type_name("DATE");
    command->add_option("--to", options->to, "The last day; without it, the last that FILE has")->type_name("DATE");
    command
        ->add_option("--users", options->users,
                     "A file with a login name a line: these users are shown even if no record names them")
        ->type_name("FILE");
    command->footer(
        "The page is one HTML file that needs no network. It shows for each user and day whether a backup was started\n"
        "by its schedule, by hand or remotely, whether there was none, or whether the query failed. Rows open into\n"
        "backup sets. Who is silent stands first, and is exactly who `jobmode silent` names. A day that was not\n"
        "answered is never taken for one without a backup: without FILE.asked.ndjson nothing is known of a day "
        "without\n"
        "any record.\n\n"
        "Examples:\n"
        "  jobmode report crawl.ndjson --missed 2\n"
        "  jobmode report monday.ndjson tuesday.ndjson --users users.txt \\\n"
        "      --from 2024-04-01 --to 2024-06-30 --out q2.html");
    command->callback([options, &exit_code] { exit_code = static_cast<int>(run(*options)); });
}

}  // namespace jobmode::cli

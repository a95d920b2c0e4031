// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/check.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <jobmode/client.hpp>

#include <chrono>
#include <ctime>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/messages/failure.hpp"
#include "cli/messages/terminal.hpp"
#include "cli/options/connection_options.hpp"
#include "cli/options/today.hpp"
#include "policy/date.hpp"
#include "store/day.hpp"

namespace jobmode::cli {
namespace {

enum class state : int { ok = 0, warning = 1, critical = 2, unknown = 3 };

struct check_options {
    connection_options connection;
    std::string login_name;
    std::optional<std::string> backup_set_id;
    std::string require = "scheduled";
    unsigned max_age_days = 3;
    std::optional<unsigned> warn_age_days;
    std::string date;
};

/// What the days asked have shown.
struct finding {
    /// The newest job that is wanted, and how many days ago its day is.
    std::optional<record> wanted;
    unsigned age_days = 0;
    /// The newest job of another kind, and its day; only looked for until the wanted one is found.
    std::optional<record> other;
    std::chrono::sys_days other_day;
    /// Why no more can be said.
    std::string problem;
};

/// One line, in which nothing is taken for the beginning of the performance data.
std::string plugin_line(std::string_view text) {
    std::string line;
    for (const char c : terminal_text(text))
        line += c == '|' ? '/' : c;
    return line;
}

int report(state result, std::string_view text, std::string_view performance = {}) {
    static constexpr std::array names{"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    const auto code = static_cast<int>(result);
    fmt::print("JOBMODE {} - {}{}{}\n", names[static_cast<std::size_t>(code)], plugin_line(text),
               performance.empty() ? "" : " | ", performance);
    return code;
}

/// `2024-06-30 22:10`: when it began, or its day where that cannot be read.
std::string when_text(const record& job, std::chrono::sys_days day) {
    const auto start = job.start_time();
    if (!start)
        return store::day_text(day);
    const auto date = std::chrono::floor<std::chrono::days>(*start);
    const std::chrono::hh_mm_ss time(*start - date);
    return fmt::format("{} {:02}:{:02}", store::day_text(std::chrono::sys_days(date.time_since_epoch())),
                       time.hours().count(), time.minutes().count());
}

std::string days_text(unsigned days) {
    return fmt::format("{} {}", days, days == 1 ? "day" : "days");
}

void take_newest(std::optional<record>& newest, record& job) {
    if (!newest || newest->start_time() < job.start_time())
        newest = std::move(job);
}

/// Asks day by day, the newest first, until a job that is wanted is found.
asio::awaitable<finding> look(const check_options& options, client_config config, std::chrono::sys_days until) {
    finding found;
    try {
        client client(co_await asio::this_coro::executor, config);
        for (unsigned age = 0; age <= options.max_age_days; ++age) {
            const std::chrono::sys_days day = until - std::chrono::days(age);
            query asked(options.login_name, date_or_job_id(std::chrono::year_month_day(day)), options.backup_set_id);
            diagnostics diag;
            error_code ec;
            std::vector<record> records =
                co_await client.async_list(std::move(asked), &diag, asio::redirect_error(asio::use_awaitable, ec));
            if (ec) {
                found.problem = failure_text(ec, diag, config);
                co_return found;
            }
            std::optional<record> other;
            for (record& job : records) {
                const job_mode mode = job.backup_job_mode();
                if (mode == job_mode::scheduled || (options.require == "any" && mode != job_mode::none))
                    take_newest(found.wanted, job);
                else if (mode != job_mode::none)
                    take_newest(other, job);
            }
            if (other && !found.other) {
                found.other = std::move(other);
                found.other_day = day;
            }
            if (found.wanted) {
                found.age_days = age;
                co_return found;
            }
        }
    } catch (const boost::system::system_error& failure) {
        found.problem = words_of(failure);
    }
    co_return found;
}

int run(const check_options& options) {
    const auto date = policy::parse_date(options.date);
    if (!options.date.empty() && !date)
        return check_unknown("--date: '" + options.date + "' is not a date such as 2024-06-30");
    if (options.warn_age_days && *options.warn_age_days > options.max_age_days)
        return check_unknown("--warn-age-days is more than --max-age-days");
    const std::chrono::sys_days until = date ? std::chrono::sys_days(*date) : today();
    std::string problem;
    if (query(options.login_name, std::chrono::year_month_day(until), options.backup_set_id).validate(&problem))
        return check_unknown(problem);
    const std::optional<client_config> config = options.connection.make_config(problem);
    if (!config)
        return check_unknown(problem);

    finding found;
    asio::io_context context(1);
    asio::co_spawn(context, look(options, *config, until), [&](const std::exception_ptr& thrown, finding result) {
        if (thrown)
            std::rethrow_exception(thrown);
        found = std::move(result);
    });
    context.run();
    if (!found.problem.empty())
        return check_unknown(options.login_name + ": " + found.problem);

    const std::string kind = options.require == "any" ? "backup" : "scheduled backup";
    const std::string limits = fmt::format(
        "{};{};0", options.warn_age_days ? std::to_string(*options.warn_age_days) : "", options.max_age_days);
    if (found.wanted) {
        const bool late = options.warn_age_days && found.age_days > *options.warn_age_days;
        return report(
            late ? state::warning : state::ok,
            fmt::format("{}: {} {} ({} ago)", options.login_name, kind,
                        when_text(*found.wanted, until - std::chrono::days(found.age_days)), days_text(found.age_days)),
            fmt::format("age_days={};{}", found.age_days, limits));
    }
    std::string text =
        fmt::format("{}: no {} from {} to {}", options.login_name, kind,
                    store::day_text(until - std::chrono::days(options.max_age_days)), store::day_text(until));
    if (found.other) {
        const job_mode mode = found.other->backup_job_mode();
        text += fmt::format("; the last of another kind: {} {}",
                            mode == job_mode::unknown ? found.other->backup_job_mode_text : to_string(mode),
                            when_text(*found.other, found.other_day));
    }
    return report(state::critical, text, "age_days=U;" + limits);
}

}  // namespace

bool is_check(const CLI::App& root) {
    return root.got_subcommand("check");
}

int check_unknown(std::string_view problem) {
    return report(state::unknown, problem);
}

void register_check(CLI::App& root, int& exit_code) {
    auto options = std::make_shared<check_options>();
    // Some monitoring systems give a plugin ten seconds.
    options->connection.connect_timeout = 5;
    options->connection.timeout = 9;
    CLI::App* const command =
        root.add_subcommand("check", "Tell a monitoring system whether a user's backups are recent (Nagios plugin)");
    command->add_option("--login-name", options->login_name, "The backup user")->required()->type_name("NAME");
    command->add_option("--backup-set-id", options->backup_set_id, "Only jobs of this backup set")->type_name("ID");
    command->add_option("--require", options->require, "Which jobs count: those started by the schedule, or any")
        ->check(CLI::IsMember({"scheduled", "any"}))
        ->type_name("KIND")
        ->capture_default_str();
    command
        ->add_option("--max-age-days", options->max_age_days,
                     "CRITICAL if the last such job is more days ago; 0 asks for one of the day itself")
        ->check(CLI::Range(0U, 366U))
        ->type_name("N")
        ->capture_default_str();
    command->add_option("--warn-age-days", options->warn_age_days, "WARNING if the last such job is more days ago")
        ->check(CLI::Range(0U, 366U))
        ->type_name("N");
    command->add_option("--date", options->date, "The day from which to look back; without it, today on this machine")
        ->type_name("DATE");
    options->connection.add_to(*command);
    command->footer(
        "It asks day by day, the newest first, and stops at the first job that counts. It prints one line with\n"
        "performance data.\n\n"
        "Exit status:\n"
        "  0  OK\n"
        "  1  WARNING\n"
        "  2  CRITICAL\n"
        "  3  UNKNOWN: whatever kept it from knowing, a wrong option among them\n\n"
        "Example:\n"
        "  jobmode check --url https://cbs.example.com --sys-user api \\\n"
        "      --sys-pwd-file /etc/jobmode/password \\\n"
        "      --login-name customer-0001 --warn-age-days 1 --max-age-days 3\n"
        "  # JOBMODE OK - customer-0001: scheduled backup 2024-06-30 22:10\n"
        "  # (0 days ago) | age_days=0;1;3;0");
    command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace jobmode::cli

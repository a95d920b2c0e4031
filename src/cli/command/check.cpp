// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/check.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <jobmode/backup_jobs.hpp>
#include <jobmode/client.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bulk/failure.hpp"
#include "cli/messages/failure.hpp"
#include "cli/messages/plugin.hpp"
#include "cli/options/connection_options.hpp"
#include "cli/options/coverage_options.hpp"
#include "cli/options/today.hpp"
#include "policy/date.hpp"
#include "report/coverage.hpp"
#include "report/report_input.hpp"
#include "store/day.hpp"

namespace jobmode::cli {
namespace {

using report::coverage_row;

struct check_options {
    connection_options connection;
    std::vector<std::string> files;
    std::string login_name;
    std::optional<std::string> backup_set_id;
    coverage_options ask;
    std::string warning = "@1:";
    std::string critical = "@3:";
    unsigned time_limit = 10;
    unsigned max_age_days = 3;
    std::optional<unsigned> warn_age_days;
    std::string date;
};

/// What is to be said.
struct answer {
    plugin_state state = plugin_state::unknown;
    std::string text;
    std::string performance;
    std::vector<std::string> more;
};

/// What the days asked have shown of a backup set.
struct finding {
    std::string name;
    /// The newest job that is wanted, and its day.
    std::optional<record> wanted;
    std::chrono::sys_days day;
    /// The newest day on which the server lists a job, of whatever kind.
    std::optional<std::chrono::sys_days> listed;
    /// The days within the limit on which it does.
    std::set<std::chrono::sys_days> days;
};

/// What a server has said.
struct findings_of_user {
    /// By ID, or by name where there is no ID.
    std::map<std::string, finding, std::less<>> sets;
    /// The newest job of another kind, and its day.
    std::optional<record> other;
    std::chrono::sys_days other_day;
    /// Why no more can be said.
    std::string problem;
};

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

/// Asks which days have jobs, and then about these days, the newest first, until each set has a job that is wanted.
class server_look {
public:
    server_look(const check_options& options, std::chrono::sys_days until) : options_(options), until_(until) {}

    findings_of_user found;

    asio::awaitable<void> run(client_config config) {
        config_ = std::move(config);
        try {
            client client(co_await asio::this_coro::executor, config_);
            if (!co_await list(client))
                co_return;
            for (unsigned age = 0; age <= options_.max_age_days; ++age)
                if (const std::chrono::sys_days day = until_ - std::chrono::days(age); is_of_use(day))
                    if (!co_await ask(client, day))
                        co_return;
        } catch (const boost::system::system_error& failure) {
            found.problem = words_of(failure);
        }
    }

private:
    asio::awaitable<bool> list(client& client) {
        diagnostics diag;
        error_code ec;
        const std::vector<backup_set_jobs> sets = co_await client.async_list_backup_jobs(
            options_.login_name, &diag, asio::redirect_error(asio::use_awaitable, ec));
        if (ec == errc::authentication_refused || ec == errc::no_such_user || bulk::is_unreachable(ec, diag)) {
            found.problem = failure_text(ec, diag, config_);
            co_return false;
        }
        // A server that has no such list is asked about every day.
        listed_ = !ec;
        for (const backup_set_jobs& set : sets) {
            if (options_.backup_set_id && set.backup_set_id != *options_.backup_set_id)
                continue;
            finding& one = found.sets[set.backup_set_id];
            for (const std::string& id : set.job_ids) {
                const date_or_job_id date(std::string_view(id).substr(0, 10));
                if (!date.valid()) {
                    listed_ = false;
                    continue;
                }
                const std::chrono::sys_days day = date.date();
                if (day > until_)
                    continue;
                one.listed = std::max(one.listed.value_or(day), day);
                if (day >= until_ - std::chrono::days(options_.max_age_days))
                    one.days.insert(day);
            }
        }
        co_return true;
    }

    bool is_of_use(std::chrono::sys_days day) const {
        return !listed_ || std::ranges::any_of(found.sets, [&](const auto& set) {
            return !set.second.wanted && set.second.days.contains(day);
        });
    }

    asio::awaitable<bool> ask(client& client, std::chrono::sys_days day) {
        query asked(options_.login_name, date_or_job_id(std::chrono::year_month_day(day)), options_.backup_set_id);
        diagnostics diag;
        error_code ec;
        std::vector<record> records =
            co_await client.async_list(std::move(asked), &diag, asio::redirect_error(asio::use_awaitable, ec));
        if (ec) {
            found.problem = failure_text(ec, diag, config_);
            co_return false;
        }
        std::optional<record> other;
        for (record& job : records) {
            const job_mode mode = job.backup_job_mode();
            const std::string_view key = job.backup_set_id.empty() ? job.backup_set_name : job.backup_set_id;
            auto set = found.sets.find(key);
            if (set == found.sets.end()) {
                if (mode == job_mode::none)
                    continue;
                set = found.sets.emplace(key, finding()).first;
            }
            finding& one = set->second;
            if (one.name.empty())
                one.name = job.backup_set_name;
            const bool counts = options_.ask.require == report::coverage::require::scheduled
                                    ? mode == job_mode::scheduled
                                    : mode != job_mode::none;
            if (!counts) {
                if (mode != job_mode::none)
                    take_newest(other, job);
            } else if (!one.wanted || one.day == day) {
                one.day = day;
                take_newest(one.wanted, job);
            }
        }
        if (other && !found.other) {
            found.other = std::move(other);
            found.other_day = day;
        }
        co_return true;
    }

    const check_options& options_;
    std::chrono::sys_days until_;
    client_config config_{""};
    bool listed_ = false;
};

std::string set_text(const std::string& key, const finding& set) {
    return set.name.empty() ? key : set.name;
}

/// What a server's answers come to: a user is as bad as the worst of its backup sets.
answer judge(const check_options& options, const findings_of_user& found, std::chrono::sys_days until) {
    const std::string kind = options.ask.require == report::coverage::require::any ? "backup" : "scheduled backup";
    const std::string limits = fmt::format(
        "{};{};0", options.warn_age_days ? std::to_string(*options.warn_age_days) : "", options.max_age_days);
    const std::string name = options.login_name;
    answer said;
    const std::pair<const std::string, finding>* oldest = nullptr;
    for (const auto& set : found.sets) {
        if (set.second.wanted) {
            if (!oldest || set.second.day < oldest->second.day)
                oldest = &set;
            continue;
        }
        said.more.push_back(fmt::format(
            "{}: no {}, {}", set_text(set.first, set.second), kind,
            set.second.listed ? "last job on " + store::day_text(*set.second.listed) : std::string("no job at all")));
    }
    if (oldest && said.more.empty()) {
        const auto age = static_cast<unsigned>((until - oldest->second.day).count());
        said.state = options.warn_age_days && age > *options.warn_age_days ? plugin_state::warning : plugin_state::ok;
        said.text = fmt::format("{}: {} {} ({} ago)", name, kind, when_text(*oldest->second.wanted, oldest->second.day),
                                days_text(age));
        if (found.sets.size() > 1)
            said.text +=
                fmt::format(", the oldest of {} sets: {}", found.sets.size(), set_text(oldest->first, oldest->second));
        said.performance = fmt::format("age_days={};{}", age, limits);
        return said;
    }
    said.state = plugin_state::critical;
    said.text = fmt::format("{}: no {} from {} to {}", name, kind,
                            store::day_text(until - std::chrono::days(options.max_age_days)), store::day_text(until));
    if (found.sets.size() > 1)
        said.text += fmt::format(" in {} of {} sets", said.more.size(), found.sets.size());
    if (found.other) {
        const job_mode mode = found.other->backup_job_mode();
        said.text += fmt::format("; the last of another kind: {} {}",
                                 mode == job_mode::unknown ? found.other->backup_job_mode_text : to_string(mode),
                                 when_text(*found.other, found.other_day));
    }
    said.performance = "age_days=U;" + limits;
    return said;
}

answer unknown(std::string text) {
    return {plugin_state::unknown, std::move(text), {}, {}};
}

answer check_server(const check_options& options) {
    if (options.connection.url.empty() || options.connection.sys_user.empty() || options.login_name.empty())
        return unknown("--url, --sys-user and --login-name are required, or a FILE that a crawl wrote");
    const auto date = policy::parse_date(options.date);
    if (!options.date.empty() && !date)
        return unknown("--date: '" + options.date + "' is not a date such as 2024-06-30");
    if (options.warn_age_days && *options.warn_age_days > options.max_age_days)
        return unknown("--warn-age-days is more than --max-age-days");
    const std::chrono::sys_days until = date ? std::chrono::sys_days(*date) : today();
    std::string problem;
    if (query(options.login_name, std::chrono::year_month_day(until), options.backup_set_id).validate(&problem))
        return unknown(problem);
    const std::optional<client_config> config = options.connection.make_config(problem);
    if (!config)
        return unknown(problem);

    server_look look(options, until);
    asio::io_context context(1);
    asio::co_spawn(context, look.run(*config), [](const std::exception_ptr& thrown) {
        if (thrown)
            std::rethrow_exception(thrown);
    });
    context.run();
    return look.found.problem.empty() ? judge(options, look.found, until)
                                      : unknown(options.login_name + ": " + look.found.problem);
}

std::string row_text(const coverage_row& row) {
    std::string text = row.login_name;
    if (const std::string& set = row.set_name.empty() ? row.set_id : row.set_name; !set.empty())
        text += ", " + set;
    text += fmt::format(": {}", row.reason);
    if (row.said.last_good)
        text += ", last on " + store::day_text(*row.said.last_good);
    text += fmt::format(", {} expected {} missing", row.said.missed, row.said.missed == 1 ? "day" : "days");
    return text + (row.server.empty() ? "" : " [" + row.server + "]");
}

/// What a crawl wrote, as the model judges it.
answer check_files(const check_options& options) {
    const auto warning = plugin_range::parse(options.warning);
    const auto critical = plugin_range::parse(options.critical);
    if (!warning || !critical)
        return unknown(fmt::format("{}: '{}' is not a range such as 2, 2:, ~:2, 1:2 or @3:",
                                   warning ? "--critical" : "--warning", warning ? options.critical : options.warning));
    coverage_options::question asked;
    if (std::string problem = options.ask.read(asked); !problem.empty())
        return unknown(std::move(problem));
    report::coverage known(options.ask.require);
    for (const std::string& path : options.files)
        if (std::string problem = report::read_crawl(known, path); !problem.empty())
            return unknown(std::move(problem));
    report::assessment made = options.ask.assess(known, asked);
    if (!made.problem.empty())
        return unknown(made.problem);
    if (!options.login_name.empty())
        std::erase_if(made.rows, [&](const coverage_row& row) { return row.login_name != options.login_name; });
    if (made.rows.empty())
        return unknown(options.login_name.empty() ? "nothing was asked, as far as " + options.files.front() + " says"
                                                  : options.login_name + ": nothing is known of such a user");
    answer said;
    unsigned missed = 0;
    std::size_t silent = 0;
    std::size_t not_known = 0;
    for (const coverage_row& row : made.rows) {
        not_known += row.said.is == report::verdict::unknown ? 1 : 0;
        if (row.said.is != report::verdict::silent)
            continue;
        ++silent;
        missed = std::max(missed, row.said.missed);
        said.more.push_back(row_text(row));
    }
    said.state = critical->alerts(missed)          ? plugin_state::critical
                 : warning->alerts(missed)         ? plugin_state::warning
                 : not_known != 0 || made.is_old() ? plugin_state::unknown
                                                   : plugin_state::ok;
    said.text = fmt::format("{}{} of {} {} silent", options.login_name.empty() ? "" : options.login_name + ": ", silent,
                            made.rows.size(), made.rows.size() == 1 ? "set" : "sets");
    if (silent != 0)
        said.text += fmt::format(", up to {} expected {} missing", missed, missed == 1 ? "day" : "days");
    if (not_known != 0)
        said.text += fmt::format(", {} unknown", not_known);
    said.text += ", as of " + store::day_text(made.as_of);
    if (made.is_old())
        said.text += made.age ? fmt::format("; the newest complete answer is {} hours old", made.age->count())
                              : "; no answer came after its day was over";
    said.performance = fmt::format("missed={};{};{};0 silent={};;;0;{} unknown={};;;0;{}", missed, options.warning,
                                   options.critical, silent, made.rows.size(), not_known, made.rows.size());
    return said;
}

int run(const check_options& options) {
    answer said;
    {
        const plugin_time_limit limit(options.time_limit);
        said = options.files.empty() ? check_server(options) : check_files(options);
    }
    return plugin_report(said.state, said.text, said.performance, said.more);
}

}  // namespace

bool is_check(const CLI::App& root) {
    return root.got_subcommand("check");
}

int check_unknown(std::string_view problem) {
    return plugin_report(plugin_state::unknown, problem);
}

void register_check(CLI::App& root, int& exit_code) {
    auto options = std::make_shared<check_options>();
    // Some monitoring systems give a plugin ten seconds.
    options->connection.connect_timeout = 5;
    options->connection.timeout = 9;
    CLI::App* const command =
        root.add_subcommand("check", "Tell a monitoring system whether backups are missing (Nagios plugin)");
    CLI::Option* const files =
        command
            ->add_option(
                "FILE", options->files,
                "What `jobmode crawl` wrote, as NDJSON, CSV or SQLite, to be judged instead of asking a server")
            ->type_name("");
    command->add_option("--login-name", options->login_name, "The backup user; with FILE, without it all of them")
        ->type_name("NAME");
    options->ask.add_to(*command);
    command
        ->add_option("-w,--warning", options->warning,
                     "WARNING for this range of missing expected days, of the set that misses most")
        ->type_name("RANGE")
        ->capture_default_str()
        ->needs(files);
    command->add_option("-c,--critical", options->critical, "CRITICAL for this range of them")
        ->type_name("RANGE")
        ->capture_default_str()
        ->needs(files);
    command->add_option("-t,--time-limit", options->time_limit, "Seconds for all of it")
        ->check(CLI::Range(1U, 3600U))
        ->type_name("SECONDS")
        ->capture_default_str();
    static constexpr auto of_server = "Asking a server";
    command->add_option("--backup-set-id", options->backup_set_id, "Only jobs of this backup set")
        ->type_name("ID")
        ->excludes(files)
        ->group(of_server);
    command
        ->add_option("--max-age-days", options->max_age_days,
                     "CRITICAL if a set's last such job is more days ago; 0 asks for one of the day itself")
        ->check(CLI::Range(0U, 366U))
        ->type_name("N")
        ->capture_default_str()
        ->excludes(files)
        ->group(of_server);
    command->add_option("--warn-age-days", options->warn_age_days, "WARNING if a set's last such job is more days ago")
        ->check(CLI::Range(0U, 366U))
        ->type_name("N")
        ->excludes(files)
        ->group(of_server);
    command->add_option("--date", options->date, "The day from which to look back; without it, today on this machine")
        ->type_name("DATE")
        ->excludes(files)
        ->group(of_server);
    options->connection.add_to(*command);
    command->get_option("--url")->required(false)->excludes(files);
    command->get_option("--sys-user")->required(false);
    command->footer(
        "With FILE, it says how many expected backups are missing, as `jobmode silent` does, with a line for each "
        "silent\n"
        "set. Without FILE, it asks the server which days have jobs, and then about the newest of them; each of the\n"
        "user's backup sets has to have a job. It prints one line with performance data, and lines of long output.\n\n"
        "Ranges:\n"
        "  10      alerts below 0 and above 10\n"
        "  10:     alerts below 10\n"
        "  ~:10    alerts above 10\n"
        "  10:20   alerts below 10 and above 20\n"
        "  @10:20  alerts from 10 to 20; @1: from 1 on\n\n"
        "Exit status:\n"
        "  0  OK\n"
        "  1  WARNING\n"
        "  2  CRITICAL\n"
        "  3  UNKNOWN: whatever kept it from knowing, a wrong option among them\n\n"
        "Examples:\n"
        "  jobmode check night.sqlite -w @1: -c @3:\n"
        "  # JOBMODE CRITICAL - 1 of 40 sets silent, up to 20 expected days missing,\n"
        "  # as of 2024-06-30 | missed=20;@1:;@3:;0 silent=1;;;0;40 unknown=0;;;0;40\n"
        "  jobmode check --url https://cbs.example.com --sys-user api \\\n"
        "      --sys-pwd-file /etc/jobmode/password \\\n"
        "      --login-name customer-0001 --warn-age-days 1 --max-age-days 3\n"
        "  # JOBMODE OK - customer-0001: backup 2024-06-30 22:10 (0 days ago)\n"
        "  # | age_days=0;1;3;0");
    command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace jobmode::cli

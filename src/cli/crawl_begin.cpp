// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/crawl_command.hpp"
#include "cli/crawl_output.hpp"
#include "cli/crawl_problem.hpp"
#include "cli/crawl_run.hpp"
#include "cli/crawl_runner.hpp"
#include "cli/crawl_state.hpp"
#include "cli/file.hpp"
#include "cli/job_dates.hpp"
#include "cli/prometheus.hpp"
#include "cli/text.hpp"
#include "cli/user_list.hpp"

namespace jobmode::cli {
namespace {

/// What `--max-in-flight` means: a number, or nothing for `auto`.
bool set_max_in_flight(const std::string& text, client_config& config) {
    if (text == "auto") {
        // More than there are connections would only wait for one.
        config.concurrency.ceiling = std::max(config.pool.max_connections, config.concurrency.initial);
        return true;
    }
    std::size_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || end != text.data() + text.size() || value == 0 || value > 1'000'000)
        return false;
    config.concurrency.max_in_flight = value;
    return true;
}

/// What `--shard` means: a number of a shard, from 1, and how many there are.
struct shard {
    std::uint64_t number = 1;
    std::uint64_t count = 1;
};

std::optional<shard> parse_shard(std::string_view text) {
    shard parsed;
    const char* const end = text.data() + text.size();
    const auto number = std::from_chars(text.data(), end, parsed.number);
    if (number.ec != std::errc() || number.ptr == end || *number.ptr != '/')
        return std::nullopt;
    const auto count = std::from_chars(number.ptr + 1, end, parsed.count);
    if (count.ec != std::errc() || count.ptr != end || parsed.number == 0 || parsed.number > parsed.count)
        return std::nullopt;
    return parsed;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts)
        text += part + '\n';
    return text;
}

/// The output's path as seen from the state's folder.
std::string place_of_output(const crawl_command& command) {
    if (command.to_stdout())
        return "-";
    namespace fs = std::filesystem;
    return fs::weakly_canonical(fs::absolute(command.out))
        .lexically_relative(fs::weakly_canonical(fs::absolute(command.state)).parent_path())
        .string();
}

/// Which queries are asked, as far as the command line says.
struct crawl_range {
    std::chrono::year_month_day from;
    std::chrono::year_month_day to;
    shard part;
};

/// Throws `usage_problem` for what cannot be meant, and fills in what follows from the rest.
crawl_range check(crawl_command& command) {
    const auto from = parse_date(command.from);
    const auto to = parse_date(command.to);
    if (!from || !to)
        throw usage_problem(fmt::format("{}: '{}' is not a date such as 2024-06-30", from ? "--to" : "--from",
                                        from ? command.to : command.from));
    if (std::chrono::sys_days(*to) < std::chrono::sys_days(*from))
        throw usage_problem("--to is before --from");
    if (command.to_stdout() && command.format == row_format::sqlite)
        throw usage_problem("--format sqlite needs a file: name one with --out");
    if (command.to_stdout() && (command.resume || !command.state.empty()))
        throw usage_problem("a crawl to standard output cannot be resumed: name a file with --out");
    if (command.state.empty())
        command.state = command.out + ".state";
    for (const std::string& set : command.sets) {
        std::string why;
        if (query("any", *from, set).validate(&why))
            throw usage_problem("--backup-set-id: " + why);
    }
    std::ranges::sort(command.sets);
    command.sets.erase(std::unique(command.sets.begin(), command.sets.end()), command.sets.end());

    std::optional<shard> part = shard();
    if (!command.shard.empty() && !(part = parse_shard(command.shard)))
        throw usage_problem("--shard: '" + command.shard +
                            "' is not the number of a shard and how many there are, such as 2/8");
    return {*from, *to, *part};
}

client_config make_config(crawl_command& command) {
    std::string problem;
    std::optional<client_config> config = command.connection.make_config(problem);
    if (!config)
        throw usage_problem(problem);
    config->pool.max_connections = command.connections;
    config->rate.queries_per_second = command.rate;
    config->retry.max_retries = command.retries;
    if (!set_max_in_flight(command.max_in_flight, *config))
        throw usage_problem("--max-in-flight: '" + command.max_in_flight +
                            "' is neither auto nor a number from 1 to 1000000");
    // A thread needs a connection and a query of its own, or all of them together would have more than was allowed.
    std::size_t most_threads = command.connections;
    if (config->concurrency.max_in_flight != 0)
        most_threads = std::min(most_threads, config->concurrency.max_in_flight);
    command.threads = static_cast<unsigned>(std::min<std::size_t>(command.threads, most_threads));
    return std::move(*config);
}

[[noreturn]] void refuse_unfinished(const crawl_command& command) {
    throw usage_problem(
        fmt::format("{} is of a crawl that is not finished: go on with --resume, or remove that file to begin anew",
                    command.state));
}

/// Whether there is an output that a new crawl would replace. Tables are added to, and a device keeps nothing.
bool would_replace(const crawl_command& command) {
    struct stat there {};
    return !command.to_stdout() && command.format != row_format::sqlite && ::stat(command.out.c_str(), &there) == 0 &&
           S_ISREG(there.st_mode) && there.st_size != 0;
}

/// The users of a crawl: those that a resumed one began with, those of the file, or those of the server.
std::optional<crawl_problem> find_users(const crawl_command& command, const client_config& config, crawl_state* resumed,
                                        std::vector<std::string>& users) {
    if (!command.all_users) {
        std::string problem;
        if (!read_users(command.users_file, users, problem))
            throw usage_problem(problem);
    } else if (resumed && !resumed->sections().empty()) {
        users = resumed->sections().front().users;
    } else if (std::optional<crawl_problem> problem = fetch_users(config, users)) {
        return problem;
    }
    if (users.empty())
        throw usage_problem(command.all_users ? "the server has no users"
                                              : "there is no user in " + command.users_file);
    return std::nullopt;
}

exit_code say_nothing_is_left(const crawl_command& command, std::uint64_t queries) {
    if (::access(command.out.c_str(), F_OK) != 0)
        throw output_error(system_problem("find", command.out) +
                           ": put the file back, or remove the state to crawl anew");
    // A crawl that was killed at its very end has left the list of what failed before.
    ::unlink(command.failed_path().c_str());
    command.log.say(message_log::level::info, "nothing_left",
                    fmt::format("nothing is left to do: all {} queries have been answered; records are in {}",
                                grouped(queries), command.out));
    return exit_code::all_answered;
}

exit_code run_checked(crawl_command& command) {
    const crawl_range range = check(command);
    client_config config = make_config(command);
    if (!command.metrics_file.empty())
        if (const std::string problem = replace_file(
                command.metrics_file, prometheus_text(metrics(), progress_figures(), command.connection.server_name()));
            !problem.empty())
            throw usage_problem("--metrics-file: " + problem);

    std::unique_ptr<crawl_state> state;
    if (!command.to_stdout() && ::access(command.state.c_str(), F_OK) == 0)
        state = std::make_unique<crawl_state>(command.state);
    if (state && !command.resume && state->holds() == crawl_state::stage::unfinished)
        refuse_unfinished(command);
    const bool resumed = state && command.resume && state->holds() != crawl_state::stage::none;
    const std::string place = place_of_output(command);
    const bool replaces = !resumed && would_replace(command);
    if (replaces && !command.force &&
        (!state || state->holds() == crawl_state::stage::none || state->output() != place))
        throw usage_problem(
            fmt::format("{} exists, and {} does not say that a crawl wrote it: choose another name, or "
                        "have it replaced with --force",
                        command.out, command.state));

    std::vector<std::string> users;
    if (const std::optional<crawl_problem> problem =
            find_users(command, config, resumed ? state.get() : nullptr, users))
        return command.fail(problem->code, problem->text);
    static constexpr auto name_of = [](row_format format) {
        return format == row_format::csv ? "csv" : format == row_format::sqlite ? "sqlite" : "ndjson";
    };
    const std::vector<std::string> servers{command.connection.server_name()};
    crawl_identity identity;
    identity.servers = servers.front();
    identity.users = command.all_users ? "all" : digest_of(users);
    identity.from = command.from;
    identity.to = command.to;
    identity.sets = joined(command.sets);
    identity.format = name_of(command.format);
    if (range.part.count != 1)
        identity.shard = fmt::format("{}/{}", range.part.number, range.part.count);
    identity.plan = command.plan == crawl_command::planning::jobs ? "jobs" : "daily";
    identity.out = place;
    if (resumed)
        if (const std::string other = state->difference(identity); !other.empty())
            throw usage_problem(fmt::format("{} is of another crawl: {}; use the same arguments, or another --out",
                                            command.state, other));

    std::vector<std::string> kept_users = command.all_users ? users : std::vector<std::string>();
    std::erase_if(users, [&](const std::string& name) {
        return policy::shard_of(name, range.part.count) != range.part.number - 1;
    });
    server_plan plan{policy::crawl_plan(users, range.from, range.to, command.sets), {}, std::move(kept_users)};
    const std::uint64_t queries = plan.queries.size();
    plan.skipped = index_set(queries);
    const bool known = resumed && !state->sections().empty();
    if (known) {
        state->load({queries});
        for (std::uint64_t number = 0; number != queries; ++number)
            if (state->skipped().contains(number))
                plan.skipped.insert(number);
        const std::uint64_t wanted = queries - plan.skipped.count();
        if (state->done_count() == wanted)
            return say_nothing_is_left(command, wanted);
    } else if (command.plan == crawl_command::planning::jobs) {
        job_dates found(users.size(), range.from, range.to);
        if (const std::optional<crawl_problem> problem = find_job_dates(config, users, found))
            return command.fail(problem->code, problem->text);
        for (std::uint64_t number = 0; number != queries; ++number)
            if (!found.has_job(plan.queries.user_of(number), plan.queries.day_of(number)))
                plan.skipped.insert(number);
        if (found.unlisted != 0)
            command.log.say(
                message_log::level::warning, "unlisted",
                fmt::format("the jobs of {} of {} users could not be listed, so they are asked about daily: {}",
                            grouped(found.unlisted), grouped(users.size()), found.first_problem));
    }
    if (resumed) {
        std::unique_ptr<crawl_output> output = make_output(command.format, command.out, servers, state->output_bytes());
        crawl_books books(servers, crawl_files{std::move(output), std::move(state)});
        books.add(0, std::move(plan));
        return crawl_runner(command, std::move(config), books).run();
    }

    const auto open = [&] {
        crawl_files files;
        if (!command.to_stdout()) {
            if (!state)
                state = std::make_unique<crawl_state>(command.state);
            // Another process can have begun and ended meanwhile.
            if (state->holds() == crawl_state::stage::unfinished)
                refuse_unfinished(command);
            state->begin(identity);
            ::unlink(command.failed_path().c_str());
        }
        files.output = make_output(command.format, command.out, servers, 0);
        files.state = std::move(state);
        return files;
    };
    crawl_books books(servers, open, replaces);
    books.add(0, std::move(plan));
    return crawl_runner(command, std::move(config), books).run();
}

}  // namespace

exit_code run_crawl(crawl_command& command) {
    try {
        return run_checked(command);
    } catch (const std::exception&) {
        const crawl_problem problem = problem_of(std::current_exception());
        return command.fail(problem.code, problem.text);
    }
}

}  // namespace jobmode::cli

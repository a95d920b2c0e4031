// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command/crawl_command.hpp"
#include "cli/command/crawl_problem.hpp"
#include "cli/command/crawl_runner.hpp"
#include "cli/messages/prometheus.hpp"
#include "cli/options/server_list.hpp"
#include "cli/options/user_list.hpp"
#include "cli/text.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

/// What `--max-in-flight` means: a number, or nothing for `auto`.
bool set_max_in_flight(const std::string& text, client_config& config) {
    if (text == "auto") {
        // More than there are connections would only wait for one.
        if (config.pool.max_connections != 0)
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

/// Whoever is asked for a password is to know that it is not in vain.
void check_files(const crawl_command& command) {
    if (const std::string problem = command.why_not_writable(command.state); !problem.empty())
        throw usage_problem(problem);
    if (command.metrics_file.empty())
        return;
    if (const std::string problem = store::why_not_writable(command.metrics_file); !problem.empty())
        throw usage_problem("--metrics-file: " + problem);
    struct stat is {};
    if (::stat(command.metrics_file.c_str(), &is) == 0 && S_ISFIFO(is.st_mode))
        throw usage_problem(fmt::format(
            "--metrics-file: {} is a pipe, whose reader could hold the crawl up: name a file", command.metrics_file));
}

/// Throws `usage_problem` for what cannot be meant, and fills in what follows from the rest.
bulk_options check(crawl_command& command) {
    if (command.servers_file.empty() && command.connection.sys_user.empty())
        throw usage_problem("--sys-user is required");
    const auto [from, to] = command.scope_options::check();
    if (const std::string problem = command.choose_format(); !problem.empty())
        throw usage_problem(problem);
    if (command.is_stream() && command.format == sink_format::sqlite)
        throw usage_problem("--format sqlite needs a file: name one with --out");
    if (command.is_stream() && (command.resume || !command.state.empty()))
        throw usage_problem(fmt::format("a crawl to {} cannot be resumed: name a file with --out", command.name()));
    if (command.state.empty())
        command.state = command.out + ".state";
    check_files(command);
    std::optional<shard> part = shard();
    if (!command.shard.empty() && !(part = parse_shard(command.shard)))
        throw usage_problem("--shard: '" + command.shard +
                            "' is not the number of a shard and how many there are, such as 2/8");
    bulk_options options;
    options.from = from;
    options.to = to;
    options.backup_set_ids = command.sets;
    options.shard = part->number;
    options.shards = part->count;
    options.plan = command.plan;
    options.resume = command.resume;
    options.replaces = command.would_replace();
    options.force = command.force;
    options.format = command.format_name();
    options.sync_interval =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(command.sync_interval));
    if (!command.is_stream()) {
        options.checkpoint = command.state;
        options.output = command.place_beside(command.state);
    }
    return options;
}

/// What the options say on how a server is asked, whichever it is.
void set_load(crawl_command& command, client_config& config) {
    config.pool.max_connections = command.connections.value_or(0);
    config.rate.queries_per_second = command.rate;
    config.retry.max_retries = command.retries;
    config.availability.max_wait = to_milliseconds(command.wait.value_or(crawl_command::default_wait));
    config.availability.wait_for_first_answer = command.wait.has_value();
    config.availability.counts_in_total = false;
    if (!set_max_in_flight(command.max_in_flight, config))
        throw usage_problem("--max-in-flight: '" + command.max_in_flight +
                            "' is neither auto nor a number from 1 to 1000000");
    if (command.connections && config.concurrency.max_in_flight > *command.connections)
        throw usage_problem(
            fmt::format("--max-in-flight {} is out of reach with --connections {}: a connection carries one query at a "
                        "time. Give as many connections, or leave --connections out",
                        config.concurrency.max_in_flight, *command.connections));
    // A thread needs a connection and a query of its own, or all of them together would have more than was allowed.
    std::size_t most_threads = command.connections.value_or(command.threads);
    if (config.concurrency.max_in_flight != 0)
        most_threads = std::min(most_threads, config.concurrency.max_in_flight);
    command.threads = static_cast<unsigned>(std::min<std::size_t>(command.threads, most_threads));
}

/// `hosts.ini, line 3: [cologne]: `, where servers stand in a file.
std::string place_of(const listed_server& server) {
    return server.place.empty() ? std::string() : fmt::format("{}: [{}]: ", server.place, server.name);
}

std::vector<listed_server> list_servers(const crawl_command& command) {
    // One of several servers whose files are not there does not keep the others from being asked.
    if (!command.servers_file.empty())
        return read_servers(command.servers_file, command.connection);
    if (const std::string problem = command.connection.unreadable_file(); !problem.empty())
        throw usage_problem(problem);
    std::vector<listed_server> listed(1);
    listed.back().name = command.connection.server_name();
    listed.back().connection = command.connection;
    return listed;
}

/// What is known of the servers before anybody is asked for a password; their users where they are given.
std::vector<bulk_server> find_servers(crawl_command& command, const std::vector<listed_server>& listed) {
    // Standard input can be read once.
    std::map<std::string, std::vector<std::string>> lists;
    std::vector<bulk_server> servers;
    for (const listed_server& one : listed) {
        std::string problem;
        std::optional<client_config> config = one.connection.make_config_without_password(problem);
        if (!config)
            throw usage_problem(place_of(one) + problem);
        set_load(command, *config);
        std::optional<std::vector<std::string>> users;
        const std::string& users_file = one.users_file.empty() ? command.users_file : one.users_file;
        if (!users_file.empty()) {
            auto known = lists.find(users_file);
            if (known == lists.end()) {
                known = lists.emplace(users_file, std::vector<std::string>()).first;
                if (!read_users(users_file, known->second, problem))
                    throw usage_problem(problem);
                if (known->second.empty())
                    throw usage_problem("there is no user in " + users_file);
            }
            users = known->second;
        }
        servers.push_back({one.name, std::move(*config), std::move(users)});
    }
    return servers;
}

void find_passwords(const std::vector<listed_server>& listed, std::vector<bulk_server>& servers) {
    for (std::size_t which = 0; which != listed.size(); ++which) {
        std::string problem;
        if (!listed[which].connection.find_password(servers[which].config, problem))
            throw usage_problem(place_of(listed[which]) + problem);
    }
}

/// What the program's user is to do about a crawl that was refused.
usage_problem advice_on(const bulk_refused& refused, const crawl_command& command) {
    switch (refused.why()) {
        case bulk_refused::reason::unfinished:
            return usage_problem(fmt::format(
                "{} is of a crawl that is not finished: go on with --resume, or remove that file to begin anew",
                command.state));
        case bulk_refused::reason::another_crawl:
            return usage_problem(fmt::format("{} is of another crawl: {}; use the same arguments, or another --out",
                                             command.state, refused.detail()));
        case bulk_refused::reason::not_ours:
            return usage_problem(
                fmt::format("{} exists, and {} does not say that a crawl wrote it: choose another "
                            "name, or have it replaced with --force",
                            command.out, command.state));
        case bulk_refused::reason::finished_another:
            return usage_problem(
                fmt::format("{} has what another crawl found, which is finished: {}; choose another name, or have it "
                            "replaced with --force",
                            command.out, refused.detail()));
        case bulk_refused::reason::damaged:
        case bulk_refused::reason::options:
            break;
    }
    return usage_problem(refused.what());
}

exit_code run_checked(crawl_command& command) {
    bulk_options options = check(command);
    const std::vector<listed_server> listed = list_servers(command);
    options.servers = find_servers(command, listed);
    options.threads = command.threads;
    if (!command.metrics_file.empty()) {
        std::vector<server_numbers> nothing_yet;
        for (const bulk_server& server : options.servers)
            nothing_yet.push_back({server.name, metrics(), progress_figures()});
        if (const std::string problem = store::replace_file(command.metrics_file, prometheus_text(nothing_yet));
            !problem.empty())
            throw usage_problem("--metrics-file: " + problem);
    }
    try {
        if (bulk_crawl::inspect(options) != bulk_prospect::nothing_left)
            find_passwords(listed, options.servers);
        return crawl_runner(command, std::move(options)).run();
    } catch (const bulk_refused& refused) {
        throw advice_on(refused, command);
    }
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

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command/crawl_command.hpp"
#include "cli/command/crawl_problem.hpp"
#include "cli/command/crawl_run.hpp"
#include "cli/command/crawl_runner.hpp"
#include "cli/command/crawl_server.hpp"
#include "cli/messages/prometheus.hpp"
#include "cli/options/server_list.hpp"
#include "cli/options/user_list.hpp"
#include "cli/text.hpp"
#include "store/crawl_checkpoint.hpp"
#include "store/file.hpp"
#include "store/record_sink.hpp"

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

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts)
        text += part + '\n';
    return text;
}

/// Throws `usage_problem` for what cannot be meant, and fills in what follows from the rest.
crawl_range check(crawl_command& command) {
    if (command.servers_file.empty() && command.connection.sys_user.empty())
        throw usage_problem("--sys-user is required");
    const auto [from, to] = command.scope_options::check();
    if (command.to_stdout() && command.format == store::row_format::sqlite)
        throw usage_problem("--format sqlite needs a file: name one with --out");
    if (command.to_stdout() && (command.resume || !command.state.empty()))
        throw usage_problem("a crawl to standard output cannot be resumed: name a file with --out");
    if (command.state.empty())
        command.state = command.out + ".state";
    std::optional<shard> part = shard();
    if (!command.shard.empty() && !(part = parse_shard(command.shard)))
        throw usage_problem("--shard: '" + command.shard +
                            "' is not the number of a shard and how many there are, such as 2/8");
    return {from, to, command.sets, part->number, part->count, command.plan == crawl_command::planning::jobs};
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

/// The servers and, where they are given, their users.
std::vector<crawl_server> find_servers(crawl_command& command) {
    std::vector<listed_server> listed;
    if (!command.servers_file.empty()) {
        listed = read_servers(command.servers_file, command.connection);
    } else {
        listed.emplace_back();
        listed.back().name = command.connection.server_name();
        listed.back().connection = command.connection;
    }
    // Standard input can be read once.
    std::map<std::string, std::vector<std::string>> lists;
    std::vector<crawl_server> servers;
    for (const listed_server& one : listed) {
        const std::string where = one.place.empty() ? "" : fmt::format("{}: [{}]: ", one.place, one.name);
        std::string problem;
        std::optional<client_config> config = one.connection.make_config(problem);
        if (!config)
            throw usage_problem(where + problem);
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
        servers.push_back({one.name, std::move(*config), std::move(users), std::nullopt});
    }
    return servers;
}

store::crawl_identity identity_of(const crawl_command& command, const crawl_range& range,
                                  const std::vector<crawl_server>& servers) {
    static constexpr auto name_of = [](store::row_format format) {
        return format == store::row_format::csv ? "csv" : format == store::row_format::sqlite ? "sqlite" : "ndjson";
    };
    static constexpr auto users_of = [](const crawl_server& server) {
        return server.users ? digest_of(*server.users) : std::string("all");
    };
    store::crawl_identity identity;
    if (command.servers_file.empty()) {
        identity.servers = servers.front().name;
        identity.users = users_of(servers.front());
    } else {
        // In which order they are listed does not matter.
        std::map<std::string, const crawl_server*> by_name;
        for (const crawl_server& server : servers)
            by_name.emplace(server.name, &server);
        for (const auto& [name, server] : by_name) {
            identity.servers += fmt::format("{} {}\n", name, server->config.url);
            identity.users += users_of(*server) + "\n";
        }
    }
    identity.from = command.from;
    identity.to = command.to;
    identity.sets = joined(command.sets);
    identity.format = name_of(command.format);
    if (range.shards != 1)
        identity.shard = fmt::format("{}/{}", range.shard, range.shards);
    identity.plan = range.by_jobs ? "jobs" : "daily";
    identity.out = command.place_beside(command.state);
    return identity;
}

[[noreturn]] void refuse_unfinished(const crawl_command& command) {
    throw usage_problem(
        fmt::format("{} is of a crawl that is not finished: go on with --resume, or remove that file to begin anew",
                    command.state));
}

/// Takes from the state of an earlier run what it found to be asked. Returns the servers in the state's order.
std::vector<std::size_t> take_up(store::crawl_checkpoint& state, const crawl_range& range,
                                 std::vector<crawl_server>& servers) {
    std::vector<std::size_t> order;
    std::vector<std::uint64_t> totals;
    for (store::crawl_section& section : state.sections()) {
        const auto server = std::ranges::find(servers, section.server, &crawl_server::name);
        if (server == servers.end() || server->known)
            throw usage_problem(
                fmt::format("the state knows another server, '{}', or knows it twice: it is damaged", section.server));
        server->known =
            server->users ? make_plan(range, *server->users, false) : make_plan(range, std::move(section.users), true);
        totals.push_back(server->known->queries.size());
        order.push_back(static_cast<std::size_t>(server - servers.begin()));
    }
    state.load(totals);
    std::uint64_t first = 0;
    for (const std::size_t which : order) {
        server_plan& plan = *servers[which].known;
        for (std::uint64_t number = 0; number != plan.queries.size(); ++number)
            if (state.skipped().contains(first + number))
                plan.skipped.insert(number);
        first += plan.queries.size();
    }
    return order;
}

exit_code say_nothing_is_left(const crawl_command& command, std::uint64_t queries) {
    if (::access(command.out.c_str(), F_OK) != 0)
        throw store::output_error(store::system_problem("find", command.out) +
                                  ": put the file back, or remove the state to crawl anew");
    // A crawl that was killed at its very end has left the list of what failed before.
    ::unlink(command.failed_path().c_str());
    command.log.say(message_log::level::info, "nothing_left",
                    fmt::format("nothing is left to do: all {} queries have been answered; records are in {}",
                                grouped(queries), command.out),
                    {{"done", queries}, {"out", command.out}});
    return exit_code::all_answered;
}

/// A crawl that goes on where an earlier run left it.
exit_code resume(const crawl_command& command, const crawl_range& range, std::vector<crawl_server> servers,
                 const std::vector<std::string>& names, std::unique_ptr<store::crawl_checkpoint> state) {
    const std::vector<std::size_t> order = take_up(*state, range, servers);
    const std::uint64_t wanted = state->total() - state->skipped().count();
    if (order.size() == servers.size() && state->done_count() == wanted)
        return say_nothing_is_left(command, wanted);
    std::unique_ptr<store::record_sink> output =
        store::open_sink(command.format, command.out, names, state->position());
    crawl_books books(names, crawl_files{std::move(output), std::move(state)});
    for (const std::size_t which : order)
        books.add(which, *servers[which].known);
    return crawl_runner(command, range, servers, books).run();
}

exit_code run_checked(crawl_command& command) {
    const crawl_range range = check(command);
    std::vector<crawl_server> servers = find_servers(command);
    std::vector<std::string> names;
    for (const crawl_server& server : servers)
        names.push_back(server.name);
    if (!command.metrics_file.empty()) {
        std::vector<server_numbers> nothing_yet;
        for (const std::string& name : names)
            nothing_yet.push_back({name, metrics(), progress_figures()});
        if (const std::string problem = store::replace_file(command.metrics_file, prometheus_text(nothing_yet));
            !problem.empty())
            throw usage_problem("--metrics-file: " + problem);
    }

    std::unique_ptr<store::crawl_checkpoint> state;
    if (!command.to_stdout() && ::access(command.state.c_str(), F_OK) == 0)
        state = std::make_unique<store::crawl_checkpoint>(command.state);
    if (state && !command.resume && state->holds() == store::crawl_checkpoint::stage::unfinished)
        refuse_unfinished(command);
    const store::crawl_identity identity = identity_of(command, range, servers);
    if (state && command.resume && state->holds() != store::crawl_checkpoint::stage::none) {
        if (const std::string other = state->difference(identity); !other.empty())
            throw usage_problem(fmt::format("{} is of another crawl: {}; use the same arguments, or another --out",
                                            command.state, other));
        return resume(command, range, std::move(servers), names, std::move(state));
    }
    const bool replaces = command.would_replace();
    if (replaces && !command.force &&
        (!state || state->holds() == store::crawl_checkpoint::stage::none || state->identity().out != identity.out))
        throw usage_problem(
            fmt::format("{} exists, and {} does not say that a crawl wrote it: choose another name, or "
                        "have it replaced with --force",
                        command.out, command.state));

    const auto open = [&] {
        crawl_files files;
        if (!command.to_stdout()) {
            if (!state)
                state = std::make_unique<store::crawl_checkpoint>(command.state);
            // Another process can have begun and ended meanwhile.
            if (state->holds() == store::crawl_checkpoint::stage::unfinished)
                refuse_unfinished(command);
            state->begin(identity);
            ::unlink(command.failed_path().c_str());
        }
        files.output = store::open_sink(command.format, command.out, names, {});
        files.state = std::move(state);
        return files;
    };
    crawl_books books(names, open, replaces);
    return crawl_runner(command, range, servers, books).run();
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

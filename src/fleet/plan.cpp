// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "bulk/preparation.hpp"
#include "cli/command/crawl_problem.hpp"
#include "cli/messages/exit_code.hpp"
#include "cli/options/connection_options.hpp"
#include "cli/options/scope_options.hpp"
#include "cli/options/user_list.hpp"
#include "cli/text.hpp"
#include "fleet/commands.hpp"
#include "fleet/nats_options.hpp"
#include "fleet/problem.hpp"
#include "fleet/settings_store.hpp"

namespace jobmode::fleet {
namespace {

using cli::exit_code;
using cli::usage_problem;
using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

// With four in flight and a usual latency it takes seconds.
constexpr unsigned queries_of_an_item = 100;

struct plan_command : cli::scope_options {
    cli::connection_options connection;
    nats_options nats;
    unsigned span = 0;
    unsigned slots = 8;
    unsigned in_flight = 4;
    double lease = 15;
    double item_timeout = 30;
    unsigned replicas = 1;
};

crawl_scope scope_of(plan_command& command) {
    const auto [from, to] = command.check();
    const auto sets = static_cast<unsigned>(std::max<std::size_t>(command.sets.size(), 1));
    return {from, to, command.sets, command.span != 0 ? command.span : std::max(queries_of_an_item / sets, 1U)};
}

std::optional<cli::crawl_problem> find_users(const plan_command& command, std::vector<std::string>& users) {
    std::string problem;
    if (!command.all_users) {
        if (!cli::read_users(command.users_file, users, problem))
            throw usage_problem(problem);
    } else {
        const std::optional<client_config> config = command.connection.make_config(problem);
        if (!config)
            throw usage_problem(problem);
        if (const std::optional<bulk_problem> failed = bulk::list_users(*config, users, {}))
            return cli::crawl_problem{cli::exit_code_of(*failed), failed->text, false};
    }
    if (users.empty())
        throw usage_problem(command.all_users ? "the server has no users"
                                              : "there is no user in " + command.users_file);
    return std::nullopt;
}

void create_streams(connection& at, const names& called, const plan_command& command) {
    const unsigned replicas = command.replicas;
    if (!at.has_stream(called.work_stream()))
        at.create_stream({called.work_stream(), {called.all_work()}, true, replicas});
    if (!at.has_stream(called.result_stream()))
        at.create_stream({called.result_stream(), {called.all_finals(), called.all_parts()}, false, replicas});
    if (!at.has_stream(bucket_stream(called.server_bucket())))
        at.create_bucket(called.server_bucket(), nanoseconds(0), replicas);
    if (!at.has_stream(bucket_stream(called.slot_bucket())))
        at.create_bucket(called.slot_bucket(), duration_cast<nanoseconds>(duration<double>(command.lease)), replicas);
}

/// Says what is going to be planned, before it is in the queue. A plan of other dates would ask some queries twice.
stored_settings announce(connection& at, const names& called, const plan_command& command, const crawl_scope& scope) {
    const std::string server = command.connection.server_name();
    for (;;) {
        const std::optional<stored_settings> before = read_settings(at, called, server_key(server));
        if (before && before->settings.scope != scope)
            throw usage_problem(fmt::format(
                "{} holds a plan of this server with other dates, sets or spans: use the same, or another --stream",
                command.nats.stream));
        const server_settings settings{server, scope, command.slots, command.in_flight, false};
        if (const auto revision = write_settings(at, called, settings, before ? before->revision : 0))
            return {settings, *revision};
    }
}

/// The items that are done already.
std::unordered_set<std::string> done_items(connection& at, const names& called, const std::string& key) {
    std::unordered_set<std::string> done;
    const std::string subject = called.final_of(key, "*");
    const std::optional<message> last = at.last(called.result_stream(), subject);
    if (!last)
        return done;
    stream_reader results(at, called.result_stream(), subject, 0, true);
    while (results.position() < last->sequence()) {
        const std::vector<message> batch = results.next(500, std::chrono::seconds(5));
        for (const message& one : batch)
            done.emplace(last_token(one.subject()));
        if (batch.empty())
            results.restart();
    }
    return done;
}

exit_code run(plan_command& command) {
    const names called = command.nats.stream_names();
    const nats_config config = command.nats.config();
    const crawl_scope scope = scope_of(command);
    std::vector<std::string> users;
    if (const std::optional<cli::crawl_problem> problem = find_users(command, users))
        return cli::fail(problem->code, problem->text);
    const std::string server = command.connection.server_name();
    const std::string key = server_key(server);

    connection nats(config, "jobmode plan");
    create_streams(nats, called, command);
    stored_settings stored = announce(nats, called, command, scope);
    nats.create_consumer(called.work_stream(), names::consumer(key), called.work(key, "*"),
                         duration_cast<nanoseconds>(duration<double>(command.item_timeout)));

    const std::unordered_set<std::string> done = done_items(nats, called, key);
    std::uint64_t items = 0;
    std::uint64_t queries = 0;
    bulk_publisher publisher(nats);
    for (const std::string& user : users)
        for (std::uint64_t index = 0; index != items_per_user(scope); ++index) {
            const work_item item = item_of(server, user, scope, index);
            ++items;
            queries += item.plan().size();
            const std::string id = item.id();
            if (!done.contains(id))
                publisher.add(called.work(key, id), item.to_json());
        }
    publisher.finish();

    stored.settings.planned = true;
    if (!write_settings(nats, called, stored.settings, stored.revision))
        throw usage_problem("another plan of this server ran at the same time: plan once more");
    cli::say_on_stderr(fmt::format("{} items of {} queries: {} put in the queue, {} there before or done\n",
                                   cli::grouped(items), cli::grouped(queries), cli::grouped(publisher.added()),
                                   cli::grouped(items - publisher.added())));
    return exit_code::all_answered;
}

}  // namespace

void register_plan(CLI::App& root, int& exit_code) {
    auto command = std::make_shared<plan_command>();
    CLI::App* const app =
        root.add_subcommand("plan", "Put a crawl's work in a NATS queue, for any number of `jobmode work`");
    command->nats.add_to(*app);
    command->connection.add_to(*app);
    app->get_option("--sys-user")->required(false)->description("For --all-users: an AhsayCBS system user");

    static constexpr auto what = "What to ask";
    command->add_to(*app, what);
    app->add_option("--span", command->span,
                    "Days of an item, which is one user's; by default so many that it has about 100 queries")
        ->check(CLI::Range(1U, 100'000U))
        ->type_name("DAYS")
        ->group(what);

    static constexpr auto load = "Load on the server, for all workers together";
    app->add_option("--slots", command->slots, "Items worked on at a time")
        ->check(CLI::Range(1U, 10'000U))
        ->capture_default_str()
        ->type_name("N")
        ->group(load);
    app->add_option("--in-flight", command->in_flight, "Queries of an item at a time")
        ->check(CLI::Range(1U, 10'000U))
        ->capture_default_str()
        ->type_name("N")
        ->group(load);

    static constexpr auto durability = "Durability";
    app->add_option("--replicas", command->replicas, "Servers of a NATS cluster that keep everything: 1, 3 or 5")
        ->check(CLI::Range(1U, 5U))
        ->capture_default_str()
        ->type_name("N")
        ->group(durability);
    app->add_option("--lease", command->lease,
                    "Seconds after which the slot of a worker that is silent is free; given by the first plan")
        ->check(CLI::Range(0.5, 3600.0))
        ->capture_default_str()
        ->type_name("S")
        ->group(durability);
    app->add_option("--item-timeout", command->item_timeout,
                    "Seconds after which the item of a worker that is silent goes to another")
        ->check(CLI::Range(0.5, 3600.0))
        ->capture_default_str()
        ->type_name("S")
        ->group(durability);
    app->footer(
        "Planning the same again adds nothing: an item that is queued, being worked on or done is there once. More "
        "users "
        "can\nbe added in this way; other dates need another --stream. The password of AhsayCBS is needed for "
        "--all-users "
        "alone, and\nnever goes into the queue.\n\n"
        "Exit status:\n"
        "  0    everything is in the queue, or was before\n"
        "  1    the queue cannot be used\n"
        "  2    the command line cannot be carried out\n"
        "  3    the system user or its password was refused\n"
        "  4    the server or NATS cannot be reached, or is not to be trusted\n\n"
        "Examples:\n"
        "  jobmode plan --nats nats://127.0.0.1:4222 --stream june \\\n"
        "      --url https://cbs.example.com --users users.txt \\\n"
        "      --from 2024-06-01 --to 2024-06-30");
    app->callback([command, &exit_code] { exit_code = static_cast<int>(guarded([&] { return run(*command); })); });
}

}  // namespace jobmode::fleet

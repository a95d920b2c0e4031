// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/crawl.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <string_view>

#include "cli/command/crawl_command.hpp"
#include "cli/options/choice.hpp"

namespace jobmode::cli {

bool crawl_logs_json(std::span<const char* const> arguments) {
    static constexpr std::string_view option = "--log-format";
    bool json = false;
    for (std::size_t index = 0; index != arguments.size(); ++index) {
        const std::string_view word = arguments[index];
        if (word == option && index + 1 != arguments.size())
            json = std::string_view(arguments[index + 1]) == "json";
        else if (word.starts_with(option) && word.substr(option.size()).starts_with('='))
            json = word.substr(option.size() + 1) == "json";
    }
    return json && arguments.size() > 1 && std::string_view(arguments[1]) == "crawl";
}

void crawl_usage_error_in_json(std::string_view message) {
    crawl_command command;
    command.log.written = message_log::format::json;
    command.fail(exit_code::usage, message);
}

void register_crawl(CLI::App& root, int& exit_code) {
    auto command = std::make_shared<crawl_command>();
    CLI::App* const app =
        root.add_subcommand("crawl", "Ask for every user and every date, and keep what the server says");
    static constexpr auto what = "What to ask";
    command->scope_options::add_to(*app, what);
    app->add_option("--shard", command->shard,
                    "Only the users of this part of N, counted from 1: the parts together are the whole crawl, none of "
                    "them shares a user with another")
        ->type_name("K/N")
        ->group(what);

    app->add_option("--plan", command->plan,
                    "Which dates: daily is all of them; jobs lists each user's jobs first (ListBackupJobs) and asks "
                    "only about dates that have one, but daily about a user whose jobs cannot be listed. Records of "
                    "backups that did not run are missed if the server gives these no job ID")
        ->transform(one_of<bulk_plan>({{"daily", bulk_plan::daily}, {"jobs", bulk_plan::jobs}}))
        ->default_str("daily")
        ->type_name("PLAN")
        ->group(what);

    static constexpr auto output = "Output";
    command->output_options::add_to(*app, output);
    app->add_flag(
           "--force", command->force,
           "Replace OUT even if no crawl is known to have written it, or one with other arguments. Without it only "
           "what the same crawl, finished, has left there is replaced, with the new one's first answer; tables in "
           "SQLite are always added to")
        ->group(output);
    app->add_option("--state", command->state, "What has been done, to resume from; by default OUT.state")
        ->type_name("FILE")
        ->group(output);
    app->add_flag("--resume", command->resume,
                  "Go on with the crawl that OUT is of, and try again what failed; begins one if there is none")
        ->group(output);
    app->add_option("--sync-interval", command->sync_interval,
                    "Seconds between two moments at which what came is made to last: what a crash can cost at most")
        ->check(CLI::Range(0.001, 3600.0))
        ->capture_default_str()
        ->type_name("S")
        ->group(output);
    app->add_option("--progress", command->progress_mode,
                    "A bar that shows how far it is; auto: on a terminal, elsewhere a line every ten seconds")
        ->transform(one_of<progress::mode>({{"auto", progress::mode::automatic},
                                            {"always", progress::mode::always},
                                            {"never", progress::mode::never}}))
        ->default_str("auto")
        ->type_name("WHEN")
        ->group(output);
    app->add_option("--log-format", command->log.written,
                    "How messages on stderr are written; json: an object a line, with time, level, event and message, "
                    "for services")
        ->transform(
            one_of<message_log::format>({{"text", message_log::format::text}, {"json", message_log::format::json}}))
        ->default_str("text")
        ->type_name("FORMAT")
        ->group(output);
    app->add_option(
           "--metrics-file", command->metrics_file,
           "Write here, every ten seconds and at the end, how the crawl goes, as Prometheus text, and at "
           "the end what the output then says of backup sets, as `jobmode silent` does; node exporter's textfile "
           "collector wants a name that ends with .prom")
        ->type_name("FILE")
        ->group(output);

    static constexpr auto load = "Load on the server";
    app->add_option("--max-in-flight", command->max_in_flight,
                    "Queries at a time; auto starts low, grows while latency stays flat and backs off when it rises")
        ->capture_default_str()
        ->type_name("N|auto")
        ->group(load);
    app->add_option("--connections", command->connections,
                    "Connections at a time; without it, as many as the queries in flight need")
        ->check(CLI::Range(1U, 100'000U))
        ->type_name("N")
        ->group(load);
    app->add_option("--rate", command->rate, "Queries a second at the most; 0 is no limit")
        ->check(CLI::Range(0.0, 1e9))
        ->capture_default_str()
        ->type_name("Q/S")
        ->group(load);
    app->add_option("--retries", command->retries, "Attempts after a query's first")
        ->check(CLI::Range(0U, 1000U))
        ->capture_default_str()
        ->type_name("N")
        ->group(load);
    app->add_option("--wait", command->wait,
                    "Seconds to wait for a server that does not answer, during which it is tried now and then and no "
                    "query fails; by default 900 for one that has answered before, and none for one that never has. "
                    "This time does not count in --timeout")
        ->check(CLI::Range(0.001, 31536000.0))
        ->type_name("S")
        ->group(load);
    app->add_option(
           "--threads", command->threads,
           "Threads for each server, each with its own connections; the limits above are for all threads together, "
           "and with --servers for each server")
        ->check(CLI::Range(1U, 256U))
        ->capture_default_str()
        ->type_name("N")
        ->group(load);
    command->connection.add_to(*app);
    CLI::Option* const url = app->get_option("--url")->required(false);
    app->get_option("--sys-user")->required(false);
    CLI::Option_group* const which = app->add_option_group("Which server");
    which->require_option(1);
    which->add_option(url);
    which
        ->add_option("--servers", command->servers_file,
                     "A file that names several servers, see below; what it does not say of a server is as the other "
                     "options of this group say")
        ->type_name("FILE")
        ->group(url->get_group());
    app->footer(
        "One query is sent for each user and date, or, with --backup-set-id, for each user, date and set. Queries that "
        "failed for\ngood are listed in OUT.failed.ndjson, and what was asked in OUT.asked.ndjson. A crawl that was "
        "interrupted or killed\nis continued by the same command with --resume and loses nothing. Ctrl-C stops when "
        "what is in flight has ended;\na second one stops at once.\n\n"
        "The file of --servers has a section for each server: its name, which records have as Server, and lines of "
        "keys that are\nthe options' names (url, sys-user, sys-pwd-file, ca, pin, insecure, client-cert, client-key, "
        "allow-http, proxy, users) or\nsys-pwd-env, a variable of the environment; never a password. Paths are "
        "relative "
        "to the file. Each server is asked with\nlimits of its own, and one that cannot be reached does not delay the "
        "others.\n\n"
        "A file of servers:\n"
        "  # a comment\n"
        "  [cologne]\n"
        "  url = https://cbs.example.com\n"
        "  sys-user = api\n"
        "  sys-pwd-file = cologne.pwd\n"
        "  ca = cologne.pem\n"
        "  [berlin]\n"
        "  url = https://backup.example.org:8443\n"
        "  sys-user = api\n"
        "  sys-pwd-env = BERLIN_PWD\n\n"
        "Exit status:\n"
        "  0    every query was answered\n"
        "  1    some failed\n"
        "  2    the command line cannot be carried out\n"
        "  3    the system user or its password was refused\n"
        "  4    the server cannot be reached, or is not to be trusted\n"
        "  130  interrupted\n\n"
        "Examples:\n"
        "  jobmode crawl --url https://cbs.example.com --sys-user api --all-users \\\n"
        "      --from 2024-06-01 --to 2024-06-30 --out june.ndjson\n"
        "  jobmode crawl --url https://cbs.example.com --sys-user api \\\n"
        "      --users users.txt --from 2024-04-01 --to 2024-06-30 \\\n"
        "      --out q2.sqlite --rate 50 --resume");
    app->callback([command, &exit_code] { exit_code = static_cast<int>(run_crawl(*command)); });
}

}  // namespace jobmode::cli

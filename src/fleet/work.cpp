// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/options/connection_options.hpp"
#include "cli/text.hpp"
#include "fleet/commands.hpp"
#include "fleet/nats_options.hpp"
#include "fleet/problem.hpp"
#include "fleet/worker.hpp"

namespace jobmode::fleet {
namespace {

namespace asio = boost::asio;
using cli::exit_code;
using std::chrono::steady_clock;

constexpr std::chrono::seconds report_interval{10};

struct work_command {
    cli::connection_options connection;
    nats_options nats;
    unsigned retries = 3;
    double retry_delay = 15;
    worker_settings settings;
    bool quiet = false;
};

/// Runs a worker and what goes on beside it: signals, and a line now and then.
class work_runner {
public:
    work_runner(connection& nats, names called, client_config config, const work_command& command)
        : command_(command),
          signals_(context_, SIGINT, SIGTERM),
          timer_(context_),
          worker_(nats, std::move(called), std::move(config), command.settings,
                  [this] { asio::post(context_, [this] { context_.stop(); }); }) {}

    exit_code run() {
        wait_for_signal();
        report_later();
        context_.run();
        std::string problem;
        const exit_code code = worker_.result(problem);
        report();
        if (!problem.empty())
            return cli::fail(code, problem);
        return interrupted_ ? exit_code::interrupted : exit_code::all_answered;
    }

private:
    void wait_for_signal() {
        signals_.async_wait([this](error_code ec, int) {
            if (ec)
                return;
            // Whatever was in hand goes to another worker.
            if (std::exchange(interrupted_, true))
                std::_Exit(static_cast<int>(exit_code::interrupted));
            log_.say(cli::message_log::level::warning, "interrupted",
                     "stopping when the items in hand are done; once more to stop at once");
            worker_.stop();
            wait_for_signal();
        });
    }

    void report_later() {
        if (command_.quiet)
            return;
        timer_.expires_after(report_interval);
        timer_.async_wait([this](error_code ec) {
            if (ec)
                return;
            report();
            report_later();
        });
    }

    void report() const {
        const worker_counters& seen = worker_.counters();
        const std::chrono::nanoseconds elapsed = steady_clock::now() - begun_at_;
        log_.say(cli::message_log::level::info, "work",
                 fmt::format("{} items done, {} given back; {} queries, {} of them failed, {} records, in {}",
                             cli::grouped(seen.items), cli::grouped(seen.given_back), cli::grouped(seen.queries),
                             cli::grouped(seen.failed), cli::grouped(seen.records), cli::duration_text(elapsed)));
    }

    const work_command& command_;
    cli::message_log log_;
    asio::io_context context_{1};
    asio::signal_set signals_;
    asio::steady_timer timer_;
    steady_clock::time_point begun_at_ = steady_clock::now();
    bool interrupted_ = false;
    worker worker_;
};

exit_code run(work_command& command) {
    const names called = command.nats.stream_names();
    const nats_config queue = command.nats.config();
    std::optional<client_config> config = command.connection.make_config();
    if (!config)
        return exit_code::usage;
    config->retry.max_retries = command.retries;
    command.settings.server = command.connection.server_name();
    command.settings.retry_delay = std::chrono::milliseconds(static_cast<std::int64_t>(command.retry_delay * 1000));
    connection nats(queue, "jobmode work");
    return work_runner(nats, called, std::move(*config), command).run();
}

}  // namespace

void register_work(CLI::App& root, int& exit_code) {
    auto command = std::make_shared<work_command>();
    CLI::App* const app = root.add_subcommand("work", "Do what `jobmode plan` put in a NATS queue");
    command->nats.add_to(*app);
    command->connection.add_to(*app);

    static constexpr auto group = "Work";
    app->add_option("--items", command->settings.items,
                    "Items worked on at a time, as far as the server's slots allow; each has connections of its own")
        ->check(CLI::Range(1U, 256U))
        ->capture_default_str()
        ->type_name("N")
        ->group(group);
    app->add_option("--retries", command->retries, "Attempts after a query's first, while an item is in hand")
        ->check(CLI::Range(0U, 1000U))
        ->capture_default_str()
        ->type_name("N")
        ->group(group);
    app->add_option("--attempts", command->settings.attempts,
                    "Times that an item is begun; then queries that still fail are recorded as failed")
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str()
        ->type_name("N")
        ->group(group);
    app->add_option("--retry-delay", command->retry_delay,
                    "Seconds until an item with such failures is begun again; doubled each time")
        ->check(CLI::Range(0.0, 3600.0))
        ->capture_default_str()
        ->type_name("S")
        ->group(group);
    app->add_flag("--until-empty", command->settings.until_empty,
                  "End when no item is left, queued or in the hands of another worker; without it, wait for more")
        ->group(group);
    app->add_flag("--quiet", command->quiet, "Say nothing before the end")->group(group);
    app->footer(
        "Run it on as many machines as you like: each item is done once, and all of them together keep the limits "
        "given "
        "to\nplan. Each worker has a password of AhsayCBS of its own. A worker can be killed at any instant: its items "
        "go to others.\nCtrl-C stops when the items in hand are done; a second one stops at once.\n\n"
        "Exit status:\n"
        "  0    nothing is left to do\n"
        "  1    the queue cannot be used\n"
        "  2    the command line cannot be carried out\n"
        "  3    the system user or its password was refused\n"
        "  4    the server or NATS cannot be reached, or is not to be trusted\n"
        "  130  interrupted\n\n"
        "Examples:\n"
        "  jobmode work --nats nats://127.0.0.1:4222 --stream june \\\n"
        "      --url https://cbs.example.com --sys-user api");
    app->callback([command, &exit_code] { exit_code = static_cast<int>(guarded([&] { return run(*command); })); });
}

}  // namespace jobmode::fleet

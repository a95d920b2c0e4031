// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/serve.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "cli/messages/exit_code.hpp"
#include "policy/date.hpp"
#include "sim/server.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

struct serve_options {
    sim::server_config server;
    std::string port_file;
    std::string ca_file;
    std::string until = "2024-06-30";
    std::string latency = "0ms";
    std::vector<std::string> faults;
};

exit_code run(serve_options& options) {
    const auto until = policy::parse_date(options.until);
    if (!until)
        return usage_error("--until: '" + options.until + "' is not a date such as 2024-06-30");
    options.server.fleet.until = *until;
    const auto latency = sim::latency_spec::parse(options.latency);
    if (!latency)
        return usage_error("--latency: '" + options.latency +
                           "' is none of 2ms, uniform:1ms,5ms, exponential:5ms, lognormal:20ms,0.5");
    options.server.latency = *latency;
    for (const std::string& text : options.faults) {
        const auto fault = sim::fault_spec::parse(text);
        if (!fault)
            return usage_error(
                "--fault: '" + text +
                "' is not one of reset, stall, truncate, close, slow, html, bad-json, 429, 502, 503, 504 with a "
                "probability from 0 to 1 behind it, as in reset:0.01");
        options.server.faults.push_back(*fault);
    }
    if (const char* const password = std::getenv("JOBMODE_SYS_PWD"))
        options.server.sys_pwd = password;

    for (const std::string& file : {options.ca_file, options.port_file})
        if (const std::string problem = file.empty() ? "" : store::why_not_writable(file); !problem.empty())
            return usage_error(problem);

    boost::asio::io_context context(1);
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    std::unique_ptr<sim::server> server;
    try {
        server = std::make_unique<sim::server>(options.server);
    } catch (const std::exception& failure) {
        return fail(exit_code::some_failed,
                    fmt::format("cannot listen on port {}: {}", options.server.port, failure.what()));
    }
    if (!options.ca_file.empty())
        if (const std::string problem = store::replace_file(options.ca_file, server->ca_pem()); !problem.empty())
            return fail(exit_code::some_failed, problem);
    if (!options.port_file.empty())
        if (const std::string problem = store::replace_file(options.port_file, std::to_string(server->port()) + "\n");
            !problem.empty())
            return fail(exit_code::some_failed, problem);
    say_on_stderr(fmt::format("serving {} users on {}\n", options.server.fleet.users + 1, server->url()));

    signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
    context.run();
    fmt::print("{}\n", server->counters().to_json());
    return exit_code::all_answered;
}

}  // namespace

void register_serve(CLI::App& root, int& exit_code) {
    auto options = std::make_shared<serve_options>();
    CLI::App* const command = root.add_subcommand("serve", "Run a simulated AhsayCBS server on this machine");
    command->add_option("--port", options->server.port, "Port to listen on; 0 lets the kernel pick")
        ->capture_default_str();
    command->add_option("--port-file", options->port_file, "Write the port here once connections are accepted")
        ->type_name("FILE");
    command->add_option("--ca-file", options->ca_file, "Write the certificate authority to trust here (PEM)")
        ->type_name("FILE");
    command->add_option("--users", options->server.fleet.users, "Backup users, besides 'obm' of the vendor's example")
        ->check(CLI::Range(0U, 1'000'000U))
        ->capture_default_str();
    command->add_option("--sets", options->server.fleet.sets, "Most backup sets of a user")
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str();
    command->add_option("--days", options->server.fleet.days, "Days that have jobs")
        ->check(CLI::Range(0U, 100'000U))
        ->capture_default_str();
    command->add_option("--until", options->until, "The last of them")->type_name("DATE")->capture_default_str();
    command->add_option("--seed", options->server.fleet.seed, "Which made-up fleet")->capture_default_str();
    command
        ->add_option("--sys-user", options->server.sys_user,
                     "The system user; its password is system1, or JOBMODE_SYS_PWD if that is set")
        ->capture_default_str();
    command
        ->add_option("--latency", options->latency,
                     "How long an answer takes: 2ms, uniform:1ms,5ms, exponential:5ms or lognormal:20ms,0.5")
        ->capture_default_str();
    command
        ->add_option("--capacity", options->server.capacity.workers,
                     "Requests served at a time, as Tomcat's maxThreads; others wait, and answers come later. 0 is no "
                     "limit")
        ->check(CLI::Range(0U, 100'000U))
        ->capture_default_str();
    command
        ->add_option("--queue", options->server.capacity.queue,
                     "Requests that wait at a time, as Tomcat's acceptCount; more are refused with status 503")
        ->check(CLI::Range(0U, 1'000'000U))
        ->capture_default_str();
    command->add_option(
        "--fault", options->faults,
        "What goes wrong, and how often: reset:0.01; also stall, truncate, close, slow, html, bad-json, 429, "
        "502, 503, 504");
    command->footer(
        "It listens on 127.0.0.1 with a certificate of its own authority, until SIGINT or SIGTERM; then it prints what "
        "it was\n"
        "asked as one JSON object, which GET /sim/counters also answers.\n\n"
        "Example:\n"
        "  jobmode serve --port 8443 --ca-file ca.pem --users 1000 \\\n"
        "      --latency lognormal:20ms,0.5");
    command->callback([options, &exit_code] { exit_code = static_cast<int>(run(*options)); });
}

}  // namespace jobmode::cli

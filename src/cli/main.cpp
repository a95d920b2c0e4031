// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "cli/command/check.hpp"
#include "cli/command/crawl.hpp"
#include "cli/command/query.hpp"
#include "cli/command/report.hpp"
#include "cli/command/serve.hpp"
#include "cli/command/silent.hpp"
#include "cli/docs/completions.hpp"
#include "cli/docs/help.hpp"
#include "cli/docs/man.hpp"
#include "cli/docs/version.hpp"
#include "cli/messages/exit_code.hpp"
#include "cli/messages/mistake.hpp"
#ifdef JOBMODE_WITH_NATS
#include "fleet/commands.hpp"
#endif

namespace {

/// What the program opens must never get the number of a standard stream that the user has closed, or its messages
/// would land in a file or on a connection. Using such a stream still fails.
void hold_standard_streams() noexcept {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(number, F_GETFD) == -1)
            static_cast<void>(::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY));
}

/// Each connection needs a file descriptor, and the usual limit is one that only programs which use select() need.
void allow_many_descriptors() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace

int main(int argc, char** argv) {
    hold_standard_streams();
    allow_many_descriptors();
    // A reader that has had enough, as in `jobmode ... | head`, shows as a failed write.
    std::signal(SIGPIPE, SIG_IGN);
    CLI::App app("Which backup jobs ran on an AhsayCBS server, and how each was started", "jobmode");
    app.formatter(std::make_shared<jobmode::cli::help_formatter>());
    app.set_help_flag("-h,--help", "Print this help");
#ifdef JOBMODE_WITH_NATS
    const std::string libnats = jobmode::fleet::nats_version();
#else
    const std::string libnats;
#endif
    app.set_version_flag("-V,--version", jobmode::cli::version_text(JOBMODE_VERSION, libnats),
                         "Print the version, and those of the libraries it runs with");
    app.footer("Run jobmode SUBCOMMAND --help for its options, and examples.");
    app.require_subcommand(1);
    int exit_code = 0;
    jobmode::cli::register_query(app, exit_code);
    jobmode::cli::register_crawl(app, exit_code);
    jobmode::cli::register_check(app, exit_code);
    jobmode::cli::register_report(app, exit_code);
    jobmode::cli::register_silent(app, exit_code);
    jobmode::cli::register_serve(app, exit_code);
#ifdef JOBMODE_WITH_NATS
    jobmode::fleet::register_plan(app, exit_code);
    jobmode::fleet::register_work(app, exit_code);
    jobmode::fleet::register_collect(app, exit_code);
#endif
    jobmode::cli::register_completions(app, exit_code);
    jobmode::cli::register_help(app, exit_code);
    jobmode::cli::register_man(app, {JOBMODE_VERSION, JOBMODE_VERSION_DATE}, exit_code);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        if (problem.get_exit_code() == 0)
            return app.exit(problem);
        const std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
        const std::string mistake = jobmode::cli::mistake_of(app, arguments, problem);
        if (jobmode::cli::is_check(app))
            return jobmode::cli::check_unknown(mistake);
        if (jobmode::cli::crawl_logs_json(arguments))
            jobmode::cli::crawl_usage_error_in_json(mistake);
        else
            jobmode::cli::usage_error(mistake + " (--help tells more)");
        return static_cast<int>(jobmode::cli::exit_code::usage);
    }
    return exit_code;
}

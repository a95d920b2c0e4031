// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/nats_options.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>

#include "cli/command/crawl_problem.hpp"
#include "fleet/commands.hpp"
#include "store/file.hpp"

namespace jobmode::fleet {

using cli::usage_problem;

void nats_options::add_to(CLI::App& command) {
    static constexpr auto group = "Queue";
    command
        .add_option("--nats", urls,
                    "The NATS server, such as nats://127.0.0.1:4222 or tls://nats.example.com; of a cluster several, "
                    "separated by commas")
        ->required()
        ->type_name("URL")
        ->group(group);
    command.add_option("--stream", stream, "What this crawl is called there: letters, digits, - and _")
        ->required()
        ->type_name("NAME")
        ->group(group);
    command.add_option("--nats-creds", credentials, "A NATS credentials file (user JWT and seed)")
        ->type_name("FILE")
        ->group(group);
    command
        .add_option("--nats-user", user,
                    "A user of NATS, whose password comes from --nats-password-file or from the environment variable "
                    "JOBMODE_NATS_PASSWORD; a token comes from JOBMODE_NATS_TOKEN")
        ->type_name("USER")
        ->group(group);
    command.add_option("--nats-password-file", password_file, "Read that password from the first line of this file")
        ->type_name("FILE")
        ->group(group);
    command.add_option("--nats-ca", ca, "Use TLS, and trust these certificate authorities (PEM)")
        ->type_name("FILE")
        ->group(group);
    CLI::Option* const certificate_option =
        command.add_option("--nats-cert", certificate, "Use TLS, and show this client certificate (PEM)")
            ->type_name("FILE")
            ->group(group);
    CLI::Option* const key_option =
        command.add_option("--nats-key", key, "Its key (PEM)")->type_name("FILE")->group(group);
    certificate_option->needs(key_option);
    key_option->needs(certificate_option);
}

nats_config nats_options::config() const {
    nats_config made;
    for (std::string_view rest = urls; !rest.empty();) {
        const std::string_view url = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(url.size() + 1, rest.size()));
        if (url.find('@') != std::string_view::npos)
            throw usage_problem(
                "--nats: a user and a password do not belong on the command line, where everybody can read them: use "
                "--nats-user and JOBMODE_NATS_PASSWORD");
        if (!url.empty())
            made.urls.emplace_back(url);
    }
    if (made.urls.empty())
        throw usage_problem("--nats: there is no URL");
    made.user = user;
    if (!password_file.empty()) {
        std::string problem;
        if (!store::read_file(password_file, made.password, problem))
            throw usage_problem(problem);
        made.password.resize(std::min(made.password.find_first_of("\r\n"), made.password.size()));
    } else if (const char* const password = std::getenv("JOBMODE_NATS_PASSWORD")) {
        made.password = password;
    }
    if (const char* const token = std::getenv("JOBMODE_NATS_TOKEN"))
        made.token = token;
    made.credentials_file = credentials;
    made.ca_file = ca;
    made.certificate_file = certificate;
    made.key_file = key;
    return made;
}

std::string nats_version() {
    return ::nats_GetVersion();
}

names nats_options::stream_names() const {
    if (!names::valid(stream))
        throw usage_problem("--stream: '" + stream + "' is not 1 to 64 letters, digits, - and _");
    return names(stream);
}

}  // namespace jobmode::fleet

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>

#include <CLI/App.hpp>

#include <optional>
#include <string>

namespace jobmode::cli {

/// The options by which every subcommand reaches a server.
struct connection_options {
    std::string url;
    std::string sys_user;
    std::string sys_pwd_file;
    /// A variable of the environment that holds the password, and must; empty for JOBMODE_SYS_PWD, or else a prompt.
    std::string sys_pwd_variable;
    std::string ca;
    std::string pin;
    bool insecure = false;
    std::string client_cert;
    std::string client_key;
    bool allow_http = false;
    /// As given; without it the environment decides.
    std::optional<std::string> proxy;
    double connect_timeout = 10;
    double timeout = 60;

    /// Adds them to a subcommand; this object must outlive it.
    void add_to(CLI::App& command);

    /// The configuration that they make, password included: from `--sys-pwd-file`, else from JOBMODE_SYS_PWD, else from
    /// a prompt on the terminal. The proxy comes from `--proxy` or from the environment's usual variables, and its
    /// password from JOBMODE_PROXY_PWD if that is set. Nothing, after a message on stderr, if they make none.
    std::optional<client_config> make_config() const;
    /// The same, with the message in `problem` and nothing on stderr.
    std::optional<client_config> make_config(std::string& problem) const;

    /// Which of the files that TLS needs cannot be read, as a sentence; empty if all can.
    std::string unreadable_file() const;
    /// The two other parts of that: everything that can be wrong without a password, and then the password. The second
    /// one returns false, with the reason in `problem`, if there is none.
    std::optional<client_config> make_config_without_password(std::string& problem) const;
    bool find_password(client_config& config, std::string& problem) const;

    /// The server as records name it: the URL without its scheme and without slashes at its end.
    std::string server_name() const;

private:
    bool set_proxy(client_config& config, std::string& why) const;
};

/// Asks for a password on the terminal, without echo. Nothing, with the reason in `problem`, if there is no terminal,
/// or nothing was typed. Ctrl-C ends the program at once, as it does elsewhere, with the terminal as it was before.
std::optional<secret> prompt_for_password(const std::string& question, std::string& problem);

}  // namespace jobmode::cli

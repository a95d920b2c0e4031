// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/options/connection_options.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <termios.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include "cli/messages/exit_code.hpp"
#include "cli/text.hpp"
#include "policy/base_url.hpp"
#include "policy/proxy.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

/// Keeps the terminal from echoing, and puts it back, whatever happens; signals wait meanwhile, so that Ctrl-C does not
/// leave a terminal behind that shows nothing.
class quiet_terminal {
public:
    explicit quiet_terminal(int descriptor) : descriptor_(descriptor) {
        valid_ = ::tcgetattr(descriptor, &before_) == 0;
        if (!valid_)
            return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
        valid_ = ::tcsetattr(descriptor, TCSAFLUSH, &quiet) == 0;
    }
    quiet_terminal(const quiet_terminal&) = delete;
    quiet_terminal& operator=(const quiet_terminal&) = delete;
    ~quiet_terminal() {
        if (valid_)
            ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
    }
    bool valid() const noexcept { return valid_; }

private:
    int descriptor_;
    bool valid_ = false;
    termios before_{};
};

/// A password file's first line.
std::optional<secret> read_password_file(const std::string& path, std::string& problem) {
    std::string contents;
    if (!store::read_file(path, contents, problem))
        return std::nullopt;
    std::string_view line(contents);
    line = line.substr(0, line.find('\n'));
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    secret found(line);
    OPENSSL_cleanse(contents.data(), contents.size());
    if (found.empty()) {
        problem = "the first line of " + path + ", which should be the password, is empty";
        return std::nullopt;
    }
    return found;
}

}  // namespace

std::optional<secret> prompt_for_password(const std::string& question) {
    const store::file_handle terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    if (!terminal)
        return std::nullopt;
    const quiet_terminal quiet(terminal.get());
    if (!quiet.valid() || !store::write_all(terminal.get(), question))
        return std::nullopt;
    cleansed_buffer typed;
    typed.reserve(256);
    static constexpr char interrupt = 3;
    for (;;) {
        char c = 0;
        const ssize_t count = ::read(terminal.get(), &c, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0 || c == interrupt) {
            store::write_all(terminal.get(), "\n");
            return std::nullopt;
        }
        if (c == '\n')
            break;
        typed.push_back(c);
    }
    store::write_all(terminal.get(), "\n");
    return secret({typed.data(), typed.size()});
}

void connection_options::add_to(CLI::App& command) {
    static constexpr auto group = "Connection";
    command
        .add_option("--url", url,
                    "The server's base, such as https://cbs.example.com or https://example.com:8443/prefix")
        ->required()
        ->group(group);
    command.add_option("--sys-user", sys_user, "An AhsayCBS system user with the Admin or the API role")
        ->required()
        ->group(group);
    command
        .add_option("--sys-pwd-file", sys_pwd_file,
                    "Read its password from the first line of this file; without it, from the environment variable "
                    "JOBMODE_SYS_PWD or from a prompt")
        ->type_name("FILE")
        ->group(group);
    CLI::Option* const ca_option =
        command.add_option("--ca", ca, "Trust these certificate authorities (PEM) instead of the system's")
            ->type_name("FILE")
            ->group(group);
    CLI::Option* const pin_option = command
                                        .add_option("--pin", pin,
                                                    "Trust the server with this public key (sha256//BASE64); alone it "
                                                    "is good for a self-signed certificate")
                                        ->group(group);
    command.add_flag("--insecure", insecure, "Trust any server: whoever sits between can read the password")
        ->excludes(ca_option)
        ->excludes(pin_option)
        ->group(group);
    CLI::Option* const certificate =
        command.add_option("--client-cert", client_cert, "A client certificate (PEM)")->type_name("FILE")->group(group);
    CLI::Option* const key =
        command.add_option("--client-key", client_key, "Its key (PEM)")->type_name("FILE")->group(group);
    certificate->needs(key);
    key->needs(certificate);
    command.add_flag("--allow-http", allow_http, "Take an http:// URL, which sends the password in the clear")
        ->group(group);
    command
        .add_option("--proxy", proxy,
                    "Reach the server through an HTTP proxy (http://[USER@]HOST:PORT), whose password comes from the "
                    "environment variable JOBMODE_PROXY_PWD; without this option the variables https_proxy, all_proxy "
                    "and no_proxy are used as curl uses them, and an empty URL is no proxy")
        ->group(group);
    command.add_option("--connect-timeout", connect_timeout, "Seconds to reach the server; 0 is no limit")
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str()
        ->group(group);
    command.add_option("--timeout", timeout, "Seconds for a query, its retries included; 0 is no limit")
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str()
        ->group(group);
}

bool connection_options::set_proxy(client_config& config, std::string& why) const {
    if (proxy && !proxy_config(*proxy).password.empty()) {
        why =
            "the proxy's password does not belong on the command line, where everybody can read it: set "
            "JOBMODE_PROXY_PWD";
        return false;
    }
    policy::base_url server;
    // A URL that is none is refused with the rest of the configuration.
    if (policy::parse_base_url(url, server, nullptr))
        return true;
    config.proxy = proxy_config(policy::choose_proxy(proxy ? proxy->c_str() : nullptr, server.tls, server.host,
                                                     [](const char* name) { return std::getenv(name); }));
    const char* const password = std::getenv("JOBMODE_PROXY_PWD");
    if (password && !config.proxy.user.empty())
        config.proxy.password = secret(password);
    return true;
}

std::optional<client_config> connection_options::make_config() const {
    std::string problem;
    std::optional<client_config> config = make_config(problem);
    if (!config)
        usage_error(problem);
    return config;
}

std::optional<client_config> connection_options::make_config(std::string& problem) const {
    client_config config(url);
    config.sys_user = sys_user;
    config.allow_http = allow_http;
    config.tls.ca_file = ca;
    config.tls.pinned_public_key = pin;
    config.tls.insecure = insecure;
    config.tls.client_cert_file = client_cert;
    config.tls.client_key_file = client_key;
    config.timeouts.connect = config.timeouts.handshake = to_milliseconds(connect_timeout);
    config.timeouts.total = to_milliseconds(timeout);

    if (!set_proxy(config, problem))
        return std::nullopt;
    // What is wrong with the rest is said before a password is asked for.
    config.sys_pwd = secret("-");
    if (const error_code ec = config.validate(&problem)) {
        if (ec == errc::plain_http_refused)
            problem += " (--allow-http)";
        return std::nullopt;
    }
    if (!sys_pwd_file.empty()) {
        std::optional<secret> found = read_password_file(sys_pwd_file, problem);
        if (!found)
            return std::nullopt;
        config.sys_pwd = std::move(*found);
    } else if (!sys_pwd_variable.empty()) {
        const char* const value = std::getenv(sys_pwd_variable.c_str());
        if (!value) {
            problem = "there is no password: the variable " + sys_pwd_variable + " is not set";
            return std::nullopt;
        }
        config.sys_pwd = secret(value);
    } else if (const char* const value = std::getenv("JOBMODE_SYS_PWD")) {
        config.sys_pwd = secret(value);
    } else if (std::optional<secret> typed =
                   prompt_for_password("Password of " + sys_user + " at " + server_name() + ": ")) {
        config.sys_pwd = std::move(*typed);
    } else {
        problem = "there is no password: set JOBMODE_SYS_PWD, or name a file with --sys-pwd-file";
        return std::nullopt;
    }
    if (config.validate(&problem))
        return std::nullopt;
    return config;
}

std::string connection_options::server_name() const {
    const auto scheme = url.find("://");
    std::string name = scheme == std::string::npos ? url : url.substr(scheme + 3);
    while (name.ends_with('/'))
        name.pop_back();
    return name;
}

}  // namespace jobmode::cli

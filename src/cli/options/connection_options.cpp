// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/options/connection_options.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "cli/messages/exit_code.hpp"
#include "cli/messages/terminal.hpp"
#include "cli/text.hpp"
#include "policy/base_url.hpp"
#include "policy/proxy.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

/// Keeps the signals that end a program waiting, so that none leaves a terminal behind that shows nothing: they do
/// their work at the end of this object's life. Those that are ignored stay so.
class held_signals {
public:
    held_signals() {
        sigset_t held;
        ::sigemptyset(&held);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
            struct sigaction now {};
            if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)
                ::sigaddset(&held, signal);
        }
        ::pthread_sigmask(SIG_BLOCK, &held, &before_);
        arrived_ = store::file_handle(::signalfd(-1, &held, SFD_CLOEXEC));
    }
    held_signals(const held_signals&) = delete;
    held_signals& operator=(const held_signals&) = delete;
    ~held_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    /// Waits until there is something to read; false if a signal has come.
    bool wait_to_read(int descriptor) const {
        std::array<pollfd, 2> open{{{descriptor, POLLIN, 0}, {arrived_.get(), POLLIN, 0}}};
        while (::poll(open.data(), open.size(), -1) < 0 && errno == EINTR) {
        }
        return open[1].revents == 0;
    }

private:
    sigset_t before_{};
    store::file_handle arrived_;
};

/// Keeps the terminal from echoing, and puts it back, whatever happens.
class quiet_terminal {
public:
    explicit quiet_terminal(int descriptor) : descriptor_(descriptor) {
        valid_ = ::tcgetattr(descriptor, &before_) == 0;
        if (!valid_)
            return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        // A shell that gets the terminal back meanwhile would not show what is typed.
        quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
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

std::optional<secret> prompt_for_password(const std::string& question, std::string& problem) {
    static constexpr auto no_terminal = "there is no password: set JOBMODE_SYS_PWD, or name a file with --sys-pwd-file";
    const store::file_handle terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    if (!terminal) {
        problem = no_terminal;
        return std::nullopt;
    }
    const held_signals signals;
    const quiet_terminal quiet(terminal.get());
    if (!quiet.valid() || !store::write_all(terminal.get(), terminal_text(question))) {
        problem = no_terminal;
        return std::nullopt;
    }
    cleansed_buffer typed;
    typed.reserve(256);
    for (char c = 0;;) {
        const ssize_t count = signals.wait_to_read(terminal.get()) ? ::read(terminal.get(), &c, 1) : 0;
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            store::write_all(terminal.get(), "\n");
            problem = "no password was typed";
            return std::nullopt;
        }
        if (c == '\n')
            break;
        typed.push_back(c);
    }
    store::write_all(terminal.get(), "\n");
    if (typed.empty()) {
        problem = "the password that was typed is empty";
        return std::nullopt;
    }
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
    if (problem = unreadable_file(); !problem.empty())
        return std::nullopt;
    std::optional<client_config> config = make_config_without_password(problem);
    if (config && !find_password(*config, problem))
        config.reset();
    return config;
}

std::string connection_options::unreadable_file() const {
    std::string problem;
    std::string contents;
    for (const auto& [option, path] :
         {std::pair("--ca", &ca), std::pair("--client-cert", &client_cert), std::pair("--client-key", &client_key)}) {
        const bool read = path->empty() || store::read_file(*path, contents, problem);
        OPENSSL_cleanse(contents.data(), contents.size());
        if (!read)
            return fmt::format("{}: {}", option, problem);
    }
    return {};
}

std::optional<client_config> connection_options::make_config_without_password(std::string& problem) const {
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
    // Without one it would be refused.
    config.sys_pwd = secret("-");
    if (const error_code ec = config.validate(&problem)) {
        if (ec == errc::plain_http_refused)
            problem += " (--allow-http)";
        return std::nullopt;
    }
    return config;
}

bool connection_options::find_password(client_config& config, std::string& problem) const {
    if (!sys_pwd_file.empty()) {
        std::optional<secret> found = read_password_file(sys_pwd_file, problem);
        if (!found)
            return false;
        config.sys_pwd = std::move(*found);
    } else if (!sys_pwd_variable.empty()) {
        const char* const value = std::getenv(sys_pwd_variable.c_str());
        if (!value) {
            problem = "there is no password: the variable " + sys_pwd_variable + " is not set";
            return false;
        }
        config.sys_pwd = secret(value);
    } else if (const char* const value = std::getenv("JOBMODE_SYS_PWD")) {
        config.sys_pwd = secret(value);
    } else {
        std::optional<secret> typed =
            prompt_for_password("Password of " + sys_user + " at " + server_name() + ": ", problem);
        if (!typed)
            return false;
        config.sys_pwd = std::move(*typed);
    }
    return !config.validate(&problem);
}

std::string connection_options::server_name() const {
    const auto scheme = url.find("://");
    std::string name = scheme == std::string::npos ? url : url.substr(scheme + 3);
    while (name.ends_with('/'))
        name.pop_back();
    return name;
}

}  // namespace jobmode::cli

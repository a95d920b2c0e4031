// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/options/server_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

#include "cli/command/crawl_problem.hpp"
#include "store/file.hpp"
#include "store/list_text.hpp"

namespace jobmode::cli {
namespace {

std::string_view trimmed(std::string_view text) {
    static constexpr std::string_view blank = " \t\r";
    const auto first = text.find_first_not_of(blank);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

class server_reader {
public:
    server_reader(const std::string& path, const connection_options& defaults)
        : path_(path), folder_(std::filesystem::path(path).parent_path()), defaults_(defaults) {
        defaults_.url.clear();
    }

    std::vector<listed_server> read() {
        std::string text;
        std::string problem;
        if (!store::read_file(path_, text, problem))
            throw usage_problem("--servers: " + problem);
        for (std::string_view rest = store::without_mark(text); !rest.empty();) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            ++line_;
            take(trimmed(line));
        }
        end_section();
        if (servers_.empty())
            throw usage_problem(fmt::format("{} names no server: a section begins with [NAME]", path_));
        return std::move(servers_);
    }

private:
    [[noreturn]] void refuse(std::string_view why) const {
        throw usage_problem(fmt::format("{}, line {}: {}", path_, line_, why));
    }

    void take(std::string_view line) {
        if (line.empty() || line.front() == '#' || line.front() == ';')
            return;
        if (line.front() == '[') {
            if (!line.ends_with(']'))
                refuse("a section is [NAME]");
            begin_section(trimmed(line.substr(1, line.size() - 2)));
            return;
        }
        const auto equals = line.find('=');
        if (equals == std::string_view::npos)
            refuse("a line is key = value, [NAME], or a comment that begins with #");
        if (servers_.empty())
            refuse("there is no [NAME] before it that says which server is meant");
        const std::string_view key = trimmed(line.substr(0, equals));
        const std::string_view value = trimmed(line.substr(equals + 1));
        if (value.empty())
            refuse(fmt::format("'{}' has no value", key));
        if (!keys_.emplace(key).second)
            refuse(fmt::format("'{}' stands twice in [{}]", key, servers_.back().name));
        set(key, std::string(value));
    }

    void begin_section(std::string_view name) {
        end_section();
        if (name.empty() || std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
            refuse("a server needs a name without control characters");
        if (std::ranges::any_of(servers_, [&](const listed_server& one) { return one.name == name; }))
            refuse(fmt::format("there is a server [{}] before", name));
        listed_server& made = servers_.emplace_back();
        made.name = name;
        made.connection = defaults_;
        made.place = fmt::format("{}, line {}", path_, line_);
        keys_.clear();
    }

    void end_section() {
        if (servers_.empty())
            return;
        const listed_server& last = servers_.back();
        for (const auto& [key, value] :
             {std::pair("url", &last.connection.url), std::pair("sys-user", &last.connection.sys_user)})
            if (value->empty())
                throw usage_problem(fmt::format("{}: [{}] has no {}", last.place, last.name, key));
        const connection_options& is = last.connection;
        if (is.insecure && (!is.ca.empty() || !is.pin.empty()))
            throw usage_problem(fmt::format("{}: [{}] is insecure and has a ca or a pin: only one can be meant",
                                            last.place, last.name));
        if (is.client_cert.empty() != is.client_key.empty())
            throw usage_problem(fmt::format("{}: [{}] needs both client-cert and client-key", last.place, last.name));
    }

    std::string file(const std::string& value) const { return (folder_ / value).string(); }

    bool flag(std::string_view key, const std::string& value) const {
        if (value == "yes" || value == "true")
            return true;
        if (value != "no" && value != "false")
            refuse(fmt::format("'{}' is yes or no", key));
        return false;
    }

    /// Whom to trust is said in one place, here or on the command line.
    void say_whom_to_trust(connection_options& is) {
        if (keys_.contains("ca") + keys_.contains("pin") + keys_.contains("insecure") == 1) {
            is.ca.clear();
            is.pin.clear();
            is.insecure = false;
        }
    }

    void set(std::string_view key, const std::string& value) {
        connection_options& is = servers_.back().connection;
        if (key == "ca" || key == "pin" || key == "insecure")
            say_whom_to_trust(is);
        if (key == "url") {
            is.url = value;
        } else if (key == "sys-user") {
            is.sys_user = value;
        } else if (key == "sys-pwd-file" || key == "sys-pwd-env") {
            if (keys_.contains("sys-pwd-file") && keys_.contains("sys-pwd-env"))
                refuse("the password comes from a file or from a variable, not from both");
            is.sys_pwd_file = key == "sys-pwd-file" ? file(value) : "";
            is.sys_pwd_variable = key == "sys-pwd-env" ? value : "";
        } else if (key == "ca") {
            is.ca = file(value);
        } else if (key == "pin") {
            is.pin = value;
        } else if (key == "insecure") {
            is.insecure = flag(key, value);
        } else if (key == "client-cert") {
            is.client_cert = file(value);
        } else if (key == "client-key") {
            is.client_key = file(value);
        } else if (key == "allow-http") {
            is.allow_http = flag(key, value);
        } else if (key == "proxy") {
            is.proxy = value;
        } else if (key == "users") {
            servers_.back().users_file = file(value);
        } else if (key.find("pwd") != std::string_view::npos || key.find("password") != std::string_view::npos) {
            refuse(
                "a password does not belong in this file: name a file with sys-pwd-file, or a variable of the "
                "environment with sys-pwd-env");
        } else {
            refuse(
                fmt::format("'{}' is no key; there are url, sys-user, sys-pwd-file, sys-pwd-env, ca, pin, insecure, "
                            "client-cert, client-key, allow-http, proxy and users",
                            key));
        }
    }

    const std::string& path_;
    std::filesystem::path folder_;
    connection_options defaults_;
    std::size_t line_ = 0;
    std::vector<listed_server> servers_;
    /// The keys of the section so far.
    std::set<std::string, std::less<>> keys_;
};

}  // namespace

std::vector<listed_server> read_servers(const std::string& path, const connection_options& defaults) {
    return server_reader(path, defaults).read();
}

}  // namespace jobmode::cli

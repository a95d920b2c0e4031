// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A simulated server, and the program as it is run against it.
#pragma once

#include <atomic>
#include <csignal>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cli/process.hpp"
#include "integration/support.hpp"

namespace jobmode::test {

/// Calls a function when a server is asked its nth request, on the server's thread.
class request_trigger {
public:
    /// Counts anew.
    void arm(std::uint64_t request, std::function<void()> action) {
        const std::scoped_lock lock(mutex_);
        left_ = request;
        action_ = std::move(action);
    }
    /// The same; what is given back is ready when the function has been called.
    std::future<void> when(
        std::uint64_t request, std::function<void()> action = [] {}) {
        const auto asked = std::make_shared<std::promise<void>>();
        arm(request, [asked, action = std::move(action)] {
            action();
            asked->set_value();
        });
        return asked->get_future();
    }
    void on_request() {
        const std::scoped_lock lock(mutex_);
        if (left_ != 0 && --left_ == 0)
            action_();
    }

private:
    std::mutex mutex_;
    std::uint64_t left_ = 0;
    std::function<void()> action_;
};

/// A server, a folder for what is written, and the options that reach the one from the other.
class fleet_fixture {
public:
    explicit fleet_fixture(sim::server_config config = small_fleet())
        : server(watched(std::move(config))), ca_(server.ca_pem()) {}

    static sim::server_config small_fleet() {
        sim::server_config config;
        config.fleet.users = 39;
        config.fleet.days = 10;
        return config;
    }

    std::vector<std::string> arguments(const std::string& command, std::vector<std::string> more) const {
        std::vector<std::string> all{command, "--url", server.url(), "--sys-user", "system", "--ca", ca_.path()};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    program_result run(const std::string& command, std::vector<std::string> more,
                       const std::string& password = "system1") const {
        return run_program(arguments(command, std::move(more)), {{"JOBMODE_SYS_PWD", password}});
    }
    /// What a crawl of the whole fleet is told, but for the form and place of its output.
    static std::vector<std::string> whole_fleet(std::vector<std::string> more) {
        std::vector<std::string> all{"--all-users", "--from", "2024-06-21", "--to", "2024-06-30"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    request_trigger trigger;
    sim::server server;
    temporary_folder folder;

private:
    sim::server_config watched(sim::server_config config) {
        if (!config.script)
            config.script = [this](const sim::request_info&) {
                trigger.on_request();
                return std::optional<std::vector<sim::script_step>>();
            };
        return config;
    }
    temporary_file ca_;
};

}  // namespace jobmode::test

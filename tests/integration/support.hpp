// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What the tests against the simulated server share.
#pragma once

#include <jobmode/client.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <unistd.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "async.hpp"
#include "sim/server.hpp"

namespace jobmode::test {

namespace asio = boost::asio;

/// A file that lives as long as this object.
class temporary_file {
public:
    explicit temporary_file(const std::string& contents) {
        const char* const folder = std::getenv("TMPDIR");
        path_ = std::string(folder ? folder : "/tmp") + "/jobmode-test-XXXXXX";
        const int handle = ::mkstemp(path_.data());
        if (handle < 0)
            throw std::runtime_error("cannot make a temporary file");
        ::close(handle);
        std::ofstream(path_) << contents;
    }
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;
    ~temporary_file() { std::remove(path_.c_str()); }

    const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

/// Runs the context until something is so. False if it does not come to that.
template <class Predicate>
bool run_until(asio::io_context& context, Predicate fulfilled) {
    const auto end = std::chrono::steady_clock::now() + patience;
    context.restart();
    while (!fulfilled()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        context.run_one_for(std::chrono::milliseconds(50));
        context.restart();
    }
    return true;
}

/// How one query ended.
struct ending {
    error_code error;
    std::vector<record> records;
    jobmode::diagnostics diagnostics;
};

/// Asks one query and waits for its end.
inline ending ask(asio::io_context& context, client& client, query what) {
    ending result;
    bool ended = false;
    client.async_list(std::move(what), &result.diagnostics, [&](error_code ec, std::vector<record> records) {
        result.error = ec;
        result.records = std::move(records);
        ended = true;
    });
    if (!run_until(context, [&] { return ended; }))
        throw std::runtime_error("the query did not end");
    return result;
}

/// What a client needs for a test's server on a port of 127.0.0.1, by `http` or, trusting whoever it is, `https`.
inline client_config config_for(const std::string& scheme, std::uint16_t port) {
    client_config config(scheme + "://127.0.0.1:" + std::to_string(port));
    config.sys_user = "system";
    config.sys_pwd = secret("system1");
    config.allow_http = scheme == "http";
    config.tls.insecure = scheme == "https";
    // Pauses say nothing in a test.
    config.retry.initial_backoff = std::chrono::milliseconds(1);
    return config;
}

/// A port that is taken, and where nobody listens.
class refusing_port {
public:
    explicit refusing_port(asio::io_context& context) : acceptor_(context, asio::ip::tcp::v4()) {
        acceptor_.bind({asio::ip::address_v4::loopback(), 0});
    }
    asio::ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

private:
    asio::ip::tcp::acceptor acceptor_;
};

/// The number of descriptors that this process has open.
inline std::size_t descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// A simulated server and what a client needs to trust it.
class fixture {
public:
    explicit fixture(sim::server_config config = sim::server_config())
        : server(std::move(config)), ca_(server.ca_pem()) {}

    client_config config() const {
        client_config made(server.url());
        made.sys_user = "system";
        made.sys_pwd = secret("system1");
        made.tls.ca_file = ca_.path();
        // Pauses say nothing in a test.
        made.retry.initial_backoff = std::chrono::milliseconds(1);
        return made;
    }

    sim::server server;
    asio::io_context context{1};

private:
    temporary_file ca_;
};

}  // namespace jobmode::test

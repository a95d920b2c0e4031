// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/nats_server.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "patience.hpp"

namespace jobmode::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

}  // namespace

nats_server::nats_server(std::string store, const std::vector<std::string>& more) {
    std::vector<std::string> words{"nats-server", "-a", "127.0.0.1", "-p", "-1", "-js", "-sd", std::move(store)};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    process_ = ::fork();
    if (process_ == 0) {
        ::setsid();
        // A test that is killed leaves no server behind.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(ends[1], STDOUT_FILENO);
        ::dup2(ends[1], STDERR_FILENO);
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    const int problem = errno;
    ::close(ends[1]);
    out_ = ends[0];
    if (process_ < 0)
        throw std::system_error(problem, std::generic_category(), "fork");
    reader_ = std::thread([this] {
        std::array<char, 4096> piece{};
        for (;;) {
            const ssize_t count = ::read(out_, piece.data(), piece.size());
            if (count < 0 && errno == EINTR)
                continue;
            const std::scoped_lock lock(mutex_);
            if (count > 0)
                written_.append(piece.data(), static_cast<std::size_t>(count));
            else
                ended_ = true;
            grown_.notify_all();
            if (ended_)
                return;
        }
    });
    try {
        wait_for("Server is ready");
    } catch (...) {
        end(SIGKILL);
        throw;
    }
}

nats_server::~nats_server() {
    end(SIGKILL);
}

void nats_server::end(int signal) {
    if (process_ > 0) {
        ::kill(process_, signal);
        ::waitpid(std::exchange(process_, -1), nullptr, 0);
    }
    if (reader_.joinable()) {
        reader_.join();
        ::close(out_);
    }
}

void nats_server::wait_for(std::string_view text) const {
    static_cast<void>(line_with(text));
}

bool nats_server::wait_for(std::string_view text, std::chrono::milliseconds most) const {
    const auto is_there = [&] {
        const std::size_t found = written_.find(text);
        return found != std::string::npos && written_.find('\n', found) != std::string::npos;
    };
    std::unique_lock lock(mutex_);
    grown_.wait_for(lock, most, [&] { return ended_ || is_there(); });
    return is_there();
}

std::string nats_server::line_with(std::string_view text) const {
    const bool found = wait_for(text, patience);
    const std::scoped_lock lock(mutex_);
    if (!found)
        throw std::runtime_error("nats-server has not written '" + std::string(text) + "' but: " + written_);
    const std::size_t begin = written_.find(text);
    return written_.substr(begin, written_.find('\n', begin) - begin);
}

std::uint16_t nats_server::port_of(std::string_view what) const {
    const std::string line = line_with(what);
    return static_cast<std::uint16_t>(std::stoul(line.substr(line.rfind(':') + 1)));
}

/// A connection and the one that it is passed on to.
struct relay::line {
    explicit line(asio::io_context& in) : near(in), far(in) {}
    tcp::socket near;
    tcp::socket far;
    std::array<char, 16 * 1024> forth{};
    std::array<char, 16 * 1024> back{};

    void close() {
        boost::system::error_code ignored;
        near.close(ignored);
        far.close(ignored);
    }
};

relay::relay() : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}), port_(acceptor_.local_endpoint().port()) {
    accept();
    thread_ = std::thread([this] { context_.run(); });
}

relay::~relay() {
    context_.stop();
    thread_.join();
}

void relay::lead_to(std::uint16_t port) {
    asio::post(context_, [this, port] { target_ = port; });
}

void relay::cut() {
    asio::post(context_, [this] { cut_ = true; });
}

void relay::stick() {
    asio::post(context_, [this] { stuck_ = true; });
}

void relay::heal() {
    asio::post(context_, [this] {
        cut_ = false;
        stuck_ = false;
        for (const std::weak_ptr<line>& one : lines_)
            if (const std::shared_ptr<line> open = one.lock())
                open->close();
        lines_.clear();
        waiting_.clear();
    });
}

void relay::accept() {
    auto one = std::make_shared<line>(context_);
    acceptor_.async_accept(one->near, [this, one](boost::system::error_code ec) {
        if (ec)
            return;
        accept();
        lines_.emplace_back(one);
        if (target_ == 0) {
            one->close();
            return;
        }
        one->far.async_connect({asio::ip::address_v4::loopback(), target_},
                               [this, one](boost::system::error_code failed) {
                                   if (failed) {
                                       one->close();
                                       return;
                                   }
                                   pass(one, true);
                                   pass(one, false);
                               });
    });
}

void relay::pass(const std::shared_ptr<line>& one, bool forth) {
    if (stuck_) {
        waiting_.push_back(one);
        return;
    }
    tcp::socket& from = forth ? one->near : one->far;
    auto& bytes = forth ? one->forth : one->back;
    from.async_read_some(asio::buffer(bytes), [this, one, forth](boost::system::error_code ec, std::size_t count) {
        if (ec) {
            one->close();
            return;
        }
        if (cut_) {
            pass(one, forth);
            return;
        }
        tcp::socket& to = forth ? one->far : one->near;
        asio::async_write(to, asio::buffer(forth ? one->forth : one->back, count),
                          [this, one, forth](boost::system::error_code failed, std::size_t) {
                              if (failed)
                                  one->close();
                              else
                                  pass(one, forth);
                          });
    });
}

nats_cluster::nats_cluster(const temporary_folder& folder) {
    int formed = 1;
    for (std::chrono::milliseconds most = patience / 16; !form(folder.path("nats" + std::to_string(formed)), most);
         most *= 2)
        if (++formed == 6)
            throw std::runtime_error("nats-servers agree on no leader");
}

bool nats_cluster::form(const std::string& folder, std::chrono::milliseconds most) {
    servers_.clear();
    routes_.clear();
    std::string routes;
    for (int index = 0; index != 3; ++index) {
        routes_.push_back(std::make_unique<relay>());
        routes += (index == 0 ? "" : ",") + ("nats://127.0.0.1:" + std::to_string(routes_.back()->port()));
    }
    for (std::size_t index = 0; index != routes_.size(); ++index) {
        const std::string name = "s" + std::to_string(index);
        servers_.push_back(std::make_unique<nats_server>(
            folder + name,
            std::vector<std::string>{"-n", name, "--cluster_name", "test", "--cluster", "nats://127.0.0.1:-1",
                                     "--cluster_advertise", "127.0.0.1:" + std::to_string(routes_[index]->port()),
                                     "--routes", routes}));
        routes_[index]->lead_to(servers_.back()->cluster_port());
    }
    return std::ranges::all_of(servers_, [most](const auto& one) { return one->wait_for("metadata leader", most); });
}

std::string nats_cluster::urls() const {
    std::string all;
    for (const std::unique_ptr<nats_server>& one : servers_)
        all += (all.empty() ? "" : ",") + one->url();
    return all;
}

}  // namespace jobmode::test

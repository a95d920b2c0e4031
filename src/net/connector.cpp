// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "net/connector.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include <utility>

namespace jobmode::net {
namespace {

// Long enough to spare a pool that opens many connections, short enough to follow a server that moves.
constexpr std::chrono::seconds answer_serves_for{30};

std::string to_text(const tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace

resolution::resolution(const asio::any_io_executor& executor, std::string host, std::string port)
    : resolver_(executor), host_(std::move(host)), port_(std::move(port)) {
    error_code ec;
    const asio::ip::address address = asio::ip::make_address(host_, ec);
    if (!ec)
        endpoints_.emplace_back(address, static_cast<unsigned short>(std::stoul(port_)));
}

void resolution::resolve(policy::time_point now, callback done) {
    const bool literal = !endpoints_.empty() && !known_since_;
    if (literal || (known_since_ && now - *known_since_ < answer_serves_for)) {
        done({}, endpoints_);
        return;
    }
    waiting_.push_back(std::move(done));
    if (running_)
        return;
    running_ = true;
    // The time of asking counts, not that of the answer, so that this needs no clock.
    resolver_.async_resolve(host_, port_, tcp::resolver::numeric_service,
                            [self = shared_from_this(), now](error_code ec, tcp::resolver::results_type results) {
                                self->running_ = false;
                                if (!ec)
                                    self->known_since_ = now;
                                self->finish(ec, results);
                            });
}

void resolution::forget() noexcept {
    if (known_since_) {
        known_since_.reset();
        endpoints_.clear();
    }
}

void resolution::cancel() {
    waiting_.clear();
    resolver_.cancel();
}

void resolution::finish(error_code ec, const tcp::resolver::results_type& results) {
    if (!ec) {
        std::vector<tcp::endpoint> found;
        std::vector<bool> is_v6;
        for (const auto& entry : results) {
            found.push_back(entry.endpoint());
            is_v6.push_back(entry.endpoint().address().is_v6());
        }
        endpoints_.clear();
        for (const std::size_t index : policy::interleave(is_v6))
            endpoints_.push_back(found[index]);
    }
    const std::vector<callback> waiting = std::exchange(waiting_, {});
    const std::vector<tcp::endpoint> endpoints = endpoints_;
    for (const callback& done : waiting)
        done(ec, endpoints);
}

connect_race::connect_race(const asio::any_io_executor& executor, std::vector<tcp::endpoint> endpoints,
                           std::chrono::milliseconds delay, callback done)
    : executor_(executor),
      endpoints_(std::move(endpoints)),
      sockets_(endpoints_.size()),
      race_(endpoints_.size(), delay),
      timer_(executor),
      done_(std::move(done)),
      last_error_(asio::error::host_not_found) {}

void connect_race::start() {
    advance();
}

void connect_race::cancel() {
    done_ = nullptr;
    timer_.cancel();
    sockets_.clear();
}

void connect_race::advance() {
    using kind = policy::address_race::action::kind;
    for (;;) {
        const policy::address_race::action action = race_.next(std::chrono::steady_clock::now());
        switch (action.what) {
            case kind::failed:
                finish(last_error_, tcp::socket(executor_));
                return;
            case kind::wait:
                if (action.until == policy::time_point::max())
                    return;
                timer_.expires_at(action.until);
                timer_.async_wait([self = shared_from_this()](error_code ec) {
                    if (!ec && self->done_)
                        self->advance();
                });
                return;
            case kind::start: {
                tcp::socket& socket = sockets_[action.index].emplace(executor_);
                socket.async_connect(endpoints_[action.index],
                                     [self = shared_from_this(), index = action.index](error_code ec) {
                                         if (self->done_)
                                             self->on_connect(index, ec);
                                     });
                break;
            }
        }
    }
}

void connect_race::on_connect(std::size_t index, error_code ec) {
    if (!ec) {
        finish({}, std::move(*sockets_[index]));
        return;
    }
    sockets_[index].reset();
    last_error_ = ec;
    if (!detail_.empty())
        detail_ += "; ";
    detail_ += to_text(endpoints_[index]) + ": " + ec.message();
    race_.failed();
    advance();
}

void connect_race::finish(error_code ec, tcp::socket socket) {
    const callback done = std::exchange(done_, nullptr);
    timer_.cancel();
    sockets_.clear();
    done({ec, std::move(socket), std::move(detail_)});
}

}  // namespace jobmode::net

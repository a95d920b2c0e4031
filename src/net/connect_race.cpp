// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "net/connect_race.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include <utility>

namespace jobmode::net {

std::string to_text(const tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
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
                finish(last_error_, tcp::socket(executor_), 0);
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
        finish({}, std::move(*sockets_[index]), index);
        return;
    }
    sockets_[index].reset();
    failed_.push_back(index);
    last_error_ = ec;
    if (!detail_.empty())
        detail_ += "; ";
    detail_ += to_text(endpoints_[index]) + ": " + ec.message();
    race_.failed();
    advance();
}

void connect_race::finish(error_code ec, tcp::socket socket, std::size_t winner) {
    const callback done = std::exchange(done_, nullptr);
    timer_.cancel();
    sockets_.clear();
    done({ec, std::move(socket), std::move(detail_), winner, std::move(failed_)});
}

}  // namespace jobmode::net

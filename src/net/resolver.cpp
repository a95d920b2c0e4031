// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "net/resolver.hpp"

#include <netdb.h>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "policy/address_race.hpp"

namespace jobmode::net {
namespace {

error_code to_error(int code, int system_error) {
    switch (code) {
        case EAI_AGAIN:
            return asio::error::host_not_found_try_again;
        case EAI_NONAME:
        case EAI_NODATA:
            return asio::error::host_not_found;
        case EAI_MEMORY:
            return asio::error::no_memory;
        case EAI_SYSTEM:
            return {system_error, boost::system::system_category()};
        default:
            return asio::error::no_recovery;
    }
}

/// Blocks.
error_code ask_system(const std::string& host, const std::string& port, std::vector<tcp::endpoint>& found) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
    addrinfo* answer = nullptr;
    int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &answer);
    if (code == EAI_NONAME || code == EAI_ADDRFAMILY) {
        // Of a machine that has only loopback addresses, AI_ADDRCONFIG hides even these.
        hints.ai_flags = AI_NUMERICSERV;
        code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &answer);
    }
    if (code != 0)
        return to_error(code, errno);
    std::vector<tcp::endpoint> all;
    std::vector<bool> is_v6;
    for (const addrinfo* one = answer; one; one = one->ai_next) {
        tcp::endpoint endpoint;
        if (one->ai_addrlen > endpoint.capacity())
            continue;
        std::memcpy(endpoint.data(), one->ai_addr, one->ai_addrlen);
        endpoint.resize(one->ai_addrlen);
        all.push_back(endpoint);
        is_v6.push_back(endpoint.address().is_v6());
    }
    ::freeaddrinfo(answer);
    for (const std::size_t index : policy::interleave(is_v6))
        found.push_back(all[index]);
    return found.empty() ? error_code(asio::error::host_not_found) : error_code();
}

}  // namespace

/// What the thread and whoever waits for it share.
struct resolver::look_up {
    std::mutex mutex;
    /// Empty once nobody waits; it also keeps the context at work meanwhile.
    asio::any_io_executor executor;
    callback done;
    bool over = false;

    void finish(error_code ec, std::vector<tcp::endpoint> found) {
        const std::scoped_lock lock(mutex);
        over = true;
        if (done)
            asio::post(executor,
                       [done = std::exchange(done, nullptr), ec, found = std::move(found)] { done(ec, found); });
        executor = {};
    }
};

resolver::resolver(asio::any_io_executor executor, std::string host, std::string port)
    : executor_(std::move(executor)), host_(std::move(host)), port_(std::move(port)) {}

resolver::~resolver() {
    cancel();
}

void resolver::resolve(callback done) {
    error_code ec;
    const asio::ip::address address = asio::ip::make_address(host_, ec);
    if (!ec) {
        asio::post(executor_, [done = std::move(done),
                               endpoint = tcp::endpoint(address, static_cast<unsigned short>(std::stoul(port_)))] {
            done({}, {endpoint});
        });
        return;
    }
    const asio::any_io_executor tracked = asio::prefer(executor_, asio::execution::outstanding_work.tracked);
    if (running_) {
        const std::scoped_lock lock(running_->mutex);
        if (!running_->over) {
            running_->executor = tracked;
            running_->done = std::move(done);
            return;
        }
    }
    running_ = std::make_shared<look_up>();
    running_->executor = tracked;
    running_->done = std::move(done);
    try {
        std::thread([shared = running_, host = host_, port = port_] {
            std::vector<tcp::endpoint> found;
            error_code result;
            try {
                result = ask_system(host, port, found);
            } catch (const std::bad_alloc&) {
                result = asio::error::no_memory;
            }
            shared->finish(result, std::move(found));
        }).detach();
    } catch (const std::system_error& failure) {
        running_->finish(error_code(failure.code().value(), boost::system::system_category()), {});
    }
}

void resolver::cancel() noexcept {
    if (!running_)
        return;
    callback dropped;
    const std::scoped_lock lock(running_->mutex);
    dropped = std::exchange(running_->done, nullptr);
    running_->executor = {};
}

}  // namespace jobmode::net

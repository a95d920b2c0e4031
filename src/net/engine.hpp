// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>
#include <jobmode/metrics.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "net/buffer_pool.hpp"
#include "net/connection.hpp"
#include "net/connector.hpp"
#include "net/counters.hpp"
#include "net/operation.hpp"
#include "net/stock.hpp"
#include "net/tls_context.hpp"
#include "policy/base_url.hpp"
#include "policy/concurrency_limit.hpp"
#include "policy/pool_ledger.hpp"
#include "policy/proxy.hpp"
#include "policy/retry.hpp"
#include "policy/token_bucket.hpp"
#include "wire/redactor.hpp"
#include "wire/request.hpp"

namespace jobmode::net {

/// The heart of a client: a queue of operations, a pool of connections, and one timer. It performs what the policies
/// decide.
///
/// Invariants: an operation is in exactly one of the queue, the pauses and a connection, according to its state;
/// operations are sent in the order of submission, but for those sent again, which go first; as long as something waits
/// and nothing is in flight, a connection is being opened or the timer runs.
///
/// Everything runs on `executor()`, in thread-safe mode a strand, and may be called only there, but for `enter`,
/// `metrics` and the accessors of what does not change. No handler of a user runs within any of its functions.
class engine : public std::enable_shared_from_this<engine> {
public:
    /// Throws as `client::client` does.
    static std::shared_ptr<engine> make(asio::any_io_executor executor, client_config config);
    engine(asio::any_io_executor user_executor, client_config config, const policy::base_url& base,
           const policy::proxy_address& proxy);
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
    ~engine();

    /// Runs a function on the engine's executor: at once if the client is used by one thread.
    template <class Function>
    void enter(Function&& function) {
        if (config_.thread_safe)
            asio::dispatch(executor_, std::forward<Function>(function));
        else
            function();
    }

    void submit(operation_ptr op);
    /// Ends an operation, wherever it stands; nothing happens if it has ended.
    void cancel(operation& op, error_code ec);
    /// Ends everything; later operations end at once.
    void close();

    /// How many operations may be in flight now.
    std::size_t in_flight_limit() const { return limit_.limit(); }
    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const asio::any_io_executor& user_executor() const noexcept { return user_executor_; }
    jobmode::metrics metrics() const;

    /// For connections.
    /// @{
    const client_config& config() const noexcept { return config_; }
    const wire::request_encoder& encoder() const noexcept { return encoder_; }
    const std::string& cookie_path() const noexcept { return cookie_path_; }
    /// What is sent to the proxy first; empty if there is none.
    const cleansed_buffer& proxy_request() const noexcept { return proxy_request_; }
    tls_context* tls() noexcept { return tls_ ? &*tls_ : nullptr; }
    jobmode::net::resolution& resolution() noexcept { return *resolution_; }
    counters& count() noexcept { return counters_; }
    buffer_pool& buffers() noexcept { return buffers_; }
    /// Decoders, each lent for as long as there is an answer to decode.
    stock<decoder>& decoders() noexcept { return decoders_; }
    /// Whether connections are so many that one that waits should hold no memory that can be had again.
    bool is_crowded() const noexcept { return ledger_.open() > few_connections; }
    /// The time, read anew.
    policy::time_point now() noexcept;
    void on_opened(connection& which, bool resumed);
    void on_open_failed(connection& which, error_code code, jobmode::diagnostics diagnostics);
    /// The header of an answer has come.
    void on_first_byte(operation& op);
    /// An operation has left its connection: answered, or refused by the server. The connection can carry others.
    void on_answered(connection& which, const operation_ptr& op, error_code ec,
                     std::optional<std::chrono::milliseconds> retry_after);
    /// The same, and the connection has ended with that; `rest` is what else it carried.
    void on_last_answered(connection& which, const operation_ptr& op, error_code ec,
                          std::optional<std::chrono::milliseconds> retry_after, std::deque<operation_ptr> rest);
    /// A connection has ended before its time. `carried` is what it carried; the first one failed with `ec`, unless it
    /// is to be sent again at no charge.
    void on_lost(connection& which, std::deque<operation_ptr> carried, error_code ec, bool first_is_free);
    /// A connection waits for something until its `deadline`.
    void watch(policy::time_point deadline);
    /// @}

private:
    class shutdown_service;
    /// What the timer is for; each is looked at only when due.
    enum alarm : std::size_t { connections, totals, retries, rate, idle, alarm_count };

    void pump();
    void assign(std::size_t slot, policy::time_point now);
    void open_connection(std::size_t slot);
    void remove(connection& which);
    void settle(const operation_ptr& op, error_code ec, std::optional<std::chrono::milliseconds> retry_after);
    void resend(std::deque<operation_ptr> lost);
    void end(const operation_ptr& op, error_code ec);
    void drop_ended();
    void set_alarm(alarm which, policy::time_point when);
    void arm_timer();
    void on_timer();
    void check_connections(policy::time_point now);
    void check_totals(policy::time_point now);
    void check_retries(policy::time_point now);
    void check_idle(policy::time_point now);
    void update_gauges();
    void rest_if_quiet();
    void abandon();

    /// What this many connections hold is not worth allocating anew for each query.
    static constexpr std::size_t few_connections = 128;

    asio::any_io_executor user_executor_;
    asio::any_io_executor executor_;
    client_config config_;
    wire::request_encoder encoder_;
    wire::redactor redactor_;
    std::string cookie_path_;
    cleansed_buffer proxy_request_;
    std::optional<tls_context> tls_;
    std::shared_ptr<net::resolution> resolution_;
    asio::steady_timer timer_;
    std::array<policy::time_point, alarm_count> alarms_;
    policy::time_point timer_at_ = policy::time_point::max();

    policy::pool_ledger ledger_;
    policy::concurrency_limit limit_;
    policy::token_bucket bucket_;
    policy::retry_budget budget_;
    std::minstd_rand random_;

    std::deque<operation_ptr> waiting_;
    /// Ended operations that still stand in `waiting_`.
    std::size_t ended_waiting_ = 0;
    std::vector<operation_ptr> backing_off_;
    std::vector<std::shared_ptr<connection>> connections_;
    std::vector<std::shared_ptr<connection>> to_flush_;
    std::size_t in_flight_ = 0;
    bool pumping_ = false;
    bool pump_again_ = false;
    bool closed_ = false;
    buffer_pool buffers_;
    stock<decoder> decoders_;
    counters counters_;
};

}  // namespace jobmode::net

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>
#include <jobmode/decoder.hpp>
#include <jobmode/metrics.hpp>
#include <jobmode/secret.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/call.hpp"
#include "engine/core.hpp"
#include "engine/counters.hpp"
#include "engine/spares.hpp"
#include "net/channel.hpp"
#include "net/completion.hpp"
#include "net/resolver.hpp"
#include "net/tls_context.hpp"
#include "policy/base_url.hpp"
#include "policy/proxy.hpp"
#include "wire/redactor.hpp"

namespace jobmode::net {

/// Throws `boost::system::system_error` with the sentence of `client_config::validate` if it cannot be used.
void require_valid(const client_config& config);

/// Performs what the engine decides: resolves, opens connections, moves bytes, keeps its one timer, tells calls their
/// end. It holds no rule.
///
/// Everything runs on `executor()`, in thread-safe mode a strand, and may be called only there, but for `enter`,
/// `metrics` and the accessors of what does not change. No handler of a user runs within any of its functions.
class driver : public std::enable_shared_from_this<driver> {
public:
    /// Throws as `client::client` does.
    static std::shared_ptr<driver> make(asio::any_io_executor executor, client_config config);
    driver(asio::any_io_executor user_executor, client_config config, const policy::base_url& base,
           const policy::proxy_address& proxy);
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    ~driver();

    /// Runs a function on the driver's executor: at once if the client is used by one thread.
    template <class Function>
    void enter(Function&& function) {
        if (config_.thread_safe)
            asio::dispatch(executor_, std::forward<Function>(function));
        else
            function();
    }

    void submit(engine::call_ptr who);
    /// Ends a call, wherever it stands; nothing happens if it has ended.
    void cancel(engine::call& who, error_code ec);
    /// The reader of a stream asks for more.
    void resume(engine::call& who);
    /// Ends everything; later calls end at once.
    void close();

    /// Other credentials for every request from now on; what the old ones held back goes on.
    void set_credentials(std::string_view sys_user, const secret& sys_pwd);
    void set_proxy_credentials(const std::string& user, const secret& password);
    /// A context for `set_tls`. From any thread. Throws as `tls_context` does, and for a server without TLS.
    std::shared_ptr<tls_context> make_tls(const tls_config& config) const;
    /// Connections are secured so from now on; those there are end when they have nothing more to carry.
    void set_tls(std::shared_ptr<tls_context> tls);

    using count_handler = completion<std::size_t>;
    /// Takes no more calls; when all have ended, or after `most`, closes.
    void shut_down(std::shared_ptr<count_handler> done, std::chrono::milliseconds most);
    /// Opens connections until there are so many.
    void warm_up(std::shared_ptr<count_handler> done, std::size_t connections);
    /// A wait for one of these two is over.
    void cancel_wait(const std::shared_ptr<count_handler>& done);

    /// How many calls can be sent now, those in flight included.
    std::size_t sendable() const { return core_.sendable(); }
    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const asio::any_io_executor& user_executor() const noexcept { return user_executor_; }
    const client_config& config() const noexcept { return config_; }
    jobmode::metrics metrics() const { return counters_.snapshot(std::chrono::steady_clock::now()); }
    engine::counters& count() noexcept { return counters_; }
    /// Decoders, each lent for as long as there is an answer to decode.
    engine::spares<decoder>& decoders() noexcept { return decoders_; }

    /// For channels.
    /// @{
    engine::core& core() noexcept { return core_; }
    /// Performs what the engine wants done, until it wants nothing.
    void perform();
    /// The time, read anew.
    engine::instant now() noexcept;
    const tcp::endpoint& address(std::size_t index) const { return addresses_[index]; }
    /// What is sent to the proxy first; empty if there is none.
    const cleansed_buffer& proxy_request() const noexcept { return proxy_request_; }
    const std::shared_ptr<tls_context>& tls() const noexcept { return tls_; }
    /// @}

private:
    class shutdown_service;

    void perform(engine::step& what);
    void complete(engine::call& who, error_code ec);
    void look_up(std::uint64_t lookup);
    void arm_timer();
    void check_waits();
    void tell_attempts();
    void end_shutdown();
    void abandon();
    std::shared_ptr<channel> channel_of(engine::connection_id id) const;

    asio::any_io_executor user_executor_;
    asio::any_io_executor executor_;
    client_config config_;
    const policy::base_url base_;
    wire::redactor redactor_;
    cleansed_buffer proxy_request_;
    std::shared_ptr<tls_context> tls_;
    resolver resolver_;
    std::vector<tcp::endpoint> addresses_;
    asio::steady_timer timer_;
    policy::time_point wall_read_at_{};
    std::chrono::sys_seconds wall_{};
    policy::time_point timer_at_ = policy::time_point::max();

    engine::counters counters_;
    engine::spares<decoder> decoders_;
    engine::core core_;
    std::vector<std::shared_ptr<channel>> channels_;
    std::vector<engine::step> performed_;
    /// Calls that have not been told their end.
    std::size_t calls_ = 0;
    /// No more are taken.
    bool draining_ = false;
    asio::steady_timer drained_by_;
    std::vector<std::shared_ptr<count_handler>> shutdowns_;
    struct warm_up_wait {
        std::shared_ptr<count_handler> done;
        std::size_t connections;
    };
    std::vector<warm_up_wait> warm_ups_;
    bool performing_ = false;
    bool closed_ = false;
};

/// Lets the cancellation of a wait call `cancel(driver, what)` on the driver's executor, if both are still there.
template <class Result, class Waiting, class Cancel>
void let_cancel(completion<Result>& wait, const std::shared_ptr<driver>& owner, std::weak_ptr<Waiting> waiting,
                Cancel cancel) {
    wait.on_cancel([owner = std::weak_ptr(owner), waiting = std::move(waiting), cancel] {
        if (const std::shared_ptr<driver> running = owner.lock())
            running->enter([running, waiting, cancel] {
                if (const std::shared_ptr<Waiting> what = waiting.lock())
                    cancel(*running, what);
            });
    });
}

}  // namespace jobmode::net

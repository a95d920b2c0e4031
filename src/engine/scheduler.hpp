// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>
#include <jobmode/error.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/call.hpp"
#include "engine/call_queue.hpp"
#include "engine/counters.hpp"
#include "engine/shared_health.hpp"
#include "policy/blame.hpp"
#include "policy/concurrency_limit.hpp"
#include "policy/pool_ledger.hpp"
#include "policy/random.hpp"
#include "policy/retry.hpp"
#include "policy/server_health.hpp"
#include "policy/time.hpp"
#include "policy/token_bucket.hpp"

namespace jobmode::engine {

/// What the scheduler wants done.
struct order {
    enum class kind : std::uint8_t {
        /// Give `who` to the connection in `slot`.
        assign,
        /// Open a connection in `slot`.
        open,
        /// Close the connection in `slot`, which carries nothing.
        close,
        /// Tell `who` its end.
        complete,
    };
    kind what;
    std::size_t slot = 0;
    call_ptr who{};
    error_code ec{};
};

/// All calls to one server, and what is known of it: the one owner of who goes next, on which connection, after which
/// pause, and of what follows from a failure. It knows connections by their slots only.
///
/// Invariants: a call that has not ended is in exactly one of the queue and a connection; each call completes once;
/// calls are sent in the order of their numbers, but for priority, for those sent again and for those whose endpoint is
/// held back; nothing is sent while the server rests; while anything waits, something is in flight, a connection is
/// being opened, or an alarm is set. Not thread-safe.
class scheduler {
public:
    scheduler(const client_config& config, std::uint64_t seed, counters& count);

    /// Takes a call. It may complete at once.
    void submit(call_ptr who, policy::time_point now);
    /// A call that waits is taken back, and completes with `ec`. False if it does not wait.
    bool take_back(call& who, error_code ec);
    /// Everything completes with `ec`: what waits, what connections carried (`sent`), and whatever is submitted later.
    void close(error_code ec, const std::vector<call_ptr>& sent);
    /// Hands out everything that waits; nothing is taken any more.
    std::vector<call_ptr> abandon();
    /// Other clients of the same server share what is known of it. `changed` is called from any thread when `learn` is
    /// to be called.
    void share(std::shared_ptr<shared_health> with, std::function<void()> changed);
    /// Takes what others have learnt of the server. To be called before every other event.
    void learn(policy::time_point now) {
        if (shared_ && shared_->version() != version_)
            take_over(now);
    }
    /// New credentials are in use: what waits for them goes on.
    void set_credentials(std::uint64_t generation);
    /// So many connections are to be open, or being opened, also with nothing to send; 0: no more than are needed.
    void keep_open(std::size_t connections) noexcept;
    /// What is open carries nothing more than it does.
    void retire_connections(policy::time_point now);
    /// Why no more connections are opened, if none are.
    error_code opening_error() const noexcept;
    /// Whom the last failure to open one spoke about.
    policy::subject opening_blamed() const noexcept { return opening_blamed_; }

    /// The connection in `slot` is open.
    void opened(std::size_t slot, bool resumed, policy::time_point now);
    /// It could not be opened. `known` is what is told of it.
    void open_failed(std::size_t slot, const policy::failure& why, jobmode::diagnostics known, policy::time_point now);
    /// The header of a call's answer has come.
    void begun(const call& who, policy::time_point now);
    /// A stream's reader has been given something: the call is not in flight meanwhile.
    void paused(const call& who, policy::time_point now);
    /// It asks for more.
    void resumed();
    /// A call has left its connection, answered or refused; the connection goes on.
    void answered(std::size_t slot, const call_ptr& who, const policy::failure& why, policy::time_point now);
    /// A connection has ended. `first`, if there is one, was answered, refused or failed with that; `rest` is what else
    /// it carried.
    void ended(std::size_t slot, const call_ptr& first, const policy::failure& why, std::deque<call_ptr> rest,
               policy::time_point now);
    /// A call that a connection carried is taken back, and the connection closed for it.
    void withdrawn(std::size_t slot, const call_ptr& who, error_code ec, std::deque<call_ptr> rest,
                   policy::time_point now);

    /// The alarm has gone off. True if the total times of calls in flight are to be looked at, too: those that are up
    /// are to be withdrawn, and `deadline_at` is to be told of the next one.
    bool due(policy::time_point now);
    /// When `due` is to be called; `max` if never.
    policy::time_point next_alarm() const noexcept;
    /// When a call's total time is up, as far as can be told now.
    policy::time_point deadline_of(const call& who, policy::time_point now) const noexcept;
    /// A call has its deadline then.
    void deadline_at(policy::time_point when) noexcept;

    /// Decides what can be sent, until nothing more can. To be called after the events above.
    void pump(policy::time_point now);
    /// What is to be done, in order. To be emptied by the caller.
    std::vector<order>& orders() noexcept { return orders_; }

    std::size_t in_flight_limit() const { return limit_.limit(); }
    /// How many calls can be sent now, those in flight included: no more need to wait here.
    std::size_t sendable() const noexcept;
    std::size_t in_flight() const noexcept { return in_flight_; }
    std::size_t waiting() const noexcept { return queue_.size(); }
    const policy::pool_ledger& pool() const noexcept { return ledger_; }
    bool idle() const noexcept {
        return queue_.size() == 0 && in_flight_ + paused_ == 0 && ledger_.open() + ledger_.connecting() == 0;
    }
    const policy::server_health& health() const noexcept { return server_.health; }
    /// How often each row of the table decided whose failure it was.
    const std::array<std::uint64_t, policy::rule_count>& judged() const noexcept { return judged_; }

private:
    /// A reason for which calls are held back: the whole server, or what answers one endpoint.
    using gate = shared_health::knowledge;
    enum class credentials_state : std::uint8_t { unproven, proven, refused };
    enum alarm : std::size_t { totals, pauses, rate, idle_connections, health_check, patience, opening, alarm_count };

    void take_over(policy::time_point now);
    void publish();
    void leave();
    bool may_bother(policy::time_point now);
    void let_others_try();
    bool held(const call& who, policy::time_point now) const noexcept;
    bool may_open(policy::time_point now) const noexcept;
    void assign(std::size_t slot, call& who, policy::time_point now);
    policy::verdict judge(const policy::failure& why, const call* who) noexcept;
    void settle(const call_ptr& who, const policy::failure& why, policy::time_point now);
    void note_answer(const call& who, policy::time_point now);
    void note_strange(const call& who);
    void note_presence(const call& who, policy::time_point now);
    void act_on(const policy::verdict& what, const call_ptr& who, const policy::failure& why, policy::time_point now);
    void retry(const call_ptr& who, const policy::failure& why, policy::time_point now);
    void requeue(const call_ptr& who, bool in_front, error_code why);
    void requeue_all(std::deque<call_ptr> rest, policy::time_point now);
    void server_failed(gate& which, std::uint64_t who, const policy::failure& why, jobmode::diagnostics known,
                       policy::time_point now);
    void refuse_credentials(jobmode::diagnostics known, error_code code, policy::time_point now);
    void connection_failed(policy::time_point now);
    void end(const call_ptr& who, error_code ec);
    void end_waiting(error_code ec, const jobmode::diagnostics& known, unsigned attempts);
    void end_with(const call_ptr& who, const gate& cause);
    policy::surroundings around(const call* who) const noexcept;
    policy::time_point gives_up(const call& who, const gate& cause) const noexcept;
    void check_totals(policy::time_point now);
    void check_patience(policy::time_point now);
    const gate* holding(const call& who) const noexcept;
    gate& gate_of(const call& who) { return endpoints_[who.target.index]; }
    void set_alarm(alarm which, policy::time_point when) noexcept;
    void give_back_try(const call& who, policy::time_point now);
    void leave_flight(const call& who) noexcept;
    std::size_t open_soon() const noexcept;
    void open_ahead(policy::time_point now);
    void watch_what_waits(policy::time_point now);
    void close_unwanted();
    void close_connection(std::size_t slot);
    void retire(std::size_t slot);
    void update_gauges();

    client_config config_;
    policy::random_numbers random_;
    counters& count_;
    call_queue queue_;
    policy::pool_ledger ledger_;
    policy::concurrency_limit limit_;
    policy::token_bucket bucket_;
    policy::retry_budget budget_;
    std::vector<order> orders_;
    std::size_t in_flight_ = 0;
    std::size_t paused_ = 0;
    std::uint64_t calls_ = 0;

    gate server_;
    /// Where other clients of the server have what they know of it; null if there are none.
    std::shared_ptr<shared_health> shared_;
    std::uint64_t client_ = 0;
    std::uint64_t version_ = 0;
    /// It is for this client to try the server.
    bool claimed_ = false;
    std::vector<gate> endpoints_;
    std::array<std::uint64_t, wire::endpoints.size()> answers_of_{};
    /// What was answered last, by endpoint: see `note_strange`.
    struct kind_record {
        unsigned strange_in_a_row = 0;
        std::string last_strange;
        std::string last_good;
    };
    std::array<kind_record, wire::endpoints.size()> kinds_;
    std::uint64_t answers_ = 0;
    unsigned lost_in_a_row_ = 0;
    unsigned unanswered_in_a_row_ = 0;
    std::array<std::uint64_t, policy::rule_count> judged_{};

    credentials_state credentials_ = credentials_state::unproven;
    std::uint64_t credentials_generation_ = 0;
    gate refusal_;
    policy::time_point refused_since_{};

    std::size_t kept_open_ = 0;
    error_code opening_error_;
    policy::subject opening_blamed_ = policy::subject::connection;
    /// Connections in a row that could not be opened, or carried nothing back, while others worked.
    unsigned openings_failed_ = 0;
    policy::time_point open_after_ = policy::time_point::min();

    std::array<policy::time_point, alarm_count> alarms_;
    error_code closed_;
};

}  // namespace jobmode::engine

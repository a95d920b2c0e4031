// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "net/engine.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

#include "wire/connect_request.hpp"

namespace jobmode::net {
namespace {

// An operation's total timeout strikes up to this much late, so that many of them are looked through together.
constexpr std::chrono::milliseconds total_slack{10};

// What has ended is removed from the queue at the latest when there is this much of it.
constexpr std::size_t max_ended_waiting = 64;

asio::any_io_executor serialise(const asio::any_io_executor& executor, bool thread_safe) {
    return thread_safe ? asio::any_io_executor(asio::make_strand(executor)) : executor;
}

/// What tells a proxy's password to whoever can read Base64.
secret proxy_credentials(const proxy_config& config) {
    if (config.password.empty())
        return {};
    const cleansed_buffer encoded = wire::basic_credentials(config.user, config.password);
    return secret({encoded.data(), encoded.size()});
}

}  // namespace

/// Breaks the circle of a coroutine that owns its client and waits for it, when the executor's context is destroyed
/// before it has run to its end: the context's destructor drops what it knows, and this drops what the engines know.
class engine::shutdown_service final : public asio::execution_context::service {
public:
    static inline asio::execution_context::id id;

    explicit shutdown_service(asio::execution_context& context) : service(context) {}

    void add(const std::shared_ptr<engine>& which) {
        const std::scoped_lock lock(mutex_);
        std::erase_if(engines_, [](const auto& known) { return known.expired(); });
        engines_.push_back(which);
    }

private:
    void shutdown() override {
        std::vector<std::weak_ptr<engine>> engines;
        {
            const std::scoped_lock lock(mutex_);
            engines.swap(engines_);
        }
        for (const std::weak_ptr<engine>& known : engines)
            if (const std::shared_ptr<engine> which = known.lock())
                which->abandon();
    }

    std::mutex mutex_;
    std::vector<std::weak_ptr<engine>> engines_;
};

std::shared_ptr<engine> engine::make(asio::any_io_executor executor, client_config config) {
    std::string why;
    if (const error_code ec = config.validate(&why))
        throw boost::system::system_error(ec, why);
    policy::base_url base;
    if (const error_code ec = policy::parse_base_url(config.url, base, &why))
        throw boost::system::system_error(ec, why);
    policy::proxy_address proxy;
    if (const error_code ec = policy::parse_proxy(config.proxy, proxy, &why))
        throw boost::system::system_error(ec, why);
    auto& context = asio::query(executor, asio::execution::context);
    auto made = std::make_shared<engine>(std::move(executor), std::move(config), base, proxy);
    asio::use_service<shutdown_service>(context).add(made);
    return made;
}

engine::engine(asio::any_io_executor user_executor, client_config config, const policy::base_url& base,
               const policy::proxy_address& proxy)
    : user_executor_(std::move(user_executor)),
      executor_(serialise(user_executor_, config.thread_safe)),
      config_(std::move(config)),
      encoder_(base.host_header, base.path, config_.user_agent, config_.sys_user, config_.sys_pwd),
      redactor_({config_.sys_pwd, config_.proxy.password, proxy_credentials(config_.proxy)}),
      cookie_path_(base.path + "/obs/api/json/"),
      resolution_(std::make_shared<net::resolution>(executor_, proxy.host.empty() ? base.host : proxy.host,
                                                    proxy.host.empty() ? base.port : proxy.port)),
      timer_(executor_),
      ledger_(config_.pool, config_.pipeline_depth),
      limit_(config_.concurrency),
      bucket_(config_.rate),
      budget_(config_.retry),
      random_(std::random_device{}()) {
    if (!proxy.host.empty())
        proxy_request_ =
            wire::encode_connect(base.host, base.port, config_.user_agent, config_.proxy.user, config_.proxy.password);
    // The requests have what they need; one copy of each password less.
    config_.sys_pwd = secret();
    config_.proxy.password = secret();
    if (base.tls)
        tls_.emplace(config_.tls, base.host, base.is_ip_literal);
    alarms_.fill(policy::time_point::max());
    update_gauges();
}

engine::~engine() {
    close();
}

policy::time_point engine::now() noexcept {
    return std::chrono::steady_clock::now();
}

jobmode::metrics engine::metrics() const {
    return counters_.snapshot();
}

void engine::submit(operation_ptr op) {
    if (closed_) {
        end(op, asio::error::operation_aborted);
        return;
    }
    if (op->kind != request_kind::users)
        if (const error_code ec = op->asked.validate(&op->diagnostics.detail)) {
            end(op, ec);
            return;
        }
    if (config_.timeouts.total.count() != 0) {
        op->deadline = now() + config_.timeouts.total;
        set_alarm(totals, op->deadline);
    }
    waiting_.push_back(std::move(op));
    pump();
}

void engine::cancel(operation& op, error_code ec) {
    const operation_ptr keep = op.shared_from_this();
    switch (op.state) {
        case operation_state::ended:
            return;
        case operation_state::waiting:
            ++ended_waiting_;
            break;
        case operation_state::backing_off:
            std::erase(backing_off_, keep);
            break;
        case operation_state::sent: {
            const std::shared_ptr<connection> carrier = op.carrier->shared_from_this();
            std::deque<operation_ptr> others = carrier->close();
            std::erase(others, keep);
            --in_flight_;
            remove(*carrier);
            resend(std::move(others));
            break;
        }
    }
    end(keep, ec);
    pump();
}

void engine::close() {
    if (closed_)
        return;
    closed_ = true;
    timer_.cancel();
    resolution_->cancel();
    std::vector<operation_ptr> all(waiting_.begin(), waiting_.end());
    all.insert(all.end(), backing_off_.begin(), backing_off_.end());
    waiting_.clear();
    ended_waiting_ = 0;
    backing_off_.clear();
    for (const std::shared_ptr<connection>& which : std::exchange(connections_, {}))
        if (which)
            std::ranges::move(which->close(), std::back_inserter(all));
    in_flight_ = 0;
    for (const operation_ptr& op : all)
        if (op->state != operation_state::ended)
            end(op, asio::error::operation_aborted);
    update_gauges();
}

void engine::abandon() {
    const std::shared_ptr<engine> self = shared_from_this();
    closed_ = true;
    resolution_->cancel();
    std::vector<operation_ptr> all(waiting_.begin(), waiting_.end());
    all.insert(all.end(), backing_off_.begin(), backing_off_.end());
    waiting_.clear();
    backing_off_.clear();
    for (const std::shared_ptr<connection>& which : std::exchange(connections_, {}))
        if (which)
            std::ranges::move(which->close(), std::back_inserter(all));
    // Dropping one handler can destroy the client, a stream or a crawl, which then finds all of them ended.
    for (const operation_ptr& op : all)
        op->state = operation_state::ended;
    for (const operation_ptr& op : all)
        op->abandon();
}

void engine::on_opened(connection& which, bool resumed) {
    ledger_.opened(which.slot(), now());
    counters_.connections_opened.add(1);
    if (resumed)
        counters_.connections_resumed.add(1);
    pump();
}

void engine::on_open_failed(connection& which, error_code code, jobmode::diagnostics diagnostics) {
    remove(which);
    counters_.connections_failed.add(1);
    if (policy::is_overload(code))
        limit_.on_overload(now());
    // A server that cannot be reached costs the query at the head of the queue an attempt. One that cannot be trusted
    // will not be trusted at the next handshake either, so nobody needs to wait for that.
    std::deque<operation_ptr> concerned;
    if (policy::is_retryable(code)) {
        drop_ended();
        if (!waiting_.empty()) {
            concerned.push_back(std::move(waiting_.front()));
            waiting_.pop_front();
        }
    } else {
        concerned = std::exchange(waiting_, {});
        ended_waiting_ = 0;
    }
    for (const operation_ptr& op : concerned) {
        if (op->state == operation_state::ended)
            continue;
        ++op->attempts;
        op->next_is_free = op->resent = false;
        op->diagnostics = diagnostics;
        settle(op, code, std::nullopt);
    }
    pump();
}

void engine::on_first_byte(operation& op) {
    const policy::time_point at = now();
    limit_.on_answer(at - op.sent_at, in_flight_, at);
}

void engine::on_answered(connection& which, const operation_ptr& op, error_code ec,
                         std::optional<std::chrono::milliseconds> retry_after) {
    const policy::time_point at = now();
    --in_flight_;
    ledger_.finished(which.slot(), at);
    if (ledger_.retiring(which.slot(), at)) {
        ledger_.retire(which.slot());
        if (which.operations().empty()) {
            which.close();
            remove(which);
        }
    }
    settle(op, ec, retry_after);
    pump();
}

void engine::on_last_answered(connection& which, const operation_ptr& op, error_code ec,
                              std::optional<std::chrono::milliseconds> retry_after, std::deque<operation_ptr> rest) {
    --in_flight_;
    remove(which);
    resend(std::move(rest));
    settle(op, ec, retry_after);
    pump();
}

void engine::on_lost(connection& which, std::deque<operation_ptr> carried, error_code ec, bool first_is_free) {
    remove(which);
    operation_ptr first;
    if (!carried.empty()) {
        if (first_is_free) {
            carried.front()->resent = true;
        } else {
            first = std::move(carried.front());
            carried.pop_front();
            --in_flight_;
            if (policy::is_overload(ec))
                limit_.on_overload(now());
        }
    }
    resend(std::move(carried));
    if (first)
        settle(first, ec, std::nullopt);
    pump();
}

void engine::watch(policy::time_point deadline) {
    set_alarm(connections, deadline);
}

void engine::pump() {
    if (std::exchange(pumping_, true)) {
        pump_again_ = true;
        return;
    }
    do {
        pump_again_ = false;
        while (!closed_) {
            drop_ended();
            const std::size_t limit = limit_.limit();
            if (waiting_.empty() || in_flight_ >= limit)
                break;
            const policy::time_point at = now();
            if (!bucket_.unlimited()) {
                const policy::time_point next = bucket_.next(at);
                if (next > at) {
                    set_alarm(rate, next);
                    break;
                }
            }
            const std::size_t wanted = std::min(waiting_.size() - ended_waiting_, limit - in_flight_);
            const policy::pool_ledger::decision decision =
                ledger_.lease(at, wanted, waiting_.front()->kind == request_kind::stream);
            if (decision.what == policy::pool_ledger::verdict::wait)
                break;
            if (decision.what == policy::pool_ledger::verdict::open) {
                open_connection(decision.slot);
                continue;
            }
            if (const std::shared_ptr<connection> which = connections_[decision.slot]; !which->usable()) {
                which->close();
                remove(*which);
                continue;
            }
            bucket_.try_take(at);
            assign(decision.slot, at);
        }
        for (std::size_t index = 0; index != to_flush_.size(); ++index) {
            const std::shared_ptr<connection> which = std::move(to_flush_[index]);
            which->flush();
        }
        to_flush_.clear();
    } while (pump_again_);
    pumping_ = false;
    if (closed_)
        return;
    if (const std::optional<policy::time_point> expiry = ledger_.next_expiry())
        set_alarm(idle, *expiry);
    rest_if_quiet();
    update_gauges();
}

void engine::assign(std::size_t slot, policy::time_point at) {
    operation_ptr op = std::move(waiting_.front());
    waiting_.pop_front();
    op->state = operation_state::sent;
    op->sent_at = at;
    if (!std::exchange(op->next_is_free, false)) {
        if (op->attempts != 0)
            op->diagnostics = jobmode::diagnostics();
        ++op->attempts;
        op->resent = false;
    }
    ++in_flight_;
    if (ledger_.uses(slot) > 1)
        counters_.connections_reused.add(1);
    const std::shared_ptr<connection>& which = connections_[slot];
    which->send(std::move(op));
    to_flush_.push_back(which);
}

void engine::open_connection(std::size_t slot) {
    if (connections_.size() <= slot)
        connections_.resize(slot + 1);
    const std::shared_ptr<connection> made = std::make_shared<connection>(*this, slot);
    connections_[slot] = made;
    made->open();
}

void engine::remove(connection& which) {
    if (closed_)
        return;
    ledger_.closed(which.slot());
    connections_[which.slot()].reset();
}

void engine::settle(const operation_ptr& op, error_code ec, std::optional<std::chrono::milliseconds> retry_after) {
    if (!ec || ec == errc::api_error)
        budget_.on_answer();
    if (ec && !op->opened && !closed_) {
        if (ec == errc::server_busy)
            limit_.on_overload(now());
        const policy::retry_decision decision =
            policy::decide_retry(config_.retry, budget_, ec, op->attempts, retry_after, random_());
        const policy::time_point due = now() + decision.pause;
        if (decision.retry && due < op->deadline) {
            counters_.retries.add(1);
            op->state = operation_state::backing_off;
            op->due = due;
            backing_off_.push_back(op);
            set_alarm(retries, due);
            return;
        }
    }
    end(op, ec);
}

/// Puts operations back at the head of the queue, at no charge.
void engine::resend(std::deque<operation_ptr> lost) {
    for (; !lost.empty(); lost.pop_back()) {
        const operation_ptr& op = lost.back();
        --in_flight_;
        if (op->opened) {
            end(op, errc::connection_lost);
            continue;
        }
        counters_.resends.add(1);
        op->state = operation_state::waiting;
        op->next_is_free = true;
        waiting_.push_front(op);
    }
}

void engine::end(const operation_ptr& op, error_code ec) {
    op->state = operation_state::ended;
    op->diagnostics.attempt = op->attempts;
    if (ec) {
        redactor_.redact_excerpt(op->diagnostics.excerpt);
        for (std::string* const text :
             {&op->diagnostics.server_message, &op->diagnostics.expt_type, &op->diagnostics.detail})
            redactor_.redact(*text);
        // A proxy's words are cut to a length.
        if (op->diagnostics.phase == phase::proxy)
            redactor_.redact_excerpt(op->diagnostics.detail);
    }
    if (ec != asio::error::operation_aborted) {
        counters_.queries.add(1);
        if (ec)
            counters_.failures.add(1);
        else
            counters_.add_latency(op->latency);
    }
    op->on_end(ec);
}

void engine::drop_ended() {
    while (!waiting_.empty() && waiting_.front()->state == operation_state::ended) {
        waiting_.pop_front();
        --ended_waiting_;
    }
    if (ended_waiting_ > max_ended_waiting && ended_waiting_ > waiting_.size() / 2) {
        std::erase_if(waiting_, [](const operation_ptr& op) { return op->state == operation_state::ended; });
        ended_waiting_ = 0;
    }
}

void engine::set_alarm(alarm which, policy::time_point when) {
    alarms_[which] = std::min(alarms_[which], when);
    arm_timer();
}

void engine::arm_timer() {
    const policy::time_point next = *std::ranges::min_element(alarms_);
    if (next >= timer_at_ || closed_)
        return;
    timer_at_ = next;
    timer_.expires_at(next);
    timer_.async_wait([weak = weak_from_this()](error_code ec) {
        if (!ec)
            if (const std::shared_ptr<engine> self = weak.lock())
                self->on_timer();
    });
}

void engine::on_timer() {
    if (closed_)
        return;
    timer_at_ = policy::time_point::max();
    const policy::time_point at = now();
    const auto due = [&](alarm which) {
        if (alarms_[which] > at)
            return false;
        alarms_[which] = policy::time_point::max();
        return true;
    };
    if (due(connections))
        check_connections(at);
    if (due(totals))
        check_totals(at);
    if (due(retries))
        check_retries(at);
    if (due(idle))
        check_idle(at);
    due(rate);
    pump();
    arm_timer();
}

void engine::check_connections(policy::time_point at) {
    std::vector<std::shared_ptr<connection>> late;
    policy::time_point next = policy::time_point::max();
    for (const std::shared_ptr<connection>& which : connections_) {
        if (!which)
            continue;
        const policy::time_point deadline = which->deadline();
        if (deadline <= at)
            late.push_back(which);
        else
            next = std::min(next, deadline);
    }
    for (const std::shared_ptr<connection>& which : late)
        which->on_deadline();
    if (next != policy::time_point::max())
        set_alarm(connections, next);
}

void engine::check_totals(policy::time_point at) {
    std::vector<operation_ptr> late;
    policy::time_point next = policy::time_point::max();
    const auto look_at = [&](const operation_ptr& op) {
        if (op->state == operation_state::ended)
            return;
        if (op->deadline <= at)
            late.push_back(op);
        else
            next = std::min(next, op->deadline);
    };
    std::ranges::for_each(waiting_, look_at);
    std::ranges::for_each(backing_off_, look_at);
    for (const std::shared_ptr<connection>& which : connections_)
        if (which)
            std::ranges::for_each(which->operations(), look_at);
    for (const operation_ptr& op : late)
        cancel(*op, errc::total_timeout);
    if (next != policy::time_point::max())
        set_alarm(totals, std::max(next, at + total_slack));
}

void engine::check_retries(policy::time_point at) {
    const auto due = std::stable_partition(backing_off_.begin(), backing_off_.end(),
                                           [at](const operation_ptr& op) { return op->due > at; });
    for (auto op = due; op != backing_off_.end(); ++op) {
        (*op)->state = operation_state::waiting;
        waiting_.push_back(std::move(*op));
    }
    backing_off_.erase(due, backing_off_.end());
    for (const operation_ptr& op : backing_off_)
        set_alarm(retries, op->due);
}

void engine::check_idle(policy::time_point at) {
    for (const std::size_t slot : ledger_.expired(at)) {
        const std::shared_ptr<connection> which = connections_[slot];
        which->close();
        remove(*which);
    }
}

/// The context should have nothing to run for the sake of a client that has nothing to do.
void engine::rest_if_quiet() {
    if (!waiting_.empty() || !backing_off_.empty() || in_flight_ != 0 || ledger_.open() + ledger_.connecting() != 0)
        return;
    alarms_.fill(policy::time_point::max());
    timer_at_ = policy::time_point::max();
    timer_.cancel();
}

void engine::update_gauges() {
    counters_.in_flight.set(in_flight_);
    counters_.waiting.set(waiting_.size() - ended_waiting_ + backing_off_.size());
    counters_.connections.set(ledger_.open());
    counters_.in_flight_limit.set(limit_.limit());
}

}  // namespace jobmode::net

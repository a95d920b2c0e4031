// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "engine/scheduler.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace jobmode::engine {
namespace {

// A kind of query that is answered strangely for longer than this is no longer taken to be about to be deployed, where
// the same queries are asked over and over.
constexpr std::chrono::seconds doubt_after{60};

// A call's total timeout strikes up to this much late, so that many of them are looked through together.
constexpr std::chrono::milliseconds total_slack{10};

// How many times the limit is to be open ahead while it still doubles: it doubles twice while a connection is opened.
constexpr std::size_t steps_ahead = 4;

// Nothing that the configuration says makes a client storm a server that is away.
constexpr std::chrono::milliseconds least_pause{20};

/// Pauses for the server begin longer than those of one query: it is the whole fleet that comes back.
policy::health_config health_of(const retry_config& retry) noexcept {
    const std::chrono::milliseconds initial = std::max(retry.initial_backoff * 5 / 2, least_pause);
    return {initial, std::max(retry.max_backoff, initial)};
}

policy::time_point later(policy::time_point from, std::chrono::nanoseconds by) noexcept {
    return by >= policy::never - from ? policy::never
                                      : from + std::chrono::duration_cast<policy::time_point::duration>(by);
}

}  // namespace

scheduler::scheduler(const client_config& config, std::uint64_t seed, counters& count)
    : config_(config),
      random_(seed),
      count_(count),
      ledger_(policy::bounded_pool(config), config.pipeline_depth),
      limit_(config.concurrency),
      bucket_(config.rate),
      budget_(config.retry),
      server_{policy::server_health(health_of(config.retry)), {}, {}},
      endpoints_(wire::endpoints.size(), server_),
      refusal_(server_) {
    alarms_.fill(policy::never);
    update_gauges();
}

void scheduler::submit(call_ptr who, policy::time_point now) {
    who->book.number = ++calls_;
    who->book.submitted = now;
    who->book.unwell_before = server_.health.unwell(now);
    if (closed_) {
        end(who, closed_);
        return;
    }
    if (config_.max_waiting != 0 && queue_.size() >= config_.max_waiting) {
        end(who, errc::queue_full);
        return;
    }
    const std::chrono::milliseconds total = who->total.count() != 0 ? who->total : config_.timeouts.total;
    if (total.count() != 0) {
        who->deadline = later(now, total);
        deadline_at(who->deadline);
    }
    if (const gate* const cause = holding(*who))
        set_alarm(patience, cause->health.next_try() == policy::never ? gives_up(*who, *cause) : now);
    queue_.push_back(std::move(who));
}

bool scheduler::take_back(call& who, error_code ec) {
    if (who.book.state != call_state::waiting && who.book.state != call_state::backing_off)
        return false;
    const call_ptr keep = who.shared_from_this();
    queue_.on_ended(who);
    end(keep, ec);
    return true;
}

void scheduler::close(error_code ec, const std::vector<call_ptr>& sent) {
    closed_ = ec;
    leave();
    ledger_ = policy::pool_ledger(policy::bounded_pool(config_), config_.pipeline_depth);
    in_flight_ = paused_ = 0;
    for (const call_ptr& who : sent)
        end(who, ec);
    for (const call_ptr& who : queue_.take_all())
        end(who, ec);
    alarms_.fill(policy::never);
}

std::vector<call_ptr> scheduler::abandon() {
    closed_ = boost::system::errc::make_error_code(boost::system::errc::operation_canceled);
    leave();
    alarms_.fill(policy::never);
    orders_.clear();
    return queue_.take_all();
}

void scheduler::share(std::shared_ptr<shared_health> with, std::function<void()> changed) {
    shared_ = std::move(with);
    client_ = shared_->join(std::move(changed));
}

void scheduler::leave() {
    if (!shared_)
        return;
    shared_->leave(client_);
    if (claimed_)
        publish();
    shared_.reset();
}

void scheduler::take_over(policy::time_point now) {
    std::optional<gate> seen = shared_->take(client_, version_);
    // Whoever tries knows more than the others.
    if (!seen || claimed_)
        return;
    const bool was_well = server_.health.well();
    server_ = std::move(*seen);
    if (server_.health.well()) {
        set_alarm(totals, now);
    } else {
        if (was_well)
            limit_.restart();
        set_alarm(health_check, server_.health.next_try());
    }
    set_alarm(patience, now);
}

/// Tells the other clients what was learnt.
void scheduler::publish() {
    if (!shared_)
        return;
    claimed_ = server_.health.at() == policy::server_health::state::trying && !server_.health.is_tried_elsewhere();
    gate told = server_;
    if (closed_ && claimed_)
        told.health.given_up();
    version_ = shared_->put(client_, told);
}

/// Whether this client may do something with a server that is not well: of several, one at a time.
bool scheduler::may_bother(policy::time_point now) {
    if (!shared_ || server_.health.well() || claimed_)
        return true;
    claimed_ = shared_->claim(client_, server_, version_);
    if (!claimed_)
        take_over(now);
    return claimed_;
}

/// Whoever has nothing to try with leaves it to others.
void scheduler::let_others_try() {
    const bool idle = queue_.sendable() == 0 || credentials_ == credentials_state::refused;
    if (claimed_ && idle && server_.health.at() == policy::server_health::state::resting)
        publish();
}

void scheduler::set_credentials(std::uint64_t generation) {
    credentials_generation_ = generation;
    credentials_ = credentials_state::unproven;
}

void scheduler::close_connection(std::size_t slot) {
    ledger_.closed(slot);
    orders_.push_back({order::kind::close, slot});
}

/// It carries nothing more than it does.
void scheduler::retire(std::size_t slot) {
    ledger_.retire(slot);
    if (ledger_.load(slot) == 0)
        close_connection(slot);
}

void scheduler::retire_connections(policy::time_point now) {
    for (const std::size_t slot : ledger_.in_use())
        retire(slot);
    // What was learnt about connections was learnt of other ones.
    openings_failed_ = 0;
    open_after_ = now;
}

void scheduler::opened(std::size_t slot, bool resumed, policy::time_point now) {
    ledger_.opened(slot, now);
    opening_error_ = {};
    count_.connections_opened.add(1);
    if (resumed)
        count_.connections_resumed.add(1);
}

policy::surroundings scheduler::around(const call* who) const noexcept {
    policy::surroundings all;
    all.answered_ever = server_.answered_ever;
    all.others_open = ledger_.open() != 0;
    all.lost_in_a_row = lost_in_a_row_;
    all.unanswered_in_a_row = unanswered_in_a_row_;
    if (who) {
        all.kind_answered_ever = answers_of_[who->target.index] != 0;
        all.answered_since = answers_ != who->book.answers_before;
        all.strange_in_a_row = kinds_[who->target.index].strange_in_a_row;
    }
    return all;
}

policy::verdict scheduler::judge(const policy::failure& why, const call* who) noexcept {
    const policy::verdict verdict = policy::judge(why, around(who));
    ++judged_[static_cast<std::size_t>(verdict.by)];
    return verdict;
}

void scheduler::open_failed(std::size_t slot, const policy::failure& why, jobmode::diagnostics known,
                            policy::time_point now) {
    ledger_.closed(slot);
    count_.connections_failed.add(1);
    opening_error_ = why.code;
    ++lost_in_a_row_;
    const policy::verdict verdict = judge(why, nullptr);
    opening_blamed_ = verdict.about;
    if (verdict.overload)
        limit_.on_overload(now);
    switch (verdict.about) {
        case policy::subject::query:
        case policy::subject::connection:
            connection_failed(now);
            break;
        case policy::subject::machine:
            connection_failed(now);
            if (ledger_.open() == 0)
                server_failed(server_, 0, why, std::move(known), now);
            break;
        case policy::subject::server:
            server_failed(server_, 0, why, std::move(known), now);
            break;
        case policy::subject::credentials:
            refuse_credentials(std::move(known), why.code, now);
            // The one for which it was opened is told; the others wait for better ones.
            if (call* const first = queue_.next([](const call&) { return false; })) {
                first->book.attempts = std::max(first->book.attempts, 1U);
                end_with(first->shared_from_this(), refusal_);
            }
            break;
        case policy::subject::trust:
            end_waiting(why.code, known, 1);
            break;
    }
}

void scheduler::begun(const call& who, policy::time_point now) {
    limit_.on_answer(now - who.book.sent_at, in_flight_, now);
}

void scheduler::paused(const call& who, policy::time_point now) {
    --in_flight_;
    ++paused_;
    // Nobody knows when the reader goes on.
    give_back_try(who, now);
}

void scheduler::resumed() {
    --paused_;
    ++in_flight_;
}

void scheduler::leave_flight(const call& who) noexcept {
    --(who.book.paused ? paused_ : in_flight_);
}

void scheduler::answered(std::size_t slot, const call_ptr& who, const policy::failure& why, policy::time_point now) {
    leave_flight(*who);
    if (ledger_.uses(slot) == 1 && policy::is_answer(why.code))
        openings_failed_ = 0;
    ledger_.finished(slot, now);
    if (ledger_.retiring(slot, now))
        retire(slot);
    settle(who, why, now);
}

void scheduler::ended(std::size_t slot, const call_ptr& first, const policy::failure& why, std::deque<call_ptr> rest,
                      policy::time_point now) {
    ledger_.closed(slot);
    requeue_all(std::move(rest), now);
    if (!first)
        return;
    leave_flight(*first);
    settle(first, why, now);
}

void scheduler::withdrawn(std::size_t slot, const call_ptr& who, error_code ec, std::deque<call_ptr> rest,
                          policy::time_point now) {
    ledger_.closed(slot);
    std::erase(rest, who);
    requeue_all(std::move(rest), now);
    leave_flight(*who);
    give_back_try(*who, now);
    end(who, ec);
}

/// What becomes of a call that has left its connection.
void scheduler::settle(const call_ptr& who, const policy::failure& why, policy::time_point now) {
    if (policy::is_answer(why.code)) {
        note_answer(*who, now);
        if (!why.code || why.code == errc::api_error || why.code == errc::no_such_user)
            budget_.on_answer();
        end(who, why.code);
        return;
    }
    policy::failure seen = why;
    // Once an attempt it costs nothing that a pooled connection was dead.
    seen.kept = seen.kept && !who->book.resent;
    if (policy::is_strange(why.code) && why.http_status != 408)
        note_strange(*who);
    if (why.code == errc::server_busy || why.code == errc::read_timeout)
        ++unanswered_in_a_row_;
    if (!seen.kept &&
        (why.code == errc::connection_lost || why.code == errc::http_malformed || why.code == errc::handshake_failed))
        ++lost_in_a_row_;
    const policy::verdict verdict = judge(seen, who.get());
    who->book.blamed = verdict.about;
    act_on(verdict, who, seen, now);
    give_back_try(*who, now);
}

void scheduler::note_answer(const call& who, policy::time_point now) {
    if (++answers_ == 1 && !server_.answered_ever) {
        server_.answered_ever = true;
        publish();
    }
    ++answers_of_[who.target.index];
    kinds_[who.target.index].strange_in_a_row = 0;
    kinds_[who.target.index].last_good = who.asked.login_name;
    lost_in_a_row_ = unanswered_in_a_row_ = 0;
    note_presence(who, now);
    endpoints_[who.target.index].health.answered(who.book.number, now);
    if (credentials_ == credentials_state::unproven && who.book.credentials == credentials_generation_)
        credentials_ = credentials_state::proven;
}

/// One user's queries, all answered strangely, tell nothing of the server: that takes another user, or one that was
/// answered well just before.
void scheduler::note_strange(const call& who) {
    kind_record& kind = kinds_[who.target.index];
    const std::string& user = who.asked.login_name;
    if (kind.strange_in_a_row == 0 || user != kind.last_strange || user == kind.last_good)
        ++kind.strange_in_a_row;
    kind.last_strange = user;
}

/// Whoever answers is there.
void scheduler::note_presence(const call& who, policy::time_point now) {
    if (!server_.health.answered(who.book.number, now))
        return;
    set_alarm(totals, now);
    publish();
}

void scheduler::act_on(const policy::verdict& what, const call_ptr& who, const policy::failure& why,
                       policy::time_point now) {
    call::notes& book = who->book;
    switch (what.about) {
        case policy::subject::query:
            if (what.overload)
                limit_.on_overload(now);
            // A page in place of an answer is looked at twice, if the server has done better before.
            if (policy::is_retryable(why.code) ||
                (policy::is_strange(why.code) && book.strange++ == 0 && answers_of_[who->target.index] != 0))
                retry(who, why, now);
            else
                end(who, why.code);
            return;
        case policy::subject::connection:
            if (what.charged) {
                connection_failed(now);
                book.wants_fresh = true;
                retry(who, why, now);
                return;
            }
            if (!why.kept)
                connection_failed(now);
            book.wants_fresh = book.resent = true;
            requeue(who, true, why.code);
            return;
        case policy::subject::server:
        case policy::subject::machine: {
            gate& which = policy::is_strange(why.code) && server_.answered_ever ? gate_of(*who) : server_;
            // Whoever tried alone lets another one have the next try.
            const bool tried = which.health.at() == policy::server_health::state::trying;
            jobmode::diagnostics known = who->diagnostics;
            const std::uint64_t number = book.number;
            // A query that is answered in no other way for so long may be what is wrong itself.
            if (policy::is_strange(why.code) && book.strange++ > config_.retry.max_retries && &which != &server_ &&
                !which.health.well() && now - which.health.since() >= doubt_after)
                end(who, why.code);
            else
                requeue(who, !tried, why.code);
            server_failed(which, number, why, std::move(known), now);
            return;
        }
        case policy::subject::credentials:
            if (book.credentials != credentials_generation_) {
                requeue(who, true, why.code);
                return;
            }
            note_presence(*who, now);
            refuse_credentials(who->diagnostics, why.code, now);
            end(who, why.code);
            return;
        case policy::subject::trust:
            end_waiting(why.code, who->diagnostics, 1);
            end(who, why.code);
            return;
    }
}

/// Tries a call again at its own cost, or ends it.
void scheduler::retry(const call_ptr& who, const policy::failure& why, policy::time_point now) {
    if (!who->book.opened && !closed_) {
        const policy::time_point deadline = deadline_of(*who, now);
        const policy::retry_decision decision = policy::decide_retry(
            config_.retry, budget_, who->book.attempts, why.retry_after,
            deadline == policy::never ? std::chrono::nanoseconds::max() : deadline - now, random_());
        if (decision.retry) {
            who->book.due = now + decision.pause;
            set_alarm(pauses, who->book.due);
            queue_.push_pausing(who);
            return;
        }
    }
    end(who, why.code);
}

/// Puts a call back at no charge; if it cannot be sent again it ends, because of `why`.
void scheduler::requeue(const call_ptr& who, bool in_front, error_code why) {
    if (who->book.opened || closed_) {
        end(who, closed_ ? closed_ : why);
        return;
    }
    who->book.next_is_free = true;
    if (credentials_ == credentials_state::refused)
        set_alarm(patience, refused_since_);
    if (in_front)
        queue_.push_front(who);
    else
        queue_.push_back(who);
}

/// Puts back what a connection carried behind the call that its end is about.
void scheduler::requeue_all(std::deque<call_ptr> rest, policy::time_point now) {
    for (; !rest.empty(); rest.pop_back()) {
        leave_flight(*rest.back());
        give_back_try(*rest.back(), now);
        rest.back()->book.blamed = policy::subject::connection;
        requeue(rest.back(), true, errc::connection_lost);
    }
}

void scheduler::server_failed(gate& which, std::uint64_t who, const policy::failure& why, jobmode::diagnostics known,
                              policy::time_point now) {
    if (which.health.well())
        limit_.restart();
    which.health.failed(who, now, why.retry_after, random_);
    which.code = why.code;
    which.known = std::move(known);
    if (&which == &server_)
        publish();
    set_alarm(health_check, which.health.next_try());
    set_alarm(patience, now);
    if (server_.answered_ever || config_.availability.wait_for_first_answer)
        return;
    // It has never answered: what it is tried again is one query's retries.
    if (which.health.failures() > config_.retry.max_retries || !policy::is_retryable(why.code) ||
        !budget_.try_spend()) {
        end_waiting(which.code, which.known, which.health.failures());
        // Whoever comes next may as well try.
        which.health.restart(now);
        if (&which == &server_)
            publish();
        if (which.health.well())
            set_alarm(totals, now);
        else
            set_alarm(health_check, which.health.next_try());
    }
}

void scheduler::refuse_credentials(jobmode::diagnostics known, error_code code, policy::time_point now) {
    credentials_ = credentials_state::refused;
    refused_since_ = now;
    refusal_.code = code;
    refusal_.known = std::move(known);
    set_alarm(patience, now);
}

/// A connection could not be opened or came to nothing, while others work: what is open is used.
void scheduler::connection_failed(policy::time_point now) {
    // What was opened together fails together, and is one sign.
    if (now < open_after_)
        return;
    ++openings_failed_;
    open_after_ = openings_failed_ == 1 ? now
                                        : now + policy::backoff(config_.retry, openings_failed_ - 1, random_()) +
                                              std::max(config_.retry.initial_backoff, least_pause);
    set_alarm(opening, open_after_);
}

void scheduler::end(const call_ptr& who, error_code ec) {
    who->book.state = call_state::ended;
    who->diagnostics.attempt = who->book.attempts;
    orders_.push_back({order::kind::complete, 0, who, ec});
}

void scheduler::end_waiting(error_code ec, const jobmode::diagnostics& known, unsigned attempts) {
    for (const call_ptr& who : queue_.take_all()) {
        who->diagnostics = known;
        who->diagnostics.server_away = true;
        who->book.attempts = std::max(who->book.attempts, attempts);
        end(who, ec);
    }
}

void scheduler::end_with(const call_ptr& who, const gate& cause) {
    queue_.on_ended(*who);
    who->diagnostics = cause.known;
    who->diagnostics.server_away = &cause != &refusal_;
    end(who, cause.code);
}

/// Why a call is held back, if it is.
const scheduler::gate* scheduler::holding(const call& who) const noexcept {
    if (credentials_ == credentials_state::refused)
        return &refusal_;
    if (!server_.health.well())
        return &server_;
    const gate& kind = endpoints_[who.target.index];
    return kind.health.well() ? nullptr : &kind;
}

policy::time_point scheduler::gives_up(const call& who, const gate& cause) const noexcept {
    if (&cause == &refusal_ && !who.waits_for_credentials)
        return refused_since_;
    const policy::time_point since = &cause == &refusal_ ? refused_since_ : cause.health.since();
    const std::chrono::milliseconds most = config_.availability.max_wait;
    const policy::time_point own = config_.availability.counts_in_total ? who.deadline : policy::never;
    return most.count() == 0 ? own : std::min(own, later(std::max(since, who.book.submitted), most));
}

bool scheduler::held(const call& who, policy::time_point now) const noexcept {
    return credentials_ == credentials_state::refused || !server_.health.may_send(now) ||
           !endpoints_[who.target.index].health.may_send(now);
}

void scheduler::give_back_try(const call& who, policy::time_point now) {
    for (policy::server_health* health : {&server_.health, &endpoints_[who.target.index].health}) {
        if (health->taken_back(who.book.number, now)) {
            set_alarm(patience, now);
            if (health == &server_.health)
                publish();
        }
    }
}

bool scheduler::may_open(policy::time_point now) const noexcept {
    return now >= open_after_ && (openings_failed_ == 0 || ledger_.connecting() == 0);
}

void scheduler::pump(policy::time_point now) {
    while (!closed_) {
        call* const next = queue_.next([this, now](const call& who) { return held(who, now); });
        const std::size_t limit = limit_.limit();
        if (!next || in_flight_ >= limit)
            break;
        const bool proving = credentials_ == credentials_state::unproven;
        if (proving && in_flight_ != 0)
            break;
        if (!bucket_.unlimited()) {
            const policy::time_point token = bucket_.next(now);
            if (token > now) {
                set_alarm(rate, token);
                break;
            }
        }
        policy::pool_ledger::want wanted;
        wanted.waiting = proving || holding(*next) ? 1 : std::min(queue_.sendable(), limit - in_flight_);
        wanted.exclusive = next->streams;
        // If no connection can be opened, one that works will do.
        wanted.fresh = next->book.wants_fresh && openings_failed_ == 0;
        wanted.may_open = may_open(now);
        if (!may_bother(now))
            break;
        const policy::pool_ledger::decision decision = ledger_.lease(now, wanted);
        if (decision.what == policy::pool_ledger::verdict::wait)
            break;
        switch (decision.what) {
            case policy::pool_ledger::verdict::open:
                orders_.push_back({order::kind::open, decision.slot});
                break;
            case policy::pool_ledger::verdict::discard:
                close_connection(decision.slot);
                break;
            case policy::pool_ledger::verdict::use:
                bucket_.try_take(now);
                assign(decision.slot, *next, now);
                break;
            case policy::pool_ledger::verdict::wait:
                break;
        }
    }
    let_others_try();
    open_ahead(now);
    watch_what_waits(now);
    close_unwanted();
    update_gauges();
}

void scheduler::keep_open(std::size_t connections) noexcept {
    if (connections > kept_open_)
        opening_error_ = {};
    kept_open_ = connections;
}

error_code scheduler::opening_error() const noexcept {
    if (credentials_ == credentials_state::refused)
        return refusal_.code;
    return server_.health.well() ? opening_error_ : server_.code;
}

/// How many connections are to be open before they are needed.
std::size_t scheduler::open_soon() const noexcept {
    // While the limit still doubles, what is in flight would have to wait for connections at each of its steps.
    const bool growing = limit_.starting() && credentials_ == credentials_state::proven &&
                         in_flight_ + 1 >= limit_.limit() && config_.pool.idle_timeout.count() != 0;
    const std::size_t queries = growing ? std::min(steps_ahead * limit_.limit(), in_flight_ + queue_.sendable()) : 0;
    return std::max(kept_open_, (queries + config_.pipeline_depth - 1) / config_.pipeline_depth);
}

/// Opens what is to be open before it is needed.
void scheduler::open_ahead(policy::time_point now) {
    const std::size_t soon = open_soon();
    while (!closed_ && server_.health.well() && credentials_ != credentials_state::refused && may_open(now) &&
           ledger_.open() + ledger_.connecting() < soon) {
        const std::optional<std::size_t> slot = ledger_.open_another();
        if (!slot)
            return;
        orders_.push_back({order::kind::open, *slot});
    }
}

std::size_t scheduler::sendable() const noexcept {
    if (credentials_ != credentials_state::proven || !server_.health.well())
        return 1;
    return std::min(limit_.limit(), ledger_.most() * config_.pipeline_depth);
}

void scheduler::assign(std::size_t slot, call& next, policy::time_point now) {
    call_ptr who = queue_.take(next);
    call::notes& book = who->book;
    book.state = call_state::sent;
    book.sent_at = now;
    book.answers_before = answers_;
    book.credentials = credentials_generation_;
    book.wants_fresh = false;
    server_.health.sent(book.number);
    gate_of(*who).health.sent(book.number);
    const bool free = std::exchange(book.next_is_free, false) && book.attempts != 0;
    if (book.attempts != 0 && !std::exchange(book.unsent, false))
        (free ? count_.resends : count_.retries).add(1);
    if (!free) {
        if (book.attempts != 0)
            who->diagnostics = jobmode::diagnostics();
        ++book.attempts;
        book.resent = false;
    }
    ++in_flight_;
    if (ledger_.uses(slot) > 1)
        count_.connections_reused.add(1);
    orders_.push_back({order::kind::assign, slot, std::move(who)});
}

/// Whatever waits is looked at again when that which holds it back is over.
void scheduler::watch_what_waits(policy::time_point now) {
    if (queue_.size() == 0)
        return;
    if (open_after_ > now)
        set_alarm(opening, open_after_);
    const auto watch = [this, now](const policy::server_health& health) {
        if (!health.well() && health.next_try() > now)
            set_alarm(health_check, health.next_try());
    };
    watch(server_.health);
    for (const gate& kind : endpoints_)
        watch(kind.health);
}

void scheduler::close_unwanted() {
    if (queue_.size() == 0)
        for (const std::size_t slot : ledger_.unwanted())
            close_connection(slot);
    if (const std::optional<policy::time_point> expiry = ledger_.next_expiry())
        set_alarm(idle_connections, *expiry);
    // The context should have nothing to run for the sake of a client that has nothing to do.
    if (idle())
        alarms_.fill(policy::never);
}

bool scheduler::due(policy::time_point now) {
    const auto struck = [this, now](alarm which) {
        if (alarms_[which] > now)
            return false;
        alarms_[which] = policy::never;
        return true;
    };
    struck(rate);
    struck(opening);
    struck(health_check);
    if (struck(pauses)) {
        queue_.wake(now);
        set_alarm(pauses, queue_.next_due());
    }
    if (struck(patience))
        check_patience(now);
    if (struck(idle_connections))
        for (const std::size_t slot : ledger_.expired(now))
            close_connection(slot);
    if (!struck(totals))
        return false;
    check_totals(now);
    return true;
}

void scheduler::check_totals(policy::time_point now) {
    std::vector<call_ptr> late;
    policy::time_point next = policy::never;
    queue_.for_each([&](const call_ptr& who) {
        const policy::time_point deadline = deadline_of(*who, now);
        if (deadline <= now)
            late.push_back(who);
        else
            next = std::min(next, deadline);
    });
    for (const call_ptr& who : late) {
        if (const gate* const cause = holding(*who)) {
            end_with(who, *cause);
        } else {
            queue_.on_ended(*who);
            end(who, errc::total_timeout);
        }
    }
    if (next != policy::never)
        deadline_at(std::max(next, now + total_slack));
}

/// Ends what has waited for the server for as long as it may, or would have to wait for longer.
void scheduler::check_patience(policy::time_point now) {
    std::vector<std::pair<call_ptr, const gate*>> tired;
    policy::time_point next = policy::never;
    queue_.for_each([&](const call_ptr& who) {
        const gate* const cause = holding(*who);
        if (!cause)
            return;
        const policy::time_point end_at = gives_up(*who, *cause);
        // What a try that is due in time comes to is waited for, also when that takes a little longer.
        const bool hopes = cause != &refusal_ && cause->health.try_due() <= end_at;
        const bool rests = cause != &refusal_ && cause->health.at() == policy::server_health::state::resting;
        if (!hopes && (rests || end_at <= now))
            tired.emplace_back(who, cause);
        else if (end_at > now)
            next = std::min(next, end_at);
    });
    for (const auto& [who, cause] : tired) {
        end_with(who, *cause);
        // Pauses of our own say nothing to whoever reads it.
        if (cause != &refusal_ && cause->health.asked_until() > now) {
            const auto left = std::chrono::ceil<std::chrono::seconds>(cause->health.asked_until() - now);
            std::string& detail = who->diagnostics.detail;
            detail += (detail.empty() ? "" : "; ") + std::string("the next try is due in ") +
                      std::to_string(left.count()) + " s, which is longer than this query may wait";
        }
    }
    set_alarm(patience, next);
}

policy::time_point scheduler::deadline_of(const call& who, policy::time_point now) const noexcept {
    if (config_.availability.counts_in_total || who.deadline == policy::never)
        return who.deadline;
    return later(who.deadline, server_.health.unwell(now) - who.book.unwell_before);
}

void scheduler::deadline_at(policy::time_point when) noexcept {
    // While the server is away and that does not count, all deadlines move with the clock.
    if (config_.availability.counts_in_total || server_.health.well())
        set_alarm(totals, when);
}

policy::time_point scheduler::next_alarm() const noexcept {
    return *std::ranges::min_element(alarms_);
}

void scheduler::set_alarm(alarm which, policy::time_point when) noexcept {
    alarms_[which] = std::min(alarms_[which], when);
}

void scheduler::update_gauges() {
    count_.in_flight.set(in_flight_);
    count_.waiting.set(queue_.size());
    count_.connections.set(ledger_.open());
    count_.in_flight_limit.set(limit_.limit());
    const auto ticks = [](policy::time_point when) {
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count());
    };
    const bool away = !server_.health.well();
    count_.away_since.set(away ? ticks(server_.health.since()) : 0);
    count_.next_try.set(away && server_.health.next_try() != policy::never ? ticks(server_.health.next_try()) : 0);
}

}  // namespace jobmode::engine

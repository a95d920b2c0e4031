// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "engine/core.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace jobmode::engine {
namespace {

// Long enough to spare a pool that opens many connections, short enough to follow a server that moves.
constexpr std::chrono::seconds addresses_serve_for{30};

/// `ListBackupJobMode`, of `/obs/api/json/ListBackupJobMode.do`.
std::string_view command_of(const wire::endpoint& which) noexcept {
    const std::string_view file = which.path.substr(which.path.rfind('/') + 1);
    return file.substr(0, file.rfind('.'));
}

attempt_subject subject_of(policy::subject about) noexcept {
    switch (about) {
        case policy::subject::query:
            return attempt_subject::query;
        case policy::subject::connection:
            return attempt_subject::connection;
        case policy::subject::server:
            return attempt_subject::server;
        case policy::subject::machine:
            return attempt_subject::machine;
        case policy::subject::credentials:
            return attempt_subject::credentials;
        case policy::subject::trust:
            return attempt_subject::trust;
    }
    return attempt_subject::nobody;
}

/// What Asio calls `operation_aborted`.
error_code aborted() noexcept {
    return {boost::system::errc::operation_canceled, boost::system::system_category()};
}

}  // namespace

core::core(const client_config& config, std::string cookie_path, wire::request_encoder encoder, std::uint64_t seed,
           counters& count)
    : config_(config),
      cookie_path_(std::move(cookie_path)),
      encoder_(std::move(encoder)),
      shared_{&encoder_, &buffers_, cookie_path_, config_.header_bytes, config_.timeouts.read},
      scheduler_(config_, seed, count) {}

core::~core() = default;

core::connection* core::find(connection_id id) noexcept {
    if (id.slot >= connections_.size() || !connections_[id.slot])
        return nullptr;
    connection& which = *connections_[id.slot];
    return which.at != phase_of::free && which.generation == id.generation ? &which : nullptr;
}

bool core::knows(connection_id id) const noexcept {
    return const_cast<core*>(this)->find(id) != nullptr;
}

session* core::session_of(connection_id id) noexcept {
    connection* const which = find(id);
    return which && which->carries ? &*which->carries : nullptr;
}

void core::submit(call_ptr who, const instant& now) {
    scheduler_.submit(std::move(who), now.steady);
    carry_on(now);
}

void core::cancel(call& who, error_code ec, const instant& now) {
    if (who.book.state == call_state::ended)
        return;
    if (who.book.state == call_state::sent)
        withdraw(who.shared_from_this(), ec, now);
    else
        scheduler_.take_back(who, ec);
    carry_on(now);
}

/// A call that a connection carries ends, and the connection with it.
void core::withdraw(const call_ptr& who, error_code ec, const instant& now) {
    const connection_id id = who->book.carrier;
    connection* const which = find(id);
    if (!which || !which->carries)
        return;
    which->carries->close();
    std::deque<call_ptr> carried = which->carries->take_calls();
    note(*which, *who, ec, true, now);
    scheduler_.withdrawn(id.slot, who, ec, carried, now.steady);
    for (const call_ptr& other : carried)
        if (other != who)
            note(*which, *other, errc::connection_lost, false, now);
    steps_.push_back({step::kind::close, id});
    drop(id.slot);
}

void core::resume(call& who, const instant& now) {
    if (who.book.state != call_state::sent || !who.book.paused)
        return;
    const connection_id id = who.book.carrier;
    session* const carrier = session_of(id);
    if (!carrier)
        return;
    scheduler_.resumed();
    carrier->resume(now);
    watch(*connections_[id.slot]);
    take_reports(id.slot, now);
    if (const session* const left = session_of(id); left && left->wants_bytes())
        steps_.push_back({step::kind::read, id});
    carry_on(now);
}

void core::close(const instant& now) {
    for (std::size_t slot = 0; slot != connections_.size(); ++slot)
        if (connections_[slot] && connections_[slot]->at != phase_of::free)
            steps_.push_back({step::kind::close, {static_cast<std::uint32_t>(slot), connections_[slot]->generation}});
    scheduler_.close(aborted(), take_carried());
    carry_on(now);
}

/// Drops all connections, and hands out what they carried.
std::vector<call_ptr> core::take_carried() {
    std::vector<call_ptr> all;
    for (const std::unique_ptr<connection>& which : connections_) {
        if (!which || which->at == phase_of::free)
            continue;
        if (which->carries) {
            which->carries->close();
            std::ranges::move(which->carries->take_calls(), std::back_inserter(all));
        }
        which->carries.reset();
        which->at = phase_of::free;
    }
    lookup_ = 0;
    return all;
}

std::vector<call_ptr> core::abandon() {
    std::vector<call_ptr> all = take_carried();
    std::ranges::move(scheduler_.abandon(), std::back_inserter(all));
    for (const call_ptr& who : all)
        who->book.state = call_state::ended;
    return all;
}

void core::set_encoder(wire::request_encoder encoder, const instant& now) {
    encoder_ = std::move(encoder);
    renew_credentials(now);
}

void core::renew_credentials(const instant& now) {
    scheduler_.set_credentials(++credentials_);
    carry_on(now);
}

void core::renew_connections(const instant& now) {
    // One that is being opened would be one of the old ones.
    for (std::size_t slot = 0; slot != connections_.size(); ++slot) {
        connection* const which = connections_[slot].get();
        if (!which || which->at == phase_of::free || which->at == phase_of::ready || which->at == phase_of::resolving)
            continue;
        steps_.push_back({step::kind::close, {static_cast<std::uint32_t>(slot), which->generation}});
        ++which->generation;
        which->since = now.steady;
        which->address.reset();
        order_open(slot);
    }
    scheduler_.retire_connections(now.steady);
    carry_on(now);
}

void core::share(std::shared_ptr<shared_health> with, std::function<void()> changed) {
    scheduler_.share(std::move(with), std::move(changed));
}

void core::others_learnt(const instant& now) {
    carry_on(now);
}

void core::keep_open(std::size_t connections, const instant& now) {
    scheduler_.keep_open(connections);
    carry_on(now);
}

void core::begin_opening(std::size_t slot, const instant& now) {
    if (connections_.size() <= slot)
        connections_.resize(slot + 1);
    if (!connections_[slot])
        connections_[slot] = std::make_unique<connection>();
    connection& which = *connections_[slot];
    ++which.generation;
    which.since = which.began = now.steady;
    which.connected = {};
    which.address.reset();
    which.resumed = false;
    which.number = ++opened_;
    which.carries.reset();
    if (addresses_.size() != 0 && addresses_known_since_ &&
        now.steady - *addresses_known_since_ < addresses_serve_for) {
        order_open(slot);
        return;
    }
    which.at = phase_of::resolving;
    watch(which);
    if (lookup_ != 0)
        return;
    lookup_ = ++lookups_;
    steps_.push_back({step::kind::resolve, {}, lookup_});
}

void core::order_open(std::size_t slot) {
    connection& which = *connections_[slot];
    which.at = phase_of::connecting;
    watch(which);
    steps_.push_back({step::kind::open, {static_cast<std::uint32_t>(slot), which.generation}, 0, addresses_.order()});
}

void core::resolved(std::uint64_t lookup, std::size_t addresses, error_code failure, const instant& now) {
    if (lookup == 0 || lookup != lookup_)
        return;
    lookup_ = 0;
    if (!failure) {
        addresses_.reset(addresses);
        addresses_known_since_ = now.steady;
    }
    for (std::size_t slot = 0; slot != connections_.size(); ++slot) {
        if (!connections_[slot] || connections_[slot]->at != phase_of::resolving)
            continue;
        if (!failure && addresses != 0) {
            order_open(slot);
            continue;
        }
        policy::failure why;
        why.code = errc::resolve_failed;
        why.cause = failure;
        why.phase = phase::resolve;
        jobmode::diagnostics known;
        known.phase = phase::resolve;
        known.cause = failure;
        known.detail = failure.message();
        fail_opening(slot, why, std::move(known), now);
    }
    carry_on(now);
}

void core::address_failed(connection_id id, std::size_t address) {
    if (find(id))
        addresses_.failed(address);
}

void core::tunnelling(connection_id id, std::size_t address) {
    connection* const which = find(id);
    if (!which || which->at != phase_of::connecting)
        return;
    which->at = phase_of::tunnelling;
    which->address = address;
}

void core::connected(connection_id id, std::size_t address, const instant& now) {
    connection* const which = find(id);
    if (!which || (which->at != phase_of::connecting && which->at != phase_of::tunnelling))
        return;
    which->at = phase_of::handshaking;
    which->address = address;
    which->since = which->connected = now.steady;
    watch(*which);
}

void core::opened(connection_id id, bool resumed, const instant& now) {
    connection* const which = find(id);
    if (!which || which->at != phase_of::handshaking)
        return;
    which->at = phase_of::ready;
    which->carries.emplace(shared_, now.steady);
    which->resumed = resumed;
    note_opening(*which, {}, now);
    addresses_.worked(*which->address);
    scheduler_.opened(id.slot, resumed, now.steady);
    carry_on(now);
}

void core::open_failed(connection_id id, const policy::failure& why, jobmode::diagnostics known, const instant& now) {
    connection* const which = find(id);
    if (!which || which->at == phase_of::ready)
        return;
    fail_opening(id.slot, why, std::move(known), now);
    carry_on(now);
}

void core::fail_opening(std::size_t slot, const policy::failure& why, jobmode::diagnostics known, const instant& now) {
    connection& which = *connections_[slot];
    if (which.address)
        addresses_.failed(*which.address);
    else if (which.at == phase_of::connecting)
        // None of them worked: they may be others by now.
        addresses_known_since_.reset();
    steps_.push_back({step::kind::close, {static_cast<std::uint32_t>(slot), which.generation}});
    drop(slot);
    scheduler_.learn(now.steady);
    scheduler_.open_failed(slot, why, std::move(known), now.steady);
    note_opening(which, why.code, now);
}

/// A note to be filled in; null if nobody asks for it. Valid until the next one.
core::attempt* core::note(const connection& which, policy::time_point began, const instant& now) {
    if (!config_.on_attempt)
        return nullptr;
    attempt& made = attempts_.emplace_back();
    made.address = which.address;
    made.info.connection = which.number;
    made.info.resumed = which.resumed;
    made.info.began = began;
    made.info.ended = now.steady;
    return &made;
}

void core::note(const connection& which, const call& who, error_code ec, bool cancelled, const instant& now) {
    attempt* const made = note(which, who.book.sent_at, now);
    if (!made)
        return;
    attempt_info& info = made->info;
    info.command = command_of(who.target);
    if (who.target.sends_login_name)
        made->login_name = who.asked.login_name;
    info.number = who.book.attempts;
    info.reused = who.book.request_begin != 0;
    info.answer_began = who.book.answer_began;
    info.bytes_sent = who.book.bytes_sent;
    info.bytes_received = who.book.bytes_received;
    info.error = ec;
    info.http_status = who.book.answer_began == policy::time_point() ? 0 : who.diagnostics.http_status;
    if (cancelled) {
        info.verdict = attempt_verdict::cancelled;
        return;
    }
    if (!ec)
        return;
    info.about = subject_of(who.book.blamed);
    switch (who.book.state) {
        case call_state::ended:
            info.verdict = attempt_verdict::failed;
            break;
        case call_state::backing_off:
            info.verdict = attempt_verdict::retried;
            break;
        case call_state::waiting:
        case call_state::sent:
            info.verdict = attempt_verdict::resent;
            break;
    }
}

void core::note_opening(const connection& which, error_code ec, const instant& now) {
    attempt* const made = note(which, which.began, now);
    if (!made)
        return;
    made->info.connected = which.connected;
    made->info.error = ec;
    if (!ec)
        return;
    made->info.about = subject_of(scheduler_.opening_blamed());
    made->info.verdict = attempt_verdict::failed;
}

void core::drop(std::size_t slot) {
    connection& which = *connections_[slot];
    which.at = phase_of::free;
    which.carries.reset();
}

void core::received(connection_id id, std::size_t bytes, const instant& now) {
    session* const which = session_of(id);
    if (!which)
        return;
    which->received(bytes, now);
    take_reports(id.slot, now);
    carry_on(now);
}

void core::end_of_stream(connection_id id, const instant& now) {
    session* const which = session_of(id);
    if (!which)
        return;
    which->end_of_stream(now);
    take_reports(id.slot, now);
    carry_on(now);
}

void core::lost(connection_id id, error_code cause, bool alert, const instant& now) {
    session* const which = session_of(id);
    if (!which)
        return;
    which->lost(cause, alert, now);
    take_reports(id.slot, now);
    carry_on(now);
}

void core::wrote(connection_id id, std::size_t bytes, const instant& now) {
    if (session* const which = session_of(id))
        which->wrote(bytes, now.steady);
}

/// Tells the scheduler what a session has come to.
void core::take_reports(std::size_t slot, const instant& now) {
    connection& which = *connections_[slot];
    std::vector<session_report>& reports = which.carries->reports();
    scheduler_.learn(now.steady);
    for (session_report& report : reports) {
        switch (report.what) {
            case session_report::kind::begun:
                scheduler_.begun(*report.who, now.steady);
                break;
            case session_report::kind::paused:
                scheduler_.paused(*report.who, now.steady);
                break;
            case session_report::kind::answered:
                scheduler_.answered(slot, report.who, report.why, now.steady);
                note(which, *report.who, report.why.code, false, now);
                break;
            case session_report::kind::ended: {
                const call_ptr first = std::move(report.who);
                const policy::failure why = report.why;
                const std::deque<call_ptr> rest = which.carries->take_calls();
                steps_.push_back({step::kind::close, {static_cast<std::uint32_t>(slot), which.generation}});
                drop(slot);
                scheduler_.ended(slot, first, why, rest, now.steady);
                if (first)
                    note(which, *first, why.code, false, now);
                for (const call_ptr& other : rest)
                    note(which, *other, errc::connection_lost, false, now);
                return;
            }
        }
    }
    reports.clear();
}

/// Lets the scheduler decide, and carries its orders out.
void core::carry_on(const instant& now) {
    scheduler_.learn(now.steady);
    scheduler_.pump(now.steady);
    for (order& next : scheduler_.orders()) {
        switch (next.what) {
            case order::kind::assign: {
                connection& which = *connections_[next.slot];
                const connection_id id{static_cast<std::uint32_t>(next.slot), which.generation};
                const bool first = which.carries->to_write().empty();
                next.who->book.carrier = id;
                which.carries->assign(std::move(next.who), now.steady);
                watch(which);
                if (first)
                    steps_.push_back({step::kind::write, id});
                break;
            }
            case order::kind::open:
                begin_opening(next.slot, now);
                break;
            case order::kind::close: {
                connection& which = *connections_[next.slot];
                which.carries->close();
                steps_.push_back({step::kind::close, {static_cast<std::uint32_t>(next.slot), which.generation}});
                drop(next.slot);
                break;
            }
            case order::kind::complete:
                steps_.push_back({step::kind::complete, {}, 0, {}, std::move(next.who), next.ec});
                break;
        }
    }
    scheduler_.orders().clear();
}

policy::time_point core::deadline_of(const connection& which) const noexcept {
    std::chrono::milliseconds allowed{0};
    switch (which.at) {
        case phase_of::free:
            return policy::never;
        case phase_of::resolving:
        case phase_of::connecting:
        case phase_of::tunnelling:
            allowed = config_.timeouts.connect;
            break;
        case phase_of::handshaking:
            allowed = config_.timeouts.handshake;
            break;
        case phase_of::ready:
            return which.carries->deadline();
    }
    return allowed.count() == 0 ? policy::never : which.since + allowed;
}

void core::watch(const connection& which) noexcept {
    connection_alarm_ = std::min(connection_alarm_, deadline_of(which));
}

policy::time_point core::next_alarm() const noexcept {
    return scheduler_.idle() ? policy::never : std::min(connection_alarm_, scheduler_.next_alarm());
}

void core::due(const instant& now) {
    if (connection_alarm_ <= now.steady) {
        connection_alarm_ = policy::never;
        check_connections(now);
    }
    if (scheduler_.due(now.steady))
        check_calls(now);
    carry_on(now);
}

phase core::phase_told(phase_of at) noexcept {
    switch (at) {
        case phase_of::resolving:
            return phase::resolve;
        case phase_of::connecting:
            return phase::connect;
        case phase_of::tunnelling:
            return phase::proxy;
        case phase_of::handshaking:
            return phase::handshake;
        case phase_of::free:
        case phase_of::ready:
            break;
    }
    return phase::none;
}

void core::check_connections(const instant& now) {
    for (std::size_t slot = 0; slot != connections_.size(); ++slot) {
        connection* const which = connections_[slot].get();
        if (!which || which->at == phase_of::free)
            continue;
        if (deadline_of(*which) > now.steady) {
            watch(*which);
            continue;
        }
        if (which->at == phase_of::ready) {
            which->carries->due(now);
            take_reports(slot, now);
            continue;
        }
        policy::failure why;
        const bool handshaking = which->at == phase_of::handshaking;
        why.code = handshaking ? errc::handshake_timeout : errc::connect_timeout;
        why.phase = phase_told(which->at);
        if (which->at == phase_of::resolving)
            lookup_ = 0;
        jobmode::diagnostics known;
        known.phase = why.phase;
        fail_opening(slot, why, std::move(known), now);
    }
}

/// Ends calls in flight whose total time is up.
void core::check_calls(const instant& now) {
    std::vector<call_ptr> late;
    policy::time_point next = policy::never;
    for (const std::unique_ptr<connection>& which : connections_) {
        if (!which || !which->carries)
            continue;
        for (const call_ptr& who : which->carries->calls()) {
            const policy::time_point deadline = scheduler_.deadline_of(*who, now.steady);
            if (deadline <= now.steady)
                late.push_back(who);
            else
                next = std::min(next, deadline);
        }
    }
    for (const call_ptr& who : late) {
        // The end of one can have ended another's connection.
        if (who->book.state != call_state::sent)
            continue;
        const connection_id id = who->book.carrier;
        session* const carrier = session_of(id);
        if (carrier && carrier->cut_refusal(*who, now))
            take_reports(id.slot, now);
        else
            withdraw(who, errc::total_timeout, now);
    }
    if (next != policy::never)
        scheduler_.deadline_at(next);
}

}  // namespace jobmode::engine

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "simulation/world.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/core.hpp"
#include "policy/random.hpp"
#include "wire/request.hpp"

namespace jobmode::simulation {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using engine::connection_id;
using policy::random_numbers;
namespace system_errc = boost::system::errc;

constexpr std::array<std::string_view, 2> passwords{"p0", "p1"};
constexpr std::string_view refusal_text = "Incorrect system username/password";

error_code canceled() {
    return {system_errc::operation_canceled, boost::system::system_category()};
}

error_code of_system(system_errc::errc_t code) {
    return {code, boost::system::system_category()};
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
    hash ^= value + 0x9E3779B97F4A7C15U + (hash << 6U) + (hash >> 2U);
    hash *= 0xBF58476D1CE4E5B9U;
    return hash ^ (hash >> 29U);
}

/// A number for a code that is the same everywhere: those of the operating system are not.
std::uint64_t code_number(error_code code) {
    if (!code)
        return 0;
    return code.category() == error_category() ? static_cast<std::uint64_t>(code.value()) : 1000;
}

/// The faults that can have a call end with this.
std::vector<fault> causes_of(error_code code) {
    using enum fault;
    if (code.category() != error_category()) {
        if (code == system_errc::operation_canceled)
            return {call_cancelled, client_closed, stream_not_read};
        if (code == system_errc::not_enough_memory)
            return {call_throws};
        return {};
    }
    switch (static_cast<errc>(code.value())) {
        case errc::resolve_failed:
            return {dns_fails, dns_glitch};
        case errc::connect_failed:
            return {server_refuses, surplus_refused, descriptors_run_out, address_refuses};
        case errc::connect_timeout:
            return {server_unreachable, dns_silent, address_hangs, clock_jumps};
        case errc::handshake_failed:
            return {handshake_alert, alert_after_handshake, handshake_garbage};
        case errc::handshake_timeout:
            return {handshake_hangs, server_hangs_in_handshake, surplus_hangs, server_unreachable, clock_jumps};
        case errc::certificate_rejected:
            return {certificate_changed, certificate_glitch};
        case errc::connection_lost:
            return {reset_in_request, reset_while_idle, closed_while_idle, handshake_closed, reset_in_answer,
                    closed_in_answer, no_close_notify,  server_resets_all, surplus_closed,   early_answer};
        case errc::read_timeout:
            return {silent_answer, stalled_answer, half_open, server_half_open, server_unreachable, clock_jumps};
        case errc::http_malformed:
            return {garbage_answer, noise_while_idle, surplus_answer};
        case errc::http_header_limit:
            return {long_header};
        case errc::http_status:
            return {not_found_404, deployed_404, request_timeout_408, early_answer, noise_while_idle};
        case errc::server_busy:
            return {busy_503,       busy_429, busy_with_retry_after, maintenance_503, maintenance_retry_after,
                    endless_refusal};
        case errc::redirected:
            return {redirect};
        case errc::content_encoded:
            return {encoded_body};
        case errc::authentication_refused:
            return {password_changed, unauthorized_401};
        case errc::proxy_authentication_required:
            return {proxy_refuses_credentials};
        case errc::api_error:
            return {fault::api_error};
        case errc::not_json:
            return {page_in_place_of_json, deployed_page};
        case errc::json_syntax:
            return {broken_json};
        default:
            return {};
    }
}

std::string http_date(std::chrono::sys_seconds when) {
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(when - day);
    const auto two = [](std::int64_t value) {
        return std::string(1, static_cast<char>('0' + value / 10)) + static_cast<char>('0' + value % 10);
    };
    static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    return "Sun, " + two(static_cast<unsigned>(date.day())) + ' ' +
           std::string(months.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3)) + ' ' +
           std::to_string(static_cast<int>(date.year())) + ' ' + two(time.hours().count()) + ':' +
           two(time.minutes().count()) + ':' + two(time.seconds().count()) + " GMT";
}

class world {
public:
    world(const script& plan, std::string* log)
        : plan_(plan),
          log_(log),
          random_(plan.seed ^ 0x5EED),
          core_(std::make_unique<engine::core>(plan.config, "/obs", encoder(0), plan.seed, counters_)),
          observed_(plan.config.rate.burst) {}

    report run();

private:
    class client_call;
    friend class client_call;

    enum class happens : std::uint8_t {
        submit,
        cancel,
        resume,
        resolved,
        reach,
        handshake,
        alert,
        up,
        down,
        end_down,
        reset_down,
        writable,
        drip,
        idle_end,
        keep_alive,
        tell_password,
        jump,
        jump_wall,
        close,
        abandon,
        reset_all,
        stale,
        look,
        probe,
        finish,
    };
    struct event {
        std::int64_t at;
        std::uint64_t order;
        happens what;
        std::uint32_t who = 0;
        std::uint64_t detail = 0;
    };
    struct later {
        bool operator()(const event& left, const event& right) const {
            return left.at != right.at ? left.at > right.at : left.order > right.order;
        }
    };

    /// A mark in what the server sends.
    struct mark {
        std::size_t at;
        std::optional<std::chrono::seconds> retry_after;
        bool unauthorized = false;
    };

    /// A connection, with both its ends and the way between them.
    struct link {
        link(connection_id which, std::vector<std::size_t> in_order, std::uint64_t seed)
            : id(which), order(std::move(in_order)), random(seed) {}
        connection_id id;
        std::vector<std::size_t> order;
        random_numbers random;
        std::size_t address = 0;
        bool client_open = true;
        bool connected = false;
        bool opened = false;
        bool checked = false;
        bool accepted = false;
        bool surplus = false;
        bool server_open = false;
        bool writing = false;
        bool eof = false;
        bool reset = false;
        bool truncated = false;
        bool whole_reads = false;
        std::int64_t dead_from = never.count();
        std::int64_t last_down = 0;
        std::int64_t last_up = 0;
        std::int64_t last_request = 0;
        /// Bytes to the client: on their way, there, and read.
        std::string down;
        std::size_t arrived = 0;
        std::size_t read = 0;
        std::deque<mark> marks;
        std::string up;
        std::size_t up_arrived = 0;
        std::size_t up_taken = 0;
        std::uint64_t up_total = 0;
        std::uint64_t reset_after = ~std::uint64_t{0};
        unsigned requests = 0;
        unsigned drips = 0;
    };

    /// What the rate limit must allow, measured apart from it.
    struct rate_watch {
        explicit rate_watch(double burst) : tokens(burst) {}
        double tokens;
        policy::time_point last{};
    };

    struct known_call {
        planned_call plan;
        std::shared_ptr<client_call> call;
        bool submitted = false;
        bool told = false;
        bool probe = false;
        /// The last request that was seen.
        connection_id carrier{~0U, 0};
        std::uint64_t request_begin = 0;
        bool ever_sent = false;
        bool was_waiting = false;
    };

    static wire::request_encoder encoder(std::size_t password) {
        return {"cbs.example.com", "", "sim", "api", secret(passwords.at(password))};
    }

    engine::instant clock() const {
        const std::int64_t tick = plan_.tick.count();
        const std::int64_t since = now_ / tick * tick + jumped_;
        return {policy::time_point(std::chrono::nanoseconds(1'000'000'000'000'000 + since)),
                std::chrono::sys_seconds(std::chrono::seconds(1'767'225'600 + since / 1'000'000'000 + wall_jumped_))};
    }
    std::optional<std::int64_t> alarm_at() const {
        const policy::time_point when = core_->next_alarm();
        if (when == policy::time_point::max())
            return std::nullopt;
        const std::int64_t since = when.time_since_epoch().count() - 1'000'000'000'000'000 - jumped_;
        const std::int64_t tick = plan_.tick.count();
        return since <= 0 ? 0 : (since + tick - 1) / tick * tick;
    }

    void violate(std::string what) {
        if (out_.violation.empty())
            out_.violation = std::move(what) + " (at " + std::to_string(now_ / 1000) + "us)";
    }
    void note(std::string_view what, std::uint64_t one = 0, std::uint64_t two = 0) {
        out_.trace = mix(mix(mix(out_.trace, static_cast<std::uint64_t>(now_)), one), two);
        for (const char c : what.substr(0, 4))
            out_.trace = mix(out_.trace, static_cast<unsigned char>(c));
        if (log_)
            *log_ += std::to_string(now_ / 1000) + "us " + std::string(what) + ' ' + std::to_string(one) + ' ' +
                     std::to_string(two) + '\n';
    }
    void reach(fault kind) { ++out_.reached[static_cast<std::size_t>(kind)]; }

    void schedule(std::int64_t at, happens what, std::uint32_t who = 0, std::uint64_t detail = 0) {
        events_.push_back({std::max(at, now_), ++order_, what, who, detail});
        std::ranges::push_heap(events_, later());
    }
    static std::int64_t random_time(random_numbers& random, span_of_time most) {
        return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most.count()) + 1));
    }
    /// Whether a fault strikes here, by its chance.
    bool strikes(fault kind, random_numbers& random) {
        const unsigned chance = plan_.chance[static_cast<std::size_t>(kind)];
        if (chance == 0 || random.below(10'000) >= chance || now_ >= plan_.calm_at.count() ||
            out_.reached[static_cast<std::size_t>(kind)] >= plan_.most[static_cast<std::size_t>(kind)])
            return false;
        reach(kind);
        return true;
    }
    bool under(fault kind) {
        for (const weather& one : plan_.skies)
            if (one.kind == kind && one.from.count() <= now_ && now_ < one.to.count()) {
                reach(kind);
                return true;
            }
        return false;
    }

    std::size_t server_password() const {
        return std::ranges::any_of(plan_.skies, [this](const weather& one) {
            return one.kind == fault::password_changed && one.from.count() <= now_;
        });
    }

    void happen(const event& what);
    void add_call(planned_call plan, bool probe);
    void submit(std::size_t index);
    void begin_probe();
    void perform();
    void ended(std::size_t index, error_code code);
    void followers(std::size_t index);
    void crawl_on();
    void begin_link(const engine::step& step);
    void reach_address(std::uint32_t ordinal, std::size_t place);
    void shake_hands(std::uint32_t ordinal);
    void close_link(connection_id id);
    void accept(link& which);
    void forget(link& which);
    void write(std::uint32_t ordinal);
    void read(std::uint32_t ordinal, bool look);
    void server_gets(std::uint32_t ordinal, std::size_t bytes);
    void answer(std::uint32_t ordinal, std::string_view request);
    std::int64_t send_down(std::uint32_t ordinal, std::string_view bytes, std::int64_t at, bool whole);
    void end_down(std::uint32_t ordinal, std::int64_t at, bool by_reset, bool truncated);
    void idle_faults(std::uint32_t ordinal);
    void stale(std::uint32_t ordinal, std::uint64_t kind);
    void observe();
    void observe_assignment(known_call& one);
    void check_waiting(const std::vector<std::size_t>& assigned);
    void check_code(const known_call& one, error_code code);
    void check_end();
    span_of_time bound() const;
    link* link_of(connection_id id) {
        if (id.slot >= current_.size() || current_[id.slot] == no_link)
            return nullptr;
        link& which = *links_[current_[id.slot]];
        return which.id == id ? &which : nullptr;
    }
    policy::time_point hold_until_ = policy::time_point::min();

    const script& plan_;
    std::string* log_;
    random_numbers random_;
    engine::counters counters_;
    std::unique_ptr<engine::core> core_;
    report out_;
    std::int64_t now_ = 0;
    std::int64_t jumped_ = 0;
    std::int64_t wall_jumped_ = 0;
    std::uint64_t order_ = 0;
    std::vector<event> events_;
    std::vector<known_call> calls_;
    std::vector<std::size_t> live_;
    std::vector<std::unique_ptr<link>> links_;
    static constexpr std::uint32_t no_link = ~0U;
    std::vector<std::uint32_t> current_;
    std::size_t open_links_ = 0;
    std::size_t server_connections_ = 0;
    bool performing_ = false;
    bool closed_ = false;
    bool abandoned_ = false;
    bool finished_ = false;
    unsigned probes_left_ = 0;
    std::uint64_t refused_credentials_ = ~std::uint64_t{0};
    /// Credentials that came before these were answered, or others after them.
    std::uint64_t proven_before_ = 0;
    std::uint64_t good_answers_ = 0;
    rate_watch observed_;
    unsigned urgent_in_a_row_ = 0;
    unsigned dues_in_a_row_ = 0;
    policy::time_point last_due_{};
    std::int64_t idle_dues_since_ = 0;
    unsigned idle_dues_ = 0;
};

/// Takes its answer apart: it must name the question.
class world::client_call final : public engine::call {
public:
    client_call(world& where, std::size_t index, const planned_call& plan)
        : call(*wire::endpoints[plan.endpoint],
               query("u" + std::to_string(plan.number),
                     std::chrono::year_month_day(std::chrono::year(2024), std::chrono::June, std::chrono::day(26)))),
          world_(where),
          index_(index),
          throws_(plan.throws),
          pause_(plan.pause) {
        streams = plan.streams;
        priority = plan.urgent ? call_priority::high : call_priority::normal;
        total = plan.total;
    }

    void on_attempt() override {
        check_alive("an attempt");
        if (opened_ && streams)
            world_.violate("a stream that had begun was sent again");
        body_.clear();
        complete_ = false;
    }
    void on_open() override {
        check_alive("an opening");
        opened_ = true;
        if (streams)
            resume_later();
    }
    engine::appetite on_piece(const engine::body_piece& piece, error_code&) override {
        check_alive("a piece");
        if (throws_) {
            world_.reach(fault::call_throws);
            throw std::bad_alloc();
        }
        body_.append(piece.bytes);
        if (piece.memory && world_.random_.below(2) == 0)
            kept_ = std::move(*piece.memory);
        if (!streams || world_.random_.below(3) == 0)
            return engine::appetite::more;
        resume_later();
        return engine::appetite::nothing_yet;
    }
    void on_complete(error_code& ec) override {
        check_alive("a completion");
        if (std::exchange(complete_, true))
            world_.violate("an answer was completed twice");
        ec = verdict();
        ok_ = !ec;
        if (!ec || ec == errc::api_error) {
            ++world_.good_answers_;
            world_.hold_until_ = policy::time_point::min();
        }
        if (ec == errc::authentication_refused)
            world_.refused_credentials_ = book.credentials;
        else if (ec != errc::not_json)
            world_.proven_before_ = std::max(world_.proven_before_, book.credentials + 1);
    }
    void on_end(error_code ec) override {
        if (!world_.performing_)
            world_.violate("a call was completed inside of the engine");
        if (std::exchange(ended_, true))
            world_.violate("a call was completed twice");
        if (book.state != engine::call_state::ended)
            world_.violate("a call was completed that has not ended");
        if (!ec && !ok_)
            world_.violate("a call succeeded without an answer");
    }
    void abandon() noexcept override { ended_ = true; }

    bool has_ended() const { return ended_; }

private:
    void check_alive(const char* what) {
        if (ended_ || world_.performing_)
            world_.violate(std::string(what) + " of a call that has ended, or out of turn");
        if (book.state == engine::call_state::ended)
            world_.violate(std::string(what) + " of a call whose end was told");
    }
    void resume_later() {
        if (pause_ == never) {
            world_.reach(fault::stream_not_read);
            return;
        }
        if (pause_ > span_of_time(10ms))
            world_.reach(fault::stream_is_slow);
        const bool calm = world_.now_ >= world_.plan_.calm_at.count();
        world_.schedule(world_.now_ + (calm ? 1'000'000 : pause_.count()), happens::resume,
                        static_cast<std::uint32_t>(index_));
    }
    error_code verdict() {
        if (body_.empty() || body_.front() != '{')
            return errc::not_json;
        if (body_.back() != '}')
            return errc::truncated;
        if (body_.find('#') != std::string::npos)
            return errc::json_syntax;
        if (body_.find("\"Error\"") != std::string::npos)
            return body_.find(refusal_text) != std::string::npos ? errc::authentication_refused : errc::api_error;
        const std::string name = target.index == 1 ? std::string("\"users\"")
                                                   : '"' + asked.login_name + '/' + std::to_string(target.index) + '"';
        if (body_.find(name) == std::string::npos)
            world_.violate("a call was given the answer to another question");
        return {};
    }

    world& world_;
    std::size_t index_;
    bool throws_;
    span_of_time pause_;
    std::string body_;
    engine::read_buffer kept_;
    bool opened_ = false;
    bool complete_ = false;
    bool ok_ = false;
    bool ended_ = false;
};

void world::add_call(planned_call plan, bool probe) {
    const std::size_t index = calls_.size();
    known_call one;
    one.plan = plan;
    one.probe = probe;
    one.call = std::make_shared<client_call>(*this, index, plan);
    calls_.push_back(std::move(one));
}

void world::submit(std::size_t index) {
    known_call& one = calls_[index];
    one.submitted = true;
    live_.push_back(index);
    note("submit", index);
    if (one.plan.total.count() != 0 && !one.probe)
        reach(fault::call_has_little_time);
    if (one.plan.cancelled_at != never)
        schedule(one.plan.cancelled_at.count(), happens::cancel, static_cast<std::uint32_t>(index));
    core_->submit(one.call, clock());
}

void world::begin_probe() {
    if (closed_ || abandoned_)
        return;
    --probes_left_;
    planned_call plan;
    plan.number = calls_.size() + 1'000'000;
    plan.total = std::chrono::minutes(30);
    add_call(plan, true);
    submit(calls_.size() - 1);
}

void world::followers(std::size_t index) {
    const unsigned count = calls_[index].plan.followers;
    for (unsigned number = 0; number != count; ++number) {
        planned_call plan;
        plan.number = calls_.size() + 1'000'000;
        plan.endpoint = calls_[index].plan.endpoint;
        add_call(plan, false);
        submit(calls_.size() - 1);
    }
}

/// Performs what the engine wants, as the driver does.
void world::perform() {
    std::vector<engine::step> todo;
    while (!core_->steps().empty() && out_.violation.empty()) {
        todo.clear();
        todo.swap(core_->steps());
        for (engine::step& step : todo) {
            switch (step.what) {
                case engine::step::kind::resolve: {
                    note("resolve", step.lookup);
                    std::uint64_t detail = step.lookup << 1U;
                    if (under(fault::dns_silent))
                        break;
                    if (under(fault::dns_fails) || strikes(fault::dns_glitch, random_))
                        detail |= 1U;
                    schedule(now_ + plan_.latency.count() + random_time(random_, 3ms), happens::resolved, 0, detail);
                    break;
                }
                case engine::step::kind::open:
                    begin_link(step);
                    break;
                case engine::step::kind::write: {
                    note("write", step.id.slot, step.id.generation);
                    link* const which = link_of(step.id);
                    if (which && !which->opened)
                        violate("something was to be written to a connection that was not open");
                    if (which && which->opened && !which->checked)
                        violate("something was to be written to a server that was not trusted");
                    if (which && !which->writing)
                        write(current_[step.id.slot]);
                    break;
                }
                case engine::step::kind::read:
                    note("read", step.id.slot, step.id.generation);
                    if (link_of(step.id))
                        schedule(now_, happens::look, current_[step.id.slot]);
                    break;
                case engine::step::kind::close:
                    note("close", step.id.slot, step.id.generation);
                    close_link(step.id);
                    break;
                case engine::step::kind::complete: {
                    const auto index = static_cast<std::size_t>(
                        std::ranges::find_if(live_, [&](std::size_t one) { return calls_[one].call == step.who; }) -
                        live_.begin());
                    if (index == live_.size()) {
                        violate("a call was completed twice, or never made");
                        break;
                    }
                    ended(live_[index], step.ec);
                    break;
                }
            }
        }
    }
}

void world::ended(std::size_t index, error_code code) {
    known_call& one = calls_[index];
    note("complete", index, code_number(code));
    performing_ = true;
    one.call->on_end(code);
    performing_ = false;
    one.told = true;
    std::erase(live_, index);
    ++(code ? out_.failed : out_.answered);
    out_.endings.push_back({one.plan.number, code, one.call->diagnostics, span_of_time(now_)});
    check_code(one, code);
    if (one.probe) {
        if (code)
            violate("a call made after all faults were over failed: " + code.message());
        else if (probes_left_ != 0)
            schedule(now_ + 1'000'000, happens::probe);
    }
    const bool pulls = plan_.crawl > calls_.size() && !one.probe;
    followers(index);
    if (pulls)
        crawl_on();
}

/// Pulls another query, as a crawl does when one has ended.
void world::crawl_on() {
    planned_call plan;
    plan.number = calls_.size() + 1'000'000;
    add_call(plan, false);
    submit(calls_.size() - 1);
}

void world::check_code(const known_call& one, error_code code) {
    if (!code || one.probe)
        return;
    if (code == errc::queue_full) {
        if (plan_.config.max_waiting == 0)
            violate("a queue without a bound was full");
        return;
    }
    if (code == errc::total_timeout) {
        if (one.plan.total.count() == 0 && plan_.config.timeouts.total.count() == 0)
            violate("a call without a total time ran out of it");
        return;
    }
    if (code == errc::connection_lost && plan_.keep_alive < span_of_time(1s))
        return;
    const std::vector<fault> causes = causes_of(code);
    if (std::ranges::none_of(causes, [this](fault kind) { return plan_.has(kind); }))
        violate("a call failed for a cause that is none of the faults: " + error_name(code) + ", " +
                one.call->diagnostics.describe(code));
}

void world::begin_link(const engine::step& step) {
    if (step.id.slot >= current_.size())
        current_.resize(step.id.slot + 1, no_link);
    if (current_[step.id.slot] != no_link)
        violate("a connection was opened in the place of one that was not closed");
    if (step.order.size() != plan_.addresses)
        violate("not all addresses are to be tried");
    const auto ordinal = static_cast<std::uint32_t>(links_.size());
    links_.push_back(std::make_unique<link>(step.id, step.order, plan_.seed * 0x9E3779B9U + ordinal));
    current_[step.id.slot] = ordinal;
    ++open_links_;
    out_.most_connections = std::max(out_.most_connections, open_links_);
    out_.openings.push_back(span_of_time(now_));
    note("open", step.id.slot, step.id.generation);
    link& which = *links_.back();
    schedule(now_ + 2 * plan_.latency.count() + random_time(which.random, 100us), happens::reach, ordinal, 0);
}

void world::close_link(connection_id id) {
    if (id.slot >= current_.size() || current_[id.slot] == no_link)
        return;
    const std::uint32_t ordinal = current_[id.slot];
    link& which = *links_[ordinal];
    if (which.id != id) {
        violate("a connection was closed that is no more");
        return;
    }
    which.client_open = false;
    --open_links_;
    current_[id.slot] = no_link;
    forget(which);
    if (strikes(fault::late_events, which.random))
        for (std::uint64_t more = 1 + which.random.below(3); more != 0; --more) {
            // One draw after the other: the order of arguments is the compiler's.
            const std::int64_t at = now_ + random_time(which.random, 500ms);
            schedule(at, happens::stale, ordinal, which.random.below(9));
        }
}

void world::forget(link& which) {
    if (std::exchange(which.server_open, false))
        --server_connections_;
}

void world::accept(link& which) {
    which.server_open = true;
    which.surplus = server_connections_ >= plan_.connections_allowed;
    ++server_connections_;
}

void world::reach_address(std::uint32_t ordinal, std::size_t place) {
    link& which = *links_[ordinal];
    if (!which.client_open || which.connected)
        return;
    const auto fail = [&](error_code code, error_code cause, phase at) {
        policy::failure why;
        why.code = code;
        why.cause = cause;
        why.phase = at;
        note("open failed", which.id.slot, code_number(code));
        core_->open_failed(which.id, why, diagnostics(), clock());
    };
    if (under(fault::descriptors_run_out)) {
        fail(errc::connect_failed, of_system(system_errc::too_many_files_open), phase::connect);
        return;
    }
    if (under(fault::server_unreachable))
        return;
    const bool last = place + 1 >= which.order.size();
    const bool surplus_refused = plan_.has(fault::surplus_refused) && server_connections_ >= plan_.connections_allowed;
    if (surplus_refused)
        reach(fault::surplus_refused);
    if (under(fault::server_refuses) || surplus_refused || strikes(fault::address_refuses, which.random)) {
        core_->address_failed(which.id, which.order[place]);
        if (last)
            fail(errc::connect_failed, of_system(system_errc::connection_refused), phase::connect);
        else
            schedule(now_, happens::reach, ordinal, place + 1);
        return;
    }
    if (strikes(fault::address_hangs, which.random)) {
        if (!last)
            schedule(now_ + 250'000'000, happens::reach, ordinal, place + 1);
        return;
    }
    if (under(fault::proxy_refuses_credentials)) {
        fail(errc::proxy_authentication_required, {}, phase::proxy);
        return;
    }
    which.connected = true;
    which.address = which.order[place];
    accept(which);
    note("connected", which.id.slot, which.address);
    core_->connected(which.id, which.address, clock());
    schedule(now_ + 4 * plan_.latency.count() + random_time(which.random, 300us), happens::handshake, ordinal);
}

void world::shake_hands(std::uint32_t ordinal) {
    link& which = *links_[ordinal];
    if (!which.client_open)
        return;
    if (under(fault::server_unreachable) || under(fault::server_hangs_in_handshake) ||
        strikes(fault::handshake_hangs, which.random))
        return;
    if (which.surplus && plan_.has(fault::surplus_hangs)) {
        reach(fault::surplus_hangs);
        return;
    }
    policy::failure why;
    why.phase = phase::handshake;
    if (strikes(fault::handshake_alert, which.random) || strikes(fault::handshake_garbage, which.random))
        why.code = errc::handshake_failed;
    else if (strikes(fault::handshake_closed, which.random))
        why.code = errc::connection_lost;
    else if (under(fault::certificate_changed) || strikes(fault::certificate_glitch, which.random))
        why.code = errc::certificate_rejected;
    if (why.code) {
        note("open failed", which.id.slot, code_number(why.code));
        core_->open_failed(which.id, why, diagnostics(), clock());
        return;
    }
    which.opened = which.checked = true;
    which.last_request = now_;
    if (strikes(fault::half_open, which.random))
        which.dead_from = now_ + random_time(which.random, 2s);
    if (strikes(fault::reset_in_request, which.random))
        which.reset_after = which.random.below(2'000);
    if (strikes(fault::alert_after_handshake, which.random))
        schedule(now_ + plan_.latency.count() + random_time(which.random, 1ms), happens::alert, ordinal);
    if (which.surplus && plan_.has(fault::surplus_closed)) {
        reach(fault::surplus_closed);
        const std::int64_t at = now_ + plan_.latency.count() + random_time(which.random, 200us);
        end_down(ordinal, at, which.random.below(2) == 0, false);
    }
    if (plan_.keep_alive != never)
        schedule(now_ + plan_.keep_alive.count(), happens::keep_alive, ordinal);
    note("opened", which.id.slot);
    core_->opened(which.id, which.random.below(2) == 0, clock());
    idle_faults(ordinal);
}

/// What may become of a connection that carries nothing.
void world::idle_faults(std::uint32_t ordinal) {
    link& which = *links_[ordinal];
    for (const fault kind : {fault::reset_while_idle, fault::closed_while_idle, fault::noise_while_idle})
        if (plan_.chance[static_cast<std::size_t>(kind)] != 0 && now_ < plan_.calm_at.count() &&
            which.random.below(10'000) < plan_.chance[static_cast<std::size_t>(kind)])
            schedule(now_ + random_time(which.random, which.random.below(2) == 0 ? span_of_time(2ms) : 1s),
                     happens::idle_end, ordinal, static_cast<std::uint64_t>(kind));
}

void world::write(std::uint32_t ordinal) {
    link& which = *links_[ordinal];
    engine::session* open = core_->session_of(which.id);
    if (!open || !which.client_open)
        return;
    if (open->was_idle()) {
        read(ordinal, true);
        open = core_->session_of(which.id);
        if (!open || !which.client_open)
            return;
        open->seen_silent();
    }
    const std::span<const char> bytes = open->to_write();
    which.writing = !bytes.empty();
    if (bytes.empty())
        return;
    if (which.reset && which.random.below(2) == 0) {
        note("write lost", which.id.slot);
        core_->lost(which.id, of_system(system_errc::broken_pipe), false, clock());
        return;
    }
    const std::size_t size = which.random.below(4) == 0 ? 1 + which.random.below(bytes.size()) : bytes.size();
    which.up.append(bytes.data(), size);
    which.last_up = std::max(which.last_up, now_ + plan_.latency.count() + random_time(which.random, 50us));
    schedule(which.last_up, happens::up, ordinal, size);
    core_->wrote(which.id, size, clock());
    which.writing = size != bytes.size();
    if (which.writing)
        schedule(now_ + random_time(which.random, 1ms), happens::writable, ordinal);
}

/// Lets the client read what is there, if it wants to. `look`: it looks whether an idle connection is silent.
void world::read(std::uint32_t ordinal, bool look) {
    link& which = *links_[ordinal];
    while (which.client_open && out_.violation.empty()) {
        engine::session* const open = core_->session_of(which.id);
        if (!open || !open->wants_bytes())
            return;
        if (!plan_.watches_idle && !look && open->calls().empty() && open->answered() != 0)
            return;
        const std::size_t there = which.arrived - which.read;
        if (there == 0) {
            if (which.reset) {
                note("lost", which.id.slot);
                core_->lost(which.id, of_system(system_errc::connection_reset), false, clock());
            } else if (which.eof) {
                note("end of stream", which.id.slot);
                if (which.truncated)
                    core_->lost(which.id, of_system(system_errc::connection_aborted), false, clock());
                else
                    core_->end_of_stream(which.id, clock());
            }
            return;
        }
        const std::span<char> room = open->room();
        if (room.empty()) {
            violate("a session has no room to read into");
            return;
        }
        std::size_t size = std::min(there, room.size());
        if (!which.whole_reads && which.random.below(4) == 0)
            size = 1 + which.random.below(size);
        if (room.size() > engine::buffer_pool::buffer_bytes + plan_.config.header_bytes)
            violate("a session reads into more memory than it may");
        std::memcpy(room.data(), which.down.data() + which.read, size);
        which.read += size;
        for (; !which.marks.empty() && which.marks.front().at <= which.read; which.marks.pop_front()) {
            const mark& told = which.marks.front();
            if (told.unauthorized && !open->calls().empty())
                refused_credentials_ = open->calls().front()->book.credentials;
            const engine::instant now = clock();
            if (told.retry_after)
                hold_until_ = std::max(hold_until_, now.steady + *told.retry_after);
        }
        if (which.read == which.down.size()) {
            which.down.clear();
            which.arrived = which.read = 0;
            which.marks.clear();
        }
        note("received", which.id.slot, size);
        core_->received(which.id, size, clock());
        observe();
        if (look)
            continue;
        perform();
    }
}

void world::server_gets(std::uint32_t ordinal, std::size_t bytes) {
    link& which = *links_[ordinal];
    which.up_arrived += bytes;
    which.up_total += bytes;
    if (!which.server_open || now_ >= which.dead_from)
        return;
    if (under(fault::server_unreachable) || under(fault::server_half_open)) {
        which.dead_from = now_;
        return;
    }
    if (which.up_total > which.reset_after) {
        end_down(ordinal, now_, true, false);
        return;
    }
    // Behind an answer without end nothing can come.
    while (which.server_open && which.drips == 0) {
        const std::string_view waiting =
            std::string_view(which.up).substr(which.up_taken, which.up_arrived - which.up_taken);
        if (waiting.empty())
            break;
        const std::size_t head = waiting.find("\r\n\r\n");
        const std::size_t length_at = waiting.find("Content-Length: ");
        std::size_t whole = std::string_view::npos;
        if (head != std::string_view::npos && length_at != std::string_view::npos) {
            std::size_t length = 0;
            for (std::size_t at = length_at + 16; waiting[at] >= '0' && waiting[at] <= '9'; ++at)
                length = length * 10 + static_cast<std::size_t>(waiting[at] - '0');
            whole = head + 4 + length;
        }
        if (whole > waiting.size()) {
            if (strikes(fault::early_answer, which.random)) {
                const std::int64_t at =
                    send_down(ordinal, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                              now_ + plan_.latency.count(), false);
                end_down(ordinal, at, false, false);
            }
            break;
        }
        which.up_taken += whole;
        which.last_request = now_;
        answer(ordinal, waiting.substr(0, whole));
    }
    if (which.up_taken == which.up.size()) {
        which.up.clear();
        which.up_arrived = which.up_taken = 0;
    }
}

std::int64_t world::send_down(std::uint32_t ordinal, std::string_view bytes, std::int64_t at, bool whole) {
    link& which = *links_[ordinal];
    which.down.append(bytes);
    const std::uint64_t pieces = whole ? 1 : 1 + (which.random.below(3) == 0 ? which.random.below(4) : 0);
    at = std::max(at, which.last_down);
    std::size_t left = bytes.size();
    for (std::uint64_t piece = 1; left != 0; ++piece) {
        const std::size_t size = piece >= pieces ? left : 1 + which.random.below(left);
        schedule(at, happens::down, ordinal, size);
        left -= size;
        if (left != 0)
            at += random_time(which.random, 500us);
    }
    which.last_down = at;
    return at;
}

void world::end_down(std::uint32_t ordinal, std::int64_t at, bool by_reset, bool truncated) {
    link& which = *links_[ordinal];
    which.last_down = std::max(at, which.last_down);
    forget(which);
    schedule(which.last_down, by_reset ? happens::reset_down : happens::end_down, ordinal, truncated ? 1 : 0);
}

/// The server's answer to a request.
void world::answer(std::uint32_t ordinal, std::string_view request) {
    link& which = *links_[ordinal];
    random_numbers& random = which.random;
    const auto text_of = [&](std::string_view key) -> std::string_view {
        const std::size_t at = request.find(key);
        if (at == std::string_view::npos)
            return {};
        const std::size_t from = at + key.size();
        return request.substr(from, request.find('"', from) - from);
    };
    if (request.find("\"SysPwd\":\""sv) == std::string_view::npos) {
        violate("a request does not hold what it must");
        return;
    }
    const std::string_view login = text_of("\"LoginName\":\"");
    out_.requests.push_back(span_of_time(now_));
    ++which.requests;
    const bool lists_users = request.find("ListUsers.do ") != std::string_view::npos;
    const bool lists_jobs = request.find("ListBackupJobs.do ") != std::string_view::npos;
    std::string body;
    std::string_view status = "200 OK";
    std::string extra;
    mark told{};
    enum class framing : std::uint8_t { length, chunks, until_close } frame = framing::length;
    bool closes = plan_.requests_per_connection != 0 && which.requests >= plan_.requests_per_connection;
    bool surplus = false;
    std::int64_t delay = random_time(random, plan_.think);
    const auto retry_later = [&] {
        told.retry_after = plan_.retry_after;
        extra += "Retry-After: ";
        if (!plan_.retry_after_is_date) {
            extra += std::to_string(plan_.retry_after.count());
        } else {
            // The clock of the server, whatever became of ours since.
            extra += http_date(clock().wall + plan_.retry_after) + "\r\nDate: " + http_date(clock().wall);
        }
        extra += "\r\n";
    };
    const auto ok_body = [&] {
        body = "{\"Status\":\"OK\",\"Data\":[\"";
        if (lists_users)
            body += "users";
        else
            body.append(login).append(lists_jobs ? "/2" : "/0");
        body += "\",\"";
        body.append(random.below(plan_.body_bytes + 1), 'x');
        body += "\"]}";
    };
    std::optional<std::size_t> cut;
    bool cut_by_reset = false;
    bool truncated_end = false;
    bool decided = true;
    bool drips = false;

    // A wrong password is noticed before anything else.
    if (request.find(std::string("\"SysPwd\":\"") + std::string(passwords.at(server_password())) + '"') ==
        std::string_view::npos) {
        ++out_.refused_password_requests;
        reach(fault::password_changed);
        if (plan_.refuses_by_status) {
            status = "401 Unauthorized";
            told.unauthorized = true;
        } else {
            body = "{\"Status\":\"Error\",\"Message\":\"" + std::string(refusal_text) + "\"}";
        }
    } else if (under(fault::maintenance_retry_after)) {
        status = "503 Service Unavailable";
        retry_later();
    } else if (under(fault::maintenance_503)) {
        status = "503 Service Unavailable";
    } else if (under(fault::deployed_404)) {
        status = "404 Not Found";
        body = "<html>404</html>";
    } else if (under(fault::deployed_page)) {
        body = "<html>soon</html>";
    } else {
        decided = false;
    }
    constexpr auto first = static_cast<std::uint64_t>(fault::slow_answer);
    constexpr auto past = static_cast<std::uint64_t>(fault::unauthorized_401) + 1;
    const std::uint64_t turn = random.below(past - first);
    for (std::uint64_t one = 0; !decided && one != past - first; ++one) {
        const auto kind = static_cast<fault>(first + (turn + one) % (past - first));
        if (plan_.chance[static_cast<std::size_t>(kind)] == 0 || kind == fault::early_answer ||
            (kind == fault::surplus_answer && (plan_.config.pipeline_depth != 1 || plan_.body_bytes > 6'000)) ||
            !strikes(kind, random))
            continue;
        decided = true;
        switch (kind) {
            case fault::slow_answer:
                ok_body();
                delay += random_time(random, 200ms);
                break;
            case fault::stalled_answer:
                ok_body();
                delay += random_time(random, 40s);
                break;
            case fault::silent_answer:
                which.dead_from = now_;
                return;
            case fault::reset_in_answer:
                ok_body();
                cut_by_reset = true;
                cut = random.below(body.size() + 90);
                break;
            case fault::closed_in_answer:
                ok_body();
                cut = random.below(body.size() + 90);
                break;
            case fault::no_close_notify:
                ok_body();
                frame = framing::until_close;
                truncated_end = true;
                if (random.below(2) == 0)
                    body.resize(random.below(body.size()));
                break;
            case fault::garbage_answer: {
                const std::int64_t at =
                    send_down(ordinal, "\x15\x03\x01 what?", now_ + plan_.latency.count() + delay, false);
                if (random.below(2) == 0)
                    end_down(ordinal, at, false, false);
                return;
            }
            case fault::surplus_answer:
                ok_body();
                surplus = true;
                break;
            case fault::long_header:
                extra = "X: " + std::string(plan_.config.header_bytes, 'y') + "\r\n";
                ok_body();
                break;
            case fault::request_timeout_408:
                status = "408 Request Timeout";
                closes = true;
                break;
            case fault::busy_503:
                status = "503 Service Unavailable";
                break;
            case fault::busy_429:
                status = "429 Too Many Requests";
                break;
            case fault::busy_with_retry_after:
                status = "503 Service Unavailable";
                retry_later();
                break;
            case fault::not_found_404:
                status = "404 Not Found";
                body = "<html>404</html>";
                break;
            case fault::page_in_place_of_json:
                body = "<html>log in</html>";
                break;
            case fault::redirect:
                status = "302 Found";
                extra = "Location: /login?to=x\r\n";
                break;
            case fault::encoded_body:
                extra = "Content-Encoding: gzip\r\n";
                body = "gz";
                break;
            case fault::api_error:
                body = R"({"Status":"Error","Message":"no such user"})";
                break;
            case fault::broken_json:
                body = R"({"Status":"OK","Data":[#]})";
                break;
            case fault::endless_refusal:
                status = "503 Service Unavailable";
                frame = framing::chunks;
                drips = true;
                break;
            case fault::unauthorized_401:
                status = "401 Unauthorized";
                told.unauthorized = true;
                break;
            default:
                break;
        }
    }
    if (!decided)
        ok_body();

    std::string bytes;
    if (random.below(16) == 0)
        bytes += "HTTP/1.1 100 Continue\r\n\r\n";
    bytes.append("HTTP/1.1 ").append(status).append("\r\n").append(extra);
    if (frame == framing::length && random.below(4) == 0 && !surplus)
        frame = framing::chunks;
    if (closes || frame == framing::until_close)
        bytes += "Connection: close\r\n";
    const auto hex = [](std::size_t value) {
        std::string text;
        do
            text.insert(text.begin(), "0123456789abcdef"[value & 15U]);
        while ((value >>= 4U) != 0);
        return text;
    };
    switch (frame) {
        case framing::length:
            bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
            break;
        case framing::until_close:
            bytes += "\r\n" + body;
            break;
        case framing::chunks:
            bytes += "Transfer-Encoding: chunked\r\n\r\n";
            for (std::size_t at = 0; at != body.size();) {
                const std::size_t size = 1 + random.below(body.size() - at);
                bytes += hex(size) + "\r\n" + body.substr(at, size) + "\r\n";
                at += size;
            }
            if (!drips)
                bytes += "0\r\n\r\n";
            break;
    }
    if (cut)
        bytes.resize(std::min(*cut, bytes.size()));
    if (surplus) {
        bytes += "HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{\"Status\":\"OK\",\"Data\":[\"surplus\"]}";
        which.whole_reads = true;
    }
    const std::int64_t at = send_down(ordinal, bytes, now_ + plan_.latency.count() + delay, surplus);
    if (told.retry_after || told.unauthorized) {
        told.at = which.down.size();
        which.marks.push_back(told);
    }
    if (drips) {
        which.drips = 1;
        schedule(at + 50'000'000, happens::drip, ordinal);
        return;
    }
    if (closes || cut || frame == framing::until_close) {
        end_down(ordinal, at + random_time(random, 100us), cut_by_reset, truncated_end);
        return;
    }
    idle_faults(ordinal);
}

/// Events of a connection that is no more must change nothing.
void world::stale(std::uint32_t ordinal, std::uint64_t kind) {
    const connection_id id = links_[ordinal]->id;
    if (core_->knows(id)) {
        violate("a connection that was closed is known");
        return;
    }
    const engine::instant now = clock();
    const policy::time_point alarm = core_->next_alarm();
    policy::failure why;
    why.code = errc::connect_failed;
    why.phase = phase::connect;
    switch (kind) {
        case 0:
            core_->connected(id, 0, now);
            break;
        case 1:
            core_->opened(id, false, now);
            break;
        case 2:
            core_->open_failed(id, why, diagnostics(), now);
            break;
        case 3:
            core_->received(id, 17, now);
            break;
        case 4:
            core_->end_of_stream(id, now);
            break;
        case 5:
            core_->lost(id, of_system(system_errc::connection_reset), true, now);
            break;
        case 6:
            core_->wrote(id, 5, now);
            break;
        case 7:
            core_->address_failed(id, 0);
            break;
        default:
            core_->resolved(1, 5, {}, now);
            break;
    }
    // A look-up that is under way may well be the first one.
    if (kind < 8 && (!core_->steps().empty() || core_->next_alarm() != alarm))
        violate("an event of a connection that is no more changed something");
}

void world::happen(const event& what) {
    const std::uint32_t who = what.who;
    switch (what.what) {
        case happens::submit:
            submit(who);
            break;
        case happens::cancel:
            if (!calls_[who].told) {
                reach(fault::call_cancelled);
                note("cancel", who);
                core_->cancel(*calls_[who].call, canceled(), clock());
            }
            break;
        case happens::resume:
            note("resume", who);
            core_->resume(*calls_[who].call, clock());
            break;
        case happens::resolved: {
            const bool failed = (what.detail & 1U) != 0;
            note("resolved", what.detail);
            core_->resolved(what.detail >> 1U, failed ? 0 : plan_.addresses,
                            failed ? error_code(errc::resolve_failed) : error_code(), clock());
            if (strikes(fault::late_events, random_))
                schedule(now_ + random_time(random_, 1s), happens::resolved, 0, what.detail);
            break;
        }
        case happens::reach:
            reach_address(who, what.detail);
            break;
        case happens::handshake:
            shake_hands(who);
            break;
        case happens::alert: {
            link& which = *links_[who];
            if (which.client_open && which.last_down == 0) {
                note("alert", which.id.slot);
                forget(which);
                core_->lost(which.id, of_system(system_errc::protocol_error), true, clock());
            }
            break;
        }
        case happens::up:
            server_gets(who, what.detail);
            break;
        case happens::down:
            links_[who]->arrived += what.detail;
            if (now_ < links_[who]->dead_from)
                read(who, false);
            else
                links_[who]->arrived -= what.detail;
            break;
        case happens::end_down:
        case happens::reset_down: {
            link& which = *links_[who];
            if (now_ >= which.dead_from)
                break;
            which.truncated = what.detail != 0;
            (what.what == happens::end_down ? which.eof : which.reset) = true;
            if (which.reset) {
                // What was not read yet is lost with the connection.
                which.arrived = which.read = 0;
                which.down.clear();
                which.marks.clear();
            }
            read(who, false);
            break;
        }
        case happens::writable:
            links_[who]->writing = false;
            write(who);
            break;
        case happens::drip: {
            link& which = *links_[who];
            if (!which.client_open || ++which.drips > 2'000)
                break;
            send_down(who, "1\r\nz\r\n", now_, true);
            schedule(now_ + 50'000'000, happens::drip, who);
            break;
        }
        case happens::idle_end: {
            link& which = *links_[who];
            const auto kind = static_cast<fault>(what.detail);
            if (!which.client_open || !which.server_open || which.arrived != which.down.size())
                break;
            reach(kind);
            if (kind == fault::noise_while_idle) {
                const bool word = which.random.below(2) == 0;
                const std::int64_t at =
                    send_down(who,
                              word ? "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                                   : "\x15\x03\x03?",
                              now_, true);
                end_down(who, at, false, false);
            } else {
                end_down(who, now_, kind == fault::reset_while_idle, false);
            }
            break;
        }
        case happens::keep_alive: {
            link& which = *links_[who];
            if (!which.client_open || !which.server_open)
                break;
            if (which.last_request + plan_.keep_alive.count() > now_ || which.arrived != which.down.size() ||
                which.last_down > now_)
                schedule(std::max(which.last_request + plan_.keep_alive.count(), now_ + 1'000'000), happens::keep_alive,
                         who);
            else
                end_down(who, now_ + plan_.latency.count(), false, false);
            break;
        }
        case happens::tell_password:
            note("password");
            core_->set_encoder(encoder(server_password()), clock());
            break;
        case happens::jump:
            reach(fault::clock_jumps);
            note("jump");
            jumped_ += plan_.jump_by.count();
            break;
        case happens::jump_wall:
            reach(fault::wall_clock_jumps);
            wall_jumped_ += static_cast<std::int64_t>(random_.below(20'000)) - 10'000;
            break;
        case happens::close:
            reach(fault::client_closed);
            note("close all");
            closed_ = true;
            core_->close(clock());
            break;
        case happens::abandon: {
            reach(fault::client_abandoned);
            note("abandon");
            abandoned_ = true;
            for (const engine::call_ptr& one : core_->abandon())
                one->abandon();
            for (const std::size_t index : live_)
                if (!calls_[index].call->has_ended())
                    violate("a call was forgotten when the client was abandoned");
            live_.clear();
            break;
        }
        case happens::reset_all:
            reach(fault::server_resets_all);
            for (std::uint32_t ordinal = 0; ordinal != links_.size(); ++ordinal)
                if (links_[ordinal]->client_open && links_[ordinal]->server_open && links_[ordinal]->opened)
                    end_down(ordinal, now_ + random_time(random_, 1ms), true, false);
            break;
        case happens::stale:
            reach(fault::late_events);
            stale(who, what.detail);
            break;
        case happens::look:
            read(who, false);
            break;
        case happens::probe:
            begin_probe();
            break;
        case happens::finish:
            if (!live_.empty())
                violate(std::to_string(live_.size()) +
                        " calls were not answered in time after the last fault, the first of them number " +
                        std::to_string(calls_[live_.front()].plan.number));
            finished_ = true;
            if (probes_left_ != 0)
                begin_probe();
            break;
    }
}

/// Looks at everything that can be seen from outside after an event.
void world::observe() {
    if (abandoned_ || !out_.violation.empty())
        return;
    const engine::scheduler& plan = core_->plan();
    if (out_.first_unwell == never)
        for (auto row = static_cast<std::size_t>(policy::rule::unreachable_server);
             row <= static_cast<std::size_t>(policy::rule::exhausted_machine); ++row)
            if (plan.judged()[row] != 0)
                out_.first_unwell = span_of_time(now_);
    std::size_t sent = 0;
    std::size_t waiting = 0;
    std::vector<std::size_t> assigned;
    for (const std::size_t index : live_) {
        known_call& one = calls_[index];
        const engine::call::notes& book = one.call->book;
        switch (book.state) {
            case engine::call_state::sent:
                sent += book.paused ? 0 : 1;
                if (one.carrier != book.carrier || one.request_begin != book.request_begin) {
                    assigned.push_back(index);
                    one.carrier = book.carrier;
                    one.request_begin = book.request_begin;
                }
                if (!core_->session_of(book.carrier))
                    violate("a call is carried by a connection that is no more");
                break;
            case engine::call_state::waiting:
            case engine::call_state::backing_off:
                ++waiting;
                one.carrier = {~0U, 0};
                break;
            case engine::call_state::ended:
                break;
        }
        if (book.attempts > plan_.config.retry.max_retries + 1)
            violate("a call was tried more often than it may be");
    }
    if (sent != plan.in_flight())
        violate("the count of calls in flight is wrong: " + std::to_string(plan.in_flight()) + ", not " +
                std::to_string(sent));
    if (waiting != plan.waiting())
        violate("the count of calls that wait is wrong: " + std::to_string(plan.waiting()) + ", not " +
                std::to_string(waiting));
    if (plan_.config.max_waiting != 0 && waiting > plan_.config.max_waiting + calls_.size())
        violate("more calls wait than may");
    const policy::pool_ledger& pool = plan.pool();
    if (pool.open() + pool.connecting() > pool.most())
        violate("there are more connections than may be");
    if (pool.connecting() > plan_.config.pool.max_connecting)
        violate("more connections are being opened than may be");
    if (open_links_ > pool.most())
        violate("the driver was told to hold more connections than may be");
    if (static_cast<double>(counters_.retries.get()) >
        plan_.config.retry.budget_reserve + plan_.config.retry.budget_ratio * static_cast<double>(good_answers_) + 1e-6)
        violate("more was tried again than the budget has");
    if (assigned.empty())
        return;
    if (sent > core_->plan().in_flight_limit())
        violate("more is in flight than may be");
    std::ranges::sort(assigned, {}, [this](std::size_t index) { return calls_[index].call->book.sent_at; });
    if (!plan.health().well() && (assigned.size() != 1 || plan.health().at() != policy::server_health::state::trying))
        violate("something was sent while the server rests");
    for (const std::size_t index : assigned)
        observe_assignment(calls_[index]);
    check_waiting(assigned);
}

void world::observe_assignment(known_call& one) {
    const engine::call::notes& book = one.call->book;
    const engine::instant now = clock();
    out_.sendings.push_back(span_of_time(now_));
    if (now.steady < hold_until_)
        violate("something was sent before the server wanted it to be");
    if (book.credentials == refused_credentials_)
        violate("something was sent with credentials that had been refused");
    if (book.credentials >= proven_before_ && core_->plan().in_flight() > 1)
        violate("more than one call was sent with credentials that nobody knew to be right");
    if (plan_.config.rate.queries_per_second > 0) {
        const double seconds = std::chrono::duration<double>(now.steady - observed_.last).count();
        observed_.tokens =
            std::min(plan_.config.rate.burst, observed_.tokens + seconds * plan_.config.rate.queries_per_second);
        observed_.last = now.steady;
        observed_.tokens -= 1;
        if (observed_.tokens < -1e-3)
            violate("more was sent than the rate allows");
    }
    const engine::session* const carrier = core_->session_of(book.carrier);
    if (carrier && carrier->calls().size() > plan_.config.pipeline_depth)
        violate("a connection carries more than it may");
    if (carrier && carrier->calls().size() > 1)
        for (const engine::call_ptr& each : carrier->calls())
            if (each->streams)
                violate("a stream shares its connection");
}

/// Whether the right ones were sent, of those that waited.
void world::check_waiting(const std::vector<std::size_t>& assigned) {
    unsigned urgent = 0;
    unsigned usual = 0;
    for (const std::size_t index : assigned)
        ++(calls_[index].plan.urgent ? urgent : usual);
    for (const std::size_t index : live_) {
        known_call& other = calls_[index];
        const engine::call::notes& book = other.call->book;
        if (book.state != engine::call_state::waiting || !other.was_waiting)
            continue;
        for (const std::size_t sent : assigned) {
            known_call& one = calls_[sent];
            const bool same_lane = one.plan.endpoint == other.plan.endpoint && one.plan.urgent == other.plan.urgent;
            const engine::call::notes& sent_book = one.call->book;
            const bool first_time = !one.ever_sent && sent_book.attempts == 1 && !sent_book.resent;
            if (same_lane && first_time && book.attempts == 0 && book.number < sent_book.number)
                violate("a call was sent before another that had come earlier");
        }
        const auto usual_here = std::ranges::count_if(assigned, [&](std::size_t sent) {
            return !calls_[sent].plan.urgent && calls_[sent].plan.endpoint == other.plan.endpoint;
        });
        // One in nine may be one that can wait.
        if (other.plan.urgent && book.attempts == 0 && core_->plan().health().well() &&
            usual_here > 1 + (urgent_in_a_row_ + urgent) / 8)
            violate("calls that can wait were sent before one that cannot");
    }
    urgent_in_a_row_ = usual == 0 ? urgent_in_a_row_ + urgent : urgent;
    for (const std::size_t index : assigned)
        calls_[index].ever_sent = true;
    for (const std::size_t index : live_)
        calls_[index].was_waiting = calls_[index].call->book.state == engine::call_state::waiting;
}

span_of_time world::bound() const {
    const client_config& config = plan_.config;
    span_of_time most = 60s;
    const auto connections = static_cast<std::int64_t>(std::min<std::size_t>(config.pool.max_connections, 8)) + 4;
    most += connections * span_of_time(config.timeouts.connect + config.timeouts.handshake + config.timeouts.read);
    most += std::int64_t{1 + config.retry.max_retries} * span_of_time(config.retry.max_backoff);
    most += plan_.retry_after;
    const auto count = static_cast<std::int64_t>(plan_.calls.size());
    most += 4 * count * (plan_.think + 10 * plan_.latency + 2 * plan_.tick + span_of_time(3ms));
    // Each connection that ends is replaced after the time for a handshake that hangs.
    if (plan_.has(fault::surplus_hangs))
        most += count * span_of_time(config.timeouts.handshake);
    if (config.rate.queries_per_second > 0)
        most += std::chrono::duration_cast<span_of_time>(
            std::chrono::duration<double>(4 * static_cast<double>(count) / config.rate.queries_per_second));
    return most;
}

void world::check_end() {
    if (abandoned_)
        return;
    if (open_links_ != 0)
        violate(std::to_string(open_links_) + " connections were left open");
    if (!closed_ && !core_->plan().idle())
        violate("the engine is not idle at the end");
    if (core_->next_alarm() != policy::time_point::max())
        violate("a timer runs while there is nothing to do");
    for (const known_call& one : calls_)
        if (one.submitted && !one.told)
            violate("a call has not ended");
}

report world::run() {
    for (const planned_call& one : plan_.calls)
        add_call(one, false);
    std::int64_t last = plan_.calm_at.count();
    for (std::size_t index = 0; index != plan_.calls.size(); ++index) {
        schedule(plan_.calls[index].at.count(), happens::submit, static_cast<std::uint32_t>(index));
        last = std::max(last, plan_.calls[index].at.count());
        if (plan_.calls[index].cancelled_at != never)
            last = std::max(last, plan_.calls[index].cancelled_at.count());
    }
    if (plan_.jump_at != never)
        schedule(plan_.jump_at.count(), happens::jump);
    if (plan_.has(fault::wall_clock_jumps))
        for (int more = 0; more != 3; ++more)
            schedule(random_time(random_, plan_.calm_at), happens::jump_wall);
    if (plan_.close_at != never)
        schedule(plan_.close_at.count(), happens::close);
    if (plan_.abandon_at != never)
        schedule(plan_.abandon_at.count(), happens::abandon);
    if (plan_.password_told_at != never)
        schedule(plan_.password_told_at.count(), happens::tell_password);
    if (plan_.has(fault::unauthorized_401) || plan_.has(fault::proxy_refuses_credentials))
        schedule(plan_.calm_at.count(), happens::tell_password);
    for (const weather& one : plan_.skies)
        if (one.kind == fault::server_resets_all)
            schedule(one.from.count(), happens::reset_all);
    probes_left_ = plan_.probes;
    const std::int64_t most = bound().count();
    schedule(last + most, happens::finish);

    const bool late_alarms = plan_.has(fault::alarm_is_late);
    std::int64_t alarm_delay = 0;
    std::uint64_t steps = 0;
    while (out_.violation.empty()) {
        const std::optional<std::int64_t> alarm = abandoned_ ? std::nullopt : alarm_at();
        if (!alarm && events_.empty())
            break;
        if (alarm && (events_.empty() || *alarm + alarm_delay <= events_.front().at)) {
            now_ = std::max(now_, *alarm + alarm_delay);
            if (alarm_delay != 0)
                reach(fault::alarm_is_late);
            if (plan_.tick > span_of_time(1))
                reach(fault::clock_stands_still);
            alarm_delay = late_alarms && random_.below(2) == 0 ? random_time(random_, 300ms) : 0;
            const engine::instant now = clock();
            note("due");
            ++out_.due_calls;
            core_->due(now);
            dues_in_a_row_ = now.steady == last_due_ ? dues_in_a_row_ + 1 : 0;
            last_due_ = now.steady;
            if (dues_in_a_row_ > 8 + 2 * plan_.calls.size())
                violate("the alarm spins: it is due at once, again and again");
            if (now_ - idle_dues_since_ > 1'000'000'000) {
                idle_dues_since_ = now_;
                idle_dues_ = 0;
            }
            if (core_->steps().empty() && ++idle_dues_ > 250 + 2 * plan_.calls.size())
                violate("the alarm goes off often for nothing");
        } else {
            std::ranges::pop_heap(events_, later());
            const event next = events_.back();
            events_.pop_back();
            now_ = std::max(now_, next.at);
            if (abandoned_)
                continue;
            happen(next);
        }
        if (!abandoned_) {
            observe();
            perform();
            observe();
        }
        if (now_ > last + 3 * most + 3'600'000'000'000)
            violate("the run does not come to its end");
        if (++steps > 5'000'000)
            violate("the run takes too many steps");
    }
    if (out_.violation.empty())
        check_end();
    out_.ended_at = span_of_time(now_);
    out_.retries = counters_.retries.get();
    out_.judged = core_->plan().judged();
    core_.reset();
    if (out_.violation.empty())
        for (const known_call& one : calls_)
            if (one.call.use_count() != 1)
                violate("something still holds a call at the end");
    return std::move(out_);
}

}  // namespace

std::size_t report::count_of(error_code code) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(endings, [code](const ending& one) { return one.code == code; }));
}

report run(const script& plan, std::string* log) {
    return world(plan, log).run();
}

script shrink(script plan) {
    // The same invariant must break, whatever the numbers in its text are.
    const auto broken = [](const script& candidate) {
        std::string text = run(candidate).violation;
        std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
        return text.substr(0, text.find('('));
    };
    const std::string first = broken(plan);
    const auto fails = [&](const script& candidate) { return broken(candidate) == first; };
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (std::size_t index = 0; index != fault_count; ++index) {
            const auto kind = static_cast<fault>(index);
            if (!plan.has(kind) && kind != fault::call_cancelled)
                continue;
            script candidate = plan;
            candidate.remove(kind);
            if ((candidate.has(kind) != plan.has(kind)) && fails(candidate)) {
                plan = std::move(candidate);
                smaller = true;
            }
        }
        for (std::size_t index = 0; index < plan.skies.size();) {
            script candidate = plan;
            candidate.skies.erase(candidate.skies.begin() + static_cast<std::ptrdiff_t>(index));
            if (fails(candidate)) {
                plan = std::move(candidate);
                smaller = true;
            } else {
                ++index;
            }
        }
        for (std::size_t share = std::max<std::size_t>(plan.calls.size() / 2, 1); share != 0; share /= 2)
            for (std::size_t index = 0; index + share <= plan.calls.size();) {
                script candidate = plan;
                const auto from = candidate.calls.begin() + static_cast<std::ptrdiff_t>(index);
                candidate.calls.erase(from, from + static_cast<std::ptrdiff_t>(share));
                if (fails(candidate)) {
                    plan = std::move(candidate);
                    smaller = true;
                } else {
                    index += share;
                }
            }
        // Each part of the configuration as it is by default, and each trait of the server.
        const client_config usual("https://cbs.example.com");
        const auto attempt = [&](auto change) {
            script candidate = plan;
            change(candidate);
            if (candidate.describe() != plan.describe() && fails(candidate)) {
                plan = std::move(candidate);
                smaller = true;
            }
        };
        attempt([&](script& one) { one.config.pool = usual.pool; });
        attempt([&](script& one) { one.config.timeouts = usual.timeouts; });
        attempt([&](script& one) { one.config.retry = usual.retry; });
        attempt([&](script& one) { one.config.availability = usual.availability; });
        attempt([&](script& one) { one.config.concurrency = usual.concurrency; });
        attempt([&](script& one) { one.config.rate = usual.rate; });
        attempt([](script& one) { one.config.pipeline_depth = 1; });
        attempt([](script& one) { one.config.max_waiting = 0; });
        attempt([](script& one) { one.config.header_bytes = 16 * 1024; });
        attempt([](script& one) { one.addresses = 1; });
        attempt([](script& one) { one.requests_per_connection = 0; });
        attempt([](script& one) { one.keep_alive = never; });
        attempt([](script& one) { one.latency = std::chrono::milliseconds(1); });
        attempt([](script& one) { one.think = span_of_time(0); });
        attempt([](script& one) { one.body_bytes = 60; });
        for (std::size_t index = 0; index != plan.calls.size(); ++index) {
            attempt([&](script& one) { one.calls[index].streams = false; });
            attempt([&](script& one) { one.calls[index].urgent = false; });
            attempt([&](script& one) { one.calls[index].endpoint = 0; });
            attempt([&](script& one) { one.calls[index].followers = 0; });
            attempt([&](script& one) { one.calls[index].total = {}; });
            attempt([&](script& one) { one.calls[index].cancelled_at = never; });
            attempt([&](script& one) { one.calls[index].at = {}; });
        }
        break;
    }
    return plan;
}

}  // namespace jobmode::simulation

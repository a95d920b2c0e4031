// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "net/driver.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <random>
#include <string>
#include <utility>

#include "wire/connect_request.hpp"

namespace jobmode::net {
namespace {

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

/// Takes the passwords out: what needs them has copies of its own, and one copy less is one less to be found.
wire::request_encoder make_encoder(client_config& config, const policy::base_url& base) {
    wire::request_encoder made(base.host_header, base.path, config.user_agent, config.sys_user, config.sys_pwd);
    config.sys_pwd = secret();
    return made;
}

std::uint64_t make_seed() {
    std::random_device source;
    return (std::uint64_t{source()} << 32U) | source();
}

}  // namespace

/// Breaks the circle of a coroutine that owns its client and waits for it, when the executor's context is destroyed
/// before it has run to its end: the context's destructor drops what it knows, and this drops what the drivers know.
class driver::shutdown_service final : public asio::execution_context::service {
public:
    static inline asio::execution_context::id id;

    explicit shutdown_service(asio::execution_context& context) : service(context) {}

    void add(const std::shared_ptr<driver>& which) {
        const std::scoped_lock lock(mutex_);
        std::erase_if(drivers_, [](const auto& known) { return known.expired(); });
        drivers_.push_back(which);
    }

private:
    void shutdown() override {
        std::vector<std::weak_ptr<driver>> drivers;
        {
            const std::scoped_lock lock(mutex_);
            drivers.swap(drivers_);
        }
        for (const std::weak_ptr<driver>& known : drivers)
            if (const std::shared_ptr<driver> which = known.lock())
                which->abandon();
    }

    std::mutex mutex_;
    std::vector<std::weak_ptr<driver>> drivers_;
};

void require_valid(const client_config& config) {
    std::string why;
    if (const error_code ec = config.validate(&why))
        throw boost::system::system_error(ec, why);
}

std::shared_ptr<driver> driver::make(asio::any_io_executor executor, client_config config) {
    require_valid(config);
    std::string why;
    policy::base_url base;
    if (const error_code ec = policy::parse_base_url(config.url, base, &why))
        throw boost::system::system_error(ec, why);
    policy::proxy_address proxy;
    if (const error_code ec = policy::parse_proxy(config.proxy, proxy, &why))
        throw boost::system::system_error(ec, why);
    auto& context = asio::query(executor, asio::execution::context);
    auto made = std::make_shared<driver>(std::move(executor), std::move(config), base, proxy);
    asio::use_service<shutdown_service>(context).add(made);
    if (made->config_.availability.shared)
        made->core_.share(made->config_.availability.shared, [weak = std::weak_ptr(made), where = made->executor_] {
            asio::post(where, [weak] {
                const std::shared_ptr<driver> self = weak.lock();
                if (!self || self->closed_)
                    return;
                self->core_.others_learnt(self->now());
                self->perform();
            });
        });
    return made;
}

driver::driver(asio::any_io_executor user_executor, client_config config, const policy::base_url& base,
               const policy::proxy_address& proxy)
    : user_executor_(std::move(user_executor)),
      executor_(serialise(user_executor_, config.thread_safe)),
      config_(std::move(config)),
      base_(base),
      redactor_({config_.sys_pwd, config_.proxy.password, proxy_credentials(config_.proxy)}),
      proxy_request_(proxy.host.empty() ? cleansed_buffer()
                                        : wire::encode_connect(base.host, base.port, config_.user_agent,
                                                               config_.proxy.user, config_.proxy.password)),
      resolver_(executor_, proxy.host.empty() ? base.host : proxy.host, proxy.host.empty() ? base.port : proxy.port),
      timer_(executor_),
      core_(config_, base.path + "/obs/api/json/", make_encoder(config_, base), make_seed(), counters_),
      drained_by_(executor_) {
    config_.proxy.password = secret();
    if (base_.tls)
        tls_ = make_tls(config_.tls);
}

driver::~driver() {
    close();
}

engine::instant driver::now() noexcept {
    const policy::time_point steady = std::chrono::steady_clock::now();
    // Dates are told to the second, and few answers have one: asking each time would cost more than it tells.
    if (steady - wall_read_at_ >= std::chrono::seconds(1)) {
        wall_read_at_ = steady;
        wall_ = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    }
    return {steady, wall_};
}

void driver::submit(engine::call_ptr who) {
    ++calls_;
    if (draining_) {
        who->book.state = engine::call_state::ended;
        complete(*who, asio::error::operation_aborted);
        return;
    }
    if (who->target.sends_login_name)
        if (const error_code ec = who->asked.validate(&who->diagnostics.detail)) {
            who->book.state = engine::call_state::ended;
            complete(*who, ec);
            return;
        }
    core_.submit(std::move(who), now());
    perform();
}

void driver::cancel(engine::call& who, error_code ec) {
    core_.cancel(who, ec, now());
    perform();
}

void driver::resume(engine::call& who) {
    core_.resume(who, now());
    perform();
}

void driver::set_credentials(std::string_view sys_user, const secret& sys_pwd) {
    redactor_.add(sys_pwd);
    core_.set_encoder(wire::request_encoder(base_.host_header, base_.path, config_.user_agent, sys_user, sys_pwd),
                      now());
    perform();
}

void driver::set_proxy_credentials(const std::string& user, const secret& password) {
    redactor_.add(password);
    proxy_config used = config_.proxy;
    used.user = user;
    used.password = password;
    redactor_.add(proxy_credentials(used));
    if (!proxy_request_.empty())
        proxy_request_ = wire::encode_connect(base_.host, base_.port, config_.user_agent, user, password);
    core_.renew_credentials(now());
    perform();
}

std::shared_ptr<tls_context> driver::make_tls(const tls_config& config) const {
    if (!base_.tls)
        throw boost::system::system_error(errc::invalid_config, "the server's URL is one without TLS");
    return std::make_shared<tls_context>(config, base_.host, base_.is_ip_literal);
}

void driver::set_tls(std::shared_ptr<tls_context> tls) {
    tls_ = std::move(tls);
    core_.renew_connections(now());
    perform();
}

void driver::shut_down(std::shared_ptr<count_handler> done, std::chrono::milliseconds most) {
    draining_ = true;
    const std::chrono::steady_clock::time_point by = std::chrono::steady_clock::now() + most;
    // The earliest of several times holds.
    if (shutdowns_.empty() || by < drained_by_.expiry()) {
        drained_by_.expires_at(by);
        drained_by_.async_wait([weak = weak_from_this()](error_code ec) {
            if (const std::shared_ptr<driver> self = ec ? nullptr : weak.lock())
                self->end_shutdown();
        });
    }
    shutdowns_.push_back(std::move(done));
    check_waits();
}

/// Cuts off what has not ended.
void driver::end_shutdown() {
    const std::size_t left = calls_;
    const auto all = std::exchange(shutdowns_, {});
    drained_by_.cancel();
    close();
    for (const std::shared_ptr<count_handler>& done : all)
        done->post({}, left);
}

void driver::warm_up(std::shared_ptr<count_handler> done, std::size_t connections) {
    warm_ups_.push_back({std::move(done), std::min(connections, core_.plan().pool().most())});
    core_.keep_open(std::ranges::max(warm_ups_, {}, &warm_up_wait::connections).connections, now());
    perform();
}

void driver::cancel_wait(const std::shared_ptr<count_handler>& done) {
    std::erase(shutdowns_, done);
    std::erase_if(warm_ups_, [&done](const warm_up_wait& one) { return one.done == done; });
    if (*done)
        done->post(asio::error::operation_aborted, 0);
    check_waits();
}

/// What the hook throws is its own affair.
void driver::tell_attempts() {
    std::vector<engine::core::attempt> all;
    all.swap(core_.attempts());
    for (engine::core::attempt& one : all) {
        one.info.login_name = one.login_name;
        if (one.address && *one.address < addresses_.size())
            one.info.address = to_text(addresses_[*one.address]);
        try {
            config_.on_attempt(one.info);
        } catch (...) {  // NOLINT(bugprone-empty-catch)
        }
    }
}

/// Tells those that wait for the pool or for the end of all calls.
void driver::check_waits() {
    if (draining_ && calls_ == 0 && !shutdowns_.empty())
        end_shutdown();
    if (warm_ups_.empty())
        return;
    const engine::scheduler& plan = core_.plan();
    const std::size_t open = plan.pool().open();
    // What cannot be opened now is not waited for.
    const error_code failed = closed_ ? error_code(asio::error::operation_aborted) : plan.opening_error();
    std::erase_if(warm_ups_, [open, failed](const warm_up_wait& one) {
        if (open < one.connections && !failed)
            return false;
        one.done->post(open == 0 ? failed : error_code(), open);
        return true;
    });
    core_.keep_open(warm_ups_.empty() ? 0 : std::ranges::max(warm_ups_, {}, &warm_up_wait::connections).connections,
                    now());
}

void driver::close() {
    if (std::exchange(closed_, true))
        return;
    resolver_.cancel();
    core_.close(now());
    perform();
    timer_.cancel();
}

void driver::abandon() {
    const std::shared_ptr<driver> self = shared_from_this();
    closed_ = true;
    resolver_.cancel();
    const std::vector<engine::call_ptr> all = core_.abandon();
    for (const std::shared_ptr<channel>& which : std::exchange(channels_, {}))
        if (which)
            which->close();
    for (const std::shared_ptr<count_handler>& done : std::exchange(shutdowns_, {}))
        done->drop();
    for (const warm_up_wait& one : std::exchange(warm_ups_, {}))
        one.done->drop();
    // Dropping one handler can destroy the client, a stream or a crawl, which then finds all of them ended.
    for (const engine::call_ptr& who : all)
        who->abandon();
}

void driver::perform() {
    // Telling a call its end can bring new calls: the loop that runs takes what they need done.
    if (performing_)
        return;
    performing_ = true;
    struct reset {
        bool& flag;
        ~reset() { flag = false; }
    } const at_end{performing_};
    while (!core_.steps().empty()) {
        performed_.clear();
        performed_.swap(core_.steps());
        for (engine::step& what : performed_)
            perform(what);
        if (!core_.attempts().empty())
            tell_attempts();
    }
    performed_.clear();
    arm_timer();
    if (!warm_ups_.empty() || !shutdowns_.empty())
        check_waits();
}

void driver::perform(engine::step& what) {
    switch (what.what) {
        case engine::step::kind::resolve:
            look_up(what.lookup);
            return;
        case engine::step::kind::open:
            if (!core_.knows(what.id))
                return;
            if (channels_.size() <= what.id.slot)
                channels_.resize(what.id.slot + 1);
            channels_[what.id.slot] = std::make_shared<channel>(*this, what.id);
            channels_[what.id.slot]->open(std::move(what.order));
            return;
        case engine::step::kind::write:
            if (const std::shared_ptr<channel> which = channel_of(what.id))
                which->write();
            return;
        case engine::step::kind::read:
            if (const std::shared_ptr<channel> which = channel_of(what.id))
                which->read();
            return;
        case engine::step::kind::close:
            if (const std::shared_ptr<channel> which = channel_of(what.id)) {
                which->close();
                channels_[what.id.slot].reset();
            }
            return;
        case engine::step::kind::complete:
            complete(*std::exchange(what.who, nullptr), what.ec);
            return;
    }
}

std::shared_ptr<channel> driver::channel_of(engine::connection_id id) const {
    if (id.slot >= channels_.size() || !channels_[id.slot] || channels_[id.slot]->id() != id)
        return nullptr;
    return channels_[id.slot];
}

void driver::complete(engine::call& who, error_code ec) {
    const engine::call_ptr keep = who.shared_from_this();
    if (ec) {
        jobmode::diagnostics& known = who.diagnostics;
        redactor_.redact_excerpt(known.excerpt);
        for (std::string* const text : {&known.server_message, &known.expt_type, &known.detail})
            redactor_.redact(*text);
        // A proxy's words are cut to a length.
        if (known.phase == phase::proxy)
            redactor_.redact_excerpt(known.detail);
    }
    if (ec != asio::error::operation_aborted) {
        counters_.queries.add(1);
        if (ec)
            counters_.failures.add(1);
        else
            counters_.add_latency(who.latency);
    }
    --calls_;
    who.on_end(ec);
}

void driver::look_up(std::uint64_t lookup) {
    resolver_.resolve([weak = weak_from_this(), lookup](error_code ec, std::vector<tcp::endpoint> found) {
        const std::shared_ptr<driver> self = weak.lock();
        if (!self || self->closed_)
            return;
        if (!ec)
            self->addresses_ = std::move(found);
        self->core_.resolved(lookup, self->addresses_.size(), ec, self->now());
        self->perform();
    });
}

void driver::arm_timer() {
    const policy::time_point next = core_.next_alarm();
    if (next == policy::time_point::max()) {
        // The context should have nothing to run for the sake of a client that has nothing to do.
        if (std::exchange(timer_at_, next) != next)
            timer_.cancel();
        return;
    }
    if (next >= timer_at_ || closed_)
        return;
    timer_at_ = next;
    timer_.expires_at(next);
    timer_.async_wait([weak = weak_from_this()](error_code ec) {
        const std::shared_ptr<driver> self = weak.lock();
        if (ec || !self || self->closed_)
            return;
        self->timer_at_ = policy::time_point::max();
        self->core_.due(self->now());
        self->perform();
    });
}

}  // namespace jobmode::net

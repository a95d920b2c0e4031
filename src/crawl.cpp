// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/crawl.hpp>

#include <boost/asio/error.hpp>
#include <boost/circular_buffer.hpp>

#include <algorithm>
#include <utility>
#include <vector>

#include "completion.hpp"
#include "net/engine.hpp"

namespace jobmode {

outcome::outcome() = default;
outcome::outcome(outcome&&) noexcept = default;
outcome& outcome::operator=(outcome&&) noexcept = default;
outcome::~outcome() = default;

crawl_options::crawl_options() = default;

/// The crawl itself, on its engine's executor. Its operations refer to it until they end or it is closed.
///
/// `probing`: the first query is in flight, alone. `open`: queries are pulled whenever there is room. `draining`: no
/// more are pulled. The consumer's wait ends when an outcome is ready, or when draining and nothing is in flight.
struct crawl::state : std::enable_shared_from_this<state> {
    class member;
    enum class stage : std::uint8_t { idle, probing, open, draining };
    using next_handler = completion<std::optional<outcome>>;

    state(std::shared_ptr<net::engine> owner, source from, crawl_options chosen)
        : engine(std::move(owner)), queries(std::move(from)), options(std::move(chosen)) {}

    void next(next_handler handler);
    void stop();
    void close();
    void refill();
    bool has_room() const;
    void pull();
    void on_outcome(outcome ended);
    void deliver();
    std::optional<outcome> take();

    std::shared_ptr<net::engine> engine;
    source queries;
    crawl_options options;
    stage at = stage::idle;
    bool refilling = false;
    std::uint64_t pulled = 0;
    error_code source_error;
    std::vector<std::shared_ptr<member>> in_flight;
    /// Grows as it must; unlike a deque, it does not allocate for every outcome, which is as large as a block of one.
    boost::circular_buffer<outcome> ready;
    next_handler consumer;
};

/// One query of the crawl.
class crawl::state::member final : public net::operation {
public:
    member(crawl::state& owner, query question, std::uint64_t index)
        : operation(net::request_kind::list, std::move(question)), owner_(&owner), index_(index) {}

    /// Its place among those in flight.
    std::size_t place = 0;

    /// The crawl is gone.
    void forget() noexcept { owner_ = nullptr; }

    void on_attempt() override { records_.clear(); }
    void on_batch(record_batch batch, const net::arrival& how) override {
        if (records_.empty())
            records_.reserve(std::min(how.records_in_all, most_expected));
        if (how.memory) {
            const std::size_t bytes = how.memory->size;
            records_.append(batch, std::move(how.memory->bytes), bytes);
            *how.memory = {};
        } else {
            records_.append(batch);
        }
    }
    void on_end(error_code ec) override {
        if (!owner_)
            return;
        outcome ended;
        ended.index = index_;
        ended.query = std::move(asked);
        ended.error = ec;
        ended.diagnostics = std::move(diagnostics);
        if (!ec)
            ended.records = std::move(records_);
        ended.latency = latency;
        // The owner lets go of this operation; whoever called still holds it.
        auto& mine = owner_->in_flight;
        mine.back()->place = place;
        std::swap(mine[place], mine.back());
        mine.pop_back();
        owner_->on_outcome(std::move(ended));
    }
    void abandon() noexcept override {
        if (!owner_)
            return;
        owner_->at = stage::draining;
        owner_->consumer.drop();
    }

private:
    /// What a header alone makes us reserve memory for.
    static constexpr std::size_t most_expected = 8192;

    crawl::state* owner_;
    std::uint64_t index_;
    record_list records_;
};

void crawl::state::next(next_handler handler) {
    consumer = std::move(handler);
    consumer.on_cancel([weak = weak_from_this()] {
        if (const std::shared_ptr<state> self = weak.lock())
            self->engine->enter([self] {
                if (self->consumer)
                    self->consumer.post(asio::error::operation_aborted, std::nullopt);
            });
    });
    if (at == stage::idle)
        at = options.probe_first ? stage::probing : stage::open;
    refill();
    deliver();
}

void crawl::state::stop() {
    at = stage::draining;
    deliver();
}

void crawl::state::close() {
    at = stage::draining;
    const std::vector<std::shared_ptr<member>> all = std::exchange(in_flight, {});
    for (const std::shared_ptr<member>& one : all)
        one->forget();
    for (const std::shared_ptr<member>& one : all)
        engine->cancel(*one, asio::error::operation_aborted);
    if (consumer)
        consumer.post(asio::error::operation_aborted, std::nullopt);
}

bool crawl::state::has_room() const {
    if (ready.size() >= std::max<std::size_t>(options.max_buffered, 1))
        return false;
    switch (at) {
        case stage::idle:
        case stage::draining:
            return false;
        case stage::probing:
            return in_flight.empty();
        case stage::open:
            return in_flight.size() < engine->in_flight_limit();
    }
    return false;
}

void crawl::state::refill() {
    // Submitting can end an operation at once, which asks for another one.
    if (std::exchange(refilling, true))
        return;
    while (has_room())
        pull();
    refilling = false;
}

void crawl::state::pull() {
    std::optional<query> asked;
    try {
        asked = queries();
    } catch (...) {
        source_error = errc::invalid_query;
    }
    if (!asked) {
        at = stage::draining;
        return;
    }
    auto one = std::make_shared<member>(*this, std::move(*asked), pulled++);
    one->place = in_flight.size();
    in_flight.push_back(one);
    engine->submit(std::move(one));
}

void crawl::state::on_outcome(outcome ended) {
    // A query that was not sent has tried nothing out.
    if (at == stage::probing && ended.error != errc::invalid_query)
        at = stage::open;
    const bool refused =
        (ended.error == errc::authentication_refused || ended.error == errc::proxy_authentication_required) &&
        options.stop_on_authentication_refused;
    // The client is closed: whatever was pulled now would end in the same way.
    if (refused || ended.error == asio::error::operation_aborted)
        at = stage::draining;
    if (ready.full())
        ready.set_capacity(std::max<std::size_t>(2 * ready.capacity(), 16));
    ready.push_back(std::move(ended));
    refill();
    deliver();
}

void crawl::state::deliver() {
    if (!consumer)
        return;
    if (std::optional<outcome> first = take()) {
        consumer.post({}, std::move(first));
        refill();
    } else if (at == stage::draining && in_flight.empty()) {
        consumer.post(std::exchange(source_error, {}), std::nullopt);
    }
}

std::optional<outcome> crawl::state::take() {
    if (ready.empty())
        return std::nullopt;
    std::optional<outcome> first(std::move(ready.front()));
    ready.pop_front();
    return first;
}

crawl::crawl(client& client, source queries, crawl_options options)
    : state_(std::make_shared<state>(client.engine_, std::move(queries), std::move(options))) {}

crawl::crawl(crawl&&) noexcept = default;

crawl& crawl::operator=(crawl&& other) noexcept {
    if (this != &other) {
        if (state_)
            state_->engine->enter([old = state_] { old->close(); });
        state_ = std::move(other.state_);
    }
    return *this;
}

crawl::~crawl() {
    if (state_)
        state_->engine->enter([old = state_] { old->close(); });
}

std::optional<outcome> crawl::try_next() {
    if (state_->engine->config().thread_safe)
        return std::nullopt;
    std::optional<outcome> first = state_->take();
    if (first)
        state_->refill();
    return first;
}

void crawl::stop() {
    state_->engine->enter([state = state_] { state->stop(); });
}

void crawl::start_next(detail::bound_handler<std::optional<outcome>> handler) {
    state::next_handler consumer(std::move(handler), state_->engine->user_executor());
    state_->engine->enter(
        [state = state_, consumer = std::move(consumer)]() mutable { state->next(std::move(consumer)); });
}

}  // namespace jobmode

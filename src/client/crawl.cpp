// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/crawl.hpp>

#include <boost/asio/error.hpp>
#include <boost/circular_buffer.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "client/record_reader.hpp"
#include "net/completion.hpp"
#include "net/driver.hpp"

namespace jobmode {

outcome::outcome() = default;
outcome::outcome(outcome&&) noexcept = default;
outcome& outcome::operator=(outcome&&) noexcept = default;
outcome::~outcome() = default;

crawl_options::crawl_options() = default;

/// The crawl itself, on its driver's executor. Its calls refer to it until they end or it is closed.
///
/// `open`: queries are pulled whenever there is room. `draining`: no more are pulled. The consumer's wait ends when an
/// outcome is ready, or when draining and nothing is in flight.
struct crawl::state : std::enable_shared_from_this<state> {
    class member;
    enum class stage : std::uint8_t { idle, open, draining };
    using next_handler = completion<std::optional<outcome>>;

    state(std::shared_ptr<net::driver> owner, source from, async_source from_later, crawl_options chosen)
        : driver(std::move(owner)),
          queries(std::move(from)),
          queries_later(std::move(from_later)),
          options(std::move(chosen)) {}

    void start_next(next_handler handler);
    void next(next_handler handler, std::uint64_t wait);
    void cancel_wait(std::uint64_t wait);
    void drop_source();
    void stop();
    void close();
    void refill();
    bool has_room() const;
    void pull();
    void ask_source();
    void supplied(std::optional<query> asked);
    void submit(query asked);
    void note_thrown() noexcept {
        thrown = std::current_exception();
        source_error = errc::source_failed;
    }
    void on_outcome(outcome ended);
    void deliver();
    std::optional<outcome> take();

    std::shared_ptr<net::driver> driver;
    /// The source may refer to what its owner destroys after the crawl: once that is gone, it is not called.
    std::mutex source_mutex;
    source queries;
    async_source queries_later;
    crawl_options options;
    stage at = stage::idle;
    bool refilling = false;
    std::uint64_t pulled = 0;
    /// An asynchronous source has been asked and has not answered.
    bool awaits_source = false;
    std::exception_ptr thrown;
    /// What is still to be told of it.
    error_code source_error;
    std::vector<std::shared_ptr<member>> in_flight;
    /// Grows as it must; unlike a deque, it does not allocate for every outcome, which is as large as a block of one.
    boost::circular_buffer<outcome> ready;
    next_handler consumer;
    /// Each wait of the consumer's has a number, from the moment in which it begins, so that a signal that cancels one
    /// wait never ends another.
    std::atomic<std::uint64_t> waits{0};
    std::uint64_t waiting = 0;
};

/// One query of the crawl.
class crawl::state::member final : public engine::call {
public:
    member(crawl::state& owner, query question, std::uint64_t index)
        : call(wire::list_backup_job_mode, std::move(question)), owner_(&owner), index_(index), reader_(*owner.driver) {
        waits_for_credentials = !owner.options.stop_on_authentication_refused;
    }

    /// Its place among those in flight.
    std::size_t place = 0;

    /// The crawl is gone.
    void forget() noexcept { owner_ = nullptr; }

    void on_attempt() override {
        reader_.begin();
        records_.clear();
    }
    engine::appetite on_piece(const engine::body_piece& piece, error_code& ec) override {
        const record_batch batch = reader_.feed(piece, ec, diagnostics);
        if (!batch)
            return engine::appetite::more;
        if (records_.empty())
            records_.reserve(std::min(record_reader::likely_records(piece, batch), most_expected));
        if (piece.memory) {
            const std::size_t bytes = piece.memory->size;
            records_.append(batch, std::move(piece.memory->bytes), bytes);
            *piece.memory = {};
        } else {
            records_.append(batch);
        }
        return engine::appetite::more;
    }
    void on_complete(error_code& ec) override { reader_.finish(ec, diagnostics); }
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
        // The owner lets go of this call; whoever tells it its end still holds it.
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
    record_reader reader_;
    record_list records_;
};

void crawl::state::start_next(next_handler handler) {
    const std::uint64_t wait = waits.fetch_add(1, std::memory_order_relaxed) + 1;
    handler.on_cancel([weak = weak_from_this(), wait] {
        if (const std::shared_ptr<state> self = weak.lock())
            self->driver->enter([self, wait] { self->cancel_wait(wait); });
    });
    driver->enter([self = shared_from_this(), handler = std::move(handler), wait]() mutable {
        self->next(std::move(handler), wait);
    });
}

void crawl::state::next(next_handler handler, std::uint64_t wait) {
    consumer = std::move(handler);
    waiting = wait;
    if (at == stage::idle)
        at = stage::open;
    refill();
    deliver();
}

void crawl::state::cancel_wait(std::uint64_t wait) {
    if (consumer && waiting == wait)
        consumer.post(asio::error::operation_aborted, std::nullopt);
}

void crawl::state::drop_source() {
    // Only with several threads can the source be running now; and it may not wait for itself.
    std::unique_lock lock(source_mutex, std::defer_lock);
    if (driver->config().thread_safe)
        lock.lock();
    queries = nullptr;
    queries_later = nullptr;
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
        driver->cancel(*one, asio::error::operation_aborted);
    if (consumer)
        consumer.post(asio::error::operation_aborted, std::nullopt);
}

bool crawl::state::has_room() const {
    // What is pulled is what can be sent.
    return at == stage::open && !awaits_source && ready.size() < std::max<std::size_t>(options.max_buffered, 1) &&
           in_flight.size() < driver->sendable();
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
    if (queries_later) {
        ask_source();
        return;
    }
    std::optional<query> asked;
    {
        std::unique_lock lock(source_mutex, std::defer_lock);
        if (driver->config().thread_safe)
            lock.lock();
        try {
            if (queries)
                asked = queries();
        } catch (...) {
            note_thrown();
        }
    }
    if (asked)
        submit(std::move(*asked));
    else
        at = stage::draining;
}

void crawl::state::ask_source() {
    awaits_source = true;
    const supply give = [weak = weak_from_this(),
                         given = std::make_shared<std::atomic<bool>>(false)](std::optional<query> asked) {
        const std::shared_ptr<state> self = weak.lock();
        // Twice is once.
        if (!self || given->exchange(true))
            return;
        self->driver->enter([self, asked = std::move(asked)]() mutable { self->supplied(std::move(asked)); });
    };
    std::unique_lock lock(source_mutex, std::defer_lock);
    if (driver->config().thread_safe)
        lock.lock();
    if (!queries_later)
        return;
    try {
        queries_later(give);
    } catch (...) {
        note_thrown();
        awaits_source = false;
        at = stage::draining;
    }
}

void crawl::state::supplied(std::optional<query> asked) {
    if (!std::exchange(awaits_source, false))
        return;
    if (!asked)
        at = stage::draining;
    else if (at == stage::open)
        submit(std::move(*asked));
    refill();
    deliver();
}

void crawl::state::submit(query asked) {
    auto one = std::make_shared<member>(*this, std::move(asked), pulled++);
    one->place = in_flight.size();
    in_flight.push_back(one);
    driver->submit(std::move(one));
}

void crawl::state::on_outcome(outcome ended) {
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
    : state_(std::make_shared<state>(client.driver_, std::move(queries), nullptr, std::move(options))) {}

crawl::crawl(client& client, async_source queries, crawl_options options)
    : state_(std::make_shared<state>(client.driver_, nullptr, std::move(queries), std::move(options))) {}

crawl::crawl(crawl&&) noexcept = default;

crawl& crawl::operator=(crawl&& other) noexcept {
    if (this != &other) {
        close();
        state_ = std::move(other.state_);
    }
    return *this;
}

crawl::~crawl() {
    close();
}

void crawl::close() noexcept {
    if (!state_)
        return;
    state_->drop_source();
    state_->driver->enter([old = state_] { old->close(); });
}

std::optional<outcome> crawl::try_next() {
    if (state_->driver->config().thread_safe)
        return std::nullopt;
    std::optional<outcome> first = state_->take();
    if (first)
        state_->refill();
    return first;
}

std::exception_ptr crawl::source_exception() const noexcept {
    return state_->thrown;
}

void crawl::stop() {
    state_->driver->enter([state = state_] { state->stop(); });
}

void crawl::start_next(detail::bound_handler<std::optional<outcome>> handler) {
    state_->start_next(state::next_handler(std::move(handler), state_->driver->user_executor()));
}

}  // namespace jobmode

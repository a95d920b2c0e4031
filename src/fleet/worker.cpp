// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>

#include "cli/messages/failure.hpp"
#include "fleet/item_result.hpp"
#include "fleet/problem.hpp"
#include "fleet/settings_store.hpp"

namespace jobmode::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long a free thread waits for an item before it gives its slot back and looks whether it is to stop.
constexpr milliseconds item_wait{1000};

// How often the limits of a server are read again.
constexpr std::chrono::seconds settings_age{5};

constexpr milliseconds longest_delay = std::chrono::minutes(10);

}  // namespace

/// One of a worker's threads, with what it has.
class worker::place {
public:
    explicit place(worker& owner)
        : owner_(owner),
          random_(std::random_device()()),
          queue_(owner.nats_, owner.called_.work_stream(), names::consumer(owner.key_),
                 owner.called_.work(owner.key_, "*")) {}

    void run() {
        while (!owner_.stopping()) {
            bool worked = false;
            try {
                read_settings();
                worked = take_items();
                if (owner_.settings_.until_empty && queue_is_empty(owner_.nats_, owner_.called_, owner_.key_))
                    return;
            } catch (const nats_error& problem) {
                if (!problem.transient())
                    throw;
            }
            if (!worked)
                owner_.pause(milliseconds(100 + random_() % 200));
        }
    }

private:
    void read_settings() {
        if (limits_ && steady_clock::now() < read_at_ + settings_age)
            return;
        const std::optional<stored_settings> found = fleet::read_settings(owner_.nats_, owner_.called_, owner_.key_);
        if (!found)
            throw nats_error(
                fmt::format("find a plan of {} in {}", owner_.settings_.server, owner_.called_.work_stream()),
                NATS_NOT_FOUND, 0);
        times_ = {owner_.nats_.bucket_lifetime(owner_.called_.slot_bucket()),
                  owner_.nats_.acknowledge_within(owner_.called_.work_stream(), names::consumer(owner_.key_))};
        if (!limits_ || limits_->in_flight != found->settings.in_flight)
            runner_.reset();
        limits_ = found->settings;
        read_at_ = steady_clock::now();
    }

    /// Works as long as there are a slot and items; false if there was none.
    bool take_items() {
        const std::unique_ptr<slot_lease> lease =
            slot_lease::acquire(owner_.nats_, owner_.called_.slot_bucket(), owner_.key_, limits_->slots,
                                static_cast<unsigned>(random_()) % limits_->slots, times_);
        if (!lease)
            return false;
        bool worked = false;
        while (!owner_.stopping() && lease->held() && lease->number() < limits_->slots) {
            std::optional<message> item = queue_.next(item_wait);
            if (!item)
                return worked;
            handle(*item, *lease);
            worked = true;
            read_settings();
        }
        return worked;
    }

    void handle(message& taken, slot_lease& lease) {
        const std::optional<work_item> item = work_item::parse(taken.data());
        if (!item || item->server != owner_.settings_.server) {
            owner_.log_.say(cli::message_log::level::error, "item_refused",
                            "an item in the queue is none of this program's: it is dropped");
            taken.refuse();
            return;
        }
        lease.hold(taken);
        struct letting_go {
            slot_lease& from;
            ~letting_go() { from.let_go(); }
        } const letting_go{lease};
        const std::uint64_t deliveries = taken.where().count;
        if (deliveries > 1 && is_done(*item)) {
            finish(taken, lease);
            return;
        }
        const item_ending ending = ask(*item, lease);
        switch (ending.how) {
            case item_ending::kind::refused:
                lease.let_go();
                taken.give_back(milliseconds(0));
                owner_.break_off(cli::exit_code_of(ending.error, ending.diagnostics), ending.why);
                return;
            case item_ending::kind::cut_off:
                give_back(taken, lease, milliseconds(0));
                return;
            case item_ending::kind::transient:
                if (deliveries < owner_.settings_.attempts) {
                    give_back(taken, lease, delay(deliveries));
                    return;
                }
                break;
            case item_ending::kind::complete:
                break;
        }
        if (publish(*item, ending))
            finish(taken, lease);
    }

    void give_back(message& taken, slot_lease& lease, milliseconds pause) {
        lease.let_go();
        ++owner_.counters_.given_back;
        taken.give_back(pause);
    }

    milliseconds delay(std::uint64_t deliveries) const {
        const auto doublings = static_cast<unsigned>(std::min<std::uint64_t>(deliveries - 1, 16));
        return std::min(owner_.settings_.retry_delay * (1U << doublings), longest_delay);
    }

    item_ending ask(const work_item& item, slot_lease& lease) {
        if (!runner_) {
            client_config mine = owner_.config_;
            mine.concurrency.max_in_flight = limits_->in_flight;
            mine.pool.max_connections = limits_->in_flight;
            runner_ = std::make_unique<item_runner>(mine);
        }
        return runner_->run(
            item, [&lease] { return lease.deadline(); }, [this] { owner_.open_gate(); });
    }

    bool is_done(const work_item& item) {
        return owner_.nats_.last(owner_.called_.result_stream(), owner_.called_.final_of(owner_.key_, item.id()))
            .has_value();
    }

    /// Publishes the parts of a result, and then its final, of which there is one: whoever comes second has worked for
    /// nothing. False if NATS cannot be reached and the worker is to stop.
    bool publish(const work_item& item, const item_ending& ending) {
        result_writer writer(owner_.nats_.max_payload());
        std::uint64_t records = 0;
        std::uint64_t failed = 0;
        for (const outcome& one : ending.outcomes) {
            writer.add(one);
            records += one.records.size();
            failed += one.error ? 1 : 0;
        }
        const std::string id = item.id();
        const std::string run = random_token();
        const auto stop = [this] { return owner_.stopping(); };
        for (std::size_t part = 0; part != writer.parts().size(); ++part)
            if (!persist(
                    [&] {
                        owner_.nats_.publish(owner_.called_.part(owner_.key_, id, run, part), writer.parts()[part],
                                             condition(fmt::format("{}.{}.{}", id, run, part)));
                    },
                    stop))
                return false;
        const std::string text = writer.final_of(id, run);
        if (!persist([&] { owner_.nats_.publish(owner_.called_.final_of(owner_.key_, id), text, condition(id)); },
                     stop))
            return false;
        ++owner_.counters_.items;
        owner_.counters_.queries += ending.outcomes.size();
        owner_.counters_.records += records;
        owner_.counters_.failed += failed;
        return true;
    }

    static connection::condition condition(std::string id) {
        connection::condition only;
        only.id = std::move(id);
        return only;
    }

    /// Last of all. If the server does not hear of it, the item comes again and is found to be done.
    void finish(message& taken, slot_lease& lease) {
        lease.let_go();
        try {
            taken.acknowledge();
        } catch (const nats_error& problem) {
            if (!problem.transient())
                throw;
        }
    }

    worker& owner_;
    std::minstd_rand random_;
    queue_reader queue_;
    std::optional<server_settings> limits_;
    lease_times times_{};
    steady_clock::time_point read_at_;
    std::unique_ptr<item_runner> runner_;
};

worker::worker(connection& nats, names called, client_config config, worker_settings settings,
               std::function<void()> on_end)
    : nats_(nats),
      called_(std::move(called)),
      config_(std::move(config)),
      settings_(std::move(settings)),
      key_(server_key(settings_.server)),
      on_end_(std::move(on_end)),
      running_(settings_.items) {
    config_.availability.shared = share_health();
    try {
        for (unsigned number = 0; number != settings_.items; ++number)
            threads_.emplace_back([this, number] { work(number); });
    } catch (const std::exception& problem) {
        join();
        throw std::runtime_error(
            fmt::format("cannot start a thread for each of {} items: {}", settings_.items, problem.what()));
    }
}

worker::~worker() {
    join();
}

void worker::join() {
    stop();
    for (std::thread& one : threads_)
        one.join();
}

void worker::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
}

cli::exit_code worker::result(std::string& problem) const {
    const std::scoped_lock lock(mutex_);
    problem = problem_;
    return code_;
}

void worker::work(unsigned number) {
    try {
        run_place(number);
    } catch (const std::exception&) {
        const cli::crawl_problem problem = problem_of(std::current_exception());
        break_off(problem.code, problem.text);
    }
    if (--running_ == 0)
        on_end_();
}

/// The first thread goes ahead with one query, so that a wrong password costs one attempt.
void worker::run_place(unsigned number) {
    if (number != 0) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return open_ || stopping_; });
        if (stopping_)
            return;
    }
    place(*this).run();
    // A thread that has found nothing left has nothing left for the others, either.
    if (number == 0)
        open_gate();
}

void worker::open_gate() {
    {
        const std::scoped_lock lock(mutex_);
        open_ = true;
    }
    wake_.notify_all();
}

void worker::break_off(cli::exit_code code, const std::string& problem) {
    {
        const std::scoped_lock lock(mutex_);
        if (problem_.empty()) {
            code_ = code;
            problem_ = problem;
        }
    }
    stop();
}

void worker::pause(milliseconds time) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, time, [this] { return stopping_.load(); });
}

}  // namespace jobmode::fleet

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/slot_lease.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

namespace jobmode::fleet {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

milliseconds fraction(std::chrono::nanoseconds of, int part) {
    return std::max(duration_cast<milliseconds>(of / part), milliseconds(1));
}

slot_lease::clock::time_point safe_until(slot_lease::clock::time_point sent, const lease_times& times) {
    return sent + times.lease * 4 / 5;
}

/// Creates a key that is not there, or that was deleted.
std::optional<std::uint64_t> create(connection& at, const std::string& bucket, const std::string& subject,
                                    const std::string& holder, milliseconds wait) {
    connection::condition absent;
    absent.wait = wait;
    if (const auto revision = at.publish(subject, holder, absent))
        return revision;
    const std::optional<message> there = at.last(bucket_stream(bucket), subject);
    if (!there || there->header("KV-Operation").empty())
        return std::nullopt;
    absent.last_sequence = there->sequence();
    return at.publish(subject, holder, absent);
}

}  // namespace

std::string random_token() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::unique_ptr<slot_lease> slot_lease::acquire(connection& at, const std::string& bucket, const std::string& server,
                                                unsigned slots, unsigned first, const lease_times& times) {
    const std::string holder = random_token();
    for (unsigned step = 0; step != slots; ++step) {
        const unsigned number = (first + step) % slots;
        std::string subject = key_subject(bucket, fmt::format("{}.{}", server, number));
        const clock::time_point sent = clock::now();
        if (const auto revision = create(at, bucket, subject, holder, fraction(times.lease, 2)))
            return std::unique_ptr<slot_lease>(
                new slot_lease(at, bucket, std::move(subject), number, holder, times, *revision, sent));
    }
    return nullptr;
}

slot_lease::slot_lease(connection& at, std::string bucket, std::string subject, unsigned number, std::string holder,
                       const lease_times& times, std::uint64_t revision, clock::time_point sent)
    : at_(at),
      bucket_(std::move(bucket)),
      subject_(std::move(subject)),
      number_(number),
      holder_(std::move(holder)),
      times_(times),
      revision_(revision),
      deadline_(safe_until(sent, times)),
      keeper_([this] { keep(); }) {}

slot_lease::~slot_lease() {
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    keeper_.join();
    if (lost_)
        return;
    try {
        connection::condition mine;
        mine.last_sequence = revision_;
        mine.wait = fraction(times_.lease, 2);
        mine.deletes_key = true;
        at_.publish(subject_, {}, mine);
    } catch (const nats_error&) {
        // It expires.
        return;
    }
}

slot_lease::clock::time_point slot_lease::deadline() const {
    const std::scoped_lock lock(mutex_);
    return deadline_;
}

void slot_lease::hold(message& item) {
    const std::scoped_lock lock(item_mutex_);
    item_ = &item;
}

void slot_lease::let_go() {
    const std::scoped_lock lock(item_mutex_);
    item_ = nullptr;
}

void slot_lease::keep() {
    const milliseconds every = fraction(std::min(times_.lease, times_.item), 4);
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, every, [this] { return ending_; })) {
        const bool lost = lost_;
        lock.unlock();
        extend_item();
        const bool kept = lost || renew();
        lock.lock();
        if (!kept) {
            lost_ = true;
            deadline_ = clock::now();
        }
    }
}

void slot_lease::extend_item() {
    const std::scoped_lock lock(item_mutex_);
    if (item_)
        item_->extend();
}

/// False if another has the slot, or had it.
bool slot_lease::renew() {
    for (int attempt = 0; attempt != 2; ++attempt) {
        try {
            connection::condition mine;
            mine.last_sequence = revision_;
            mine.wait = fraction(times_.lease, 4);
            const clock::time_point sent = clock::now();
            if (const auto revision = at_.publish(subject_, holder_, mine)) {
                revision_ = *revision;
                const std::scoped_lock lock(mutex_);
                deadline_ = std::max(deadline_, safe_until(sent, times_));
                return true;
            }
            // A renewal of ours whose answer was lost has written a later revision.
            const std::optional<message> there = at_.last(bucket_stream(bucket_), subject_);
            if (!there || there->data() != holder_)
                return false;
            revision_ = there->sequence();
        } catch (const nats_error&) {
            // What is not renewed in time ends by its deadline.
            return true;
        }
    }
    return true;
}

}  // namespace jobmode::fleet

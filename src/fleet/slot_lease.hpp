// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "fleet/nats.hpp"

namespace jobmode::fleet {

/// How long leases and items last without a word from whoever has them.
struct lease_times {
    /// A lease that is not renewed for so long can be taken by another.
    std::chrono::nanoseconds lease;
    /// An item that is not extended for so long is handed to another.
    std::chrono::nanoseconds item;
};

/// The right to work on one item of a server at a time. Kept by a thread of its own, which renews it, and extends the
/// item in hand, until this object ends and gives the slot back.
///
/// A slot is a key of a bucket whose values expire. It is created only where it is not, and renewed only at the
/// revision that this holder wrote last, so that it has one holder at a time. `deadline` is reckoned from before the
/// last renewal was sent, with a fifth of the lifetime to spare: it passes before the value can have expired.
class slot_lease {
public:
    using clock = std::chrono::steady_clock;

    /// Takes one of the `slots` slots of a server, looking at them from number `first` on; null if all are taken.
    /// Throws `nats_error`.
    static std::unique_ptr<slot_lease> acquire(connection& at, const std::string& bucket, const std::string& server,
                                               unsigned slots, unsigned first, const lease_times& times);
    slot_lease(const slot_lease&) = delete;
    slot_lease& operator=(const slot_lease&) = delete;
    ~slot_lease();

    /// Until when it is safe to work.
    clock::time_point deadline() const;
    bool held() const { return clock::now() < deadline(); }
    unsigned number() const noexcept { return number_; }

    /// Extends this item, too, from now on; it must live until `let_go`, and nothing is said of it before that: a
    /// message is not thread-safe. `let_go` waits for an extension that is being sent.
    void hold(message& item);
    void let_go();

private:
    slot_lease(connection& at, std::string bucket, std::string subject, unsigned number, std::string holder,
               const lease_times& times, std::uint64_t revision, clock::time_point sent);
    void keep();
    void extend_item();
    bool renew();

    connection& at_;
    std::string bucket_;
    std::string subject_;
    unsigned number_;
    std::string holder_;
    lease_times times_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::uint64_t revision_;
    clock::time_point deadline_;
    bool lost_ = false;
    bool ending_ = false;
    /// Apart from `mutex_`: what is sent may wait for a network that is stuck, and whoever asks for the deadline must
    /// not.
    std::mutex item_mutex_;
    message* item_ = nullptr;
    std::thread keeper_;
};

/// A random text that no other holder or run has.
std::string random_token();

}  // namespace jobmode::fleet

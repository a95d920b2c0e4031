// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The part of libnats that a fleet needs, with owners for its handles and exceptions for its codes. Everything here
// blocks, and is never called on a thread that runs something else meanwhile.
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace jobmode::fleet {

/// What NATS said, as a sentence.
class nats_error : public std::runtime_error {
public:
    nats_error(const std::string& doing, natsStatus status, int code);

    natsStatus status() const noexcept { return status_; }
    /// JetStream's own code; 0 if it said none.
    int code() const noexcept { return code_; }
    /// Whether waiting can help: a connection that is lost, a cluster that elects a leader.
    bool transient() const noexcept;
    /// Whether the server cannot be reached, does not let this program in, or is not to be trusted.
    bool unreachable() const noexcept;

private:
    natsStatus status_;
    int code_;
};

/// Deletes with the C function that is meant for it.
template <auto Destroy>
struct destroy_with {
    template <class T>
    void operator()(T* handle) const noexcept {
        Destroy(handle);
    }
};

/// A message of the library, destroyed with its owner.
using owned_message = std::unique_ptr<natsMsg, destroy_with<natsMsg_Destroy>>;

/// A message that was received.
class message {
public:
    explicit message(natsMsg* handle) noexcept : handle_(handle) {}

    std::string_view subject() const noexcept { return natsMsg_GetSubject(handle_.get()); }
    std::string_view data() const noexcept {
        return {natsMsg_GetData(handle_.get()), static_cast<std::size_t>(natsMsg_GetDataLength(handle_.get()))};
    }
    /// A header's value; empty if there is none.
    std::string_view header(const char* key) const noexcept;
    /// Its number in the stream: for one that was got by subject.
    std::uint64_t sequence() const noexcept { return natsMsg_GetSequence(handle_.get()); }

    /// For one that a consumer delivered: its numbers in the stream and in the consumer, how often it has been
    /// delivered, and when it was stored, by the server's clock.
    struct delivery {
        std::uint64_t stream_sequence = 0;
        std::uint64_t consumer_sequence = 0;
        std::uint64_t count = 0;
        std::chrono::sys_time<std::chrono::nanoseconds> time{};
    };
    delivery where() const;

    /// It is done with, and leaves a work queue; waits until the server has said that it knows. Throws `nats_error`.
    void acknowledge();
    /// It is to be delivered again, after a pause. Lost if the connection is.
    void give_back(std::chrono::milliseconds pause) noexcept;
    /// It is never to be delivered again.
    void refuse() noexcept;
    /// It is still being worked on.
    void extend() noexcept;

private:
    owned_message handle_;
};

/// How NATS is reached.
struct nats_config {
    std::vector<std::string> urls;
    std::string user;
    std::string password;
    std::string token;
    std::string credentials_file;
    std::string ca_file;
    std::string certificate_file;
    std::string key_file;
};

/// What a stream is created with.
struct stream_settings {
    std::string name;
    std::vector<std::string> subjects;
    /// A message leaves it when it is acknowledged.
    bool is_queue = false;
    unsigned replicas = 1;
};

/// A connection to a NATS server or cluster, made again and again for as long as it lives. Thread-safe.
class connection {
public:
    /// Connects. Throws `nats_error`. `what` names the program to the server.
    connection(const nats_config& config, const std::string& what);
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection();

    /// The most bytes of a message.
    std::size_t max_payload() const noexcept;

    /// Creates a stream unless there is one of that name and these settings. Throws `nats_error`.
    void create_stream(const stream_settings& settings);
    bool has_stream(const std::string& name);
    /// When a stream was created: tells it from a later one of its name. Throws `nats_error`.
    std::int64_t stream_created(const std::string& name);
    /// Creates the durable consumer of a work queue that hands out what has such a subject, unless there is one.
    void create_consumer(const std::string& stream, const std::string& name, const std::string& subject,
                         std::chrono::nanoseconds acknowledge_within);
    /// How long that consumer waits for an acknowledgement.
    std::chrono::nanoseconds acknowledge_within(const std::string& stream, const std::string& name);
    /// Creates a key-value bucket unless there is one; `lifetime` is that of its values, 0 is for ever.
    void create_bucket(const std::string& name, std::chrono::nanoseconds lifetime, unsigned replicas);
    /// The lifetime of a bucket's values.
    std::chrono::nanoseconds bucket_lifetime(const std::string& name);

    /// The last message of a subject, which may end with a wildcard. Throws `nats_error`.
    std::optional<message> last(const std::string& stream, const std::string& subject);

    /// What a message is published on condition of.
    struct condition {
        /// The number of the last message of this subject; 0: there is none.
        std::uint64_t last_sequence = 0;
        /// An ID of which the server takes one message only, as long as it remembers it; may be empty.
        std::string id;
        std::chrono::milliseconds wait{5000};
        /// Says that the value of a key is gone.
        bool deletes_key = false;
    };
    /// Publishes, and gives the message's number; nothing if the condition is not met. Throws `nats_error`, and then
    /// the message may or may not be there.
    std::optional<std::uint64_t> publish(const std::string& subject, std::string_view data, const condition& only_if);

    natsConnection* handle() const noexcept { return connection_.get(); }
    jsCtx* jetstream() const noexcept { return jetstream_.get(); }

private:
    std::unique_ptr<natsConnection, destroy_with<natsConnection_Destroy>> connection_;
    std::unique_ptr<jsCtx, destroy_with<jsCtx_Destroy>> jetstream_;
};

/// The key-value bucket's stream, and the subject of one of its keys.
std::string bucket_stream(const std::string& bucket);
std::string key_subject(const std::string& bucket, std::string_view key);

/// Calls `attempt` until it does not throw a transient `nats_error`, with pauses that grow to a second; false if `stop`
/// said so first. Other exceptions pass.
bool persist(const std::function<void()>& attempt, const std::function<bool()>& stop);

/// Publishes very many messages, of which each is to be the only one of its subject. Used by one thread.
class bulk_publisher {
public:
    explicit bulk_publisher(connection& to);
    bulk_publisher(const bulk_publisher&) = delete;
    bulk_publisher& operator=(const bulk_publisher&) = delete;
    ~bulk_publisher();

    /// Sends a message; the last word of its subject is its ID. Throws `nats_error`.
    void add(const std::string& subject, std::string_view data);
    /// Sends again what got no answer until everything has one. Throws `nats_error`.
    void finish();

    /// Messages that are new.
    std::uint64_t added() const noexcept { return added_; }
    /// Messages that were there before.
    std::uint64_t there_before() const noexcept { return there_before_; }

private:
    struct shared;
    void send(owned_message one);

    std::unique_ptr<shared> shared_;
    std::unique_ptr<jsCtx, destroy_with<jsCtx_Destroy>> jetstream_;
    bool sent_ = false;
    std::atomic<std::uint64_t> added_{0};
    std::atomic<std::uint64_t> there_before_{0};
};

/// Takes items from a work queue. Used by one thread.
class queue_reader {
public:
    queue_reader(connection& from, std::string stream, std::string consumer, std::string subject);

    /// The next item; nothing if none came in that time. Throws `nats_error`.
    std::optional<message> next(std::chrono::milliseconds wait);

private:
    connection& from_;
    std::string stream_;
    std::string consumer_;
    std::string subject_;
    std::unique_ptr<natsSubscription, destroy_with<natsSubscription_Destroy>> subscription_;
};

/// Reads a stream's messages of a subject in order, each once, whatever happens to connections and servers. Used by one
/// thread.
class stream_reader {
public:
    /// Begins behind the message of number `after`. With `headers_only` messages come without their data.
    stream_reader(connection& from, std::string stream, std::string subject, std::uint64_t after,
                  bool headers_only = false);

    /// The next messages; none if none came in that time, or if the connection was lost, which does no harm. Throws
    /// `nats_error` if it will never be better.
    std::vector<message> next(int most, std::chrono::milliseconds wait);
    /// The number of the last message handed out.
    std::uint64_t position() const noexcept { return position_; }
    /// Asks the server anew from there: for when messages are known to be there and do not come.
    void restart() noexcept { subscription_.reset(); }

private:
    void subscribe();

    connection& from_;
    std::string stream_;
    std::string subject_;
    std::uint64_t position_;
    bool headers_only_;
    std::uint64_t delivered_ = 0;
    std::unique_ptr<natsSubscription, destroy_with<natsSubscription_Destroy>> subscription_;
};

}  // namespace jobmode::fleet

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/nats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

#include "fleet/names.hpp"

namespace jobmode::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// Messages on their way at a time; more would only fill buffers.
constexpr std::int64_t max_pending = 2000;

constexpr std::int64_t publish_wait_ms = 5000;

// How long nothing may come of sending again before that is given up.
constexpr std::chrono::seconds patience{60};

/// The library's own words on what this thread met last, if it was this, say more than the status; what stands before
/// them is a place in the library's source.
std::string reason(natsStatus status, int code) {
    natsStatus last_status = NATS_OK;
    const char* const last = nats_GetLastError(&last_status);
    std::string_view text = last && *last && last_status == status ? last : natsStatus_GetText(status);
    if (text.starts_with('(') && text.find("): ") != std::string_view::npos)
        text.remove_prefix(text.find("): ") + 3);
    return code == 0 ? std::string(text) : fmt::format("{} ({})", text, code);
}

void check(natsStatus status, std::string_view doing, int code = 0) {
    if (status != NATS_OK)
        throw nats_error(std::string(doing), status, code);
}

/// Whether a server has taken back a request for messages: it shuts down, or its consumer has moved. Asking anew tells
/// whether there is more to it.
bool is_interruption(natsStatus status) {
    return status == NATS_ERR;
}

/// Calls `attempt` again while a cluster is only just coming together, and so has no place for a stream yet.
void create_in_time(const std::function<void()>& attempt) {
    const steady_clock::time_point end = steady_clock::now() + std::chrono::seconds(10);
    for (;;) {
        try {
            attempt();
            return;
        } catch (const nats_error& problem) {
            if ((!problem.transient() && problem.code() != JSClusterNoPeersErr) || steady_clock::now() > end)
                throw;
        }
        std::this_thread::sleep_for(milliseconds(200));
    }
}

/// Options of a request to JetStream's API.
jsOptions request_options() {
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = publish_wait_ms;
    return options;
}

/// What was fetched at once; what is not taken out of it is destroyed.
struct fetched : natsMsgList {
    fetched() noexcept : natsMsgList() {}
    fetched(const fetched&) = delete;
    fetched& operator=(const fetched&) = delete;
    ~fetched() { natsMsgList_Destroy(this); }

    message take(int index) noexcept { return message(std::exchange(Msgs[index], nullptr)); }
};

}  // namespace

nats_error::nats_error(const std::string& doing, natsStatus status, int code)
    : std::runtime_error(fmt::format("cannot {}: {}", doing, reason(status, code))), status_(status), code_(code) {}

bool nats_error::transient() const noexcept {
    switch (status_) {
        case NATS_TIMEOUT:
        case NATS_NO_RESPONDERS:
        case NATS_CONNECTION_DISCONNECTED:
        case NATS_IO_ERROR:
        case NATS_NO_SERVER:
        case NATS_STALE_CONNECTION:
        case NATS_INSUFFICIENT_BUFFER:
        case NATS_MISSED_HEARTBEAT:
        case NATS_MISMATCH:
            return true;
        default:
            break;
    }
    return code_ == JSClusterIncompleteErr || code_ == JSClusterNotAssignedErr || code_ == JSClusterNotAvailErr ||
           code_ == JSClusterNotLeaderErr || code_ == JSStreamStoreFailedErr;
}

bool nats_error::unreachable() const noexcept {
    return transient() || status_ == NATS_SSL_ERROR || status_ == NATS_CONNECTION_AUTH_FAILED ||
           status_ == NATS_SECURE_CONNECTION_REQUIRED || status_ == NATS_SECURE_CONNECTION_WANTED;
}

std::string_view message::header(const char* key) const noexcept {
    const char* value = nullptr;
    return natsMsgHeader_Get(handle_.get(), key, &value) == NATS_OK && value ? std::string_view(value)
                                                                             : std::string_view();
}

message::delivery message::where() const {
    jsMsgMetaData* raw = nullptr;
    check(natsMsg_GetMetaData(&raw, handle_.get()), "read a message's metadata");
    const std::unique_ptr<jsMsgMetaData, destroy_with<jsMsgMetaData_Destroy>> data(raw);
    return {data->Sequence.Stream, data->Sequence.Consumer, data->NumDelivered,
            std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(data->Timestamp))};
}

void message::acknowledge() {
    jsErrCode code{};
    const natsStatus status = natsMsg_AckSync(handle_.get(), nullptr, &code);
    check(status, "acknowledge an item", code);
}

void message::give_back(milliseconds pause) noexcept {
    natsMsg_NakWithDelay(handle_.get(), pause.count(), nullptr);
}

void message::refuse() noexcept {
    natsMsg_Term(handle_.get(), nullptr);
}

void message::extend() noexcept {
    natsMsg_InProgress(handle_.get(), nullptr);
}

connection::connection(const nats_config& config, const std::string& what) {
    natsOptions* raw = nullptr;
    check(natsOptions_Create(&raw), "set NATS up");
    const std::unique_ptr<natsOptions, destroy_with<natsOptions_Destroy>> options(raw);
    std::vector<const char*> urls;
    for (const std::string& url : config.urls)
        urls.push_back(url.c_str());
    check(natsOptions_SetServers(raw, urls.data(), static_cast<int>(urls.size())), "use the URLs of NATS");
    natsOptions_SetName(raw, what.c_str());
    natsOptions_SetMaxReconnect(raw, -1);
    natsOptions_SetReconnectWait(raw, 250);
    natsOptions_SetReconnectJitter(raw, 250, 250);
    natsOptions_SetPingInterval(raw, 5000);
    natsOptions_SetMaxPingsOut(raw, 2);
    natsOptions_SetTimeout(raw, 5000);
    // Nearly everything here waits for its answer.
    natsOptions_SetSendAsap(raw, true);
    // Errors are seen where something is asked for; the library would write them on stderr.
    natsOptions_SetErrorHandler(
        raw, [](natsConnection*, natsSubscription*, natsStatus, void*) {}, nullptr);
    if (!config.user.empty())
        check(natsOptions_SetUserInfo(raw, config.user.c_str(), config.password.c_str()), "use the user of NATS");
    if (!config.token.empty())
        check(natsOptions_SetToken(raw, config.token.c_str()), "use the token of NATS");
    if (!config.credentials_file.empty())
        check(natsOptions_SetUserCredentialsFromFiles(raw, config.credentials_file.c_str(), nullptr),
              "use " + config.credentials_file);
    if (!config.ca_file.empty())
        check(natsOptions_LoadCATrustedCertificates(raw, config.ca_file.c_str()), "use " + config.ca_file);
    if (!config.certificate_file.empty())
        check(natsOptions_LoadCertificatesChain(raw, config.certificate_file.c_str(), config.key_file.c_str()),
              "use " + config.certificate_file);
    if (!config.ca_file.empty() || !config.certificate_file.empty())
        check(natsOptions_SetSecure(raw, true), "use TLS");

    natsConnection* made = nullptr;
    check(natsConnection_Connect(&made, raw), "connect to NATS");
    connection_.reset(made);
    jsOptions with = request_options();
    jsCtx* context = nullptr;
    check(natsConnection_JetStream(&context, made, &with), "use JetStream");
    jetstream_.reset(context);
}

connection::~connection() {
    natsConnection_Close(connection_.get());
}

std::size_t connection::max_payload() const noexcept {
    return static_cast<std::size_t>(natsConnection_GetMaxPayload(connection_.get()));
}

void connection::create_stream(const stream_settings& settings) {
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = settings.name.c_str();
    std::vector<const char*> subjects;
    for (const std::string& subject : settings.subjects)
        subjects.push_back(subject.c_str());
    config.Subjects = subjects.data();
    config.SubjectsLen = static_cast<int>(subjects.size());
    config.Retention = settings.is_queue ? js_WorkQueuePolicy : js_LimitsPolicy;
    config.Storage = js_FileStorage;
    config.Replicas = settings.replicas;
    create_in_time([&] {
        jsErrCode code{};
        const natsStatus status = js_AddStream(nullptr, jetstream_.get(), &config, nullptr, &code);
        check(status, "create the stream " + settings.name, code);
    });
}

bool connection::has_stream(const std::string& name) {
    jsErrCode code{};
    jsStreamInfo* raw = nullptr;
    const natsStatus status = js_GetStreamInfo(&raw, jetstream_.get(), name.c_str(), nullptr, &code);
    jsStreamInfo_Destroy(raw);
    if (status == NATS_NOT_FOUND || code == JSStreamNotFoundErr)
        return false;
    check(status, "look at the stream " + name, code);
    return true;
}

std::int64_t connection::stream_created(const std::string& name) {
    jsErrCode code{};
    jsStreamInfo* raw = nullptr;
    const natsStatus status = js_GetStreamInfo(&raw, jetstream_.get(), name.c_str(), nullptr, &code);
    check(status, "look at the stream " + name, code);
    const std::unique_ptr<jsStreamInfo, destroy_with<jsStreamInfo_Destroy>> info(raw);
    return info->Created;
}

void connection::create_consumer(const std::string& stream, const std::string& name, const std::string& subject,
                                 nanoseconds acknowledge_within) {
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.Durable = name.c_str();
    config.FilterSubject = subject.c_str();
    config.AckPolicy = js_AckExplicit;
    config.AckWait = acknowledge_within.count();
    config.MaxDeliver = -1;
    config.MaxAckPending = 20'000;
    config.MaxWaiting = 4096;
    jsErrCode code{};
    const natsStatus status = js_AddConsumer(nullptr, jetstream_.get(), stream.c_str(), &config, nullptr, &code);
    check(status, "create a consumer of the stream " + stream, code);
}

nanoseconds connection::acknowledge_within(const std::string& stream, const std::string& name) {
    jsErrCode code{};
    jsConsumerInfo* raw = nullptr;
    const natsStatus status = js_GetConsumerInfo(&raw, jetstream_.get(), stream.c_str(), name.c_str(), nullptr, &code);
    check(status, "look at a consumer of the stream " + stream, code);
    const std::unique_ptr<jsConsumerInfo, destroy_with<jsConsumerInfo_Destroy>> info(raw);
    return nanoseconds(info->Config->AckWait);
}

void connection::create_bucket(const std::string& name, nanoseconds lifetime, unsigned replicas) {
    kvConfig config;
    kvConfig_Init(&config);
    config.Bucket = name.c_str();
    config.TTL = lifetime.count();
    config.History = 1;
    config.Replicas = static_cast<int>(replicas);
    create_in_time([&] {
        kvStore* raw = nullptr;
        const natsStatus status = js_CreateKeyValue(&raw, jetstream_.get(), &config);
        kvStore_Destroy(raw);
        check(status, "create the bucket " + name);
    });
}

nanoseconds connection::bucket_lifetime(const std::string& name) {
    kvStore* raw = nullptr;
    check(js_KeyValue(&raw, jetstream_.get(), name.c_str()), "look at the bucket " + name);
    const std::unique_ptr<kvStore, destroy_with<kvStore_Destroy>> bucket(raw);
    kvStatus* raw_status = nullptr;
    check(kvStore_Status(&raw_status, raw), "look at the bucket " + name);
    const std::unique_ptr<kvStatus, destroy_with<kvStatus_Destroy>> found(raw_status);
    return nanoseconds(kvStatus_TTL(raw_status));
}

std::optional<message> connection::last(const std::string& stream, const std::string& subject) {
    natsMsg* found = nullptr;
    jsErrCode code{};
    const natsStatus status = js_GetLastMsg(&found, jetstream_.get(), stream.c_str(), subject.c_str(), nullptr, &code);
    if (status == NATS_NOT_FOUND && code != JSStreamNotFoundErr)
        return std::nullopt;
    check(status, "look into the stream " + stream, code);
    return message(found);
}

std::optional<std::uint64_t> connection::publish(const std::string& subject, std::string_view data,
                                                 const condition& only_if) {
    natsMsg* raw = nullptr;
    check(natsMsg_Create(&raw, subject.c_str(), nullptr, data.data(), static_cast<int>(data.size())), "make a message");
    const owned_message out(raw);
    if (only_if.deletes_key)
        check(natsMsgHeader_Set(raw, "KV-Operation", "DEL"), "make a message");
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MaxWait = only_if.wait.count();
    options.ExpectNoMessage = only_if.last_sequence == 0;
    options.ExpectLastSubjectSeq = only_if.last_sequence;
    if (!only_if.id.empty())
        options.MsgId = only_if.id.c_str();
    jsErrCode code{};
    jsPubAck* raw_ack = nullptr;
    const natsStatus status = js_PublishMsg(&raw_ack, jetstream_.get(), raw, &options, &code);
    if (code == JSStreamWrongLastSequenceErr)
        return std::nullopt;
    check(status, "publish to NATS", code);
    const std::unique_ptr<jsPubAck, destroy_with<jsPubAck_Destroy>> acknowledged(raw_ack);
    if (acknowledged->Duplicate)
        return std::nullopt;
    return acknowledged->Sequence;
}

std::string bucket_stream(const std::string& bucket) {
    return "KV_" + bucket;
}

std::string key_subject(const std::string& bucket, std::string_view key) {
    return fmt::format("$KV.{}.{}", bucket, key);
}

bool persist(const std::function<void()>& attempt, const std::function<bool()>& stop) {
    milliseconds pause(50);
    for (;;) {
        try {
            attempt();
            return true;
        } catch (const nats_error& problem) {
            if (!problem.transient())
                throw;
        }
        if (stop())
            return false;
        std::this_thread::sleep_for(pause);
        pause = std::min(2 * pause, milliseconds(1000));
    }
}

/// What the library's threads see of a publisher.
struct bulk_publisher::shared {
    std::mutex mutex;
    /// To be sent again.
    std::vector<owned_message> unanswered;
    bulk_publisher* owner = nullptr;

    /// Called by C, which lets no exception pass.
    static void on_answer(jsCtx*, natsMsg* raw, jsPubAck* stored, jsPubAckErr* failed, void* closure) noexcept {
        owned_message one(raw);
        auto& self = *static_cast<shared*>(closure);
        const bool there = (stored && stored->Duplicate) || (failed && failed->ErrCode == JSStreamWrongLastSequenceErr);
        if (there)
            ++self.owner->there_before_;
        else if (stored)
            ++self.owner->added_;
        if (stored || there)
            return;
        const std::scoped_lock lock(self.mutex);
        self.unanswered.push_back(std::move(one));
    }
};

bulk_publisher::bulk_publisher(connection& to) : shared_(std::make_unique<shared>()) {
    shared_->owner = this;
    jsOptions options = request_options();
    options.PublishAsync.MaxPending = max_pending;
    options.PublishAsync.StallWait = publish_wait_ms;
    options.PublishAsync.AckHandler = &shared::on_answer;
    options.PublishAsync.AckHandlerClosure = shared_.get();
    jsCtx* context = nullptr;
    check(natsConnection_JetStream(&context, to.handle(), &options), "use JetStream");
    jetstream_.reset(context);
}

bulk_publisher::~bulk_publisher() {
    // The library has no list before the first message, and does not look whether it has.
    if (!sent_)
        return;
    // An answer that has found its message may be on its way to this object on the library's thread. The library is
    // also seen to fail when its context ends while answers come, so they are waited for.
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MaxWait = 2 * publish_wait_ms;
    if (js_PublishAsyncComplete(jetstream_.get(), &options) == NATS_OK)
        return;
    // From here on no answer finds its message; one that had found it counts as pending until it has been here.
    natsMsgList pending{};
    if (js_PublishAsyncGetPendingList(&pending, jetstream_.get()) == NATS_OK)
        natsMsgList_Destroy(&pending);
    js_PublishAsyncComplete(jetstream_.get(), nullptr);
}

void bulk_publisher::add(const std::string& subject, std::string_view data) {
    natsMsg* one = nullptr;
    check(natsMsg_Create(&one, subject.c_str(), nullptr, data.data(), static_cast<int>(data.size())), "make a message");
    send(owned_message(one));
}

void bulk_publisher::send(owned_message one) {
    const std::string id(last_token(natsMsg_GetSubject(one.get())));
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MsgId = id.c_str();
    options.ExpectNoMessage = true;
    options.MaxWait = publish_wait_ms;
    const steady_clock::time_point end = steady_clock::now() + patience;
    for (;;) {
        natsMsg* raw = one.get();
        const natsStatus status = js_PublishMsgAsync(jetstream_.get(), &raw, &options);
        if (status == NATS_OK) {
            // The library owns it now.
            static_cast<void>(one.release());
            sent_ = true;
            return;
        }
        const nats_error problem("publish an item", status, 0);
        if (!problem.transient() || steady_clock::now() > end)
            throw problem;
        std::this_thread::sleep_for(milliseconds(50));
    }
}

void bulk_publisher::finish() {
    steady_clock::time_point end = steady_clock::now() + patience;
    std::uint64_t answered = 0;
    for (;;) {
        jsPubOptions options;
        jsPubOptions_Init(&options);
        options.MaxWait = publish_wait_ms;
        const natsStatus status = js_PublishAsyncComplete(jetstream_.get(), &options);
        std::vector<owned_message> again;
        {
            const std::scoped_lock lock(shared_->mutex);
            again.swap(shared_->unanswered);
        }
        if (status == NATS_OK && again.empty())
            return;
        if (const std::uint64_t now = added_ + there_before_; now != answered) {
            answered = now;
            end = steady_clock::now() + patience;
        }
        if (steady_clock::now() > end) {
            const std::scoped_lock lock(shared_->mutex);
            std::ranges::move(again, std::back_inserter(shared_->unanswered));
            throw nats_error("publish the items", NATS_TIMEOUT, 0);
        }
        if (!again.empty())
            std::this_thread::sleep_for(milliseconds(100));
        while (!again.empty()) {
            owned_message one = std::move(again.back());
            again.pop_back();
            send(std::move(one));
        }
    }
}

queue_reader::queue_reader(connection& from, std::string stream, std::string consumer, std::string subject)
    : from_(from), stream_(std::move(stream)), consumer_(std::move(consumer)), subject_(std::move(subject)) {}

std::optional<message> queue_reader::next(milliseconds wait) {
    jsErrCode code{};
    if (!subscription_) {
        jsSubOptions options;
        jsSubOptions_Init(&options);
        options.Stream = stream_.c_str();
        options.Consumer = consumer_.c_str();
        natsSubscription* raw = nullptr;
        const natsStatus status =
            js_PullSubscribe(&raw, from_.jetstream(), subject_.c_str(), consumer_.c_str(), nullptr, &options, &code);
        check(status, "take items from the stream " + stream_, code);
        subscription_.reset(raw);
    }
    fetched list;
    const natsStatus status = natsSubscription_Fetch(&list, subscription_.get(), 1, wait.count(), &code);
    if (status == NATS_TIMEOUT)
        return std::nullopt;
    if (status != NATS_OK) {
        subscription_.reset();
        if (is_interruption(status))
            return std::nullopt;
        throw nats_error("take items from the stream " + stream_, status, code);
    }
    return list.take(0);
}

stream_reader::stream_reader(connection& from, std::string stream, std::string subject, std::uint64_t after,
                             bool headers_only)
    : from_(from),
      stream_(std::move(stream)),
      subject_(std::move(subject)),
      position_(after),
      headers_only_(headers_only) {}

void stream_reader::subscribe() {
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Stream = stream_.c_str();
    options.Config.DeliverPolicy = js_DeliverByStartSequence;
    options.Config.OptStartSeq = position_ + 1;
    options.Config.AckPolicy = js_AckNone;
    options.Config.HeadersOnly = headers_only_;
    options.Config.InactiveThreshold = nanoseconds(std::chrono::minutes(1)).count();
    natsSubscription* raw = nullptr;
    jsErrCode code{};
    const natsStatus status =
        js_PullSubscribe(&raw, from_.jetstream(), subject_.c_str(), nullptr, nullptr, &options, &code);
    check(status, "read the stream " + stream_, code);
    subscription_.reset(raw);
    delivered_ = 0;
}

std::vector<message> stream_reader::next(int most, milliseconds wait) {
    fetched list;
    std::vector<message> batch;
    try {
        if (!subscription_)
            subscribe();
        jsErrCode code{};
        const natsStatus status = natsSubscription_Fetch(&list, subscription_.get(), most, wait.count(), &code);
        if (is_interruption(status))
            subscription_.reset();
        else if (status != NATS_TIMEOUT)
            check(status, "read the stream " + stream_, code);
    } catch (const nats_error& problem) {
        subscription_.reset();
        if (!problem.transient())
            throw;
        std::this_thread::sleep_for(std::min(wait, milliseconds(100)));
    }
    for (int index = 0; index != list.Count; ++index) {
        message one = list.take(index);
        const message::delivery where = one.where();
        // A message that was lost on its way shows as a gap in the consumer's own numbers.
        if (where.consumer_sequence != ++delivered_) {
            subscription_.reset();
            break;
        }
        position_ = where.stream_sequence;
        batch.push_back(std::move(one));
    }
    return batch;
}

}  // namespace jobmode::fleet

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <string_view>

namespace jobmode::fleet {

/// What the streams, buckets and subjects of a fleet's crawl are called. docs/fleet.md says what each is for. A server
/// and an item stand in subjects as hexadecimal digests (`server_key`, `work_item::id`), so that any URL and any login
/// name will do.
class names {
public:
    /// `base` is what the user calls the crawl and must be `valid`.
    explicit names(std::string_view base);
    /// 1 to 64 letters, digits, `-` and `_`.
    static bool valid(std::string_view base) noexcept;

    /// The queue of items, a stream that a message leaves when it is acknowledged.
    const std::string& work_stream() const noexcept { return work_; }
    /// What has been answered, a stream that keeps everything.
    const std::string& result_stream() const noexcept { return results_; }
    /// The leases, a key-value bucket whose values do not last.
    const std::string& slot_bucket() const noexcept { return slots_; }
    /// What is planned of each server, and its limits: a key-value bucket.
    const std::string& server_bucket() const noexcept { return servers_; }

    /// All subjects of the work stream, and of the result stream.
    std::string all_work() const { return base_ + ".work.>"; }
    std::string all_finals() const { return base_ + ".result.>"; }
    std::string all_parts() const { return base_ + ".part.>"; }
    /// An item's subject in the queue; with `*` for the item, that of all of a server's.
    std::string work(std::string_view server, std::string_view item) const;
    /// An item's result, which there is once.
    std::string final_of(std::string_view server, std::string_view item) const;
    /// A part of it that did not fit in there.
    std::string part(std::string_view server, std::string_view item, std::string_view run, std::size_t number) const;
    /// The durable consumer that hands out a server's items.
    static std::string consumer(std::string_view server);

private:
    std::string base_;
    std::string work_;
    std::string results_;
    std::string slots_;
    std::string servers_;
};

/// The SHA-256 of a text, in hexadecimal, cut to `digits`.
std::string digest(std::string_view text, std::size_t digits);

/// What a server is called in subjects and keys; `server` is its name as records have it.
std::string server_key(std::string_view server);

/// The last word of a subject.
std::string_view last_token(std::string_view subject) noexcept;

}  // namespace jobmode::fleet

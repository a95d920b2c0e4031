// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/export.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jobmode {

/// How a backup job was started: the API's `BackupJobMode`.
enum class job_mode : std::uint8_t {
    /// null, absent, or a text that says the same: there was no backup.
    none,
    /// `R`: started remotely, from the server's console.
    remote,
    /// `M`: started by hand on the machine.
    manual,
    /// `S`: started by its schedule.
    scheduled,
    /// Any other text, which `backup_job_mode_text` keeps.
    unknown,
};

/// `"none"`, `"remote"`, `"manual"`, `"scheduled"` or `"unknown"`.
JOBMODE_EXPORT std::string_view to_string(job_mode mode) noexcept;

/// The keys of a record, in the order of the vendor's documentation.
enum class field : std::uint8_t {
    id,
    login_name,
    owner,
    user_id,
    start_time,
    end_time,
    backup_set_id,
    backup_set_name,
    backup_job_mode,
};

/// The number of `field`s.
inline constexpr std::size_t field_count = 9;

/// The API's own spelling of a key: `"ID"`, `"LoginName"` and so on.
JOBMODE_EXPORT std::string_view key_of(field value) noexcept;

/// What the answer said of a field.
enum class presence : std::uint8_t {
    /// The key was not there.
    absent,
    /// The key was there with the value null.
    null,
    /// The key was there with a value.
    text,
};

/// Reads `yyyy-MM-dd HH:mm:ss`, where any of `-`, `:`, `;`, `.`, `/`, `T` and space separates: the vendor's own example
/// has `2024-06-26 11;34:15`. Nothing if the text has another shape or names no real instant. The API gives no time
/// zone; the result is the server's local time. Leap seconds are not accepted.
JOBMODE_EXPORT std::optional<std::chrono::local_seconds> parse_time(std::string_view text) noexcept;

/// The mode that a text of `BackupJobMode` stands for. An empty or blank text is `none`, and so is `null` in any case:
/// some servers write null as a string.
JOBMODE_EXPORT job_mode parse_job_mode(std::string_view text) noexcept;

/// A backup job as the server reported it. `String` is `std::string` (`record`, which owns its text) or
/// `std::string_view` (`record_view`, whose text lives where the function that handed it out says).
///
/// Each of the nine texts is the decoded value of its key, empty where the key was absent or null. A number or a
/// boolean where text is documented is kept as its JSON text (`UserId` comes as a number from some servers).
template <class String>
struct basic_record {
    basic_record() = default;
    /// Copies the text of a record of the other kind.
    template <class Other>
    explicit basic_record(const basic_record<Other>& other);

    /// The record's ID; absent in the vendor's own example.
    String id;
    /// The backup user.
    String login_name;
    /// The user's owner (a reseller), often empty.
    String owner;
    /// The backup user's ID.
    String user_id;
    /// `StartTime` as the server wrote it.
    String start_time_text;
    /// `EndTime` as the server wrote it.
    String end_time_text;
    /// The backup set's ID.
    String backup_set_id;
    /// The backup set's name.
    String backup_set_name;
    /// `BackupJobMode` as the server wrote it.
    String backup_job_mode_text;

    /// When the job began, in the server's local time; nothing if the text is missing or cannot be read.
    std::optional<std::chrono::local_seconds> start_time() const noexcept { return parse_time(start_time_text); }
    /// When the job ended, in the server's local time; nothing if the text is missing or cannot be read.
    std::optional<std::chrono::local_seconds> end_time() const noexcept { return parse_time(end_time_text); }
    /// How the job was started. `none` if the key was null or absent; see `parse_job_mode` for the rest.
    job_mode backup_job_mode() const noexcept {
        return has(field::backup_job_mode) == presence::text ? parse_job_mode(backup_job_mode_text) : job_mode::none;
    }

    /// What the answer said of a field.
    presence has(field which) const noexcept {
        return static_cast<presence>((presence_ >> (2 * static_cast<unsigned>(which))) & 3U);
    }
    /// Sets what `has` tells; the text is left alone.
    void set(field which, presence value) noexcept {
        const unsigned shift = 2 * static_cast<unsigned>(which);
        presence_ = (presence_ & ~(3U << shift)) | (static_cast<std::uint32_t>(value) << shift);
    }
    /// The raw text of a field.
    const String& text(field which) const noexcept { return this->*members[static_cast<std::size_t>(which)]; }
    /// The same, to be changed.
    String& text(field which) noexcept { return this->*members[static_cast<std::size_t>(which)]; }

    friend bool operator==(const basic_record&, const basic_record&) = default;

private:
    template <class>
    friend struct basic_record;

    static constexpr std::array<String basic_record::*, field_count> members{
        &basic_record::id,
        &basic_record::login_name,
        &basic_record::owner,
        &basic_record::user_id,
        &basic_record::start_time_text,
        &basic_record::end_time_text,
        &basic_record::backup_set_id,
        &basic_record::backup_set_name,
        &basic_record::backup_job_mode_text,
    };

    std::uint32_t presence_ = 0;
};

/// A record that owns its text.
using record = basic_record<std::string>;
/// A record whose text belongs to somebody else.
using record_view = basic_record<std::string_view>;

template <class String>
template <class Other>
basic_record<String>::basic_record(const basic_record<Other>& other) : presence_(other.presence_) {
    for (std::size_t index = 0; index != field_count; ++index)
        text(static_cast<field>(index)) = String(other.text(static_cast<field>(index)));
}

/// Some records of a stream, a range of `record_view`. Empty, and false, at the stream's end.
/// The function that hands it out says how long it lives.
class record_batch {
public:
    record_batch() = default;
    /// Records that somebody else keeps.
    explicit record_batch(std::span<const record_view> records) noexcept : records_(records) {}

    /// Whether there is a record in it.
    explicit operator bool() const noexcept { return !records_.empty(); }
    /// Whether there is no record.
    bool empty() const noexcept { return records_.empty(); }
    /// The number of records.
    std::size_t size() const noexcept { return records_.size(); }
    /// A record; `index` is less than `size()`.
    const record_view& operator[](std::size_t index) const noexcept { return records_[index]; }
    /// The first record.
    auto begin() const noexcept { return records_.begin(); }
    /// Behind the last record.
    auto end() const noexcept { return records_.end(); }

private:
    std::span<const record_view> records_;
};

namespace detail {

/// Text that stays where it is until the arena is cleared, in a few large blocks. Movable; its text stays valid then.
class JOBMODE_EXPORT text_arena {
public:
    text_arena() = default;
    text_arena(text_arena&& other) noexcept { *this = std::move(other); }
    text_arena& operator=(text_arena&& other) noexcept {
        block_ = std::move(other.block_);
        size_ = std::exchange(other.size_, 0);
        used_ = std::exchange(other.used_, 0);
        full_ = std::exchange(other.full_, {});
        full_bytes_ = std::exchange(other.full_bytes_, 0);
        return *this;
    }
    ~text_arena() = default;

    /// A copy of `text`.
    std::string_view copy(std::string_view text);
    /// Room for so many bytes of text; null if that is none.
    char* claim(std::size_t bytes);
    /// Keeps memory that text is in.
    void keep(std::unique_ptr<char[]> memory);
    /// Forgets the text. Memory for as much again is kept, or is had in one piece next time.
    void clear() noexcept;

private:
    /// The block that text is added to.
    std::unique_ptr<char[]> block_;
    std::size_t size_ = 0;
    std::size_t used_ = 0;
    /// What is full, or was kept.
    std::vector<std::unique_ptr<char[]>> full_;
    std::size_t full_bytes_ = 0;
};

}  // namespace detail

/// All records of one answer, with their text: a movable range of `record_view` that needs a few allocations an answer
/// and not a few a record. The views live as long as the list, moved or not.
class JOBMODE_EXPORT record_list {
public:
    record_list() = default;
    /// Takes the other's records, whose views stay valid.
    record_list(record_list&&) noexcept = default;
    /// The same.
    record_list& operator=(record_list&&) noexcept = default;

    /// Appends copies of the records and of their text.
    void append(record_batch batch);
    /// The same, but takes over `memory`, of so many bytes, and leaves text that is in it where it is.
    void append(record_batch batch, std::unique_ptr<char[]> memory, std::size_t bytes);
    /// Has room for so many records.
    void reserve(std::size_t records) { records_.reserve(records); }
    /// Forgets the records and keeps the memory for the next ones.
    void clear() noexcept;

    /// Whether there is no record.
    bool empty() const noexcept { return records_.empty(); }
    /// The number of records.
    std::size_t size() const noexcept { return records_.size(); }
    /// A record; `index` is less than `size()`.
    const record_view& operator[](std::size_t index) const noexcept { return records_[index]; }
    /// The first record.
    auto begin() const noexcept { return records_.begin(); }
    /// Behind the last record.
    auto end() const noexcept { return records_.end(); }

private:
    void make_room(std::size_t more);

    std::vector<record_view> records_;
    detail::text_arena text_;
};

}  // namespace jobmode

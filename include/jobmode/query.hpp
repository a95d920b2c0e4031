// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>
#include <jobmode/export.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jobmode {

/// What the API's `BackupDate` takes: a calendar date (`2024-06-26`) or a backup job's ID (`2024-06-26-11-33-52`).
/// The vendor's page documents the first and its own example sends the second; either is sent as it was given.
///
/// A value that is neither can be made, so that a whole list can be read before anything is refused; `valid` tells,
/// and no query with an invalid one is ever sent.
class JOBMODE_EXPORT date_or_job_id {
public:
    /// The invalid value, whose text is empty.
    date_or_job_id() = default;
    /// A calendar date from year 1 to 9999. Invalid if the date does not exist (2024-02-30).
    date_or_job_id(std::chrono::year_month_day date) noexcept;
    /// `yyyy-MM-dd` or `yyyy-MM-dd-HH-mm-ss`. Invalid if the text has another form or names no real instant;
    /// of a text longer than the longer form only that many characters are kept.
    date_or_job_id(std::string_view text) noexcept;
    /// The same.
    date_or_job_id(const char* text) noexcept : date_or_job_id(std::string_view(text)) {}
    /// The same.
    date_or_job_id(const std::string& text) noexcept : date_or_job_id(std::string_view(text)) {}

    /// Whether it can be sent.
    bool valid() const noexcept { return valid_; }
    /// Whether a time of day was given: whether this is a job's ID.
    bool is_job_id() const noexcept { return size_ > 10; }
    /// The calendar date; unspecified unless `valid`.
    std::chrono::year_month_day date() const noexcept;
    /// The text as it is sent. Valid as long as this object.
    std::string_view text() const noexcept { return {text_.data(), size_}; }

    friend bool operator==(const date_or_job_id& left, const date_or_job_id& right) noexcept {
        return left.text() == right.text();
    }

private:
    std::array<char, 20> text_{};
    std::uint8_t size_ = 0;
    bool valid_ = false;
};

/// One question: which jobs ran for this backup user on this date.
struct JOBMODE_EXPORT query {
    /// An empty query, which is not valid.
    query();
    /// A query; what its parts may be is said of them. Throws nothing but `std::bad_alloc`.
    query(std::string login_name, date_or_job_id backup_date, std::optional<std::string> backup_set_id = std::nullopt);

    /// The backup user asked about: 1 to 1024 bytes of UTF-8 without control characters.
    std::string login_name;
    /// The date, or the job's ID.
    date_or_job_id backup_date;
    /// The backup set; left out of the request if not given. 1 to 1024 bytes of UTF-8 without control characters.
    std::optional<std::string> backup_set_id;

    /// `errc::invalid_query` if a part is not what it must be; `why`, if not null, gets a sentence that names the part.
    error_code validate(std::string* why = nullptr) const;

    friend bool operator==(const query&, const query&) = default;
};

}  // namespace jobmode

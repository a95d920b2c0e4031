// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/query.hpp>

#include <algorithm>
#include <utility>

#include "wire/utf8.hpp"

namespace jobmode {
namespace {

constexpr std::size_t max_text = 1024;

/// The number that `count` digits at `text` make, or -1.
int number_at(const char* text, int count) noexcept {
    int value = 0;
    for (int index = 0; index != count; ++index) {
        if (text[index] < '0' || text[index] > '9')
            return -1;
        value = value * 10 + (text[index] - '0');
    }
    return value;
}

void put(char* text, unsigned value, int count) noexcept {
    for (int index = count; index-- != 0; value /= 10)
        text[index] = static_cast<char>('0' + value % 10);
}

bool exists(int year, int month, int day) noexcept {
    return year >= 1 && month >= 1 && day >= 1 &&
           std::chrono::year_month_day(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                       std::chrono::day(static_cast<unsigned>(day)))
               .ok();
}

const char* fault_of(std::string_view text) noexcept {
    if (text.empty())
        return "is empty";
    if (text.size() > max_text)
        return "is longer than 1024 bytes";
    if (std::ranges::any_of(text, [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; }))
        return "has a control character";
    if (!wire::is_utf8(text))
        return "is not UTF-8";
    return nullptr;
}

}  // namespace

date_or_job_id::date_or_job_id(std::chrono::year_month_day date) noexcept : size_(10) {
    const int year = static_cast<int>(date.year());
    valid_ = date.ok() && year >= 1 && year <= 9999;
    put(text_.data(), static_cast<unsigned>(std::clamp(year, 0, 9999)), 4);
    text_[4] = text_[7] = '-';
    put(text_.data() + 5, static_cast<unsigned>(date.month()) % 100, 2);
    put(text_.data() + 8, static_cast<unsigned>(date.day()) % 100, 2);
}

date_or_job_id::date_or_job_id(std::string_view text) noexcept
    : size_(static_cast<std::uint8_t>(std::min(text.size(), text_.size()))) {
    std::copy_n(text.begin(), size_, text_.begin());
    if (text.size() != 10 && text.size() != 19)
        return;
    const char* const at = text_.data();
    valid_ = at[4] == '-' && at[7] == '-' && exists(number_at(at, 4), number_at(at + 5, 2), number_at(at + 8, 2));
    if (text.size() == 19) {
        const auto below = [at](int place, int bound) {
            const int value = number_at(at + place, 2);
            return at[place - 1] == '-' && value >= 0 && value < bound;
        };
        valid_ = valid_ && below(11, 24) && below(14, 60) && below(17, 60);
    }
}

std::chrono::year_month_day date_or_job_id::date() const noexcept {
    const char* const at = text_.data();
    return {std::chrono::year(number_at(at, 4)), std::chrono::month(static_cast<unsigned>(number_at(at + 5, 2))),
            std::chrono::day(static_cast<unsigned>(number_at(at + 8, 2)))};
}

query::query() = default;

query::query(std::string asked_login_name, date_or_job_id asked_backup_date,
             std::optional<std::string> asked_backup_set_id)
    : login_name(std::move(asked_login_name)),
      backup_date(asked_backup_date),
      backup_set_id(std::move(asked_backup_set_id)) {}

error_code query::validate(std::string* why) const {
    const auto refuse = [why](std::string sentence) {
        if (why)
            *why = std::move(sentence);
        return make_error_code(errc::invalid_query);
    };
    if (const char* fault = fault_of(login_name))
        return refuse(std::string("the login name ") + fault);
    if (backup_set_id)
        if (const char* fault = fault_of(*backup_set_id))
            return refuse(std::string("the backup set ID ") + fault);
    if (!backup_date.valid())
        return refuse(
            "the backup date is neither a date that exists (2024-06-26) nor a backup job's ID (2024-06-26-11-33-52)");
    return {};
}

}  // namespace jobmode

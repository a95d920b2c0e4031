// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/record.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace jobmode {
namespace {

constexpr std::array<std::string_view, field_count> keys{
    "ID", "LoginName", "Owner", "UserId", "StartTime", "EndTime", "BackupSetID", "BackupSetName", "BackupJobMode",
};

constexpr std::size_t first_block_bytes = 1024;
constexpr std::size_t block_bytes = 16 * 1024;

}  // namespace

std::string_view to_string(job_mode mode) noexcept {
    switch (mode) {
        case job_mode::none:
            return "none";
        case job_mode::remote:
            return "remote";
        case job_mode::manual:
            return "manual";
        case job_mode::scheduled:
            return "scheduled";
        case job_mode::unknown:
            return "unknown";
    }
    return "unknown";
}

std::string_view key_of(field value) noexcept {
    return keys[static_cast<std::size_t>(value)];
}

std::optional<std::chrono::local_seconds> parse_time(std::string_view text) noexcept {
    // Where the digits stand in "yyyy-MM-dd HH:mm:ss".
    static constexpr std::array<bool, 19> digit{true,  true, true, true,  false, true, true,  false, true, true,
                                                false, true, true, false, true,  true, false, true,  true};
    if (text.size() != digit.size())
        return std::nullopt;
    for (std::size_t index = 0; index != digit.size(); ++index) {
        const char c = text[index];
        const bool fits =
            digit[index] ? c >= '0' && c <= '9' : std::string_view("-:;./T ").find(c) != std::string_view::npos;
        if (!fits)
            return std::nullopt;
    }
    const auto number = [text](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
    const std::chrono::year_month_day date(std::chrono::year(number(0) * 100 + number(2)),
                                           std::chrono::month(static_cast<unsigned>(number(5))),
                                           std::chrono::day(static_cast<unsigned>(number(8))));
    const int hours = number(11);
    const int minutes = number(14);
    const int seconds = number(17);
    if (!date.ok() || hours > 23 || minutes > 59 || seconds > 59)
        return std::nullopt;
    return std::chrono::local_days(date) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
           std::chrono::seconds(seconds);
}

job_mode parse_job_mode(std::string_view text) noexcept {
    if (text == "S")
        return job_mode::scheduled;
    if (text == "M")
        return job_mode::manual;
    if (text == "R")
        return job_mode::remote;
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        return job_mode::none;
    static constexpr std::string_view null = "null";
    const auto same = [](char left, char right) { return (left | 0x20) == right; };
    return std::ranges::equal(text, null, same) ? job_mode::none : job_mode::unknown;
}

namespace detail {

char* text_arena::claim(std::size_t bytes) {
    if (bytes == 0)
        return nullptr;
    if (size_ - used_ < bytes) {
        std::size_t size = std::max(bytes, std::clamp(2 * size_, first_block_bytes, block_bytes));
        if (used_ != 0) {
            full_.push_back(std::move(block_));
            full_bytes_ += size_;
        } else {
            size = std::max(size, std::exchange(full_bytes_, 0));
        }
        block_ = std::make_unique_for_overwrite<char[]>(size);
        size_ = size;
        used_ = 0;
    }
    return block_.get() + std::exchange(used_, used_ + bytes);
}

std::string_view text_arena::copy(std::string_view text) {
    if (text.empty())
        return {};
    char* const at = claim(text.size());
    std::memcpy(at, text.data(), text.size());
    return {at, text.size()};
}

void text_arena::keep(std::unique_ptr<char[]> memory) {
    full_.push_back(std::move(memory));
}

void text_arena::clear() noexcept {
    full_.clear();
    if (full_bytes_ != 0) {
        // One block would have done.
        full_bytes_ += size_;
        block_.reset();
        size_ = 0;
    }
    used_ = 0;
}

}  // namespace detail

void record_list::make_room(std::size_t more) {
    const std::size_t needed = records_.size() + more;
    if (needed > records_.capacity())
        // The answer's first batch is as a rule its only one; a longer answer grows as vectors do.
        records_.reserve(records_.empty() ? needed : std::max(needed, 2 * records_.capacity()));
}

void record_list::append(record_batch batch) {
    std::size_t bytes = 0;
    for (const record_view& from : batch)
        for (std::size_t index = 0; index != field_count; ++index)
            bytes += from.text(static_cast<field>(index)).size();
    char* at = text_.claim(bytes);
    make_room(batch.size());
    for (const record_view& from : batch) {
        record_view& to = records_.emplace_back(from);
        for (std::size_t index = 0; index != field_count; ++index) {
            std::string_view& text = to.text(static_cast<field>(index));
            if (text.empty()) {
                text = {};
                continue;
            }
            std::memcpy(at, text.data(), text.size());
            text = {at, text.size()};
            at += text.size();
        }
    }
}

void record_list::append(record_batch batch, std::unique_ptr<char[]> memory, std::size_t bytes) {
    make_room(batch.size());
    // As numbers, since pointers into different memory are not to be compared.
    const auto begin = reinterpret_cast<std::uintptr_t>(memory.get());
    const auto is_elsewhere = [&](std::string_view text) {
        return reinterpret_cast<std::uintptr_t>(text.data()) - begin >= bytes;
    };
    for (const record_view& from : batch) {
        record_view& to = records_.emplace_back(from);
        for (std::size_t index = 0; index != field_count; ++index) {
            std::string_view& text = to.text(static_cast<field>(index));
            if (is_elsewhere(text)) [[unlikely]]
                text = text_.copy(text);
        }
    }
    text_.keep(std::move(memory));
}

void record_list::clear() noexcept {
    records_.clear();
    text_.clear();
}

}  // namespace jobmode

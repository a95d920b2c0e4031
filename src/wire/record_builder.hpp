// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/decoder.hpp>
#include <jobmode/record.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/record_lane.hpp"

namespace jobmode::wire {

/// Gathers the members of the list's objects into records whose text is in an arena, or, if the fast lane
/// took them, where it was. A record that is not complete when the next piece comes stays where it is as long as it is
/// the better part of its arena, and is moved to another one otherwise, so that the first can be used anew. So what is
/// copied is in proportion to what was fed, however small the pieces.
class record_builder {
public:
    static constexpr std::string_view list_key = "Data";

    record_builder(const decoder_limits& limits, lane_kind lane) noexcept : lane_(limits, lane) {}

    void begin_element() {
        current_ = record_view();
        building_ = true;
    }
    void key(std::string_view text) noexcept { field_ = find_field(text); }
    void text(std::string_view value) {
        if (field_ == unknown)
            return;
        current_.text(static_cast<field>(field_)) = copy(value);
        current_.set(static_cast<field>(field_), presence::text);
    }
    void null() noexcept { set_empty(presence::null); }
    void nested() noexcept { set_empty(presence::absent); }
    void end_element() {
        records_.push_back(current_);
        building_ = false;
    }

    bool wants_to_begin() const noexcept { return lane_.is_hopeful(); }
    std::size_t begin(std::string_view list) { return lane_.begin(list, records_); }
    bool wants_to_go_on() noexcept { return lane_.is_worth_a_try(); }
    std::size_t go_on(std::string_view behind) { return lane_.take(behind, records_); }
    std::string_view kept() const noexcept { return lane_.kept(); }
    bool complete_kept(std::string_view& behind) {
        if (!lane_.complete_kept(behind, records_))
            return false;
        hold(records_.back());
        lane_.drop_kept();
        return true;
    }
    void drop_kept() noexcept { lane_.drop_kept(); }

    /// Forgets the records handed out.
    void begin_batch() {
        records_.clear();
        lane_.begin_batch();
        if (building_ && in_arena_ <= 2 * text_bytes(current_) + small_arena)
            return;
        std::swap(text_, other_);
        text_->clear();
        in_arena_ = 0;
        if (building_)
            hold(current_);
    }
    void reset() {
        building_ = false;
        lane_.drop_kept();
        begin_batch();
    }
    record_batch batch() const noexcept { return record_batch(records_); }

private:
    static constexpr std::size_t unknown = field_count;
    /// Bytes in an arena that are not worth a move.
    static constexpr std::size_t small_arena = 4096;

    std::string_view copy(std::string_view text) {
        in_arena_ += text.size();
        return text_->copy(text);
    }

    static std::size_t text_bytes(const record_view& record) noexcept {
        std::size_t bytes = 0;
        for (std::size_t index = 0; index != field_count; ++index)
            bytes += record.text(static_cast<field>(index)).size();
        return bytes;
    }

    /// Copies the record's text to the arena.
    void hold(record_view& record) {
        for (std::size_t index = 0; index != field_count; ++index) {
            std::string_view& text = record.text(static_cast<field>(index));
            text = copy(text);
        }
    }

    void set_empty(presence value) noexcept {
        if (field_ == unknown)
            return;
        current_.text(static_cast<field>(field_)) = {};
        current_.set(static_cast<field>(field_), value);
    }

    std::array<detail::text_arena, 2> arenas_;
    detail::text_arena* text_ = arenas_.data();
    detail::text_arena* other_ = &arenas_[1];
    /// Bytes in `text_` since it was cleared.
    std::size_t in_arena_ = 0;
    std::vector<record_view> records_;
    record_view current_;
    std::size_t field_ = unknown;
    bool building_ = false;
    record_lane lane_;
};

}  // namespace jobmode::wire

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/record.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/record_shape.hpp"

namespace jobmode::wire {

/// What the fast lane is made of. Every kind takes the same records; only the speed differs.
enum class lane_kind : std::uint8_t {
    /// No fast lane: the general one takes everything.
    none,
    /// Eight bytes at a time, on any machine.
    portable,
    sse2,
    avx2,
};

/// Whether this machine can run it.
bool is_supported(lane_kind kind) noexcept;
/// The fastest kind that this machine can run.
lane_kind fastest_lane() noexcept;

/// The fast lane: takes whole elements of the list, as long as each is what the ones before make likely: the same keys
/// in the same order with the same white space, and values that are strings without escapes, null, numbers or booleans.
/// It leaves the first one that surprises it, and everything it does not understand, errors among it, to the general
/// lane, and learns from what that has taken.
///
/// Where the guess does not work out, it is made less and less often. What was learned survives the answer.
class record_lane {
public:
    /// A string longer than `field_bytes` is the general lane's matter.
    record_lane(std::size_t field_bytes, lane_kind kind) noexcept;

    /// Asked at the beginning of the list: whether to call `begin`.
    bool is_hopeful() const noexcept { return kind_ != lane_kind::none && detour_ == 0; }
    /// As `take`, for the first elements of a list.
    std::size_t begin(std::string_view list, std::vector<record_view>& out);
    /// Asked at the end of each element that the general lane has taken: whether now to call `take`.
    bool is_worth_a_try() noexcept;
    /// Learns from an element that the general lane has taken. The text may begin with the comma before it; others may
    /// follow.
    void learn(std::string_view element);
    /// Takes elements from the start of `behind`, which is what stands behind an element, and returns how many bytes
    /// they were. The texts of the records are views of `behind`. An element that the end of `behind` has cut is taken,
    /// too, and kept, if what is there of it could not be better.
    std::size_t take(std::string_view behind, std::vector<record_view>& out);

    /// The beginning of an element, with the comma before it, or nothing.
    std::string_view kept() const noexcept { return kept_; }
    /// Takes the rest of that element from the start of `behind`, and passes over it. The texts of the record are views
    /// of memory of the lane's, until `drop_kept`. False if the rest surprises it, or is not all there; `kept` is what
    /// it was then.
    bool complete_kept(std::string_view& behind, std::vector<record_view>& out);
    /// Forgets what is kept.
    void drop_kept() noexcept { kept_.clear(); }

private:
    static constexpr std::size_t max_shapes = 16;
    /// Bytes of an element that are kept, and bytes that are looked at for the rest of it.
    static constexpr std::size_t most_kept = 512;

    /// Takes at most so many elements of that shape; returns where the last one ends. `comma` tells whether there is
    /// one before the first, too.
    const char* run(record_shape& shape, bool comma, const char* at, const char* end, std::size_t most,
                    std::vector<record_view>& out) const;
    /// Takes elements of any known shape, which begin at `at`; returns where the last one ends.
    const char* run(bool comma, const char* at, const char* end, std::vector<record_view>& out);
    std::size_t keep_rest(std::string_view behind, const char* at, bool some);
    bool keep(std::string_view beginning);
    void lose_hope() noexcept;

    std::size_t field_bytes_;
    lane_kind kind_;
    std::vector<record_shape> shapes_;
    /// For each shape the one that came behind it the last time.
    std::vector<std::size_t> successors_;
    /// The shape of the last record, and the one to be forgotten next.
    std::size_t current_ = 0;
    std::size_t oldest_ = 0;
    /// Whether the general lane's last element has been learned from.
    bool learned_ = false;
    /// How often in a row the guess was of no use, and how many elements go to the general lane before the next.
    unsigned disappointments_ = 0;
    std::size_t detour_ = 0;
    std::string kept_;
};

}  // namespace jobmode::wire

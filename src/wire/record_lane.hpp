// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/decoder.hpp>
#include <jobmode/record.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/lane_memory.hpp"
#include "wire/lane_reader.hpp"

namespace jobmode::wire {

/// What the fast lane is made of. Every kind takes the same records; only the speed differs.
enum class lane_kind : std::uint8_t {
    /// No fast lane: the general one takes everything.
    none,
    /// Without vectors, on any machine.
    portable,
    sse2,
    avx2,
};

/// Whether this machine can run it.
bool is_supported(lane_kind kind) noexcept;
/// The fastest kind that this machine can run.
lane_kind fastest_lane() noexcept;

/// The fast lane: takes whole elements of the list. A list's elements are as a rule alike, so it guesses: the shape of
/// a whole element at first, that is, the same keys in the same order with the same white space; and where that differs
/// the next key and the length of its text, for each member. It leaves what it does not understand, and everything that
/// is wrong, to the general lane, which reads that element from its beginning.
///
/// Where that happens often, it is asked less and less often. What was learned survives the answer.
class record_lane {
public:
    record_lane(const decoder_limits& limits, lane_kind kind) noexcept;

    /// Asked at the beginning of the list: whether to call `begin`.
    bool is_hopeful() const noexcept { return kind_ != lane_kind::none && detour_ == 0; }
    /// As `take`, for the first elements of a list.
    std::size_t begin(std::string_view list, std::vector<record_view>& out);
    /// Asked at the end of each element that the general lane has taken: whether now to call `take`.
    bool is_worth_a_try() noexcept;
    /// Takes elements from the start of `behind`, which is what stands behind an element, and returns how many bytes
    /// they were. The texts of the records are views of `behind`, or, if they had escapes, of memory of the lane's,
    /// until `begin_batch`. An element that the end of `behind` has cut is taken, too, and kept, if what is there of it
    /// could not be better.
    std::size_t take(std::string_view behind, std::vector<record_view>& out);

    /// The beginning of an element, with the comma before it, or nothing.
    std::string_view kept() const noexcept { return kept_; }
    /// Takes the rest of that element from the start of `behind`, and passes over it. The texts of the record are views
    /// of memory of the lane's, until `drop_kept` or `begin_batch`. False if the lane gives it up, or it is not all
    /// there; `kept` is what it was then.
    bool complete_kept(std::string_view& behind, std::vector<record_view>& out);
    /// Forgets what is kept.
    void drop_kept() noexcept { kept_.clear(); }
    /// The texts of all records are forgotten.
    void begin_batch() noexcept { texts_.decoded.clear(); }

private:
    /// Levels around the members of an element.
    static constexpr std::size_t levels = 3;
    /// Bytes of an element that are kept, and bytes that are looked at for the rest of it.
    static constexpr std::size_t most_kept = 512;
    static constexpr auto everything = static_cast<std::size_t>(-1);

    std::size_t take(bool comma, std::string_view text, std::vector<record_view>& out);
    /// Takes at most so many elements from the start of the text, and returns how many bytes they were. `comma` tells
    /// whether there is one before the first, too; `is_cut`, whether the next one has been cut, and kept could be.
    std::size_t run(bool comma, std::string_view text, std::size_t most, std::vector<record_view>& out, bool& is_cut);
    void lose_hope() noexcept;

    std::size_t field_bytes_;
    std::size_t depth_;
    lane_kind kind_;
    lane_memory memory_;
    lane_texts texts_;
    /// How often in a row the first element was given up, and how many elements go to the general lane before the next
    /// try.
    unsigned disappointments_ = 0;
    std::size_t detour_ = 0;
    std::string kept_;
};

}  // namespace jobmode::wire

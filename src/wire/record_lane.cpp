// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/record_lane.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "wire/lane_reader.hpp"
#include "wire/record_key.hpp"
#include "wire/text_scan.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#define JOBMODE_SSE2
#include <emmintrin.h>
// Clang spells the region of a target in another way.
#if !defined(__clang__)
#define JOBMODE_AVX2
#include <immintrin.h>
#endif
#endif

namespace jobmode::wire {
namespace {

bool starts_with(const char* at, const char* end, std::string_view expected) noexcept {
    return static_cast<std::size_t>(end - at) >= expected.size() &&
           std::memcmp(at, expected.data(), expected.size()) == 0;
}

/// Puts a text where a record is known to have one.
void put(record_view& record, std::size_t which, std::string_view text) noexcept {
    if (which != field_count)
        record.text(static_cast<field>(which)) = text;
}

void put(record_view& record, std::size_t which, const lane_value& value) noexcept {
    if (which == field_count)
        return;
    record.text(static_cast<field>(which)) = value.text;
    record.set(static_cast<field>(which), value.kind);
}

/// Where the last element that was taken ends, and whether the one behind it has been cut by the end of the text, and
/// could not be better as far as it goes.
struct elements_taken {
    const char* end;
    bool is_cut;
};

namespace portable {

inline bool is_next(const char* at, const literal& expected) noexcept {
    return std::memcmp(at, expected.data(), expected.size()) == 0;
}

inline std::uint32_t special_bytes(const char* at) noexcept {
    const char* const special = find_special(at, at + 32);
    return special == at + 32 ? 0 : std::uint32_t{1} << (special - at);
}

#include "wire/record_match.hpp"

}  // namespace portable

#ifdef JOBMODE_SSE2
namespace sse2 {

inline __m128i load(const char* at) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

inline std::uint32_t join(__m128i low, __m128i high) noexcept {
    return static_cast<std::uint32_t>(_mm_movemask_epi8(low)) |
           (static_cast<std::uint32_t>(_mm_movemask_epi8(high)) << 16U);
}

inline std::uint32_t equal_bytes(const char* left, const char* right) noexcept {
    return join(_mm_cmpeq_epi8(load(left), load(right)), _mm_cmpeq_epi8(load(left + 16), load(right + 16)));
}

inline __m128i special_bytes(__m128i bytes) noexcept {
    // Signed: what is not ASCII is below the space, too.
    const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
    const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    return _mm_or_si128(low, _mm_or_si128(quotes, backslashes));
}

inline std::uint32_t special_bytes(const char* at) noexcept {
    return join(special_bytes(load(at)), special_bytes(load(at + 16)));
}

inline bool is_next(const char* at, const literal& expected) noexcept {
    const auto differs = [&](std::size_t index) {
        const std::size_t from = index * literal::block;
        return (~equal_bytes(at + from, expected.data() + from) & expected.mask(index)) != 0;
    };
    return !differs(0) && (expected.size() <= literal::block || !differs(1));
}

#include "wire/record_match.hpp"

}  // namespace sse2
#endif

#ifdef JOBMODE_AVX2
#pragma GCC push_options
#pragma GCC target("avx2,bmi")
namespace avx2 {

inline std::uint32_t equal_bytes(const char* left, const char* right) noexcept {
    const __m256i one = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(left));
    const __m256i other = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(right));
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(one, other)));
}

inline std::uint32_t special_bytes(const char* at) noexcept {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    // Signed: what is not ASCII is below the space, too.
    const __m256i low = _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), bytes);
    const __m256i quotes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"'));
    const __m256i backslashes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(low, _mm256_or_si256(quotes, backslashes))));
}

inline bool is_next(const char* at, const literal& expected) noexcept {
    const auto differs = [&](std::size_t index) {
        const std::size_t from = index * literal::block;
        return (~equal_bytes(at + from, expected.data() + from) & expected.mask(index)) != 0;
    };
    return !differs(0) && (expected.size() <= literal::block || !differs(1));
}

#include "wire/record_match.hpp"

}  // namespace avx2
#pragma GCC pop_options
#endif

}  // namespace

bool is_supported(lane_kind kind) noexcept {
    switch (kind) {
        case lane_kind::none:
        case lane_kind::portable:
            return true;
        case lane_kind::sse2:
#ifdef JOBMODE_SSE2
            return true;
#else
            return false;
#endif
        case lane_kind::avx2:
#ifdef JOBMODE_AVX2
            return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
#else
            return false;
#endif
    }
    return false;
}

lane_kind fastest_lane() noexcept {
    if (is_supported(lane_kind::avx2))
        return lane_kind::avx2;
    return is_supported(lane_kind::sse2) ? lane_kind::sse2 : lane_kind::portable;
}

record_lane::record_lane(const decoder_limits& limits, lane_kind kind) noexcept
    // What a vector shows of a text is not compared with the limit.
    : field_bytes_(limits.field_bytes),
      depth_(limits.depth - levels),
      kind_(limits.field_bytes < literal::capacity || limits.depth < levels ? lane_kind::none : kind) {}

bool record_lane::is_worth_a_try() noexcept {
    if (kind_ == lane_kind::none || detour_ == 0)
        return kind_ != lane_kind::none;
    --detour_;
    return false;
}

std::size_t record_lane::begin(std::string_view list, std::vector<record_view>& out) {
    return take(false, list, out);
}

std::size_t record_lane::take(std::string_view behind, std::vector<record_view>& out) {
    return take(true, behind, out);
}

std::size_t record_lane::take(bool comma, std::string_view text, std::vector<record_view>& out) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (kind_ == lane_kind::none || first == std::string_view::npos || text[first] == ']')
        return 0;
    bool is_cut = false;
    const std::size_t taken = run(comma, text, everything, out, is_cut);
    if (taken != 0)
        disappointments_ = 0;
    else if (!is_cut)
        lose_hope();
    // Without a comma before it, it could be the rest of no list.
    const std::string_view rest = text.substr(taken);
    if (!is_cut || rest.size() > most_kept || (!comma && taken == 0))
        return taken;
    kept_ = rest;
    return text.size();
}

bool record_lane::complete_kept(std::string_view& behind, std::vector<record_view>& out) {
    const std::size_t before = kept_.size();
    kept_.append(behind.substr(0, most_kept));
    bool is_cut = false;
    const std::size_t taken = run(true, kept_, 1, out, is_cut);
    if (taken == 0) {
        kept_.resize(before);
        return false;
    }
    behind.remove_prefix(taken - before);
    return true;
}

std::size_t record_lane::run(bool comma, std::string_view text, std::size_t most, std::vector<record_view>& out,
                             bool& is_cut) {
    lane_reader in(text, field_bytes_, depth_, texts_);
    const elements_taken taken = [&] {
        switch (kind_) {
#ifdef JOBMODE_AVX2
            case lane_kind::avx2:
                return avx2::take_elements(memory_, in, comma, most, out);
#endif
#ifdef JOBMODE_SSE2
            case lane_kind::sse2:
                return sse2::take_elements(memory_, in, comma, most, out);
#endif
            default:
                return portable::take_elements(memory_, in, comma, most, out);
        }
    }();
    is_cut = taken.is_cut;
    return static_cast<std::size_t>(taken.end - text.data());
}

void record_lane::lose_hope() noexcept {
    static constexpr unsigned patience = 3;
    static constexpr unsigned most = 8;
    disappointments_ = std::min(disappointments_ + 1, most);
    detour_ = disappointments_ < patience ? 0 : std::size_t{1} << disappointments_;
}

}  // namespace jobmode::wire

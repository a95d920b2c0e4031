// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/record_lane.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

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

void put(record_view& out, const shape_member& member, const char* at, std::size_t bytes) noexcept {
    if (member.which != field_count)
        out.text(static_cast<field>(member.which)) = std::string_view(at, bytes);
}

const char* space_end(const char* at, const char* end) noexcept {
    while (at != end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        ++at;
    return at;
}

bool starts_with(const char* at, const char* end, std::string_view expected) noexcept {
    return static_cast<std::size_t>(end - at) >= expected.size() &&
           std::memcmp(at, expected.data(), expected.size()) == 0;
}

/// Reads a member whose value is null, a number or a boolean. Returns its end; null if it is something else, or not all
/// there.
const char* match_unquoted(const shape_member& member, const char* at, const char* end, std::size_t field_bytes,
                           record_view& out) noexcept {
    const std::string_view before(member.before.data(), member.before.size() - 1);
    if (!starts_with(at, end, before))
        return nullptr;
    at += before.size();
    if (starts_with(at, end, "null")) {
        if (member.which != field_count)
            out.set(static_cast<field>(member.which), presence::null);
        return at + 4;
    }
    const char* const stop = unquoted_end(at, end);
    const auto bytes = static_cast<std::size_t>(stop - at);
    if (bytes == 0 || bytes > field_bytes)
        return nullptr;
    put(out, member, at, bytes);
    return stop;
}

/// Reads one element into `out`, which is the shape's blank or has been begun with the same bytes. Returns its end;
/// null if it is not of that shape, or not all there.
const char* match_portable(record_shape& shape, const char* at, const char* end, std::size_t field_bytes,
                           record_view& out) noexcept {
    const auto view = [](const literal& text) { return std::string_view(text.data(), text.size()); };
    for (const shape_member& member : shape) {
        if (!starts_with(at, end, view(member.before))) {
            at = match_unquoted(member, at, end, field_bytes, out);
            if (!at)
                return nullptr;
            continue;
        }
        at += member.before.size();
        const char* const close = plain_text_end(at, end);
        if (!close || static_cast<std::size_t>(close - at) > field_bytes)
            return nullptr;
        put(out, member, at, static_cast<std::size_t>(close - at));
        at = close + 1;
    }
    return starts_with(at, end, view(shape.tail())) ? at + shape.tail().size() : nullptr;
}

/// Whether the text could go on to be a comma and an element of that shape. It knows less than `match_portable`: of a
/// value that is not ASCII, it says no.
bool is_beginning(const record_shape& shape, std::string_view text, std::size_t field_bytes) noexcept {
    const char* const end = text.data() + text.size();
    const char* at = space_end(text.data(), end);
    if (at == end || *at++ != ',')
        return false;
    const auto bytes_left = [&] { return static_cast<std::size_t>(end - at); };
    const auto is_next = [&](std::string_view expected) {
        return std::memcmp(at, expected.data(), std::min(expected.size(), bytes_left())) == 0;
    };
    for (const shape_member& member : shape) {
        const std::string_view before(member.before.data(), member.before.size());
        const bool is_quoted = is_next(before);
        const std::size_t passed = before.size() - (is_quoted ? 0 : 1);
        if (!is_quoted && !is_next(before.substr(0, passed)))
            return false;
        if (bytes_left() <= passed)
            return is_quoted;
        at += passed;
        const char* stop = nullptr;
        if (is_quoted)
            stop = find_special(at, end);
        else if (is_next("null"))
            stop = at + std::min<std::size_t>(4, bytes_left());
        else if (stop = integer_end(at, end); stop == at && *at == '-' && bytes_left() == 1)
            stop = end;
        const auto bytes = static_cast<std::size_t>(stop - at);
        if (bytes > field_bytes || stop == end)
            return bytes <= field_bytes;
        if (is_quoted ? *stop != '"' : bytes == 0)
            return false;
        at = stop + (is_quoted ? 1 : 0);
    }
    return bytes_left() < shape.tail().size() && is_next({shape.tail().data(), shape.tail().size()});
}

namespace portable {

const char* match(record_shape& shape, const char* at, const char* end, std::size_t field_bytes,
                  record_view& out) noexcept {
    return match_portable(shape, at, end, field_bytes, out);
}

#include "wire/record_run.hpp"

}  // namespace portable

#ifdef JOBMODE_SSE2
void expect(shape_member& member, std::size_t value_bytes) noexcept {
    member.value_bytes = static_cast<std::uint32_t>(value_bytes);
    member.value_end =
        value_bytes <= shape_member::longest_short_value ? std::uint32_t{1} << value_bytes : shape_member::long_value;
}

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

record_lane::record_lane(std::size_t field_bytes, lane_kind kind) noexcept
    // What a vector shows of a value is not compared with the limit.
    : field_bytes_(field_bytes), kind_(field_bytes < literal::capacity ? lane_kind::none : kind) {}

bool record_lane::is_worth_a_try() noexcept {
    if (kind_ == lane_kind::none || detour_ == 0)
        return kind_ != lane_kind::none;
    --detour_;
    return false;
}

void record_lane::learn(std::string_view element) {
    learned_ = true;
    record_shape shape;
    if (!shape.learn(element))
        return;
    const auto known = std::ranges::find(shapes_, shape);
    if (known != shapes_.end()) {
        // A value was the surprise.
        current_ = static_cast<std::size_t>(known - shapes_.begin());
        return;
    }
    const std::size_t before = current_;
    if (shapes_.size() < max_shapes) {
        current_ = shapes_.size();
        shapes_.push_back(std::move(shape));
        successors_.push_back(0);
        // As long as there is room, what was learned has a use.
        learned_ = false;
    } else {
        current_ = std::exchange(oldest_, (oldest_ + 1) % max_shapes);
        shapes_[current_] = std::move(shape);
    }
    successors_[before] = current_;
}

std::size_t record_lane::begin(std::string_view list, std::vector<record_view>& out) {
    const std::size_t records_before = out.size();
    const char* const at = run(false, list.data(), list.data() + list.size(), out);
    return keep_rest(list, at, out.size() != records_before);
}

std::size_t record_lane::take(std::string_view behind, std::vector<record_view>& out) {
    static constexpr std::size_t worth_it = 4;
    const char* const first = space_end(behind.data(), behind.data() + behind.size());
    if (kind_ == lane_kind::none || first == behind.data() + behind.size() || *first == ']')
        return 0;
    const std::size_t records_before = out.size();
    const char* const at = run(true, behind.data(), behind.data() + behind.size(), out);
    if (out.size() - records_before >= worth_it)
        disappointments_ = 0;
    else if (learned_)
        lose_hope();
    learned_ = false;
    return keep_rest(behind, at, out.size() != records_before);
}

const char* record_lane::run(bool comma, const char* at, const char* end, std::vector<record_view>& out) {
    static constexpr auto all = static_cast<std::size_t>(-1);
    if (shapes_.empty())
        return at;
    for (;;) {
        // The same shape again, then what came behind it the last time, then the others.
        const std::size_t last = current_;
        const char* next = run(shapes_[last], comma, at, end, all, out);
        if (next == at) {
            const std::size_t usual = successors_[last];
            for (std::size_t tried = 0; next == at && tried != shapes_.size(); ++tried) {
                current_ = (usual + tried) % shapes_.size();
                if (current_ != last)
                    next = run(shapes_[current_], comma, at, end, 1, out);
            }
            if (next == at) {
                current_ = last;
                return at;
            }
            successors_[last] = current_;
        }
        at = next;
        comma = true;
        if (at == end || *at == ']')
            return at;
    }
}

/// How much of `behind` is taken, if elements were up to `at`, and what follows is kept where that can be.
std::size_t record_lane::keep_rest(std::string_view behind, const char* at, bool some) {
    const auto taken = static_cast<std::size_t>(at - behind.data());
    return some && keep(behind.substr(taken)) ? behind.size() : taken;
}

bool record_lane::keep(std::string_view beginning) {
    if (beginning.empty() || beginning.size() > most_kept)
        return false;
    for (std::size_t tried = 0; tried != shapes_.size(); ++tried) {
        if (is_beginning(shapes_[current_], beginning, field_bytes_)) {
            kept_ = beginning;
            return true;
        }
        current_ = (current_ + 1) % shapes_.size();
    }
    return false;
}

bool record_lane::complete_kept(std::string_view& behind, std::vector<record_view>& out) {
    const std::size_t before = kept_.size();
    kept_.append(behind.substr(0, most_kept));
    const char* const begin = kept_.data();
    const char* const end = run(shapes_[current_], true, begin, begin + kept_.size(), 1, out);
    if (end == begin) {
        kept_.resize(before);
        return false;
    }
    behind.remove_prefix(static_cast<std::size_t>(end - begin) - before);
    return true;
}

const char* record_lane::run(record_shape& shape, bool comma, const char* at, const char* end, std::size_t most,
                             std::vector<record_view>& out) const {
    switch (kind_) {
        case lane_kind::none:
            break;
#ifdef JOBMODE_AVX2
        case lane_kind::avx2:
            return avx2::run(shape, comma, at, end, field_bytes_, most, out);
#endif
#ifdef JOBMODE_SSE2
        case lane_kind::sse2:
            return sse2::run(shape, comma, at, end, field_bytes_, most, out);
#endif
        default:
            return portable::run(shape, comma, at, end, field_bytes_, most, out);
    }
    return at;
}

void record_lane::lose_hope() noexcept {
    static constexpr unsigned patience = 3;
    static constexpr unsigned most = 8;
    disappointments_ = std::min(disappointments_ + 1, most);
    detour_ = disappointments_ < patience ? 0 : std::size_t{1} << disappointments_;
}

}  // namespace jobmode::wire

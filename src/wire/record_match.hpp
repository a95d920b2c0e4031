// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Included by record_lane.cpp, once for each set of instructions: into a namespace that has
//     std::uint32_t equal_bytes(const char*, const char*)    which of 32 bytes are the same on both sides, and
//     std::uint32_t special_bytes(const char*)               which of 32 bytes are special,
// the lowest bit standing for the first byte. A template would not do, since it cannot be compiled for other
// instructions than what surrounds it.

inline bool is_next(const char* at, const literal& expected) noexcept {
    const auto differs = [&](std::size_t index) {
        const std::size_t from = index * literal::block;
        return (~equal_bytes(at + from, expected.data() + from) & expected.mask(index)) != 0;
    };
    return !differs(0) && (expected.size() <= literal::block || !differs(1));
}

/// Reads one element. See `match_portable`, which it asks where a value is not a short ASCII string, and where it could
/// read beyond `end`.
inline const char* match(record_shape& shape, const char* at, const char* end, std::size_t field_bytes,
                         record_view& out) noexcept {
    const char* const begin = at;
    for (shape_member& member : shape) {
        if (static_cast<std::size_t>(end - at) < member.before.size() + literal::block)
            return match_portable(shape, begin, end, field_bytes, out);
        if (!is_next(at, member.before)) {
            at = match_unquoted(member, at, end, field_bytes, out);
            if (!at)
                return nullptr;
            continue;
        }
        at += member.before.size();
        const std::uint32_t special = special_bytes(at);
        // Where the next value begins must not wait for this one's bytes to be looked at: so the guess is compared, and
        // the processor runs on with it.
        if ((special & (0 - special)) == member.value_end && at[member.value_bytes] == '"') [[likely]] {
            put(out, member, at, member.value_bytes);
            at += member.value_bytes + 1;
            continue;
        }
        const char* close = at + std::countr_zero(special);
        if (special == 0 || *close != '"') {
            close = plain_text_end(at, end);
            if (!close || static_cast<std::size_t>(close - at) > field_bytes)
                return nullptr;
        }
        expect(member, static_cast<std::size_t>(close - at));
        put(out, member, at, static_cast<std::size_t>(close - at));
        at = close + 1;
    }
    if (static_cast<std::size_t>(end - at) < literal::capacity)
        return match_portable(shape, begin, end, field_bytes, out);
    return is_next(at, shape.tail()) ? at + shape.tail().size() : nullptr;
}

#include "wire/record_run.hpp"

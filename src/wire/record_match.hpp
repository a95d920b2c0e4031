// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Included by record_lane.cpp, once for each kind of lane: into a namespace that has
//     bool is_next(const char*, const literal&)      whether the literal stands there, and
//     std::uint32_t special_bytes(const char*)       which of 32 bytes are special,
// where the lowest bit stands for the first byte, and only the lowest one that is set counts. A template would not do,
// since it cannot be compiled for other instructions than what surrounds it.

/// The first special byte, or `end`.
inline const char* find_far(const char* at, const char* end) noexcept {
    for (; end - at >= 64; at += 64) {
        const std::uint64_t special = special_bytes(at) | std::uint64_t{special_bytes(at + 32)} << 32U;
        if (special != 0)
            return at + std::countr_zero(special);
    }
    return find_special(at, end);
}

/// Reads a string whose inside begins at `at`; see `lane_reader::take_text`.
inline const char* take_text(lane_reader& in, const char* at, std::uint32_t special, std::string_view* text) {
    const char* const stop = special != 0 ? at + std::countr_zero(special) : find_far(at + 32, in.end());
    if (stop - at >= 32 || *stop != '"') [[unlikely]]
        return in.take_text(at, stop, text);
    *text = {in.original(at), static_cast<std::size_t>(stop - at)};
    return stop;
}

/// Reads members as long as they are those of the shape. Returns the element's end; null if something else came, with
/// `at` where that was and `members` the number of those before it.
inline const char* match(record_shape& shape, lane_reader& in, const char*& at, std::size_t& members,
                         record_view& record) {
    const char* here = at;
    for (shape_member& member : shape) {
        here = in.settle(here);
        const char* next = nullptr;
        if (is_next(here, member.before)) [[likely]] {
            const char* const begin = here + member.before.size();
            const std::uint32_t special = special_bytes(begin);
            // Where the next value begins must not wait for this one's bytes to be looked at: so the guess is compared,
            // and the processor runs on with it.
            if ((special & (0 - special)) == member.value.end && begin[member.value.bytes] == '"') [[likely]] {
                put(record, member.which, {in.original(begin), member.value.bytes});
                here = begin + member.value.bytes + 1;
                continue;
            }
            std::string_view text;
            next = take_text(in, begin, special, &text);
            if (next) {
                put(record, member.which, text);
                member.value.expect(static_cast<std::size_t>(next - begin));
                ++next;
            }
        } else if (starts_with(here, in.end(), {member.before.data(), member.before.size() - 1})) {
            lane_value value;
            next = in.take_unquoted(here + member.before.size() - 1, value);
            if (next)
                put(record, member.which, value);
        }
        if (!next) {
            at = here;
            members = static_cast<std::size_t>(&member - &*shape.begin());
            return nullptr;
        }
        here = next;
    }
    here = in.settle(here);
    if (is_next(here, shape.tail()))
        return here + shape.tail().size();
    at = here;
    members = static_cast<std::size_t>(shape.end() - shape.begin());
    return nullptr;
}

/// Reads an element's members whatever they are, from where one may begin: the opening brace, or the end of a value,
/// which `last` tells. Returns the element's end; null if it gives up.
inline const char* take_members(std::array<key_node, field_count + 2>& keys, lane_reader& in, const char* at,
                                std::size_t last, std::uint32_t& signature, record_view& record) {
    for (;;) {
        at = in.settle(at);
        const char before = last == lane_memory::record_begin ? '{' : ',';
        if (at[0] == before && at[1] == '"') [[likely]] {
            at += 2;
        } else {
            at = in.pass_space(at);
            if (*at == '}' && before == ',')
                return at + 1;
            if (*at != before)
                return in.give_up(at);
            at = in.pass_space(at + 1);
            if (*at == '}' && before == '{')
                return at + 1;
            if (*at != '"')
                return in.give_up(at);
            at = in.settle(at + 1);
        }
        std::size_t which = keys[last].next;
        if (quoted_keys[which].is_at(at)) {
            keys[last].confirm();
            at += quoted_keys[which].bytes();
        } else {
            which = guess_field(at);
            if (quoted_keys[which].is_at(at)) {
                at += quoted_keys[which].bytes();
            } else {
                std::string_view key;
                at = take_text(in, at, special_bytes(at), &key);
                if (!at)
                    return nullptr;
                at = in.settle(at + 1);
                which = find_field(key);
            }
            keys[last].correct(which);
        }
        last = which;
        signature = add_to_signature(signature, which);
        if (at[0] == ':' && at[1] == '"') [[likely]] {
            at += 2;
        } else {
            at = in.pass_space(at);
            if (*at != ':')
                return in.give_up(at);
            at = in.pass_space(at + 1);
            if (*at != '"') {
                lane_value value;
                at = in.take_unquoted(at, value);
                if (!at)
                    return nullptr;
                put(record, which, value);
                continue;
            }
            at = in.settle(at + 1);
        }
        expected_text& value = keys[which].value;
        const std::uint32_t special = special_bytes(at);
        std::string_view text;
        if ((special & (0 - special)) == value.end && at[value.bytes] == '"') [[likely]] {
            text = {in.original(at), value.bytes};
            at += value.bytes + 1;
        } else {
            const char* const begin = at;
            at = take_text(in, at, special, &text);
            if (!at)
                return nullptr;
            value.expect(static_cast<std::size_t>(at - begin));
            ++at;
        }
        put(record, which, {text, presence::text});
    }
}

/// Reads an element, by its shape or by its keys, and adds its record. Returns its end; null if it gives up.
inline const char* take_element(lane_memory& memory, lane_reader& in, const char* at, std::vector<record_view>& out) {
    const char* const begin = in.original(at);
    std::uint32_t signature = 0;
    std::size_t last = lane_memory::record_begin;
    bool with_first_key = true;
    if (memory.wants_to_guess()) {
        record_shape* shape = &memory.first_guess();
        at = in.settle(at);
        // Records whose order alternates are told apart by their first key, before one of them is made.
        const bool is_second =
            !is_next(at, shape->begin()->before) && is_next(at, memory.second_guess().begin()->before);
        if (is_second)
            shape = &memory.second_guess();
        record_view& record = out.emplace_back(shape->blank());
        std::size_t members = 0;
        if (const char* const end = match(*shape, in, at, members, record)) [[likely]] {
            is_second ? memory.praise_second() : memory.praise_first();
            return end;
        }
        with_first_key = is_second || members == 0;
        for (auto member = shape->begin() + static_cast<std::ptrdiff_t>(members); member != shape->end(); ++member)
            if (member->which != field_count)
                record.set(static_cast<field>(member->which), presence::absent);
        if (members != 0) {
            signature = shape->begin()[static_cast<std::ptrdiff_t>(members) - 1].signature;
            last = shape->begin()[static_cast<std::ptrdiff_t>(members) - 1].which;
        }
    } else {
        out.emplace_back();
    }
    const char* const end = take_members(memory.keys(), in, at, last, signature, out.back());
    if (end)
        memory.note({begin, static_cast<std::size_t>(in.original(end) - begin)}, signature, with_first_key);
    return end;
}

/// Takes at most so many elements from the reader's start. `comma` tells whether there is one before the first, too.
inline elements_taken take_elements(lane_memory& memory, lane_reader& in, bool comma, std::size_t most,
                                    std::vector<record_view>& out) {
    const char* at = in.begin();
    const char* done = in.original(at);
    for (; most != 0; --most, comma = true) {
        at = in.settle(at);
        if (comma) {
            if (*at != ',') {
                at = in.pass_space(at);
                if (*at != ',')
                    break;
            }
            ++at;
        }
        at = take_element(memory, in, at, out);
        if (!at) {
            out.pop_back();
            return {done, in.is_cut()};
        }
        done = in.original(at);
    }
    return {done, false};
}

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/lane_reader.hpp"

#include <cstdint>

#include "wire/record_shape.hpp"
#include "wire/text_scan.hpp"
#include "wire/utf8.hpp"

namespace jobmode::wire {
namespace {

/// Reads four hexadecimal digits; something larger than they can be if they are not there.
unsigned read_hex(const char* at, const char* end) noexcept {
    static constexpr unsigned none = 0x10000;
    if (end - at < 4)
        return none;
    unsigned value = 0;
    for (int digits = 0; digits != 4; ++digits) {
        const char c = *at++;
        const char letter = static_cast<char>(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value * 16 + static_cast<unsigned>(c - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value * 16 + static_cast<unsigned>(letter - 'a') + 10;
        else
            return none;
    }
    return value;
}

/// Adds what an escape stands for, of which `at` is the backslash. Returns its end, or null.
const char* add_escape(const char* at, const char* end, std::string& text) {
    if (end - at < 2)
        return nullptr;
    static constexpr std::string_view names = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t place = names.find(at[1]); place != std::string_view::npos) {
        text.push_back(meanings[place]);
        return at + 2;
    }
    if (at[1] != 'u')
        return nullptr;
    unsigned code = read_hex(at + 2, end);
    if (code > 0xFFFF)
        return nullptr;
    at += 6;
    if (code >= 0xD800 && code < 0xDC00) {
        if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
            return nullptr;
        const unsigned low = read_hex(at + 2, end);
        if (low < 0xDC00 || low >= 0xE000)
            return nullptr;
        code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
        at += 6;
    } else if (code >= 0xDC00 && code < 0xE000) {
        return nullptr;
    }
    text.append(utf8_character(code).text());
    return at;
}

/// Whether the text could go on to be a value that is not a string.
bool is_beginning(std::string_view text) noexcept {
    return text == "-" || std::string_view("null").starts_with(text) || std::string_view("true").starts_with(text) ||
           std::string_view("false").starts_with(text);
}

/// What ends the innermost level.
char closing(std::uint64_t objects) noexcept {
    return (objects & 1U) != 0 ? '}' : ']';
}

}  // namespace

const char* lane_reader::copy_rest(const char* at) noexcept {
    origin_ = original(at);
    std::copy(at, end_, rest_.begin());
    end_ = rest_.data() + (end_ - at);
    base_ = rest_.data();
    needed_ = 0;
    return base_;
}

const char* lane_reader::take_text(const char* at, const char* special, std::string_view* text) {
    const char* stop = special;
    if (stop != end_ && static_cast<unsigned char>(*stop) >= 0x80) {
        stop = find_stop<false>(special, end_);
        utf8_checker checker;
        if (!checker.feed({special, static_cast<std::size_t>(stop - special)}) || (stop != end_ && !checker.finish()))
            return refuse();
    }
    const auto bytes = static_cast<std::size_t>(stop - at);
    if (bytes > field_bytes_)
        return refuse();
    if (stop == end_)
        return give_up(end_);
    if (*stop == '\\')
        return decode(at, stop, text);
    if (*stop != '"')
        return refuse();
    if (text)
        *text = {original(at), bytes};
    return stop;
}

const char* lane_reader::decode(const char* begin, const char* at, std::string_view* text) {
    std::string& scratch = texts_.scratch;
    scratch.assign(begin, at);
    do {
        at = add_escape(at, end_, scratch);
        if (!at)
            return refuse();
        const char* const stop = find_stop<false>(at, end_);
        const std::string_view run(at, static_cast<std::size_t>(stop - at));
        utf8_checker checker;
        if (!checker.feed(run) || (stop != end_ && !checker.finish()))
            return refuse();
        scratch.append(run);
        if (scratch.size() > field_bytes_)
            return refuse();
        at = stop;
    } while (at != end_ && *at == '\\');
    if (at == end_ || *at != '"')
        return give_up(at);
    if (text)
        *text = texts_.decoded.copy(scratch);
    return at;
}

const char* lane_reader::pass_unquoted(const char* at) {
    const char* const stop = unquoted_end(at, end_);
    const auto bytes = static_cast<std::size_t>(stop - at);
    if (bytes > field_bytes_)
        return refuse();
    if (bytes == 0)
        return is_beginning({at, static_cast<std::size_t>(end_ - at)}) ? give_up(end_) : refuse();
    return stop;
}

const char* lane_reader::pass_key(const char* at) {
    if (at == end_ || *at != '"')
        return give_up(at);
    at = take_text(at + 1, find_special(at + 1, end_), nullptr);
    if (!at)
        return nullptr;
    at = space_end(at + 1);
    if (at == end_ || *at != ':')
        return give_up(at);
    return space_end(at + 1);
}

const char* lane_reader::pass_nested(const char* at) {
    static constexpr std::size_t most_levels = 64;
    const std::size_t depth = std::min(depth_, most_levels);
    // A bit a level, whether it is an object.
    std::uint64_t objects = 0;
    std::size_t levels = 0;
    for (;;) {
        bool is_empty = true;
        if (at == end_) {
            return give_up(at);
        } else if (*at == '{' || *at == '[') {
            if (levels++ == depth)
                return refuse();
            objects = objects << 1U | (*at == '{' ? 1U : 0U);
            at = space_end(at + 1);
            is_empty = at != end_ && *at == closing(objects);
        } else if (*at == '"') {
            at = take_text(at + 1, find_special(at + 1, end_), nullptr);
            if (!at)
                return nullptr;
            ++at;
        } else {
            at = pass_unquoted(at);
            if (!at)
                return nullptr;
        }
        if (is_empty) {
            for (at = space_end(at); at != end_ && *at == closing(objects); at = space_end(at)) {
                ++at;
                objects >>= 1U;
                if (--levels == 0)
                    return at;
            }
            if (at == end_ || *at != ',')
                return give_up(at);
            at = space_end(at + 1);
        }
        if ((objects & 1U) != 0) {
            at = pass_key(at);
            if (!at)
                return nullptr;
        }
    }
}

const char* lane_reader::take_unquoted(const char* at, lane_value& value) {
    if (at == end_)
        return give_up(at);
    value = {};
    if (*at == '{' || *at == '[') {
        value.kind = presence::absent;
        return pass_nested(at);
    }
    const char* const stop = pass_unquoted(at);
    if (stop && *at == 'n')
        value.kind = presence::null;
    else if (stop)
        value.text = {original(at), static_cast<std::size_t>(stop - at)};
    return stop;
}

}  // namespace jobmode::wire

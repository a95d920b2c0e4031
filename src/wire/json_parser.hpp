// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/text_scan.hpp"
#include "wire/utf8.hpp"

namespace jobmode::wire {

/// What kind of value begins, when it is neither an object nor an array.
enum class scalar : std::uint8_t { string, null, number_or_boolean };

/// A push parser for JSON (RFC 8259) in UTF-8, for documents whose outermost value is an object or an array. It stops
/// at exactly the first byte that the document cannot have, or that goes beyond a limit, wherever the pieces were cut;
/// a parser that looks at whole tokens when it has them whole cannot promise that.
///
/// The handler's functions, of which those that take an error code stop the parser by setting it and returning false.
/// When `end_object` returns false, `feed` returns behind the object, and can be called for what follows; when
/// `begin_array` does, without an error, behind the bracket.
/// ```
/// bool begin_object(error_code&);         bool end_object();
/// bool begin_array(error_code&);          bool end_array();
/// bool end_key(std::string_view, error_code&);
/// bool begin_scalar(scalar, error_code&); // at the value's first byte
/// void end_string(std::string_view);
/// void end_literal(std::string_view);     // a number or boolean, as it was written
/// void end_null();
/// bool wanted() const;                    // whether the text of what has begun is to be kept
/// ```
/// A text lives as long as the call that hands it out; one that is not wanted may come incomplete.
class json_parser {
public:
    /// `depth_limit` in levels, the outermost one included; `text_limit` in bytes of one key, string or number.
    json_parser(std::size_t depth_limit, std::size_t text_limit) : depth_limit_(depth_limit), text_limit_(text_limit) {}

    /// Expects another document; keeps the memory.
    void reset() noexcept {
        state_ = state::value;
        levels_.clear();
        start_text();
    }

    /// Behind an array's opening bracket: its first elements have been taken by somebody else.
    void pass_elements() noexcept { state_ = state::array_next; }

    /// Whether the document is complete.
    bool done() const noexcept { return state_ == state::done; }

    /// Takes bytes up to the document's end, or up to where the handler has it pause, and returns how many. On an error
    /// that is the place of the byte that caused it; the parser is of no use then until `reset`.
    template <class Handler>
    std::size_t feed(std::string_view piece, Handler& handler, error_code& ec) {
        std::size_t at = 0;
        while (at != piece.size() && state_ != state::done)
            if (!step(piece, at, handler, ec))
                break;
        return at;
    }

private:
    enum class state : std::uint8_t {
        value,
        first_key,
        key,
        colon,
        object_next,
        first_element,
        array_next,
        text,
        escape,
        hex,
        low_backslash,
        low_u,
        low_hex,
        literal,
        number,
        minus,
        zero,
        integer,
        point,
        fraction,
        exponent,
        exponent_sign,
        exponent_digits,
        done,
    };

    static bool refuse(error_code& ec, errc code) {
        ec = code;
        return false;
    }

    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

    /// Takes one byte, or a run of them. False after an error, with `at` at its place, and for a pause, with `at`
    /// behind the object or bracket.
    template <class Handler>
    bool step(std::string_view piece, std::size_t& at, Handler& handler, error_code& ec) {
        const char c = piece[at];
        switch (state_) {
            case state::text:
                return take_text(piece, at, handler, ec);
            case state::escape:
            case state::hex:
            case state::low_backslash:
            case state::low_u:
            case state::low_hex:
                if (!take_escape(c, handler, ec))
                    return false;
                ++at;
                return true;
            case state::literal:
                if (c != literal_[matched_])
                    return refuse(ec, errc::json_syntax);
                ++at;
                if (++matched_ == literal_.size())
                    end_literal(handler);
                return true;
            case state::number:
            case state::minus:
            case state::zero:
            case state::integer:
            case state::point:
            case state::fraction:
            case state::exponent:
            case state::exponent_sign:
            case state::exponent_digits:
                return take_number(piece, at, handler, ec);
            default:
                break;
        }
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            ++at;
            return true;
        }
        const bool go_on = take_structure(c, handler, ec);
        if (!go_on && ec)
            return false;
        // A number has no opening byte of its own.
        if (state_ != state::number)
            ++at;
        return go_on;
    }

    template <class Handler>
    bool take_structure(char c, Handler& handler, error_code& ec) {
        switch (state_) {
            case state::first_key:
                if (c == '}')
                    return leave(handler.end_object());
                [[fallthrough]];
            case state::key:
                if (c != '"')
                    return refuse(ec, errc::json_syntax);
                is_key_ = true;
                start_text();
                state_ = state::text;
                return true;
            case state::colon:
                if (c != ':')
                    return refuse(ec, errc::json_syntax);
                state_ = state::value;
                return true;
            case state::object_next:
                if (c == '}')
                    return leave(handler.end_object());
                if (c != ',')
                    return refuse(ec, errc::json_syntax);
                state_ = state::key;
                return true;
            case state::array_next:
                if (c == ']')
                    return leave(handler.end_array());
                if (c != ',')
                    return refuse(ec, errc::json_syntax);
                state_ = state::value;
                return true;
            case state::first_element:
                if (c == ']')
                    return leave(handler.end_array());
                break;
            default:
                break;
        }
        return begin_value(c, handler, ec);
    }

    template <class Handler>
    bool begin_value(char c, Handler& handler, error_code& ec) {
        switch (c) {
            case '{':
                state_ = state::first_key;
                return enter(true, ec) && handler.begin_object(ec);
            case '[':
                state_ = state::first_element;
                return enter(false, ec) && handler.begin_array(ec);
            case '"':
                is_key_ = false;
                start_text();
                state_ = state::text;
                return handler.begin_scalar(scalar::string, ec);
            case 't':
                return begin_literal("true", scalar::number_or_boolean, handler, ec);
            case 'f':
                return begin_literal("false", scalar::number_or_boolean, handler, ec);
            case 'n':
                return begin_literal("null", scalar::null, handler, ec);
            default:
                if (!is_digit(c) && c != '-')
                    return refuse(ec, errc::json_syntax);
                start_text();
                state_ = state::number;
                return handler.begin_scalar(scalar::number_or_boolean, ec);
        }
    }

    bool enter(bool is_object, error_code& ec) {
        if (levels_.size() >= depth_limit_)
            return refuse(ec, errc::depth_limit);
        levels_.push_back(is_object);
        return true;
    }

    bool leave(bool go_on) {
        levels_.pop_back();
        end_value();
        return go_on;
    }

    void end_value() noexcept {
        if (levels_.empty())
            state_ = state::done;
        else
            state_ = levels_.back() ? state::object_next : state::array_next;
    }

    template <class Handler>
    bool begin_literal(std::string_view literal, scalar kind, Handler& handler, error_code& ec) {
        literal_ = literal;
        matched_ = 1;
        state_ = state::literal;
        return handler.begin_scalar(kind, ec);
    }

    template <class Handler>
    void end_literal(Handler& handler) {
        if (literal_.front() == 'n')
            handler.end_null();
        else
            handler.end_literal(literal_);
        end_value();
    }

    void start_text() noexcept {
        scratch_.clear();
        text_bytes_ = 0;
        utf8_ = {};
    }

    /// Takes a string's plain bytes, and the quote or backslash behind them.
    template <class Handler>
    bool take_text(std::string_view piece, std::size_t& at, Handler& handler, error_code& ec) {
        // Up to a quote, a backslash, a control character or the end.
        const char* const begin = piece.data() + at;
        const char* const stop = find_stop<false>(begin, piece.data() + piece.size());
        std::string_view run(begin, static_cast<std::size_t>(stop - begin));
        const bool too_long = run.size() > text_limit_ - text_bytes_;
        if (too_long)
            run = run.substr(0, text_limit_ - text_bytes_);
        utf8_checker before = utf8_;
        if (!utf8_.feed(run)) {
            while (before.feed(run.substr(0, 1))) {
                run.remove_prefix(1);
                ++at;
            }
            return refuse(ec, errc::bad_utf8);
        }
        at += run.size();
        if (too_long)
            return refuse(ec, errc::field_limit);
        text_bytes_ += run.size();
        if (at == piece.size()) {
            if (handler.wanted())
                scratch_.append(run);
            return true;
        }
        if (!utf8_.finish())
            return refuse(ec, errc::bad_utf8);
        if (piece[at] == '"') {
            if (!end_text(run, handler, ec))
                return false;
        } else if (piece[at] == '\\') {
            if (handler.wanted())
                scratch_.append(run);
            state_ = state::escape;
        } else {
            return refuse(ec, errc::json_syntax);
        }
        ++at;
        return true;
    }

    template <class Handler>
    bool end_text(std::string_view last_run, Handler& handler, error_code& ec) {
        std::string_view whole = last_run;
        if (!scratch_.empty())
            whole = scratch_.append(last_run);
        if (is_key_) {
            state_ = state::colon;
            return handler.end_key(whole, ec);
        }
        handler.end_string(whole);
        end_value();
        return true;
    }

    template <class Handler>
    bool take_escape(char c, Handler& handler, error_code& ec) {
        switch (state_) {
            case state::escape: {
                if (c == 'u') {
                    begin_hex(state::hex);
                    return true;
                }
                static constexpr std::string_view names = "\"\\/bfnrt";
                static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
                const std::size_t place = names.find(c);
                return place == std::string_view::npos ? refuse(ec, errc::json_syntax)
                                                       : add(meanings.substr(place, 1), handler, ec);
            }
            case state::low_backslash:
                state_ = state::low_u;
                return c == '\\' || refuse(ec, errc::bad_utf8);
            case state::low_u:
                begin_hex(state::low_hex);
                return c == 'u' || refuse(ec, errc::bad_utf8);
            default:
                return take_hex(c, handler, ec);
        }
    }

    void begin_hex(state next) noexcept {
        state_ = next;
        unit_ = 0;
        matched_ = 0;
    }

    template <class Handler>
    bool take_hex(char c, Handler& handler, error_code& ec) {
        unsigned digit = 0;
        if (is_digit(c))
            digit = static_cast<unsigned>(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = static_cast<unsigned>(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = static_cast<unsigned>(c - 'A') + 10;
        else
            return refuse(ec, errc::json_syntax);
        unit_ = unit_ * 16 + digit;
        if (++matched_ != 4)
            return true;
        const bool is_high = unit_ >= 0xD800 && unit_ < 0xDC00;
        const bool is_low = unit_ >= 0xDC00 && unit_ < 0xE000;
        if (is_low != (state_ == state::low_hex))
            return refuse(ec, errc::bad_utf8);
        if (is_high) {
            high_ = unit_;
            state_ = state::low_backslash;
            return true;
        }
        const unsigned code = is_low ? 0x10000 + ((high_ - 0xD800) << 10U) + (unit_ - 0xDC00) : unit_;
        return add(utf8_character(code).text(), handler, ec);
    }

    /// Adds what an escape stands for, and goes on with the string.
    template <class Handler>
    bool add(std::string_view text, Handler& handler, error_code& ec) {
        if (text.size() > text_limit_ - text_bytes_)
            return refuse(ec, errc::field_limit);
        text_bytes_ += text.size();
        if (handler.wanted())
            scratch_.append(text);
        state_ = state::text;
        return true;
    }

    /// The state after `c`; `done` if the number ends before it, `value` if it cannot stand there.
    static state next_in_number(state now, char c) noexcept {
        const bool is_e = c == 'e' || c == 'E';
        switch (now) {
            case state::number:
                if (c == '-')
                    return state::minus;
                [[fallthrough]];
            case state::minus:
                if (c == '0')
                    return state::zero;
                return is_digit(c) ? state::integer : state::value;
            case state::integer:
                if (is_digit(c))
                    return state::integer;
                [[fallthrough]];
            case state::zero:
                if (c == '.')
                    return state::point;
                return is_e ? state::exponent : state::done;
            case state::point:
                return is_digit(c) ? state::fraction : state::value;
            case state::fraction:
                if (is_digit(c))
                    return state::fraction;
                return is_e ? state::exponent : state::done;
            case state::exponent:
                if (c == '+' || c == '-')
                    return state::exponent_sign;
                [[fallthrough]];
            case state::exponent_sign:
                return is_digit(c) ? state::exponent_digits : state::value;
            default:
                return is_digit(c) ? state::exponent_digits : state::done;
        }
    }

    template <class Handler>
    bool take_number(std::string_view piece, std::size_t& at, Handler& handler, error_code& ec) {
        const std::size_t begin = at;
        state next = state_;
        for (; at != piece.size(); ++at) {
            next = next_in_number(state_, piece[at]);
            if (next == state::done)
                break;
            if (next == state::value)
                return refuse(ec, errc::json_syntax);
            if (text_bytes_ == text_limit_)
                return refuse(ec, errc::field_limit);
            ++text_bytes_;
            state_ = next;
        }
        std::string_view run = piece.substr(begin, at - begin);
        if (next != state::done) {
            if (handler.wanted())
                scratch_.append(run);
            return true;
        }
        if (!scratch_.empty())
            run = scratch_.append(run);
        handler.end_literal(run);
        end_value();
        return true;
    }

    std::size_t depth_limit_;
    std::size_t text_limit_;
    state state_ = state::value;
    bool is_key_ = false;
    std::vector<bool> levels_;
    std::string_view literal_;
    std::size_t matched_ = 0;
    unsigned unit_ = 0;
    unsigned high_ = 0;
    std::size_t text_bytes_ = 0;
    utf8_checker utf8_;
    std::string scratch_;
};

}  // namespace jobmode::wire

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/decoder.hpp>
#include <jobmode/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "wire/answer_error.hpp"
#include "wire/json_parser.hpp"

namespace jobmode::wire {

/// Parses the document that all answers of the API family share: an object with `Status`, `Message`, `ExptType` and one
/// list of objects. The list's objects go to `Elements`, member by member:
/// ```
/// static constexpr std::string_view list_key;  // "Data"
/// void begin_element();
/// void key(std::string_view);   // the next member's
/// void text(std::string_view);  // its value: a string's text, or a number or boolean as it was written
/// void null();                  // null
/// void nested();                // an array or object, which is skipped
/// void end_element();
/// ```
/// A member can be a list of texts, or null, and nothing else, if `Elements` has these functions, too:
/// ```
/// bool wants_texts() const;     // whether that is so for the member whose key came last
/// void item(std::string_view);  // one of the texts: as for `text`
/// ```
/// This is the general lane: it takes any JSON in any split. Elements that have a faster way through a list offer it by
/// these functions, too:
/// ```
/// bool wants_to_begin();   // whether to try it, now that the list begins
/// bool wants_to_go_on();   // whether to try it, now that an element has ended
/// std::size_t begin(std::string_view list);
/// std::size_t go_on(std::string_view behind);
/// std::string_view kept() const;
/// bool complete_kept(std::string_view& behind);
/// void drop_kept();
/// ```
/// `begin` takes elements from the start of the list, `go_on` from the start of `behind`, each with the comma before
/// it; both return how many bytes they were. They may keep a text in
/// which the piece's end has cut an element, if that is the beginning of a sound one; with the next piece,
/// `complete_kept` takes the rest of the element, or returns false. Then the text comes here, and is dropped there.
template <class Elements>
class answer_parser {
public:
    answer_parser(const decoder_limits& limits, Elements& elements)
        : limits_(limits), parser_(limits.depth, limits.field_bytes), elements_(elements) {}
    answer_parser(const answer_parser&) = delete;
    answer_parser& operator=(const answer_parser&) = delete;

    void reset() {
        parser_.reset();
        preamble_ = 0;
        begun_ = false;
        bytes_ = 0;
        error_ = {};
        offset_ = 0;
        excerpt_.clear();
        status_.clear();
        message_.clear();
        expt_type_.clear();
        place_ = place::outside;
        skipping_ = 0;
        turn_ = turn::none;
        has_status_ = has_list_ = false;
    }

    void feed(std::string_view piece, error_code& ec) {
        if (!error_)
            take(piece);
        ec = error_;
    }

    void finish(error_code& ec) {
        if (!error_) {
            if (!begun_)
                fail(errc::not_json, {}, 0);
            else if (!parser_.done())
                fail(errc::truncated, {}, 0);
            else if (!has_status_)
                fail(errc::no_status, {}, 0);
            else if (status_ == "Error")
                error_ = classify_api_error(message_);
            else if (status_ != "OK")
                fail(errc::no_status, {}, 0);
        }
        ec = error_;
    }

    std::uint64_t bytes() const noexcept { return bytes_; }
    const std::string& message() const noexcept { return message_; }
    const std::string& expt_type() const noexcept { return expt_type_; }
    std::uint64_t offset() const noexcept { return offset_; }
    const std::string& excerpt() const noexcept { return excerpt_; }

private:
    friend class json_parser;

    static constexpr bool has_faster_way = requires(Elements elements) { elements.wants_to_go_on(); };

    static constexpr bool has_lists = requires(Elements elements) { elements.wants_texts(); };

    /// Where the parser stands. Within a value that nobody wants, `skipping_` counts the levels.
    enum class place : std::uint8_t { outside, root, list, element, texts };
    /// What the parser was made to pause for.
    enum class turn : std::uint8_t { none, begin, go_on };
    enum class root_key : std::uint8_t { other, status, message, expt_type, list };

    void take(std::string_view piece) {
        std::string_view rest = piece;
        const bool too_long = limits_.answer_bytes != 0 && piece.size() > limits_.answer_bytes - bytes_;
        if (too_long)
            rest = rest.substr(0, static_cast<std::size_t>(limits_.answer_bytes - bytes_));
        const std::size_t allowed = rest.size();
        if (!begun_ && !skip_preamble(piece, rest))
            return;
        if (begun_) {
            if (!parser_.done()) {
                error_code ec;
                parse(rest, ec);
                if (ec) {
                    fail(ec, piece, place_in(piece, rest));
                    return;
                }
            }
            const auto more = rest.find_first_not_of(" \t\r\n");
            if (more != std::string_view::npos) {
                fail(errc::trailing_data, piece, place_in(piece, rest) + more);
                return;
            }
        }
        if (too_long) {
            fail(errc::answer_limit, piece, allowed);
            return;
        }
        bytes_ += allowed;
    }

    /// Takes the document's bytes from `rest`, up to its end or to the one that is wrong.
    void parse(std::string_view& rest, error_code& ec) {
        if constexpr (has_faster_way)
            if (!elements_.kept().empty() && !rest.empty())
                take_up_kept(rest, ec);
        do {
            rest.remove_prefix(parser_.feed(rest, *this, ec));
            if constexpr (has_faster_way) {
                if (const turn now = std::exchange(turn_, turn::none); now == turn::begin)
                    begin(rest);
                else if (now == turn::go_on)
                    go_on(rest);
            }
        } while (!ec && !rest.empty() && !parser_.done());
    }

    /// The parser stands behind the list's opening bracket.
    void begin(std::string_view& rest) {
        const std::size_t taken = elements_.begin(rest);
        if (taken != 0)
            parser_.pass_elements();
        rest.remove_prefix(taken);
    }

    /// The parser stands behind an element, and behind another one it would stand no other way. So what is taken here
    /// it need not be told of.
    void go_on(std::string_view& rest) { rest.remove_prefix(elements_.go_on(rest)); }

    void take_up_kept(std::string_view& rest, error_code& ec) {
        if (elements_.complete_kept(rest)) {
            go_on(rest);
        } else {
            // Nothing is wrong with it, or it would not have been kept: an error's place is in this piece.
            parser_.feed(elements_.kept(), *this, ec);
            elements_.drop_kept();
        }
    }

    /// Passes over a byte order mark, which some servers write, and white space. False after an error.
    bool skip_preamble(std::string_view piece, std::string_view& rest) {
        static constexpr std::string_view mark = "\xEF\xBB\xBF";
        while (!rest.empty()) {
            const char c = rest.front();
            if (preamble_ < mark.size() && c == mark[preamble_] &&
                (preamble_ != 0 || bytes_ + place_in(piece, rest) == 0)) {
                ++preamble_;
            } else if (preamble_ != 0 && preamble_ < mark.size()) {
                break;
            } else if (c == '{') {
                begun_ = true;
                return true;
            } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
                break;
            }
            rest.remove_prefix(1);
        }
        if (rest.empty())
            return true;
        fail(errc::not_json, piece, place_in(piece, rest));
        return false;
    }

    static std::size_t place_in(std::string_view piece, std::string_view rest) noexcept {
        return static_cast<std::size_t>(rest.data() - piece.data());
    }

    void fail(error_code ec, std::string_view piece, std::size_t at) {
        error_ = ec;
        bytes_ += at;
        offset_ = bytes_;
        excerpt_ = printable_excerpt(piece, at);
    }

    bool refuse(error_code& ec, errc code) {
        ec = code;
        return false;
    }

    bool wanted() const noexcept { return skipping_ == 0 && place_ != place::outside; }

    bool begin_object(error_code& ec) {
        if (skipping_ != 0) {
            ++skipping_;
            return true;
        }
        switch (place_) {
            case place::outside:
                place_ = place::root;
                return true;
            case place::root:
                return skip_in_root(ec);
            case place::list:
                place_ = place::element;
                elements_.begin_element();
                return true;
            case place::texts:
                return refuse(ec, errc::wrong_type);
            case place::element:
                break;
        }
        if (wants_texts())
            return refuse(ec, errc::wrong_type);
        elements_.nested();
        skipping_ = 1;
        return true;
    }

    bool begin_array(error_code& ec) {
        if (skipping_ != 0) {
            ++skipping_;
            return true;
        }
        switch (place_) {
            case place::root:
                if (key_ != root_key::list)
                    return skip_in_root(ec);
                place_ = place::list;
                if constexpr (has_faster_way)
                    if (elements_.wants_to_begin())
                        turn_ = turn::begin;
                return turn_ == turn::none;
            case place::outside:
            case place::list:
            case place::texts:
                return refuse(ec, errc::wrong_type);
            case place::element:
                break;
        }
        if (wants_texts()) {
            place_ = place::texts;
            return true;
        }
        elements_.nested();
        skipping_ = 1;
        return true;
    }

    bool wants_texts() const noexcept {
        if constexpr (has_lists)
            return elements_.wants_texts();
        else
            return false;
    }

    bool skip_in_root(error_code& ec) {
        if (key_ == root_key::list || key_ == root_key::status)
            return refuse(ec, errc::wrong_type);
        skipping_ = 1;
        return true;
    }

    bool end_object() {
        if (skipping_ != 0) {
            --skipping_;
        } else if (place_ == place::element) {
            place_ = place::list;
            elements_.end_element();
            if constexpr (has_faster_way) {
                if (elements_.wants_to_go_on())
                    turn_ = turn::go_on;
                return turn_ == turn::none;
            }
        } else {
            place_ = place::outside;
        }
        return true;
    }

    bool end_array() {
        if (skipping_ != 0)
            --skipping_;
        else
            place_ = place_ == place::texts ? place::element : place::root;
        return true;
    }

    bool end_key(std::string_view key, error_code& ec) {
        if (skipping_ != 0)
            return true;
        if (place_ == place::root)
            return enter_root_key(key, ec);
        elements_.key(key);
        return true;
    }

    bool enter_root_key(std::string_view key, error_code& ec) {
        key_ = root_key::other;
        if (key == Elements::list_key) {
            key_ = root_key::list;
            if (std::exchange(has_list_, true))
                return refuse(ec, errc::duplicate_key);
        } else if (key == "Status") {
            key_ = root_key::status;
            if (std::exchange(has_status_, true))
                return refuse(ec, errc::duplicate_key);
        } else if (key == "Message") {
            key_ = root_key::message;
        } else if (key == "ExptType") {
            key_ = root_key::expt_type;
        }
        return true;
    }

    bool begin_scalar(scalar kind, error_code& ec) {
        if (skipping_ != 0)
            return true;
        if (place_ == place::element)
            return kind == scalar::null || !wants_texts() || refuse(ec, errc::wrong_type);
        if (place_ == place::texts)
            return kind != scalar::null || refuse(ec, errc::wrong_type);
        if (place_ != place::root)
            return refuse(ec, errc::wrong_type);
        const bool fits =
            kind == scalar::null || (key_ != root_key::list && (key_ != root_key::status || kind == scalar::string));
        return fits || refuse(ec, errc::wrong_type);
    }

    void end_string(std::string_view text) {
        if (skipping_ != 0)
            return;
        if (place_ == place::element)
            elements_.text(text);
        else if (place_ == place::texts)
            add_item(text);
        else if (key_ == root_key::status)
            status_ = text;
        else if (key_ == root_key::message)
            message_ = text;
        else if (key_ == root_key::expt_type)
            expt_type_ = text;
    }

    void end_literal(std::string_view text) {
        if (skipping_ != 0)
            return;
        if (place_ == place::element)
            elements_.text(text);
        else if (place_ == place::texts)
            add_item(text);
    }

    void add_item(std::string_view text) {
        if constexpr (has_lists)
            elements_.item(text);
    }

    void end_null() {
        if (skipping_ == 0 && place_ == place::element)
            elements_.null();
    }

    decoder_limits limits_;
    json_parser parser_;
    Elements& elements_;

    std::size_t preamble_ = 0;
    bool begun_ = false;
    bool has_status_ = false;
    bool has_list_ = false;
    place place_ = place::outside;
    root_key key_ = root_key::other;
    std::size_t skipping_ = 0;
    turn turn_ = turn::none;

    std::uint64_t bytes_ = 0;
    error_code error_;
    std::uint64_t offset_ = 0;
    std::string excerpt_;
    std::string status_;
    std::string message_;
    std::string expt_type_;
};

}  // namespace jobmode::wire

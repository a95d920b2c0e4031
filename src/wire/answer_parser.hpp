// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/decoder.hpp>
#include <jobmode/error.hpp>

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/answer_error.hpp"
#include "wire/utf8.hpp"

namespace jobmode::wire {

/// Parses the document that all answers of the API family share: an object with `Status`, `Message`, `ExptType` and one
/// list of objects. The list's objects go to `Elements`, member by member:
/// ```
/// static constexpr std::string_view list_key;      // "Data"
/// void begin_element();
/// void key(std::string_view);                      // the next member's
/// void text(std::string_view);                     // its value: a string's text, or a number or boolean as it was
/// written void null();                                     // null void nested();                                   //
/// an array or object, which is skipped void end_element();
/// ```
/// This is the general lane: it takes any JSON in any split, on Boost.JSON's push parser.
template <class Elements>
class answer_parser {
public:
    answer_parser(const decoder_limits& limits, Elements& elements)
        : limits_(limits), parser_(options(limits), handler(*this)), elements_(elements) {}
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
        scratch_.clear();
        text_bytes_ = 0;
        utf8_.finish();
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
    /// Where the parser stands. Within a value that nobody wants, `skipping_` counts the levels.
    enum class place : std::uint8_t { outside, root, list, element };
    enum class root_key : std::uint8_t { other, status, message, expt_type, list };

    /// What Boost.JSON's parser calls; each function returns false to stop with the error it has set.
    class handler {
    public:
        static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
        static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
        static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
        static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
        using text_view = boost::json::string_view;

        explicit handler(answer_parser& owner) : owner_(owner) {}

        bool on_document_begin(error_code&) { return true; }
        bool on_document_end(error_code&) { return true; }
        bool on_object_begin(error_code& ec) { return owner_.begin_object(ec); }
        bool on_object_end(std::size_t, error_code&) { return owner_.end_object(); }
        bool on_array_begin(error_code& ec) { return owner_.begin_array(ec); }
        bool on_array_end(std::size_t, error_code&) { return owner_.end_array(); }
        bool on_key_part(text_view part, std::size_t, error_code& ec) { return owner_.add_part(view(part), ec); }
        bool on_key(text_view part, std::size_t, error_code& ec) { return owner_.end_key(view(part), ec); }
        bool on_string_part(text_view part, std::size_t, error_code& ec) { return owner_.add_part(view(part), ec); }
        bool on_string(text_view part, std::size_t, error_code& ec) { return owner_.end_string(view(part), ec); }
        bool on_number_part(text_view part, error_code& ec) { return owner_.add_part(view(part), ec); }
        bool on_int64(std::int64_t, text_view part, error_code& ec) { return owner_.end_scalar(view(part), ec); }
        bool on_uint64(std::uint64_t, text_view part, error_code& ec) { return owner_.end_scalar(view(part), ec); }
        bool on_double(double, text_view part, error_code& ec) { return owner_.end_scalar(view(part), ec); }
        bool on_bool(bool value, error_code& ec) { return owner_.end_scalar(value ? "true" : "false", ec); }
        bool on_null(error_code& ec) { return owner_.end_null(ec); }
        bool on_comment_part(text_view, error_code&) { return true; }
        bool on_comment(text_view, error_code&) { return true; }

    private:
        static std::string_view view(text_view text) noexcept { return {text.data(), text.size()}; }
        answer_parser& owner_;
    };
    friend class handler;

    static boost::json::parse_options options(const decoder_limits& limits) {
        boost::json::parse_options chosen;
        chosen.max_depth = limits.depth;
        // Boost.JSON tells bad UTF-8 from other errors only if it is in one piece; ours always does.
        chosen.allow_invalid_utf8 = true;
        return chosen;
    }

    void take(std::string_view piece) {
        std::string_view rest = piece;
        const bool too_long = limits_.answer_bytes != 0 && piece.size() > limits_.answer_bytes - bytes_;
        if (too_long)
            rest = rest.substr(0, static_cast<std::size_t>(limits_.answer_bytes - bytes_));
        const std::string_view allowed = rest;
        if (!begun_ && !skip_preamble(rest))
            return;
        if (begun_) {
            if (!parser_.done()) {
                error_code ec;
                const std::size_t count = parser_.write_some(true, rest.data(), rest.size(), ec);
                if (ec) {
                    fail(translate(ec), allowed, static_cast<std::size_t>(rest.data() - allowed.data()) + count);
                    return;
                }
                rest.remove_prefix(count);
            }
            const auto more = rest.find_first_not_of(" \t\r\n");
            if (more != std::string_view::npos) {
                fail(errc::trailing_data, allowed, static_cast<std::size_t>(rest.data() - allowed.data()) + more);
                return;
            }
        }
        if (too_long) {
            fail(errc::answer_limit, piece, allowed.size());
            return;
        }
        bytes_ += allowed.size();
    }

    /// Passes over a byte order mark, which some servers write, and white space. False after an error.
    bool skip_preamble(std::string_view& rest) {
        static constexpr std::string_view mark = "\xEF\xBB\xBF";
        const char* const start = rest.data();
        while (!rest.empty()) {
            const char c = rest.front();
            if (preamble_ < mark.size() && c == mark[preamble_] &&
                (preamble_ != 0 || bytes_ + offset_in(rest, start) == 0)) {
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
        fail(errc::not_json, {start, offset_in(rest, start) + rest.size()}, offset_in(rest, start));
        return false;
    }

    static std::size_t offset_in(std::string_view rest, const char* start) noexcept {
        return static_cast<std::size_t>(rest.data() - start);
    }

    static error_code translate(const error_code& ec) {
        if (ec.category() == error_category())
            return ec;
        if (ec == boost::json::error::too_deep)
            return errc::depth_limit;
        if (ec == boost::json::error::illegal_leading_surrogate ||
            ec == boost::json::error::illegal_trailing_surrogate || ec == boost::json::error::expected_utf16_escape)
            return errc::bad_utf8;
        return errc::json_syntax;
    }

    void fail(error_code ec, std::string_view piece, std::size_t at) {
        error_ = ec;
        offset_ = bytes_ + at;
        excerpt_ = printable_excerpt(piece, at);
    }

    bool refuse(error_code& ec, errc code) {
        ec = code;
        return false;
    }

    bool add_part(std::string_view part, error_code& ec) {
        if (!check(part, ec))
            return false;
        if (wanted())
            scratch_.append(part);
        return true;
    }

    bool check(std::string_view part, error_code& ec) {
        text_bytes_ += part.size();
        if (text_bytes_ > limits_.field_bytes)
            return refuse(ec, errc::field_limit);
        if (!utf8_.feed(part))
            return refuse(ec, errc::bad_utf8);
        return true;
    }

    /// Completes a text of which `part` is the last or only part. It lives until `release`.
    bool complete(std::string_view part, std::string_view& whole, error_code& ec) {
        if (!check(part, ec))
            return false;
        text_bytes_ = 0;
        if (!utf8_.finish())
            return refuse(ec, errc::bad_utf8);
        whole = part;
        if (!scratch_.empty()) {
            scratch_.append(part);
            whole = scratch_;
        }
        return true;
    }

    void release() noexcept { scratch_.clear(); }

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
            case place::element:
                break;
        }
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
                return true;
            case place::outside:
            case place::list:
                return refuse(ec, errc::wrong_type);
            case place::element:
                break;
        }
        elements_.nested();
        skipping_ = 1;
        return true;
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
        } else {
            place_ = place::outside;
        }
        return true;
    }

    bool end_array() {
        if (skipping_ != 0)
            --skipping_;
        else
            place_ = place::root;
        return true;
    }

    bool end_key(std::string_view part, error_code& ec) {
        std::string_view key;
        if (!complete(part, key, ec))
            return false;
        if (skipping_ == 0) {
            if (place_ == place::element)
                elements_.key(key);
            else if (!enter_root_key(key, ec))
                return false;
        }
        release();
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

    bool end_string(std::string_view part, error_code& ec) {
        std::string_view text;
        if (!complete(part, text, ec))
            return false;
        if (skipping_ == 0) {
            switch (place_) {
                case place::element:
                    elements_.text(text);
                    break;
                case place::root:
                    if (key_ == root_key::list)
                        return refuse(ec, errc::wrong_type);
                    if (key_ == root_key::status)
                        status_ = text;
                    else if (key_ == root_key::message)
                        message_ = text;
                    else if (key_ == root_key::expt_type)
                        expt_type_ = text;
                    break;
                case place::list:
                case place::outside:
                    return refuse(ec, errc::wrong_type);
            }
        }
        release();
        return true;
    }

    bool end_scalar(std::string_view part, error_code& ec) {
        std::string_view text;
        if (!complete(part, text, ec))
            return false;
        if (skipping_ == 0) {
            if (place_ == place::element)
                elements_.text(text);
            else if (place_ != place::root || key_ == root_key::list || key_ == root_key::status)
                return refuse(ec, errc::wrong_type);
        }
        release();
        return true;
    }

    bool end_null(error_code& ec) {
        if (skipping_ != 0)
            return true;
        if (place_ == place::element)
            elements_.null();
        else if (place_ != place::root)
            return refuse(ec, errc::wrong_type);
        return true;
    }

    decoder_limits limits_;
    boost::json::basic_parser<handler> parser_;
    Elements& elements_;
    utf8_checker utf8_;

    std::size_t preamble_ = 0;
    bool begun_ = false;
    bool has_status_ = false;
    bool has_list_ = false;
    place place_ = place::outside;
    root_key key_ = root_key::other;
    std::size_t skipping_ = 0;
    std::size_t text_bytes_ = 0;
    std::string scratch_;

    std::uint64_t bytes_ = 0;
    error_code error_;
    std::uint64_t offset_ = 0;
    std::string excerpt_;
    std::string status_;
    std::string message_;
    std::string expt_type_;
};

}  // namespace jobmode::wire

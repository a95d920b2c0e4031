// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/exchange.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/version.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace jobmode::wire {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

std::string_view trim(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The text up to a separator, which is removed from `rest` together with it.
std::string_view next_part(std::string_view& rest, char separator) noexcept {
    const auto at = rest.find(separator);
    const std::string_view part = rest.substr(0, at);
    rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
    return part;
}

bool same(std::string_view left, std::string_view right) noexcept {
    return beast::iequals({left.data(), left.size()}, {right.data(), right.size()});
}

bool covers(std::string_view cookie_path, std::string_view path) noexcept {
    if (!path.starts_with(cookie_path))
        return false;
    return cookie_path.size() == path.size() || cookie_path.ends_with('/') || path[cookie_path.size()] == '/';
}

/// The octets that RFC 6265 lets a cookie's value have; quotes around it are among them here, since they are sent back
/// as they came.
bool is_cookie_value(std::string_view text) noexcept {
    return std::ranges::all_of(
        text, [](unsigned char c) { return c > 0x20 && c < 0x7F && c != ',' && c != ';' && c != '\\'; });
}

template <class Number>
std::optional<Number> to_number(std::string_view text) noexcept {
    Number value{};
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || ec != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::optional<std::chrono::seconds> parse_clock(std::string_view text) noexcept {
    const auto hours = to_number<unsigned>(next_part(text, ':'));
    const auto minutes = to_number<unsigned>(next_part(text, ':'));
    const auto seconds = to_number<unsigned>(text);
    if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60)
        return std::nullopt;
    return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + std::chrono::seconds(*seconds);
}

/// A date in one of the three forms of RFC 9110, 5.6.7:
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) noexcept {
    std::array<std::string_view, 6> words;
    std::size_t count = 0;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view word = next_part(rest, ' ');
        if (word.empty())
            continue;
        if (count == words.size())
            return std::nullopt;
        words[count++] = word;
    }
    std::string_view day;
    std::string_view month;
    std::string_view year;
    std::string_view clock;
    if (count == 6 && words[5] == "GMT") {
        day = words[1], month = words[2], year = words[3], clock = words[4];
    } else if (count == 4 && words[3] == "GMT") {
        std::string_view date = words[1];
        day = next_part(date, '-');
        month = next_part(date, '-');
        year = date;
        clock = words[2];
    } else if (count == 5) {
        month = words[1], day = words[2], clock = words[3], year = words[4];
    } else {
        return std::nullopt;
    }
    static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const auto place = month.size() == 3 ? months.find(month) : std::string_view::npos;
    const auto day_number = to_number<unsigned>(day);
    auto year_number = to_number<int>(year);
    const auto time = parse_clock(clock);
    if (place == std::string_view::npos || place % 3 != 0 || !day_number || !year_number || !time)
        return std::nullopt;
    if (year.size() == 2)
        *year_number += *year_number < 70 ? 2000 : 1900;
    const std::chrono::year_month_day date(std::chrono::year(*year_number),
                                           std::chrono::month(static_cast<unsigned>(place / 3 + 1)),
                                           std::chrono::day(*day_number));
    if (!date.ok())
        return std::nullopt;
    return std::chrono::sys_days(date) + *time;
}

}  // namespace

/// Beast's parser, with its events turned into ours. Beast's own parser for one message cannot be used again, so there
/// is a new one for each response, in the same place.
class exchange::parser {
public:
    parser(std::size_t header_limit, std::string_view path) : header_limit_(header_limit), path_(path) { begin(); }

    void begin() {
        message_.emplace(*this);
        message_->header_limit(static_cast<std::uint32_t>(header_limit_));
        message_->body_limit(boost::none);
        message_->eager(true);
        head_ = response_head();
        location_.clear();
        retry_after_.clear();
        in_chunks_ = false;
        started_ = false;
    }

    std::size_t feed(std::string_view bytes, body_sink& sink, error_code& ec) {
        sink_ = &sink;
        started_ = started_ || !bytes.empty();
        std::size_t taken = 0;
        ec = {};
        while (taken != bytes.size() && !message_->is_done()) {
            std::string_view rest = bytes.substr(taken);
            // Beast looks for the end of what can only be a header until its limit is reached; refusing what cannot
            // become one lets a server that speaks another protocol be told at once.
            if (!message_->got_some() && !plausible(rest)) {
                ec = errc::http_malformed;
                return taken;
            }
            // Beast judges the first part of a header that it sees at once, and the others only when the header is
            // complete; so that the split decides nothing, it sees a header whole, and by itself, and none that is too
            // long.
            if (!message_->is_header_done()) {
                const auto end = rest.substr(0, header_limit_).find(header_end);
                if (end == std::string_view::npos) {
                    if (rest.size() < header_limit_)
                        break;
                    ec = errc::http_header_limit;
                    return taken;
                }
                rest = rest.substr(0, end + header_end.size());
            } else if (message_->chunked() && !in_chunks_ && rest.size() < least_chunked) {
                // Beast asserts that it is not shown the end of an empty body in two parts.
                break;
            }
            const std::size_t count = message_->put({rest.data(), rest.size()}, ec);
            taken += count;
            if (ec == http::error::need_more) {
                ec = {};
                if (count == 0)
                    break;
                continue;
            }
            if (ec) {
                if (ec.category() != error_category())
                    ec = ec == http::error::header_limit ? errc::http_header_limit : errc::http_malformed;
                return taken;
            }
            if (message_->is_done() && interim_) {
                begin();
                started_ = true;
            }
        }
        return taken;
    }

    void finish(error_code& ec) {
        ec = {};
        if (message_->is_done())
            return;
        if (!message_->got_some() || !message_->is_header_done() || !message_->need_eof())
            ec = errc::connection_lost;
        else
            message_->put_eof(ec);
        if (ec)
            ec = errc::connection_lost;
    }

    bool started() const noexcept { return started_; }
    bool done() const noexcept { return message_->is_done(); }
    bool keep_alive() const noexcept { return message_->keep_alive() && !message_->need_eof(); }
    std::string_view cookie() const noexcept { return cookie_; }

private:
    static constexpr std::string_view header_end = "\r\n\r\n";
    /// The length of the shortest chunked body, the empty one.
    static constexpr std::size_t least_chunked = 5;

    class message final : public http::basic_parser<false> {
    public:
        explicit message(parser& owner) : owner_(owner) {}

    private:
        void on_request_impl(http::verb, beast::string_view, beast::string_view, int, error_code&) override {}
        void on_response_impl(int code, beast::string_view, int, error_code& ec) override {
            owner_.head_.status = static_cast<unsigned>(code);
            owner_.interim_ = code / 100 == 1;
            // An upgrade that nobody asked for, and statuses outside of what HTTP has.
            if (code == 101 || code < 100 || code > 599)
                ec = errc::http_malformed;
        }
        void on_field_impl(http::field name, beast::string_view, beast::string_view value, error_code&) override {
            if (!in_header_)
                return;
            const std::string_view text(value.data(), value.size());
            switch (name) {
                case http::field::set_cookie:
                    owner_.on_set_cookie(text);
                    break;
                case http::field::content_encoding:
                    owner_.head_.content_encoded = !text.empty() && !same(text, "identity");
                    break;
                case http::field::retry_after:
                    owner_.retry_after_ = text;
                    break;
                case http::field::location:
                    owner_.location_ = text;
                    break;
                default:
                    break;
            }
        }
#if BOOST_VERSION >= 109000
        // Older ones hand trailers to the function above; neither makes anything of them.
        void on_trailer_field_impl(http::field, beast::string_view, beast::string_view, error_code&) override {}
#endif
        void on_header_impl(error_code& ec) override {
            in_header_ = false;
            if (owner_.interim_)
                return;
            owner_.head_.retry_after = owner_.retry_after_;
            owner_.head_.location = owner_.location_;
            if (const boost::optional<std::uint64_t> length = content_length())
                owner_.head_.content_length = *length;
            owner_.sink_->on_head(owner_.head_, ec);
        }
        void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
        std::size_t on_body_impl(beast::string_view body, error_code& ec) override {
            if (!body.empty())
                owner_.sink_->on_body({body.data(), body.size()}, ec);
            return body.size();
        }
        void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {
            owner_.in_chunks_ = true;
        }
        std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, error_code& ec) override {
            return on_body_impl(body, ec);
        }
        void on_finish_impl(error_code&) override {}

        parser& owner_;
        bool in_header_ = true;
    };

    static bool plausible(std::string_view bytes) noexcept {
        static constexpr std::string_view start = "HTTP/1.";
        const std::size_t size = std::min(bytes.size(), start.size());
        return bytes.substr(0, size) == start.substr(0, size);
    }

    void on_set_cookie(std::string_view header) {
        const session_cookie found = parse_set_cookie(header, path_);
        if (found.concerns_us)
            cookie_ = found.pair;
    }

    std::size_t header_limit_;
    std::string path_;
    std::optional<message> message_;
    body_sink* sink_ = nullptr;
    response_head head_;
    std::string location_;
    std::string retry_after_;
    std::string cookie_;
    bool interim_ = false;
    bool in_chunks_ = false;
    bool started_ = false;
};

exchange::exchange(std::size_t header_limit, std::string_view path)
    : parser_(std::make_unique<parser>(header_limit, path)) {}

exchange::~exchange() = default;

void exchange::begin() {
    parser_->begin();
}

std::size_t exchange::feed(std::string_view bytes, body_sink& sink, error_code& ec) {
    return parser_->feed(bytes, sink, ec);
}

void exchange::finish(error_code& ec) {
    parser_->finish(ec);
}

bool exchange::started() const noexcept {
    return parser_->started();
}

bool exchange::done() const noexcept {
    return parser_->done();
}

bool exchange::keep_alive() const noexcept {
    return parser_->keep_alive();
}

std::string_view exchange::cookie() const noexcept {
    return parser_->cookie();
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, std::chrono::sys_seconds now) {
    text = trim(text);
    if (const auto seconds = to_number<std::uint32_t>(text))
        return std::chrono::seconds(*seconds);
    if (const auto date = parse_http_date(text))
        return std::max(*date - now, std::chrono::seconds(0));
    return std::nullopt;
}

session_cookie parse_set_cookie(std::string_view header, std::string_view path) noexcept {
    static constexpr std::string_view name = "JSESSIONID=";
    session_cookie result;
    std::string_view rest = header;
    const std::string_view pair = trim(next_part(rest, ';'));
    if (!pair.starts_with(name))
        return result;
    bool expired = pair.size() == name.size();
    std::string_view cookie_path = "/";
    while (!rest.empty()) {
        std::string_view attribute = next_part(rest, ';');
        const std::string_view key = trim(next_part(attribute, '='));
        const std::string_view value = trim(attribute);
        if (same(key, "Path") && value.starts_with('/'))
            cookie_path = value;
        else if (same(key, "Max-Age"))
            expired = expired || value.starts_with('-') || value == "0";
    }
    result.concerns_us = covers(cookie_path, path) && is_cookie_value(pair.substr(name.size()));
    if (!expired)
        result.pair = pair;
    return result;
}

}  // namespace jobmode::wire

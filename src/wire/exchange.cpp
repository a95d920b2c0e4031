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
#include <limits>

#include "wire/field_text.hpp"
#include "wire/head_repair.hpp"

namespace jobmode::wire {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

/// The text up to a separator, which is removed from `rest` together with it.
std::string_view next_part(std::string_view& rest, char separator) noexcept {
    const auto at = rest.find(separator);
    const std::string_view part = rest.substr(0, at);
    rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
    return part;
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

/// Whether this is the name of a coding that changes bytes: those that are registered, and those in use.
bool is_coding(std::string_view name) noexcept {
    static constexpr std::array<std::string_view, 21> names{
        "aes128gcm",    "br",   "bzip2",  "compress", "dcb",        "dcz",    "deflate", "exi", "gzip", "lz4", "lzma",
        "pack200-gzip", "sdch", "snappy", "x-bzip2",  "x-compress", "x-gzip", "x-xz",    "xz",  "zlib", "zstd"};
    return std::ranges::any_of(names, [name](std::string_view each) { return same(name, each); });
}

/// Whether a Content-Encoding says that the body is another one than its bytes. What is no coding, a charset say, is
/// passed over, as browsers do.
bool changes_bytes(std::string_view list) noexcept {
    while (!list.empty()) {
        std::string_view coding = next_part(list, ',');
        coding = trim(next_part(coding, ';'));
        if (coding.size() >= 2 && coding.front() == '"' && coding.back() == '"')
            coding = coding.substr(1, coding.size() - 2);
        if (is_coding(coding))
            return true;
    }
    return false;
}

/// What a chunk's line may have at no charge: sixteen digits, and as many blanks as servers pad them with.
constexpr std::size_t free_line = 24;

struct chunk_line {
    std::uint64_t size = 0;
    /// How many bytes count as no body.
    std::size_t overhead = 0;
};

/// Reads a chunk's line with its end. The size may be followed by blanks, and by extensions, which are passed over
/// whatever they say (RFC 9112, 7.1.1). Nothing if it can be read in two ways.
std::optional<chunk_line> read_chunk_line(std::string_view line) noexcept {
    if (!line.ends_with("\r\n"))
        return std::nullopt;
    line.remove_suffix(2);
    chunk_line out;
    const char* const end = line.data() + line.size();
    const auto [digits_end, ec] = std::from_chars(line.data(), end, out.size, 16);
    if (ec != std::errc())
        return std::nullopt;
    std::string_view behind(digits_end, static_cast<std::size_t>(end - digits_end));
    const std::string_view extensions = behind.substr(std::min(behind.find_first_not_of(" \t"), behind.size()));
    if (!extensions.empty() && !extensions.starts_with(';'))
        return std::nullopt;
    const auto is_control = [](unsigned char byte) { return (byte < 0x20 && byte != '\t') || byte == 0x7F; };
    if (std::ranges::any_of(extensions, is_control))
        return std::nullopt;
    // A quoted text that does not end on this line would go on in the body.
    bool quoted = false;
    for (std::size_t at = 0; at < extensions.size(); ++at) {
        if (extensions[at] == '"')
            quoted = !quoted;
        else if (extensions[at] == '\\' && quoted)
            ++at;
    }
    if (quoted)
        return std::nullopt;
    const std::size_t plain = line.size() - extensions.size();
    out.overhead = extensions.size() + (plain > free_line ? plain - free_line : 0);
    return out;
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
///
/// Beast is shown each head, each chunk's line and the trailers whole: what it makes of a part can depend on the split.
/// What has no end yet stays with the caller, and is no more than what is left of the budget.
class exchange::parser {
public:
    parser(std::size_t header_limit, std::string_view path) : header_limit_(header_limit), path_(path) { begin(); }

    void begin() {
        expect_head();
        started_ = false;
    }

    std::size_t feed(std::string_view bytes, body_sink& sink, error_code& ec) {
        sink_ = &sink;
        ec = {};
        std::size_t taken = 0;
        while (taken != bytes.size() && !message_->is_done()) {
            const std::size_t count = take(bytes.substr(taken), ec);
            taken += count;
            if (ec || count == 0)
                break;
            if (message_->is_done() && interim_)
                expect_head();
            else if (message_->is_done())
                spent_ = 0;
        }
        return taken;
    }

    std::size_t skip_blank_lines(std::string_view bytes) noexcept {
        std::size_t count = 0;
        while (count != bytes.size() && spent_ != header_limit_ &&
               (bytes[count] == '\n' || (bytes[count] == '\r' && !half_a_line_))) {
            half_a_line_ = bytes[count] == '\r';
            ++count;
            ++spent_;
        }
        return count;
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
    bool keep_alive() const noexcept { return message_->keep_alive() && !message_->need_eof() && !faulty_framing_; }
    std::string_view cookie() const noexcept { return cookie_; }

private:
    static constexpr std::string_view crlf = "\r\n";

    /// What comes next.
    enum class part : std::uint8_t {
        before_head,
        head,
        /// As long as the head said, or until the connection ends.
        body,
        /// The size of a chunk, with the line's end that stands behind the chunk before.
        chunk_line,
        chunk,
        trailers,
    };

    class message final : public http::basic_parser<false> {
    public:
        explicit message(parser& owner) : owner_(owner) {}

    private:
        void on_request_impl(http::verb, beast::string_view, beast::string_view, int, error_code&) override {}
        void on_response_impl(int code, beast::string_view, int version, error_code& ec) override {
            owner_.head_.status = static_cast<unsigned>(code);
            owner_.interim_ = code / 100 == 1;
            owner_.old_version_ = version == 10;
            // An upgrade that nobody asked for, and statuses outside of what HTTP has.
            if (code == 101 || code < 100 || code > 599)
                ec = errc::http_malformed;
        }
        void on_field_impl(http::field name, beast::string_view written, beast::string_view value,
                           error_code& ec) override {
            if (!in_header_)
                return;
            const std::string_view text(value.data(), value.size());
            switch (name) {
                case http::field::content_length:
                    has_length_ = true;
                    if (has_codings_ || owner_.is_folded(written))
                        ec = errc::http_malformed;
                    break;
                case http::field::transfer_encoding:
                    has_codings_ = true;
                    if (has_length_ || owner_.is_folded(written) || !add_codings(text))
                        ec = errc::http_malformed;
                    break;
                case http::field::set_cookie:
                    owner_.on_set_cookie(text);
                    break;
                case http::field::content_encoding:
                    owner_.head_.content_encoded |= changes_bytes(text);
                    break;
                case http::field::retry_after:
                    owner_.retry_after_ = text;
                    break;
                case http::field::date:
                    owner_.date_ = text;
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
            // Where Beast finds another body than was written here, there are two ways to read it.
            if (chunked_ != chunked()) {
                ec = errc::http_malformed;
                return;
            }
            owner_.faulty_framing_ = has_codings_ && owner_.old_version_;
            if (owner_.has_new_cookie_)
                owner_.cookie_.swap(owner_.new_cookie_);
            if (owner_.interim_)
                return;
            owner_.head_.retry_after = owner_.retry_after_;
            owner_.head_.date = owner_.date_;
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
        void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
        std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, error_code& ec) override {
            return on_body_impl(body, ec);
        }
        void on_finish_impl(error_code&) override {}

        /// Takes the codings of a Transfer-Encoding. False unless they are known, and `chunked` is the last.
        bool add_codings(std::string_view list) {
            if (list.ends_with(','))
                return false;
            do {
                const std::string_view coding = trim(next_part(list, ','));
                if (chunked_)
                    return false;
                if (same(coding, "chunked"))
                    chunked_ = true;
                else if (is_coding(coding))
                    owner_.head_.content_encoded = true;
                else if (!same(coding, "identity"))
                    return false;
            } while (!list.empty());
            return true;
        }

        parser& owner_;
        bool in_header_ = true;
        bool has_length_ = false;
        bool has_codings_ = false;
        bool chunked_ = false;
    };

    void expect_head() {
        make_message();
        part_ = part::before_head;
    }

    void make_message() {
        message_.emplace(*this);
        // What is too long is not shown to it.
        message_->header_limit(std::numeric_limits<std::uint32_t>::max());
        message_->body_limit(boost::none);
        message_->eager(true);
        head_ = response_head();
        location_.clear();
        retry_after_.clear();
        date_.clear();
        has_new_cookie_ = false;
    }

    /// How many bytes that are no body this response may still have.
    std::size_t left() const noexcept {
        return header_limit_ - spent_;
    }

    /// Takes bytes from the start of `rest`, or none until there are more.
    std::size_t take(std::string_view rest, error_code& ec) {
        switch (part_) {
            case part::before_head:
                return take_before_head(rest, ec);
            case part::head:
                return take_head(rest, ec);
            case part::body:
                return put(rest, ec);
            case part::chunk_line:
                return take_chunk_line(rest, ec);
            case part::chunk:
                return take_chunk(rest, ec);
            case part::trailers:
                return take_trailers(rest, ec);
        }
        return 0;
    }

    std::size_t put(std::string_view bytes, error_code& ec) {
        const std::size_t count = message_->put({bytes.data(), bytes.size()}, ec);
        if (ec == http::error::need_more)
            ec = {};
        if (ec && ec.category() != error_category())
            ec = errc::http_malformed;
        return count;
    }

    /// Puts what Beast must take whole.
    void put_whole(std::string_view bytes, error_code& ec) {
        if (put(bytes, ec) != bytes.size() && !ec)
            ec = errc::http_malformed;
    }

    std::size_t take_before_head(std::string_view rest, error_code& ec) {
        const std::size_t blank = skip_blank_lines(rest);
        if (blank == rest.size())
            return blank;
        rest.remove_prefix(blank);
        started_ = true;
        if (half_a_line_)
            ec = errc::http_malformed;
        else if (rest.front() == '\r' || rest.front() == '\n')
            ec = errc::http_header_limit;
        if (ec)
            return blank;
        part_ = part::head;
        scanned_ = 0;
        return blank + take_head(rest, ec);
    }

    std::size_t take_head(std::string_view rest, error_code& ec) {
        // Refusing what cannot become a head lets a server that speaks another protocol be told at once.
        if (!plausible(rest)) {
            ec = errc::http_malformed;
            return 0;
        }
        const std::string_view seen = rest.substr(0, left());
        const std::size_t end = end_of_head(seen, scanned_);
        if (end == 0) {
            if (seen.size() == left())
                ec = errc::http_header_limit;
            return 0;
        }
        spent_ += end;
        read_head(seen.substr(0, end), ec);
        if (!ec && !message_->is_done()) {
            part_ = message_->chunked() ? part::chunk_line : part::body;
            scanned_ = 0;
            behind_chunk_ = false;
        }
        return end;
    }

    void read_head(std::string_view head, error_code& ec) {
        head_text_ = head;
        const std::size_t count = message_->put({head.data(), head.size()}, ec);
        if (ec ? ec.category() == error_category() : count == head.size())
            return;
        const std::string repaired = repair_head(head);
        make_message();
        head_text_ = repaired;
        ec = {};
        put_whole(repaired, ec);
    }

    /// Whether a field of the head goes on in a second line.
    bool is_folded(beast::string_view name) const noexcept {
        const auto end = head_text_.find('\n', static_cast<std::size_t>(name.data() - head_text_.data()));
        return head_text_[end + 1] == ' ' || head_text_[end + 1] == '\t';
    }

    std::size_t take_chunk_line(std::string_view rest, error_code& ec) {
        const std::size_t start = behind_chunk_ ? crlf.size() : 0;
        if (!rest.starts_with(crlf.substr(0, std::min(start, rest.size())))) {
            ec = errc::http_malformed;
            return 0;
        }
        const std::size_t most = start + free_line + left() + crlf.size();
        const std::string_view seen = rest.substr(0, most);
        const auto end = seen.find('\n', std::max(start, scanned_));
        if (end == std::string_view::npos) {
            scanned_ = seen.size();
            if (seen.size() == most)
                ec = errc::http_header_limit;
            return 0;
        }
        const std::optional<chunk_line> line = read_chunk_line(seen.substr(start, end + 1 - start));
        if (!line)
            ec = errc::http_malformed;
        else if (line->overhead > left())
            ec = errc::http_header_limit;
        if (ec)
            return 0;
        spent_ += line->overhead;
        scanned_ = 0;
        if (line->size == 0) {
            part_ = part::trailers;
            return end + 1;
        }
        std::array<char, 2 * crlf.size() + 16> text;
        char* out = behind_chunk_ ? std::ranges::copy(crlf, text.data()).out : text.data();
        out = std::to_chars(out, text.data() + text.size(), line->size, 16).ptr;
        out = std::ranges::copy(crlf, out).out;
        put_whole({text.data(), static_cast<std::size_t>(out - text.data())}, ec);
        part_ = part::chunk;
        chunk_left_ = line->size;
        return end + 1;
    }

    std::size_t take_chunk(std::string_view rest, error_code& ec) {
        const std::size_t count =
            put(rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, rest.size()))), ec);
        chunk_left_ -= count;
        if (chunk_left_ == 0) {
            part_ = part::chunk_line;
            behind_chunk_ = true;
        }
        return count;
    }

    std::size_t take_trailers(std::string_view rest, error_code& ec) {
        // The empty line behind them is no trailer.
        const std::size_t most = left() + crlf.size();
        const std::string_view seen = rest.substr(0, most);
        if (seen.starts_with('\n')) {
            ec = errc::http_malformed;
            return 0;
        }
        const std::size_t end = seen.starts_with(crlf) ? crlf.size() : end_of_head(seen, scanned_);
        if (end == 0) {
            if (seen.size() == most)
                ec = errc::http_header_limit;
            return 0;
        }
        std::string text(behind_chunk_ ? "\r\n0\r\n" : "0\r\n");
        put_whole(text.append(seen.substr(0, end)), ec);
        return end;
    }

    static bool plausible(std::string_view bytes) noexcept {
        static constexpr std::string_view start = "HTTP/1.";
        const std::size_t size = std::min(bytes.size(), start.size());
        return bytes.substr(0, size) == start.substr(0, size);
    }

    void on_set_cookie(std::string_view header) {
        const session_cookie found = parse_set_cookie(header, path_);
        if (found.concerns_us) {
            new_cookie_ = found.pair;
            has_new_cookie_ = true;
        }
    }

    std::size_t header_limit_;
    std::string path_;
    std::optional<message> message_;
    body_sink* sink_ = nullptr;
    response_head head_;
    /// Valid while it is read.
    std::string_view head_text_;
    std::string location_;
    std::string retry_after_;
    std::string date_;
    std::string cookie_;
    /// Counts once its head is known to be sound.
    std::string new_cookie_;
    bool has_new_cookie_ = false;
    part part_ = part::before_head;
    /// How many bytes of what is left with the caller have been searched.
    std::size_t scanned_ = 0;
    /// Of the budget that all has that is no body.
    std::size_t spent_ = 0;
    std::uint64_t chunk_left_ = 0;
    bool behind_chunk_ = false;
    /// A blank line's CR has been taken, and not its LF.
    bool half_a_line_ = false;
    bool interim_ = false;
    bool old_version_ = false;
    /// Transfer-Encoding in HTTP/1.0: whoever sent it may not know where the body ends (RFC 9112, 6.1).
    bool faulty_framing_ = false;
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

std::size_t exchange::skip_blank_lines(std::string_view bytes) noexcept {
    return parser_->skip_blank_lines(bytes);
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

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, std::string_view date,
                                                      std::chrono::sys_seconds now) {
    text = trim(text);
    if (const auto seconds = to_number<std::uint32_t>(text))
        return std::chrono::seconds(*seconds);
    // Both times are the server's then: it does not matter how its clock and ours differ.
    if (const auto when = parse_http_date(text))
        return std::max(*when - parse_http_date(trim(date)).value_or(now), std::chrono::seconds(0));
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

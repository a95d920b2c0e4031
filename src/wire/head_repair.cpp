// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/head_repair.hpp"

#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>
#include <iterator>
#include <optional>

#include "wire/field_text.hpp"

namespace jobmode::wire {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view blanks = " \t";
constexpr std::string_view crlf = "\r\n";

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Whether a strict reader refuses the character in a reason or in a value.
bool is_control(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

bool is_token(std::string_view text) noexcept {
    static constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos;
    });
}

/// Whether a field of this name says where the body ends, or does for somebody who overlooks what is no letter.
bool is_framing(std::string_view name) {
    if (is_token(name))
        return same(name, "content-length") || same(name, "transfer-encoding");
    std::string letters;
    std::ranges::copy_if(name, std::back_inserter(letters), is_letter);
    return same(letters, "contentlength") || same(letters, "transferencoding");
}

bool is_token_list(std::string_view value) {
    return http::validate_list(http::opt_token_list({value.data(), value.size()}));
}

std::string without_controls(std::string_view text) {
    std::string out(text);
    std::ranges::replace_if(out, is_control, ' ');
    return out;
}

/// A line, and whether it ends with CRLF.
struct line {
    std::string_view text;
    bool strict = false;
};

/// The next line, which is removed from `rest`.
line next_line(std::string_view& rest) noexcept {
    line found{rest.substr(0, rest.find('\n'))};
    rest.remove_prefix(std::min(found.text.size() + 1, rest.size()));
    if (found.text.ends_with('\r')) {
        found.text.remove_suffix(1);
        found.strict = true;
    }
    return found;
}

/// `HTTP/1.1 200 OK`. Nothing if it cannot be repaired.
std::optional<std::string> repair_status_line(std::string_view text) {
    static constexpr std::string_view start = "HTTP/1.";
    if (!text.starts_with(start) || text.size() == start.size() || !is_digit(text[start.size()]))
        return std::nullopt;
    const char minor = text[start.size()];
    std::string_view rest = text.substr(start.size() + 1);
    const auto first = rest.find_first_not_of(blanks);
    if (first == 0 || first == std::string_view::npos)
        return std::nullopt;
    rest.remove_prefix(first);
    const std::string_view status = rest.substr(0, 3);
    if (status.size() != 3 || !std::ranges::all_of(status, is_digit))
        return std::nullopt;
    std::string_view reason = rest.substr(3);
    if (!reason.empty() && is_blank(reason.front()))
        reason.remove_prefix(1);
    else if (!reason.empty() && !is_letter(reason.front()))
        return std::nullopt;
    std::string out(start);
    // A later version of the same major one is to be read as the latest that is known (RFC 9110, 2.5).
    out += minor == '0' ? '0' : '1';
    return out.append(" ").append(status).append(" ").append(without_controls(reason));
}

/// A field's value, its lines joined.
std::string unfold(std::string_view lines) {
    std::string value;
    while (!lines.empty()) {
        const std::string_view part = trim(next_line(lines).text);
        if (!value.empty() && !part.empty())
            value += ' ';
        value += part;
    }
    return value;
}

/// Appends a field as a strict reader wants it, or leaves it out. `raw` is all of it, `first` its first line; `strict`:
/// each of its lines ends with CRLF. False if it cannot be repaired.
bool append_field(std::string& out, std::string_view raw, std::string_view first, bool strict, framing fields) {
    const auto colon = first.find(':');
    if (colon == std::string_view::npos)
        return false;
    const std::string_view name = first.substr(0, colon);
    if (is_framing(name)) {
        if (fields == framing::ignored)
            return true;
        const bool folded = raw.size() > first.size() + crlf.size();
        if (!is_token(name) || std::ranges::any_of(first, is_control) || (folded && !strict))
            return false;
        out.append(strict ? raw : first).append(strict ? "" : crlf);
        return true;
    }
    const std::string_view bare_name = name.substr(0, name.find_last_not_of(blanks) + 1);
    if (!is_token(bare_name))
        return true;
    const std::string value = unfold(raw.substr(colon + 1));
    if ((same(bare_name, "connection") || same(bare_name, "proxy-connection")) && !is_token_list(value))
        out.append(bare_name).append(": close\r\n");
    else if (strict && bare_name == name && std::ranges::none_of(value, is_control))
        out.append(raw);
    else
        out.append(bare_name).append(": ").append(without_controls(value)).append(crlf);
    return true;
}

}  // namespace

std::size_t end_of_head(std::string_view text, std::size_t& scanned) noexcept {
    for (;;) {
        const auto end = text.find('\n', scanned);
        if (end == std::string_view::npos) {
            scanned = text.size();
            return 0;
        }
        // Until what follows is known, this line's end is looked at again.
        scanned = end;
        const std::string_view behind = text.substr(end + 1, 2);
        if (behind.empty() || behind == "\r")
            return 0;
        if (behind.front() == '\n')
            return end + 2;
        if (behind == crlf)
            return end + 3;
        scanned = end + 1;
    }
}

std::string repair_head(std::string_view head, framing fields) {
    const auto unrepaired = [head] { return std::string(head); };
    if (head.find('\0') != std::string_view::npos)
        return unrepaired();
    for (auto at = head.find('\r'); at != std::string_view::npos; at = head.find('\r', at + 1))
        if (head.substr(at + 1, 1) != "\n")
            return unrepaired();
    std::string_view rest = head;
    std::string out;
    out.reserve(head.size() + 64);
    const std::optional<std::string> status_line = repair_status_line(next_line(rest).text);
    if (!status_line)
        return unrepaired();
    out.append(*status_line).append(crlf);
    while (!rest.empty()) {
        const std::string_view from = rest;
        const line first = next_line(rest);
        if (first.text.empty())
            return rest.empty() ? out.append(crlf) : unrepaired();
        if (is_blank(first.text.front()))
            return unrepaired();
        bool strict = first.strict;
        while (!rest.empty() && is_blank(rest.front()))
            strict = next_line(rest).strict && strict;
        const std::string_view raw = from.substr(0, from.size() - rest.size());
        if (!append_field(out, raw, first.text, strict, fields))
            return unrepaired();
    }
    return unrepaired();
}

}  // namespace jobmode::wire

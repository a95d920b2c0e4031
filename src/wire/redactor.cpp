// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/redactor.hpp"

#include <algorithm>

#include "wire/answer_error.hpp"
#include "wire/cleansed_text.hpp"
#include "wire/request.hpp"

namespace jobmode::wire {
namespace {

constexpr std::string_view mask = "[password]";

// Fewer characters of it at an excerpt's end tell nobody anything, and would often be there by chance.
constexpr std::size_t least_part = 4;

cleansed_buffer copy_of(std::string_view text) {
    return {text.begin(), text.end()};
}

cleansed_buffer printable(std::string_view text) {
    cleansed_buffer escaped;
    for (std::size_t at = 0; at != text.size(); ++at)
        append(escaped, printable_excerpt(text.substr(at, 1), 0));
    return escaped;
}

cleansed_buffer json_form(std::string_view text) {
    cleansed_buffer escaped;
    append_json_escaped(escaped, text);
    return escaped;
}

cleansed_buffer html_form(std::string_view text) {
    cleansed_buffer escaped;
    for (const char& c : text)
        append(escaped, c == '&'    ? "&amp;"
                        : c == '<'  ? "&lt;"
                        : c == '>'  ? "&gt;"
                        : c == '"'  ? "&quot;"
                        : c == '\'' ? "&#39;"
                                    : std::string_view(&c, 1));
    return escaped;
}

cleansed_buffer url_form(std::string_view text) {
    static constexpr std::string_view hex = "0123456789ABCDEF";
    static constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    cleansed_buffer escaped;
    for (const char c : text) {
        if (unreserved.find(c) != std::string_view::npos) {
            escaped.push_back(c);
            continue;
        }
        escaped.push_back('%');
        escaped.push_back(hex[static_cast<unsigned char>(c) >> 4U]);
        escaped.push_back(hex[static_cast<unsigned char>(c) & 0xFU]);
    }
    return escaped;
}

}  // namespace

redactor::redactor(std::initializer_list<secret> secrets) {
    for (const secret& each : secrets)
        add(each);
}

void redactor::add(const secret& one) {
    const std::string_view plain = one.reveal();
    // A request that is shown as a whole is escaped once more.
    const cleansed_buffer json = json_form(plain);
    for (const cleansed_buffer& form :
         {copy_of(plain), html_form(plain), url_form(plain), json, html_form(view(json)), url_form(view(json))}) {
        if (form.empty())
            continue;
        needles_.push_back(printable(view(form)));
        needles_.push_back(form);
    }
    std::ranges::sort(needles_, [](const cleansed_buffer& left, const cleansed_buffer& right) {
        return left.size() != right.size() ? left.size() > right.size() : left < right;
    });
    needles_.erase(std::unique(needles_.begin(), needles_.end()), needles_.end());
}

void redactor::redact(std::string& text) const {
    for (const cleansed_buffer& needle : needles_)
        for (auto at = text.find(view(needle)); at != std::string::npos; at = text.find(view(needle), at + mask.size()))
            text.replace(at, needle.size(), mask);
}

void redactor::redact_excerpt(std::string& text) const {
    redact(text);
    for (const cleansed_buffer& needle : needles_) {
        const std::string_view whole = view(needle);
        for (std::size_t part = std::min(whole.size(), text.size()); part >= least_part; --part) {
            if (std::string_view(text).starts_with(whole.substr(whole.size() - part)))
                text.replace(0, part, mask);
            if (std::string_view(text).ends_with(whole.substr(0, part)))
                text.replace(text.size() - part, part, mask);
        }
    }
}

}  // namespace jobmode::wire

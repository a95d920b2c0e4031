// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/redactor.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "wire/answer_error.hpp"
#include "wire/request.hpp"

namespace jobmode::wire {
namespace {

constexpr std::string_view mask = "[password]";

// Fewer characters of it at an excerpt's end tell nobody anything, and would often be there by chance.
constexpr std::size_t least_part = 4;

std::string_view view(const cleansed_buffer& buffer) noexcept {
    return {buffer.data(), buffer.size()};
}

cleansed_buffer copy_of(std::string_view text) {
    return {text.begin(), text.end()};
}

cleansed_buffer printable(std::string_view text) {
    std::string escaped;
    for (std::size_t at = 0; at != text.size(); ++at)
        escaped += printable_excerpt(text.substr(at, 1), 0);
    cleansed_buffer result = copy_of(escaped);
    OPENSSL_cleanse(escaped.data(), escaped.size());
    return result;
}

}  // namespace

redactor::redactor(const secret& password) {
    const std::string_view plain = password.reveal();
    cleansed_buffer json;
    json.reserve(json_escaped_size(plain));
    append_json_escaped(json, plain);
    needles_ = {printable(view(json)), printable(plain), json, copy_of(plain)};
    for (std::size_t later = 1; later != needles_.size(); ++later)
        if (std::find(needles_.begin(), needles_.begin() + static_cast<std::ptrdiff_t>(later), needles_[later]) !=
            needles_.begin() + static_cast<std::ptrdiff_t>(later))
            needles_[later].clear();
}

void redactor::redact(std::string& text) const {
    for (const cleansed_buffer& needle : needles_) {
        if (needle.empty())
            continue;
        for (auto at = text.find(view(needle)); at != std::string::npos; at = text.find(view(needle), at + mask.size()))
            text.replace(at, needle.size(), mask);
    }
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

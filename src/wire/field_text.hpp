// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/beast/core/string.hpp>

#include <string_view>

namespace jobmode::wire {

/// Whether two names are the same, as HTTP compares them: the case of ASCII letters does not matter.
inline bool same(std::string_view left, std::string_view right) noexcept {
    return boost::beast::iequals({left.data(), left.size()}, {right.data(), right.size()});
}

/// Without the spaces and tabs around it, which are no part of a field's value.
inline std::string_view trim(std::string_view text) noexcept {
    static constexpr std::string_view blanks = " \t";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace jobmode::wire

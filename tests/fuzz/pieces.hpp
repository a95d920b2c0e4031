// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What the fuzz targets share: an input is a few bytes that say how to cut, a zero byte, and what is cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <vector>

namespace jobmode::fuzz {

/// Ends the program, for the fuzzer to see, unless `holds`.
inline void require(bool holds, const char* what) {
    if (holds)
        return;
    std::cerr << "does not hold: " << what << '\n';
    std::abort();
}

struct input {
    std::string_view cuts;
    std::string_view document;
};

/// Up to eight bytes of cuts, ended by a zero; an input without one is a document alone.
inline input split_input(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t at = all.substr(0, 9).find('\0');
    if (at == std::string_view::npos)
        return {{}, all};
    return {all.substr(0, at), all.substr(at + 1)};
}

/// Cuts the document into pieces whose sizes are those of `cuts`, again and again; of one byte each without any.
inline std::vector<std::string_view> cut(const input& from) {
    std::vector<std::string_view> pieces;
    std::string_view rest = from.document;
    for (std::size_t turn = 0; !rest.empty(); ++turn) {
        const std::size_t size = from.cuts.empty() ? 1 : static_cast<unsigned char>(from.cuts[turn % from.cuts.size()]);
        pieces.push_back(rest.substr(0, size));
        rest.remove_prefix(pieces.back().size());
    }
    return pieces;
}

}  // namespace jobmode::fuzz

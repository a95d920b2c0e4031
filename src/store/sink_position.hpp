// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>

namespace jobmode::store {

/// How much of an output is complete: of the output itself, in bytes of text or in answered queries of tables, and of
/// the list of what was asked that stands beside text.
struct sink_position {
    std::uint64_t output = 0;
    std::uint64_t asked = 0;

    friend bool operator==(const sink_position&, const sink_position&) = default;
};

}  // namespace jobmode::store

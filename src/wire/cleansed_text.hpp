// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string_view>

#include "jobmode/secret.hpp"

namespace jobmode::wire {

/// The buffer as text; valid until the buffer changes.
inline std::string_view view(const cleansed_buffer& buffer) noexcept {
    return {buffer.data(), buffer.size()};
}

inline void append(cleansed_buffer& out, std::string_view text) {
    out.insert(out.end(), text.begin(), text.end());
}

}  // namespace jobmode::wire

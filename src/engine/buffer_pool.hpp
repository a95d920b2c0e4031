// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "engine/spares.hpp"

namespace jobmode::engine {

/// Memory that is read into.
struct read_buffer {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;

    explicit operator bool() const noexcept { return bytes != nullptr; }

    static read_buffer make(std::size_t size) { return {std::make_unique_for_overwrite<char[]>(size), size}; }
};

/// Read buffers of one size, lent to whoever has bytes to read: the few that are in use at a time stay in the
/// processor's cache, and a connection that waits has none.
class buffer_pool {
public:
    /// What a TLS record's plain text needs.
    static constexpr std::size_t buffer_bytes = 16 * 1024;

    read_buffer take() {
        std::optional<read_buffer> last = spares_.take();
        return last ? std::move(*last) : read_buffer::make(buffer_bytes);
    }
    /// A buffer of another size is let go.
    void give_back(read_buffer buffer) {
        if (buffer.size == buffer_bytes)
            spares_.put(std::move(buffer));
    }

private:
    spares<read_buffer> spares_;
};

}  // namespace jobmode::engine

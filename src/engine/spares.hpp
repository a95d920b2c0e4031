// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace jobmode::engine {

/// A few things that can be used again, the one used last first.
template <class Thing>
class spares {
public:
    std::optional<Thing> take() {
        if (things_.empty())
            return std::nullopt;
        std::optional<Thing> last(std::move(things_.back()));
        things_.pop_back();
        return last;
    }
    /// One too many is let go.
    void put(Thing thing) {
        if (things_.size() != most)
            things_.push_back(std::move(thing));
    }

private:
    static constexpr std::size_t most = 16;
    std::vector<Thing> things_;
};

}  // namespace jobmode::engine

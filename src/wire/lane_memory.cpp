// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/lane_memory.hpp"

#include <algorithm>
#include <utility>

namespace jobmode::wire {

lane_memory::lane_memory() {
    // The order of the vendor's documentation, to begin with.
    for (std::size_t key = 0; key != unknown_key; ++key)
        keys_[key].next = static_cast<std::uint8_t>(key + 1);
}

void lane_memory::note(std::string_view element, std::uint32_t signature, bool with_first_key) {
    static constexpr std::size_t elements_for_a_lesson = 256;
    static constexpr std::size_t patience = 8;
    static constexpr std::size_t long_detour = 64;
    if (++waited_ == elements_for_a_lesson) {
        waited_ = 0;
        lessons_ = std::min(lessons_ + 1, max_shapes);
    }
    if (detour_ != 0)
        return;
    if (++failures_ >= patience) {
        // One more try after the detour, unless that succeeds.
        failures_ = patience - 1;
        detour_ = long_detour;
    }
    const std::size_t before = current_;
    std::size_t shape = find(signature);
    // With its own keys it should have been right: something else differs.
    if ((shape == max_shapes || shape == before) && lessons_ != 0) {
        --lessons_;
        shape = learn(element);
    }
    if (shape != max_shapes && with_first_key) {
        successors_[before] = shape;
        current_ = shape;
    } else if (shape != max_shapes && shape == last_) {
        current_ = shape;
    }
    last_ = shape;
}

std::size_t lane_memory::find(std::uint32_t signature) const noexcept {
    const auto found = std::ranges::find(shapes_, signature, &record_shape::signature);
    return found == shapes_.end() ? max_shapes : static_cast<std::size_t>(found - shapes_.begin());
}

std::size_t lane_memory::learn(std::string_view element) {
    record_shape shape;
    if (!shape.learn(element))
        return max_shapes;
    const auto known = std::ranges::find(shapes_, shape);
    if (known != shapes_.end())
        return static_cast<std::size_t>(known - shapes_.begin());
    if (shapes_.size() < max_shapes) {
        shapes_.push_back(std::move(shape));
        successors_.push_back(0);
        return shapes_.size() - 1;
    }
    const std::size_t place = std::exchange(oldest_, (oldest_ + 1) % max_shapes);
    shapes_[place] = std::move(shape);
    return place;
}

}  // namespace jobmode::wire

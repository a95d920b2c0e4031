// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <array>
#include <chrono>

namespace jobmode::report {

/// On which days a set is expected to have a backup.
struct rhythm {
    /// By weekday, Sunday first. If none is expected, `max_age` counts.
    std::array<bool, 7> weekdays{};
    /// The most days between two backups.
    std::chrono::days max_age{0};

    bool by_weekday() const;
};

}  // namespace jobmode::report

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>

namespace jobmode::policy {

/// An instant. The policies are told the time; they never ask.
using time_point = std::chrono::steady_clock::time_point;

/// After all others: no alarm is set.
inline constexpr time_point never = time_point::max();

}  // namespace jobmode::policy

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace jobmode::cli {

/// A number with thousands apart: `1,234,567`.
std::string grouped(std::uint64_t value);

/// A time for a person: `850 us`, `12 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`.
std::string duration_text(std::chrono::nanoseconds time);

/// A time of day, the user's: `14:05:09`.
std::string clock_text(std::chrono::system_clock::time_point time);

/// Seconds as an option has them.
std::chrono::milliseconds to_milliseconds(double seconds);

/// An amount of bytes for a person: `812 B`, `3.4 MB`.
std::string bytes_text(std::uint64_t bytes);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>

namespace jobmode::test {

/// How long a test waits for what must come. It ends a test that hangs, and nothing else: it is more than anything
/// takes, also under a sanitizer and on a core that others use.
inline constexpr std::chrono::milliseconds patience = std::chrono::minutes(5);

}  // namespace jobmode::test

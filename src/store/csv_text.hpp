// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <string_view>

namespace jobmode::store {

/// Appends a value of a CSV row (RFC 4180), in quotes where it needs them.
void append_csv_value(std::string& out, std::string_view text);

}  // namespace jobmode::store

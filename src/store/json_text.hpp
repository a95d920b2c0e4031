// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <string_view>

namespace jobmode::store {

/// Appends a JSON string, with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace jobmode::store

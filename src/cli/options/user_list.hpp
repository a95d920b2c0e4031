// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <vector>

namespace jobmode::cli {

/// Reads login names, one a line, from a file, or from standard input if the path is `-`. Empty lines are passed over,
/// and so is a name that has stood before. False, with `problem` set to a sentence, if that fails or a line is no login
/// name.
bool read_users(const std::string& path, std::vector<std::string>& users, std::string& problem);

}  // namespace jobmode::cli

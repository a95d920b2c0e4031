// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/command/crawl_problem.hpp"

namespace jobmode::cli {

/// Reads login names, one a line, from a file, or from standard input if the path is `-`. Empty lines are passed over,
/// and so is a name that has stood before. False, with `problem` set to a sentence, if that fails or a line is no login
/// name.
bool read_users(const std::string& path, std::vector<std::string>& users, std::string& problem);

/// Asks the server for all of them (ListUsers), each once. Nothing if that worked, else why not. `stop` ends it early.
std::optional<crawl_problem> fetch_users(const client_config& config, std::vector<std::string>& users,
                                         const std::stop_token& stop);

/// The SHA-256 of a list of names, in hexadecimal.
std::string digest_of(const std::vector<std::string>& names);

}  // namespace jobmode::cli

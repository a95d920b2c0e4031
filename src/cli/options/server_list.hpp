// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <vector>

#include "cli/options/connection_options.hpp"

namespace jobmode::cli {

/// A server that a file of servers names.
struct listed_server {
    std::string name;
    connection_options connection;
    /// A file of login names; empty if the file of servers does not say.
    std::string users_file;
    /// `FILE, line N`, where its section begins.
    std::string place;
};

/// Reads a file of servers: a section for each, `[NAME]`, in which lines `key = value` say what the options of the same
/// names say on the command line; what is not said is as in `defaults`. Lines that begin with `#` or `;` are comments.
/// Paths are relative to the file's folder. Throws `usage_problem`, with the file's name and the line, for whatever is
/// not such a file.
std::vector<listed_server> read_servers(const std::string& path, const connection_options& defaults);

}  // namespace jobmode::cli

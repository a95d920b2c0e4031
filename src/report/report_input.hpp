// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>

#include "report/report_data.hpp"

namespace jobmode::report {

/// Reads what a crawl wrote, as NDJSON or SQLite, and its file of failed queries if there is one beside it. `-` is
/// NDJSON on standard input. Empty if that worked, else a sentence on what did not, with the line where it has one.
std::string read_crawl(report_data& data, const std::string& path);

/// Reads a file with a login name a line.
std::string read_report_users(report_data& data, const std::string& path);

}  // namespace jobmode::report

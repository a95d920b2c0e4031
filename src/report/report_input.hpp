// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>

#include "report/findings.hpp"
#include "report/report_data.hpp"

namespace jobmode::report {

/// Reads what a crawl wrote, as NDJSON, CSV or SQLite, and its lists of failed queries and of what was asked where they
/// are beside it. `-` is NDJSON on standard input. Empty if that worked, else a sentence on what did not, with the line
/// where it has one.
std::string read_crawl(findings& data, const std::string& path);

/// Reads a file with a login name a line.
std::string read_report_users(report_data& data, const std::string& path);

}  // namespace jobmode::report

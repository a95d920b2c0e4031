// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/findings.hpp"

namespace jobmode::report {

/// Take what a crawl wrote, a line or a row at a time. Empty if that worked, else a sentence on what is wrong with it.
/// Who was asked is whom a record is about, whatever name it has itself.
/// @{
/// A line of NDJSON.
std::string add_record_line(findings& to, std::string_view line);
/// A row of CSV; `columns` are the names in its first line.
std::string add_record_row(findings& to, const std::vector<std::string>& columns,
                           const std::vector<std::string>& values);
/// A line of OUT.failed.ndjson.
std::string add_failure_line(findings& to, std::string_view line);
/// A line of OUT.asked.ndjson.
std::string add_asked_line(findings& to, std::string_view line);
/// @}

}  // namespace jobmode::report

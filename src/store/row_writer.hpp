// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/record.hpp>

#include <array>
#include <string>
#include <string_view>

namespace jobmode::store {

/// How records are written.
enum class row_format { ndjson, csv, table, sqlite };

/// The columns of a row: the API's own keys in the order of its documentation, `BackupDate` as it was asked, and
/// `Server`.
inline constexpr std::size_t column_count = field_count + 2;
std::string_view column_name(std::size_t column) noexcept;

/// A field as it is written: StartTime and EndTime as `yyyy-MM-ddTHH:mm:ss` where they can be read, everything else,
/// and what cannot be read, as the server wrote it. `buffer` holds a time that was rewritten.
std::string_view value_of(const record_view& record, field which, std::array<char, 20>& buffer) noexcept;

/// Writes records as lines of JSON: values are strings, a null is null, and a key that the server left out is left out.
void append_ndjson(std::string& out, const record_view& record, std::string_view backup_date, std::string_view server);

/// Writes records as CSV (RFC 4180, lines ending with CR LF); what is null or left out is empty.
void append_csv(std::string& out, const record_view& record, std::string_view backup_date, std::string_view server);
/// The first line of a CSV file.
std::string csv_header();

}  // namespace jobmode::store

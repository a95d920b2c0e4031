// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/record.hpp>

#include <array>
#include <string>
#include <string_view>

#include "store/csv_text.hpp"

namespace jobmode::store {

/// How records are written.
enum class row_format { ndjson, csv, table };

/// Who and what was asked, which an answer need not say again.
struct row_origin {
    std::string_view server;
    std::string_view login_name;
    std::string_view backup_date;
};

/// The columns of a row: the API's own keys in the order of its documentation; `BackupDate`, `Server` and
/// `QueryLoginName` as they were asked.
inline constexpr std::size_t column_count = field_count + 3;
std::string_view column_name(std::size_t column) noexcept;

/// A field as it is written: StartTime and EndTime as `yyyy-MM-ddTHH:mm:ss` where they can be read, everything else,
/// and what cannot be read, as the server wrote it. `buffer` holds a time that was rewritten.
std::string_view value_of(const record_view& record, field which, std::array<char, 20>& buffer) noexcept;

/// Writes records as lines of JSON: values are strings, a null is null, and a key that the server left out is left out.
void append_ndjson(std::string& out, const record_view& record, const row_origin& origin);

/// Writes records as CSV (RFC 4180, lines ending with CR LF); what is null or left out is empty.
void append_csv(std::string& out, const record_view& record, const row_origin& origin,
                csv_cells cells = csv_cells::plain);
/// The first line of a CSV file.
std::string csv_header();

}  // namespace jobmode::store

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/row_writer.hpp"

#include <algorithm>
#include <utility>

#include "store/json_text.hpp"

namespace jobmode::store {

std::string_view column_name(std::size_t column) noexcept {
    if (column < field_count)
        return key_of(static_cast<field>(column));
    static constexpr std::array<std::string_view, 3> asked{"BackupDate", "Server", "QueryLoginName"};
    return asked[column - field_count];
}

std::string_view value_of(const record_view& record, field which, std::array<char, 20>& buffer) noexcept {
    const std::string_view text = record.text(which);
    if ((which != field::start_time && which != field::end_time) || !parse_time(text))
        return text;
    // A time that can be read has its digits in their places; only what separates them differs.
    static constexpr std::string_view shape = "0000-00-00T00:00:00";
    for (std::size_t index = 0; index != shape.size(); ++index)
        buffer[index] = shape[index] == '0' ? text[index] : shape[index];
    return {buffer.data(), shape.size()};
}

void append_ndjson(std::string& out, const record_view& record, const row_origin& origin) {
    out += '{';
    std::array<char, 20> buffer{};
    for (std::size_t index = 0; index != field_count; ++index) {
        const auto which = static_cast<field>(index);
        const presence there = record.has(which);
        if (there == presence::absent)
            continue;
        out += '"';
        out += key_of(which);
        out += "\":";
        if (there == presence::null)
            out += "null";
        else
            append_json_string(out, value_of(record, which, buffer));
        out += ',';
    }
    out += "\"BackupDate\":";
    append_json_string(out, origin.backup_date);
    out += ",\"Server\":";
    append_json_string(out, origin.server);
    out += ",\"QueryLoginName\":";
    append_json_string(out, origin.login_name);
    out += "}\n";
}

void append_csv(std::string& out, const record_view& record, const row_origin& origin, csv_cells cells) {
    std::array<char, 20> buffer{};
    for (std::size_t index = 0; index != field_count; ++index) {
        append_csv_value(out, value_of(record, static_cast<field>(index), buffer), cells);
        out += ',';
    }
    append_csv_value(out, origin.backup_date, cells);
    out += ',';
    append_csv_value(out, origin.server, cells);
    out += ',';
    append_csv_value(out, origin.login_name, cells);
    out += "\r\n";
}

std::string csv_header() {
    std::string line;
    for (std::size_t column = 0; column != column_count; ++column) {
        line += column == 0 ? "" : ",";
        line += column_name(column);
    }
    return line + "\r\n";
}

}  // namespace jobmode::store

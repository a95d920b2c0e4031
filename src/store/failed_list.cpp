// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/failed_list.hpp"

#include <fmt/format.h>

#include "store/json_text.hpp"

namespace jobmode::store {

void append_failed(std::string& lines, const query& asked, const failed_query& failed, std::string_view server) {
    lines += "{\"LoginName\":";
    append_json_string(lines, asked.login_name);
    lines += ",\"BackupDate\":";
    append_json_string(lines, asked.backup_date.text());
    if (asked.backup_set_id) {
        lines += ",\"BackupSetID\":";
        append_json_string(lines, *asked.backup_set_id);
    }
    lines += ",\"Server\":";
    append_json_string(lines, server);
    lines += ",\"Error\":";
    append_json_string(lines, failed.error);
    lines += ",\"Message\":";
    append_json_string(lines, failed.message);
    lines += fmt::format(",\"Attempts\":{}}}\n", failed.attempts);
}

}  // namespace jobmode::store

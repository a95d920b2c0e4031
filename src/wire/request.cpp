// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/request.hpp"

#include <array>
#include <charconv>
#include <cstddef>

namespace jobmode::wire {
namespace {

constexpr std::string_view login_name_key = "\",\"LoginName\":\"";
constexpr std::string_view backup_set_key = "\",\"BackupSetID\":\"";
constexpr std::string_view backup_date_key = "\",\"BackupDate\":\"";
constexpr std::string_view body_end = "\"}";
// What is empty is not named, and a reader of the list concludes something from what is not in it: leave nothing out.
constexpr std::string_view jobs_end = "\",\"SkipEmpty\":false}";
constexpr std::string_view users_end = "\",\"LoginNameOnly\":true}";

void append(cleansed_buffer& out, std::string_view text) {
    out.insert(out.end(), text.begin(), text.end());
}

std::string_view view(const cleansed_buffer& buffer) noexcept {
    return {buffer.data(), buffer.size()};
}

bool is_plain(char c) noexcept {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
}

}  // namespace

std::size_t json_escaped_size(std::string_view text) noexcept {
    std::size_t size = text.size();
    for (const char c : text)
        if (!is_plain(c))
            size += c == '"' || c == '\\' ? 1 : 5;
    return size;
}

void append_json_escaped(cleansed_buffer& out, std::string_view text) {
    static constexpr std::string_view hex = "0123456789abcdef";
    for (const char c : text) {
        if (is_plain(c)) {
            out.push_back(c);
        } else if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else {
            append(out, "\\u00");
            out.push_back(hex[static_cast<unsigned char>(c) >> 4U]);
            out.push_back(hex[static_cast<unsigned char>(c) & 0xFU]);
        }
    }
}

request_encoder::request_encoder(std::string_view host_header, std::string_view base_path, std::string_view user_agent,
                                 std::string_view sys_user, const secret& sys_pwd) {
    const auto start = [base_path](cleansed_buffer& out, std::string_view api) {
        append(out, "POST ");
        append(out, base_path);
        append(out, api);
        append(out, " HTTP/1.1\r\n");
    };
    start(query_start_, "/obs/api/json/ListBackupJobMode.do");
    start(users_start_, "/obs/api/json/2/ListUsers.do");
    start(jobs_start_, "/obs/api/json/ListBackupJobs.do");

    append(headers_, "Host: ");
    append(headers_, host_header);
    if (!user_agent.empty()) {
        append(headers_, "\r\nUser-Agent: ");
        append(headers_, user_agent);
    }
    append(headers_, "\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: ");

    // Growing would leave copies of the password behind for the allocator to overwrite; better none.
    static constexpr std::string_view user_key = "{\"SysUser\":\"";
    static constexpr std::string_view password_key = "\",\"SysPwd\":\"";
    credentials_.reserve(user_key.size() + json_escaped_size(sys_user) + password_key.size() +
                         json_escaped_size(sys_pwd.reveal()));
    append(credentials_, user_key);
    append_json_escaped(credentials_, sys_user);
    append(credentials_, password_key);
    append_json_escaped(credentials_, sys_pwd.reveal());
}

void request_encoder::encode(cleansed_buffer& out, const query& asked, std::string_view cookie) const {
    std::size_t size = credentials_.size() + login_name_key.size() + json_escaped_size(asked.login_name) +
                       backup_date_key.size() + asked.backup_date.text().size() + body_end.size();
    if (asked.backup_set_id)
        size += backup_set_key.size() + json_escaped_size(*asked.backup_set_id);
    encode_head(out, view(query_start_), size, cookie);
    append(out, view(credentials_));
    append(out, login_name_key);
    append_json_escaped(out, asked.login_name);
    if (asked.backup_set_id) {
        append(out, backup_set_key);
        append_json_escaped(out, *asked.backup_set_id);
    }
    append(out, backup_date_key);
    append(out, asked.backup_date.text());
    append(out, body_end);
}

void request_encoder::encode_list_users(cleansed_buffer& out, std::string_view cookie) const {
    encode_head(out, view(users_start_), credentials_.size() + users_end.size(), cookie);
    append(out, view(credentials_));
    append(out, users_end);
}

void request_encoder::encode_list_backup_jobs(cleansed_buffer& out, std::string_view login_name,
                                              std::string_view cookie) const {
    encode_head(out, view(jobs_start_),
                credentials_.size() + login_name_key.size() + json_escaped_size(login_name) + jobs_end.size(), cookie);
    append(out, view(credentials_));
    append(out, login_name_key);
    append_json_escaped(out, login_name);
    append(out, jobs_end);
}

void request_encoder::encode_head(cleansed_buffer& out, std::string_view start, std::size_t body_bytes,
                                  std::string_view cookie) const {
    append(out, start);
    append(out, view(headers_));
    std::array<char, 20> digits{};
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), body_bytes).ptr;
    append(out, {digits.data(), static_cast<std::size_t>(end - digits.data())});
    if (!cookie.empty()) {
        append(out, "\r\nCookie: ");
        append(out, cookie);
    }
    append(out, "\r\n\r\n");
}

}  // namespace jobmode::wire

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/request.hpp"

#include <array>
#include <charconv>
#include <cstddef>

#include "wire/cleansed_text.hpp"

namespace jobmode::wire {
namespace {

constexpr std::string_view login_name_key = ",\"LoginName\":\"";
constexpr std::string_view backup_set_key = ",\"BackupSetID\":\"";
constexpr std::string_view backup_date_key = ",\"BackupDate\":\"";

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
    for (const endpoint* what : endpoints) {
        cleansed_buffer& out = starts_[what->index];
        append(out, "POST ");
        append(out, base_path);
        append(out, what->path);
        append(out, " HTTP/1.1\r\n");
    }

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
                         json_escaped_size(sys_pwd.reveal()) + 1);
    append(credentials_, user_key);
    append_json_escaped(credentials_, sys_user);
    append(credentials_, password_key);
    append_json_escaped(credentials_, sys_pwd.reveal());
    credentials_.push_back('"');
}

void request_encoder::encode(cleansed_buffer& out, const endpoint& what, const query& asked,
                             std::string_view cookie) const {
    const auto text_size = [](std::string_view key, std::string_view text) {
        return key.size() + json_escaped_size(text) + 1;
    };
    std::size_t size = credentials_.size() + what.rest.size() + 1;
    if (what.sends_login_name)
        size += text_size(login_name_key, asked.login_name);
    if (what.sends_date) {
        size += text_size(backup_date_key, asked.backup_date.text());
        if (asked.backup_set_id)
            size += text_size(backup_set_key, *asked.backup_set_id);
    }

    append(out, view(starts_[what.index]));
    append(out, view(headers_));
    std::array<char, 20> digits{};
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), size).ptr;
    append(out, {digits.data(), static_cast<std::size_t>(end - digits.data())});
    if (!cookie.empty()) {
        append(out, "\r\nCookie: ");
        append(out, cookie);
    }
    append(out, "\r\n\r\n");

    const auto append_text = [&out](std::string_view key, std::string_view text) {
        append(out, key);
        append_json_escaped(out, text);
        out.push_back('"');
    };
    append(out, view(credentials_));
    if (what.sends_login_name)
        append_text(login_name_key, asked.login_name);
    if (what.sends_date) {
        if (asked.backup_set_id)
            append_text(backup_set_key, *asked.backup_set_id);
        append_text(backup_date_key, asked.backup_date.text());
    }
    append(out, what.rest);
    out.push_back('}');
}

}  // namespace jobmode::wire

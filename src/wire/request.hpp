// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/query.hpp>
#include <jobmode/secret.hpp>

#include <string_view>

namespace jobmode::wire {

/// Writes requests. What does not change from one to the next, the password among it, is prepared once; writing a
/// request allocates nothing when the buffer has room. Thread-safe once constructed.
class request_encoder {
public:
    /// `host_header` is the Host header's value; `base_path` is empty or a path without a slash at its end. None of the
    /// texts may hold a control character (`client_config::validate` sees to that).
    request_encoder(std::string_view host_header, std::string_view base_path, std::string_view user_agent,
                    std::string_view sys_user, const secret& sys_pwd);

    /// Appends a whole request of ListBackupJobMode to `out`. `asked` must be valid. `cookie` is empty or the Cookie
    /// header's value.
    void encode(cleansed_buffer& out, const query& asked, std::string_view cookie) const;

    /// Appends a whole request of ListUsers (v2, login names only) to `out`.
    void encode_list_users(cleansed_buffer& out, std::string_view cookie) const;

    /// Appends a whole request of ListBackupJobs to `out`. `login_name` must be valid in a query.
    void encode_list_backup_jobs(cleansed_buffer& out, std::string_view login_name, std::string_view cookie) const;

private:
    void encode_head(cleansed_buffer& out, std::string_view start, std::size_t body_bytes,
                     std::string_view cookie) const;

    cleansed_buffer query_start_;
    cleansed_buffer users_start_;
    cleansed_buffer jobs_start_;
    cleansed_buffer headers_;
    cleansed_buffer credentials_;
};

/// The size of `text` as the inside of a JSON string.
std::size_t json_escaped_size(std::string_view text) noexcept;
/// Appends `text` as the inside of a JSON string.
void append_json_escaped(cleansed_buffer& out, std::string_view text);

}  // namespace jobmode::wire

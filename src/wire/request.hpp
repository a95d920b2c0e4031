// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/query.hpp>
#include <jobmode/secret.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace jobmode::wire {

/// One call of the server's API: where it is, and what is sent beside the credentials.
struct endpoint {
    /// Its place among `endpoints`.
    std::size_t index;
    /// The path below the base.
    std::string_view path;
    bool sends_login_name;
    /// Also the backup set, if the query names one.
    bool sends_date;
    /// What else the body has, as JSON.
    std::string_view rest;
};

inline constexpr endpoint list_backup_job_mode{0, "/obs/api/json/ListBackupJobMode.do", true, true, ""};
/// Version 2, login names only.
inline constexpr endpoint list_users{1, "/obs/api/json/2/ListUsers.do", false, false, ",\"LoginNameOnly\":true"};
/// What is empty is not named, and a reader of the list concludes something from what is not in it: leave nothing out.
inline constexpr endpoint list_backup_jobs{2, "/obs/api/json/ListBackupJobs.do", true, false, ",\"SkipEmpty\":false"};

inline constexpr std::array<const endpoint*, 3> endpoints{&list_backup_job_mode, &list_users, &list_backup_jobs};

/// Writes requests. What does not change from one to the next, the password among it, is prepared once; writing a
/// request allocates nothing when the buffer has room. Thread-safe once constructed.
class request_encoder {
public:
    /// `host_header` is the Host header's value; `base_path` is empty or a path without a slash at its end. None of the
    /// texts may hold a control character (`client_config::validate` sees to that).
    request_encoder(std::string_view host_header, std::string_view base_path, std::string_view user_agent,
                    std::string_view sys_user, const secret& sys_pwd);

    /// Appends a whole request to `out`. What the endpoint sends of `asked` must be valid. `cookie` is empty or the
    /// Cookie header's value.
    void encode(cleansed_buffer& out, const endpoint& what, const query& asked, std::string_view cookie) const;

private:
    std::array<cleansed_buffer, endpoints.size()> starts_;
    cleansed_buffer headers_;
    cleansed_buffer credentials_;
};

/// The size of `text` as the inside of a JSON string.
std::size_t json_escaped_size(std::string_view text) noexcept;
/// Appends `text` as the inside of a JSON string.
void append_json_escaped(cleansed_buffer& out, std::string_view text);

}  // namespace jobmode::wire

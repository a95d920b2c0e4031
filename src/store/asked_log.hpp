// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/query.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jobmode::store {

/// When something was answered: the time of this machine, in seconds since the epoch.
using moment = std::chrono::sys_seconds;

/// A moment in the local time of this machine, with its offset: `2024-06-26T11:33:52+02:00`.
std::string moment_text(moment at);

/// What was asked, and how each query ended, as lines of JSON: what stands in OUT.asked.ndjson. Without it nobody can
/// tell a user without a backup from one who was not asked about.
///
/// A line is about a user's days in a row that ended in the same way, in the order of server, user and day:
/// ```
/// {"Server":"cbs.example.com","LoginName":"obm","From":"2024-06-01","To":"2024-06-30","Ended":"answered","At":"..."}
/// ```
/// `Ended` is `answered`, `failed` (then `Error` has the error's name) or `skipped` (not asked, since the list of the
/// user's jobs has none on these days). `BackupSetID` is there if the query named a set. `At` is the moment of the
/// first of these answers. A line without `LoginName` and with `Ended` `unseen` is about a whole server: not even its
/// users are known. One with `Ended` `listed` has in `Users` the names of all users that the server listed at that
/// moment. Later lines do not undo earlier ones: a query that failed and was answered later stands in both.
class asked_log {
public:
    void answered(std::string_view server, const query& asked, moment at);
    void failed(std::string_view server, const query& asked, std::string_view error, moment at);
    void skipped(std::string_view server, const query& skipped, moment at);
    void unseen(std::string_view server, std::string_view error, moment at);

    void listed(std::string_view server, const std::vector<std::string>& users, moment at);

    /// The lines about everything that was taken since the last call.
    std::string take_lines();

private:
    enum class ending : std::uint8_t { answered, failed, skipped, unseen };
    struct entry {
        std::string server;
        std::string login_name;
        std::string set;
        bool has_set = false;
        ending how = ending::answered;
        std::string error;
        std::chrono::sys_days day;
        moment at;
        auto operator<=>(const entry&) const = default;
    };

    void add(ending how, std::string_view server, const query& asked, std::string_view error, moment at);

    std::vector<entry> entries_;
    std::string listings_;
};

}  // namespace jobmode::store

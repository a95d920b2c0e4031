// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/export.hpp>

#include <string>
#include <vector>

namespace jobmode {

/// The backup jobs of one backup set, as ListBackupJobs tells them.
struct JOBMODE_EXPORT backup_set_jobs {
    backup_set_jobs();

    /// The backup set; empty if the server left it out.
    std::string backup_set_id;
    /// The IDs of its jobs in the server's order. One is `yyyy-MM-dd-HH-mm-ss`, the time at which the job began, in the
    /// server's local time; what the server wrote is not checked here.
    std::vector<std::string> job_ids;

    friend bool operator==(const backup_set_jobs&, const backup_set_jobs&) = default;
};

}  // namespace jobmode

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/backup_jobs.hpp>
#include <jobmode/decoder.hpp>
#include <jobmode/error.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jobmode::wire {

/// Decodes the answer of ListBackupJobs (`"Data":[{"BackupSetID":...,"BackupJob":[...]}]`), pushed in pieces of any
/// size. See `decoder`, whose errors and limits it shares. Whoever reads the list concludes something from what is not
/// in it; so jobs that are no list of texts are `errc::wrong_type` and not passed over.
class backup_job_list_decoder {
public:
    using result_type = std::vector<backup_set_jobs>;

    explicit backup_job_list_decoder(const decoder_limits& limits);
    backup_job_list_decoder(backup_job_list_decoder&&) noexcept;
    backup_job_list_decoder& operator=(backup_job_list_decoder&&) noexcept;
    ~backup_job_list_decoder();

    void feed(std::string_view piece, error_code& ec);
    /// The backup sets in the answer's order; none after an error.
    std::vector<backup_set_jobs> finish(error_code& ec);

    std::string_view message() const noexcept;
    std::string_view expt_type() const noexcept;
    std::uint64_t offset() const noexcept;
    std::string excerpt() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace jobmode::wire

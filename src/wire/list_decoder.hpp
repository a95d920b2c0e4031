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

/// Decodes an answer that is gathered whole, pushed in pieces of any size. See `decoder`, whose errors and limits it
/// shares.
template <class Element>
class list_decoder {
public:
    using result_type = std::vector<Element>;

    explicit list_decoder(const decoder_limits& limits);
    list_decoder(list_decoder&&) noexcept;
    list_decoder& operator=(list_decoder&&) noexcept;
    ~list_decoder();

    void feed(std::string_view piece, error_code& ec);
    /// The elements in the answer's order; none after an error.
    result_type finish(error_code& ec);

    std::string_view message() const noexcept;
    std::string_view expt_type() const noexcept;
    std::uint64_t offset() const noexcept;
    std::string excerpt() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

extern template class list_decoder<std::string>;
extern template class list_decoder<backup_set_jobs>;

/// The login names of ListUsers (`"User":[{"LoginName":...}]`). An element without one is passed over.
using user_list_decoder = list_decoder<std::string>;

/// The backup sets of ListBackupJobs (`"Data":[{"BackupSetID":...,"BackupJob":[...]}]`). Whoever reads the list
/// concludes something from what is not in it; so jobs that are no list of texts are `errc::wrong_type` and not passed
/// over.
using backup_job_list_decoder = list_decoder<backup_set_jobs>;

}  // namespace jobmode::wire

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/bulk_crawl.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "bulk/preparation.hpp"
#include "store/crawl_checkpoint.hpp"

namespace jobmode::bulk {

/// What a run does about the crawl that its checkpoint is of.
struct resumption {
    /// Null if there is none, or none yet.
    std::unique_ptr<store::crawl_checkpoint> checkpoint;
    store::crawl_identity identity;
    /// It goes on with an earlier run; otherwise it begins with the first answer.
    bool goes_on = false;
    /// Everything had been answered.
    bool nothing_left = false;
    /// The servers whose queries an earlier run found out, in the checkpoint's order.
    std::vector<std::size_t> order;
    /// What is asked of those, by the place of the server among the options'.
    std::vector<std::optional<server_plan>> known;
};

/// Decides what a run resumes. Throws `bulk_refused`, and what the checkpoint throws.
resumption find_resumption(const bulk_options& options);

/// Has the checkpoint begin anew, when there is something to keep. Throws `bulk_refused`, and what the checkpoint
/// throws.
void begin_anew(const bulk_options& options, resumption& found);

}  // namespace jobmode::bulk

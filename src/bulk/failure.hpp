// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/bulk_crawl.hpp>
#include <jobmode/error.hpp>

namespace jobmode::bulk {

/// Whether a failure says that the server could not be reached, or could not be trusted: nothing was asked of it.
bool is_unreachable(error_code ec, const diagnostics& diag) noexcept;

/// What this failure means where every other request would meet it, too. `about` begins the sentence.
bulk_problem problem_of(error_code ec, const diagnostics& diag, std::string_view about = {});

}  // namespace jobmode::bulk

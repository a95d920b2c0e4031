// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/metrics.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/messages/progress.hpp"
#include "report/coverage.hpp"

namespace jobmode::cli {

/// What concerns one server of a crawl.
struct server_numbers {
    std::string_view server;
    metrics client;
    progress_figures crawl;
};

/// A crawl's numbers in Prometheus' text format (version 0.0.4), each with the label `server`: what its clients have
/// done, and how far it is with each server. There are no timestamps, which node exporter's textfile collector does not
/// take. Latencies are gathered into buckets an octave wide, from 256 us to 67 s.
std::string prometheus_text(const std::vector<server_numbers>& servers);

/// What the model says, in the same format. For each server how many sets there are, and how many of them are silent,
/// unknown and pending; for each set how many expected days are missing, and the days of its last good backup and of
/// the one that was or is due, as numbers of days since 1970-01-01: a day is all that is known. At most `most_sets`
/// sets have series of their own, the worst first, and how many have none is said for each server.
std::string coverage_text(const report::assessment& said, std::size_t most_sets = 10'000);

}  // namespace jobmode::cli

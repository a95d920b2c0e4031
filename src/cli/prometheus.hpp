// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/metrics.hpp>

#include <string>
#include <string_view>

#include "cli/progress.hpp"

namespace jobmode::cli {

/// A crawl's numbers in Prometheus' text format (version 0.0.4), each with the label `server`: what its clients have
/// done, and how far it is. There are no timestamps, which node exporter's textfile collector does not take. Latencies
/// are gathered into buckets an octave wide, from 256 us to 67 s.
std::string prometheus_text(const metrics& numbers, const progress_figures& crawl, std::string_view server);

}  // namespace jobmode::cli

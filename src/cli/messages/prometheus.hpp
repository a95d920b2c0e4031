// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/metrics.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "cli/messages/progress.hpp"

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

}  // namespace jobmode::cli

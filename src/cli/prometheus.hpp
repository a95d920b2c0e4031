// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/metrics.hpp>

#include <string>
#include <string_view>

namespace jobmode::cli {

/// A client's numbers in Prometheus' text format (version 0.0.4), each with the label `server`. There are no
/// timestamps, which node exporter's textfile collector does not take. Latencies are gathered into buckets an octave
/// wide, from 256 us to 67 s.
std::string prometheus_text(const metrics& numbers, std::string_view server);

/// Writes them to a file that node exporter reads, whose name should end with `.prom`: a reader finds the file of
/// before or the new one, whole. Empty if that worked, else a sentence on what did not.
std::string write_metrics_file(const std::string& path, const metrics& numbers, std::string_view server);

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/record_sink.hpp>

#include <string>

namespace CLI {
class App;
}

namespace jobmode::cli {

/// The options that say where records go, and how.
struct output_options {
    std::string out;
    sink_format format = sink_format::ndjson;

    /// Adds them to a subcommand, in a group.
    void add_to(CLI::App& app, const char* group);

    bool to_stdout() const { return out == "-"; }
    std::string failed_path() const { return out + ".failed.ndjson"; }
    /// The output's path as seen from the folder of a file, so that the two can be moved together.
    std::string place_beside(const std::string& file) const;
    /// `ndjson`, `csv` or `sqlite`.
    std::string format_name() const;
    /// Whether there is an output that a new one would replace. Tables are added to, and a device keeps nothing.
    bool would_replace() const;
};

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/record_sink.hpp>

#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace jobmode::cli {

/// The options that say where records go, and how.
struct output_options {
    std::string out;
    /// Settled by `choose_format`.
    sink_format format = sink_format::ndjson;
    bool csv_safe = false;

    /// Adds them to a subcommand, in a group.
    void add_to(CLI::App& app, const char* group);

    /// Takes the format from the output's name where none was given. What is wrong with them, as a sentence; empty if
    /// nothing is.
    std::string choose_format();
    /// The format's name, with how cells are written: what a crawl must not change while it goes on.
    std::string format_name() const;
    /// The same for a sink.
    sink_format sink() const { return csv_safe ? sink_format::csv_safe : format; }
    /// Whether the records go by: then there is nothing beside them, and nothing to go on from.
    bool is_stream() const;
    /// What a message calls it.
    std::string name() const { return out == "-" ? "standard output" : out; }
    std::string asked_path() const { return out + ".asked.ndjson"; }
    std::string failed_path() const { return out + ".failed.ndjson"; }
    /// Why the output, what stands beside it, or the state cannot be written, as far as can be seen without writing. A
    /// sentence; empty if nothing speaks against it.
    std::string why_not_writable(const std::string& state) const;
    /// The output's path as seen from the folder of a file, so that the two can be moved together.
    std::string place_beside(const std::string& file) const;
    /// Whether there is an output that a new one would replace. Tables are added to, and a device keeps nothing.
    bool would_replace() const;

private:
    const CLI::Option* format_option_ = nullptr;
};

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/options/output_options.hpp"

#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <filesystem>

#include "cli/options/choice.hpp"

namespace jobmode::cli {

void output_options::add_to(CLI::App& app, const char* group) {
    app.add_option("--out", out, "Where the records go; - is standard output")
        ->required()
        ->type_name("FILE")
        ->group(group);
    app.add_option("--format", format, "How records are written")
        ->transform(one_of<sink_format>(
            {{"ndjson", sink_format::ndjson}, {"csv", sink_format::csv}, {"sqlite", sink_format::sqlite}}))
        ->default_str("ndjson")
        ->type_name("FORMAT")
        ->group(group);
}

std::string output_options::place_beside(const std::string& file) const {
    if (to_stdout())
        return "-";
    namespace fs = std::filesystem;
    return fs::weakly_canonical(fs::absolute(out))
        .lexically_relative(fs::weakly_canonical(fs::absolute(file)).parent_path())
        .string();
}

std::string output_options::format_name() const {
    return format == sink_format::csv ? "csv" : format == sink_format::sqlite ? "sqlite" : "ndjson";
}

bool output_options::would_replace() const {
    struct stat there {};
    return !to_stdout() && format != sink_format::sqlite && ::stat(out.c_str(), &there) == 0 &&
           S_ISREG(there.st_mode) && there.st_size != 0;
}

}  // namespace jobmode::cli

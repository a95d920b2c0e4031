// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/options/output_options.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "cli/options/choice.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

std::string_view name_of(sink_format format) {
    return format == sink_format::csv ? "csv" : format == sink_format::sqlite ? "sqlite" : "ndjson";
}

}  // namespace

void output_options::add_to(CLI::App& app, const char* group) {
    app.add_option("--out", out, "Where the records go; - is standard output")
        ->required()
        ->type_name("FILE")
        ->group(group);
    format_option_ =
        app.add_option("--format", format,
                       "How records are written; without it, as FILE's name ends: .csv, .sqlite, .sqlite3 or .db, and "
                       "otherwise ndjson")
            ->transform(one_of<sink_format>(
                {{"ndjson", sink_format::ndjson}, {"csv", sink_format::csv}, {"sqlite", sink_format::sqlite}}))
            ->default_str("")
            ->type_name("FORMAT")
            ->group(group);
    app.add_flag("--csv-safe", csv_safe,
                 "In CSV, put a ' before a cell that begins with = + - @, a tab or CR, so that no spreadsheet takes a "
                 "customer's name for a formula")
        ->group(group);
}

std::string output_options::choose_format() {
    std::string ending = std::filesystem::path(out).extension();
    std::ranges::transform(ending, ending.begin(),
                           [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
    std::optional<sink_format> said;
    if (ending == ".csv")
        said = sink_format::csv;
    else if (ending == ".sqlite" || ending == ".sqlite3" || ending == ".db")
        said = sink_format::sqlite;
    else if (ending == ".ndjson" || ending == ".jsonl")
        said = sink_format::ndjson;
    if (format_option_ && format_option_->count() != 0) {
        if (said && *said != format)
            return fmt::format("--format {} does not go with the name {}: choose another name, or leave --format out",
                               name_of(format), out);
    } else if (said) {
        format = *said;
    }
    if (csv_safe && format != sink_format::csv)
        return "--csv-safe is for CSV: give --format csv, or a name that ends with .csv";
    return {};
}

std::string output_options::format_name() const {
    return fmt::format("{}{}", name_of(format), csv_safe ? " --csv-safe" : "");
}

bool output_options::is_stream() const {
    return store::is_stream(out);
}

std::string output_options::why_not_writable(const std::string& state) const {
    if (is_stream())
        return out == "-" ? std::string() : store::why_not_writable(out);
    std::vector<std::string> files{out, failed_path(), state};
    if (format != sink_format::sqlite)
        files.push_back(asked_path());
    for (const std::string& file : files) {
        if (std::string problem = store::why_not_writable(file); !problem.empty())
            return problem;
        if (file != failed_path() && store::is_stream(file))
            return "cannot write " + file + ": it is no regular file";
    }
    return {};
}

std::string output_options::place_beside(const std::string& file) const {
    if (is_stream())
        return "-";
    namespace fs = std::filesystem;
    return fs::weakly_canonical(fs::absolute(out))
        .lexically_relative(fs::weakly_canonical(fs::absolute(file)).parent_path())
        .string();
}

bool output_options::would_replace() const {
    struct stat there {};
    return !is_stream() && format != sink_format::sqlite && ::stat(out.c_str(), &there) == 0 &&
           S_ISREG(there.st_mode) && there.st_size != 0;
}

}  // namespace jobmode::cli

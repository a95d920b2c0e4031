// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Writes an answer of ListBackupJobMode of any size to standard output: what bench_decode reads.

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdio>
#include <string>

#include "sim/fleet.hpp"

namespace {

/// The order of keys is the same in all records, as it is in the answer of a server that builds them from a hash map,
/// or another one in each.
std::string make_answer(std::uint64_t records, bool varied) {
    // What the quirk of a job moves its first key by.
    constexpr std::uint64_t next_order = 64;
    std::string text = R"({"Status":"OK","Data":[)";
    for (std::uint64_t index = 0; index != records; ++index) {
        if (index != 0)
            text += ',';
        jobmode::sim::job job = jobmode::sim::fleet::bulk_job("bulk-" + std::to_string(records), index);
        job.quirk = varied ? index * next_order : 0;
        jobmode::sim::append_record(text, job);
    }
    return text + "]}";
}

}  // namespace

int main(int count, char** arguments) {
    CLI::App app{"Writes an answer of ListBackupJobMode to standard output."};
    std::uint64_t records = 10'000;
    bool varied = false;
    app.add_option("records", records, "Number of records")->capture_default_str();
    app.add_flag("--varied", varied, "Another order of keys in each record");
    CLI11_PARSE(app, count, arguments);

    const std::string text = make_answer(records, varied);
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
}

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/crawl_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "cli/text.hpp"
#include "store/failed_list.hpp"
#include "store/file.hpp"

namespace jobmode::cli {

std::string about_server(std::size_t servers, std::string_view server, std::string_view text) {
    return servers == 1 ? std::string(text) : fmt::format("{}: {}", server, text);
}

void write_failed(const crawl_command& command, std::size_t servers, const bulk_crawl& crawl) {
    std::string lines;
    crawl.for_each_failure([&](const bulk_failure& failed) {
        if (!command.is_stream()) {
            store::append_failed(lines, failed.query,
                                 {std::string(failed.error), std::string(failed.message), failed.attempts},
                                 failed.server);
            return;
        }
        const query& asked = failed.query;
        command.log.say(
            message_log::level::error, "query_failed",
            about_server(servers, failed.server,
                         fmt::format("{} on {}: {}", asked.login_name, asked.backup_date.text(), failed.message)),
            {{"server", failed.server},
             {"login_name", asked.login_name},
             {"backup_date", asked.backup_date.text()},
             {"error", failed.error},
             {"attempts", std::uint64_t{failed.attempts}}});
    });
    if (command.is_stream())
        return;
    const std::string path = command.failed_path();
    if (lines.empty())
        store::remove_file(path);
    else if (const std::string problem = store::replace_file(path, lines); !problem.empty())
        throw sink_error(problem);
}

void summarise(const crawl_command& command, const bulk_crawl& crawl, const bulk_summary& how, bool explained) {
    const auto say = [&](std::string_view event, std::string_view text,
                         std::initializer_list<message_log::field> fields) {
        command.log.say(message_log::level::info, event, text, fields);
    };
    const double seconds = std::chrono::duration<double>(how.elapsed).count();
    const bulk_counts& counts = how.counts;
    std::string text = fmt::format("{} of {} queries answered", grouped(counts.done), grouped(counts.total));
    if (counts.done_before != 0)
        text += fmt::format(" ({} of them before)", grouped(counts.done_before));
    text += fmt::format(", {} records, in {} ({:.0f} queries/s)", grouped(counts.records), duration_text(how.elapsed),
                        static_cast<double>(counts.done - counts.done_before) / std::max(seconds, 1e-9));
    say("summary", text,
        {{"done", counts.done},
         {"total", counts.total},
         {"done_before", counts.done_before},
         {"failed", counts.failed},
         {"skipped", counts.skipped},
         {"records", counts.records},
         {"seconds", seconds}});
    if (how.servers.size() > 1)
        for (const bulk_server_summary& one : how.servers)
            say("server",
                about_server(
                    how.servers.size(), one.name,
                    fmt::format("{} of {} queries answered, {} failed, {} records", grouped(one.counts.done),
                                grouped(one.counts.total), grouped(one.counts.failed), grouped(one.counts.records))),
                {{"server", one.name},
                 {"done", one.counts.done},
                 {"total", one.counts.total},
                 {"failed", one.counts.failed},
                 {"records", one.counts.records}});
    metrics seen;
    std::uint64_t unlisted_users = 0;
    for (const bulk_server_summary& one : how.servers) {
        seen.merge(one.metrics);
        unlisted_users += one.unlisted_users;
    }
    if (command.plan == bulk_plan::jobs) {
        std::string saved = fmt::format("{} of {} queries saved by asking for dates with jobs only",
                                        grouped(counts.skipped), grouped(counts.total + counts.skipped));
        if (unlisted_users != 0)
            saved += fmt::format("; users whose jobs could not be listed, and who were asked about daily: {}",
                                 grouped(unlisted_users));
        say("plan", saved, {{"skipped", counts.skipped}, {"total", counts.total}, {"unlisted_users", unlisted_users}});
    }
    const auto in_seconds = [](std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); };
    say("connections",
        fmt::format("latency {} median, {} p99; {} connections, {} resumed; {} retries, {} resends",
                    duration_text(seen.latency.quantile(0.5)), duration_text(seen.latency.quantile(0.99)),
                    grouped(seen.connections_opened), grouped(seen.connections_resumed), grouped(seen.retries),
                    grouped(seen.resends)),
        {{"latency_median_seconds", in_seconds(seen.latency.quantile(0.5))},
         {"latency_p99_seconds", in_seconds(seen.latency.quantile(0.99))},
         {"opened", seen.connections_opened},
         {"resumed", seen.connections_resumed},
         {"retries", seen.retries},
         {"resends", seen.resends}});
    for (const auto& [name, count] : how.failures)
        say("failures", fmt::format("{} failed: {}", grouped(count), name), {{"error", name}, {"count", count}});
    if (!how.begun && !explained) {
        std::optional<std::string> first;
        crawl.for_each_failure([&](const bulk_failure& failed) {
            if (!first)
                first = failed.message;
        });
        if (first)
            command.fail(exit_code::some_failed, *first);
    }
    if (!command.is_stream() && how.begun)
        say("output",
            fmt::format("records are in {}{}", command.out,
                        how.failures.empty() ? "" : ", failed queries in " + command.failed_path()),
            {{"out", command.out}});
}

void say_how_to_resume(const crawl_command& command, bool begun) {
    if (!begun)
        command.log.say(message_log::level::info, "nothing_kept",
                        "no query was answered: nothing was written, and the same command begins again");
    else if (!command.is_stream())
        command.log.say(message_log::level::info, "resume",
                        "to go on, and to try again what failed: the same command with --resume");
}

}  // namespace jobmode::cli

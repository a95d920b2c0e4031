// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/crawl_summary.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>

#include "cli/text.hpp"
#include "store/failed_list.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
std::string about_server(const crawl_books& books, std::string_view server, std::string_view text) {
    return books.servers().size() == 1 ? std::string(text) : fmt::format("{}: {}", server, text);
}

void write_failed(const crawl_command& command, const crawl_books& books) {
    std::string lines;
    books.for_each_failed([&](std::string_view server, const query& asked, const store::failed_query& failed) {
        if (command.to_stdout())
            command.log.say(
                message_log::level::error, "query_failed",
                about_server(books, server,
                             fmt::format("{} on {}: {}", asked.login_name, asked.backup_date.text(), failed.message)),
                {{"server", server},
                 {"login_name", asked.login_name},
                 {"backup_date", asked.backup_date.text()},
                 {"error", failed.error},
                 {"attempts", std::uint64_t{failed.attempts}}});
        else
            store::append_failed(lines, asked, failed, server);
    });
    if (command.to_stdout())
        return;
    const std::string path = command.failed_path();
    if (lines.empty())
        ::unlink(path.c_str());
    else if (const std::string problem = store::replace_file(path, lines); !problem.empty())
        throw store::output_error(problem);
}

void summarise(const crawl_command& command, const crawl_books& books, const crawl_ending& how) {
    const auto say = [&](std::string_view event, std::string_view text,
                         std::initializer_list<message_log::field> fields) {
        command.log.say(message_log::level::info, event, text, fields);
    };
    const double seconds = std::chrono::duration<double>(how.elapsed).count();
    const crawl_counts counts = books.counts();
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
    if (books.servers().size() > 1)
        for (std::size_t which = 0; which != books.servers().size(); ++which) {
            const crawl_counts one = books.counts(which);
            say("server",
                about_server(books, books.servers()[which],
                             fmt::format("{} of {} queries answered, {} failed, {} records", grouped(one.done),
                                         grouped(one.total), grouped(one.failed), grouped(one.records))),
                {{"server", books.servers()[which]},
                 {"done", one.done},
                 {"total", one.total},
                 {"failed", one.failed},
                 {"records", one.records}});
        }
    if (command.plan == crawl_command::planning::jobs) {
        std::string saved = fmt::format("{} of {} queries saved by asking for dates with jobs only",
                                        grouped(counts.skipped), grouped(counts.total + counts.skipped));
        if (how.unlisted_users != 0)
            saved += fmt::format("; users whose jobs could not be listed, and who were asked about daily: {}",
                                 grouped(how.unlisted_users));
        say("plan", saved,
            {{"skipped", counts.skipped}, {"total", counts.total}, {"unlisted_users", how.unlisted_users}});
    }
    const auto in_seconds = [](std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); };
    say("connections",
        fmt::format("latency {} median, {} p99; {} connections, {} resumed; {} retries, {} resends",
                    duration_text(how.seen.latency.quantile(0.5)), duration_text(how.seen.latency.quantile(0.99)),
                    grouped(how.seen.connections_opened), grouped(how.seen.connections_resumed),
                    grouped(how.seen.retries), grouped(how.seen.resends)),
        {{"latency_median_seconds", in_seconds(how.seen.latency.quantile(0.5))},
         {"latency_p99_seconds", in_seconds(how.seen.latency.quantile(0.99))},
         {"opened", how.seen.connections_opened},
         {"resumed", how.seen.connections_resumed},
         {"retries", how.seen.retries},
         {"resends", how.seen.resends}});
    for (const auto& [name, count] : books.failures())
        say("failures", fmt::format("{} failed: {}", grouped(count), name), {{"error", name}, {"count", count}});
    if (!books.begun() && !how.explained)
        if (const std::optional<std::string> first = books.first_failure())
            command.fail(exit_code::some_failed, *first);
    if (!command.to_stdout() && books.begun())
        say("output",
            fmt::format("records are in {}{}", command.out,
                        books.failures().empty() ? "" : ", failed queries in " + command.failed_path()),
            {{"out", command.out}});
}

void say_how_to_resume(const crawl_command& command, const crawl_books& books) {
    if (!books.begun())
        command.log.say(message_log::level::info, "nothing_kept",
                        "no query was answered: nothing was written, and the same command begins again");
    else if (!command.to_stdout())
        command.log.say(message_log::level::info, "resume",
                        "to go on, and to try again what failed: the same command with --resume");
}

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/prometheus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace jobmode::cli {
namespace {

/// Latencies of less than 2^n us, n from the first to the last of these, are a bucket each.
constexpr unsigned first_octave = 8;
constexpr unsigned last_octave = 26;
constexpr std::size_t buckets_an_octave = 8;

constexpr auto histogram = "jobmode_query_duration_seconds";

template <class Numbers>
struct value {
    const char* name;
    const char* kind;
    const char* help;
    std::uint64_t Numbers::*number;
};

constexpr value<metrics> client_values[] = {
    {"jobmode_queries_total", "counter", "Queries that ended, answered or failed.", &metrics::queries},
    {"jobmode_query_failures_total", "counter", "Queries that failed.", &metrics::failures},
    {"jobmode_records_total", "counter", "Records decoded.", &metrics::records},
    {"jobmode_sent_bytes_total", "counter", "Bytes of HTTP written, before TLS.", &metrics::bytes_sent},
    {"jobmode_received_bytes_total", "counter", "Bytes of HTTP read, after TLS.", &metrics::bytes_received},
    {"jobmode_retries_total", "counter", "Attempts after a query's first.", &metrics::retries},
    {"jobmode_resends_total", "counter", "Queries sent again because a pooled connection was closed.",
     &metrics::resends},
    {"jobmode_connections_opened_total", "counter", "Connections opened.", &metrics::connections_opened},
    {"jobmode_connections_resumed_total", "counter", "Connections opened with a resumed TLS session.",
     &metrics::connections_resumed},
    {"jobmode_connection_failures_total", "counter", "Attempts at a connection that failed.",
     &metrics::connections_failed},
    {"jobmode_connection_reuses_total", "counter", "Requests sent over a connection used before.",
     &metrics::connections_reused},
    {"jobmode_queries_in_flight", "gauge", "Queries sent and not yet answered.", &metrics::in_flight},
    {"jobmode_queries_waiting", "gauge", "Queries that wait to be sent.", &metrics::waiting},
    {"jobmode_connections", "gauge", "Connections open.", &metrics::connections},
    {"jobmode_in_flight_limit", "gauge", "How many queries may be in flight.", &metrics::in_flight_limit},
    {"jobmode_server_away_seconds", "gauge", "How long the server has been away; 0 while it answers.",
     &metrics::away_seconds},
};

constexpr value<progress_figures> crawl_values[] = {
    {"jobmode_crawl_queries", "gauge", "Queries that the crawl consists of.", &progress_figures::total},
    {"jobmode_crawl_queries_done", "gauge", "Those of them that were answered, in this run or an earlier one.",
     &progress_figures::done},
    {"jobmode_crawl_queries_failed", "gauge", "Those of them that failed for good in this run.",
     &progress_figures::failed},
};

std::string label_value(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '\n') {
            escaped += "\\n";
            continue;
        }
        if (c == '\\' || c == '"')
            escaped += '\\';
        escaped += c;
    }
    return escaped;
}

std::string label_of(const server_numbers& one) {
    return "server=\"" + label_value(one.server) + "\"";
}

void append_histogram(std::string& text, const server_numbers& one) {
    const auto out = std::back_inserter(text);
    const std::string label = label_of(one);
    const latency_histogram& latency = one.client.latency;
    // The buckets' own sum and not `count`, which may be a query ahead of them: the format wants the two to agree.
    std::uint64_t total = 0;
    std::size_t bucket = 0;
    for (unsigned octave = first_octave; octave <= last_octave; ++octave) {
        for (; bucket < octave * buckets_an_octave; ++bucket)
            total += latency.buckets[bucket];
        fmt::format_to(out, "{}_bucket{{{},le=\"{}\"}} {}\n", histogram, label,
                       static_cast<double>(std::uint64_t{1} << octave) / 1e6, total);
    }
    for (; bucket < latency_histogram::bucket_count; ++bucket)
        total += latency.buckets[bucket];
    fmt::format_to(out, "{0}_bucket{{{1},le=\"+Inf\"}} {2}\n{0}_sum{{{1}}} {3}\n{0}_count{{{1}}} {2}\n", histogram,
                   label, total, static_cast<double>(latency.sum.count()) / 1e9);
}

}  // namespace

std::string prometheus_text(const std::vector<server_numbers>& servers) {
    std::string text;
    const auto out = std::back_inserter(text);
    const auto append = [&](const auto& values, auto part) {
        for (const auto& each : values) {
            fmt::format_to(out, "# HELP {0} {1}\n# TYPE {0} {2}\n", each.name, each.help, each.kind);
            for (const server_numbers& one : servers)
                fmt::format_to(out, "{}{{{}}} {}\n", each.name, label_of(one), one.*part.*each.number);
        }
    };
    append(client_values, &server_numbers::client);
    append(crawl_values, &server_numbers::crawl);

    fmt::format_to(out, "# HELP {0} From a request's sending to the end of its answer.\n# TYPE {0} histogram\n",
                   histogram);
    for (const server_numbers& one : servers)
        append_histogram(text, one);
    return text;
}

std::string coverage_text(const report::assessment& said, std::size_t most_sets) {
    struct counted {
        std::uint64_t sets = 0;
        std::uint64_t silent = 0;
        std::uint64_t unknown = 0;
        std::uint64_t pending = 0;
        std::uint64_t left_out = 0;
    };
    std::map<std::string_view, counted> servers;
    std::vector<const report::coverage_row*> sets;
    for (const report::coverage_row& row : said.rows) {
        counted& on = servers[row.server];
        ++on.sets;
        on.silent += row.said.is == report::verdict::silent ? 1 : 0;
        on.unknown += row.said.is == report::verdict::unknown ? 1 : 0;
        on.pending += row.said.is == report::verdict::pending ? 1 : 0;
        if (!row.login_name.empty())
            sets.push_back(&row);
    }
    std::ranges::stable_sort(sets, [](const report::coverage_row* left, const report::coverage_row* right) {
        return std::pair(left->said.is, left->said.missed) > std::pair(right->said.is, right->said.missed);
    });
    for (; sets.size() > most_sets; sets.pop_back())
        ++servers[sets.back()->server].left_out;

    std::string text;
    const auto out = std::back_inserter(text);
    const auto head = [&](std::string_view name, std::string_view help) {
        fmt::format_to(out, "# HELP {0} {1}\n# TYPE {0} gauge\n", name, help);
    };
    static constexpr value<counted> counts[] = {
        {"jobmode_sets", "gauge", "Backup sets, users without one and servers that were not seen.", &counted::sets},
        {"jobmode_silent_sets", "gauge", "Those of them of which an expected backup is missing.", &counted::silent},
        {"jobmode_unknown_sets", "gauge", "Those of which nothing certain can be said.", &counted::unknown},
        {"jobmode_pending_sets", "gauge", "Those whose due backup was not there yet when it was asked.",
         &counted::pending},
        {"jobmode_sets_left_out", "gauge", "Those that have no series of their own, since there are too many.",
         &counted::left_out},
    };
    for (const auto& each : counts) {
        head(each.name, each.help);
        for (const auto& [server, on] : servers)
            fmt::format_to(out, "{}{{server=\"{}\"}} {}\n", each.name, label_value(server), on.*each.number);
    }
    const auto append = [&](std::string_view name, std::string_view help, auto number_of) {
        head(name, help);
        for (const report::coverage_row* row : sets)
            if (const std::optional<std::int64_t> number = number_of(row->said))
                fmt::format_to(out, "{}{{server=\"{}\",login_name=\"{}\",set_id=\"{}\",set_name=\"{}\"}} {}\n", name,
                               label_value(row->server), label_value(row->login_name), label_value(row->set_id),
                               label_value(row->set_name), *number);
    };
    const auto day_number = [](const std::optional<std::chrono::sys_days>& day) {
        return day ? std::optional<std::int64_t>(day->time_since_epoch().count()) : std::nullopt;
    };
    append("jobmode_set_missed_days", "Expected days since the last good backup that have none.",
           [](const report::judgement& of) { return std::optional<std::int64_t>(of.missed); });
    append("jobmode_set_last_good_day", "The day of the last good backup, in days since 1970-01-01.",
           [&](const report::judgement& of) { return day_number(of.last_good); });
    append("jobmode_set_due_day", "The day on which the next one was or is due, in days since 1970-01-01.",
           [&](const report::judgement& of) { return day_number(of.due); });
    return text;
}

}  // namespace jobmode::cli

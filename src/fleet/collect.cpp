// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command/crawl_problem.hpp"
#include "cli/messages/message_log.hpp"
#include "cli/options/connection_options.hpp"
#include "cli/options/output_options.hpp"
#include "cli/text.hpp"
#include "fleet/commands.hpp"
#include "fleet/item_result.hpp"
#include "fleet/nats_options.hpp"
#include "fleet/problem.hpp"
#include "fleet/settings_store.hpp"
#include "store/collect_checkpoint.hpp"
#include "store/failed_list.hpp"
#include "store/file.hpp"
#include "store/record_sink.hpp"

namespace jobmode::fleet {
namespace {

namespace asio = boost::asio;
using cli::exit_code;
using cli::usage_problem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// So much is written at once, at the latest.
constexpr std::uint64_t max_unwritten = 4U << 20U;

constexpr std::chrono::seconds sync_interval{1};

// How long one look for results takes, and so how long a signal may wait.
constexpr milliseconds result_wait{500};

constexpr int batch_size = 500;

struct collect_command : cli::output_options {
    nats_options nats;
    std::string url;
    std::string state;
    bool no_wait = false;
};

/// Brings results from the queue to an output.
class collector {
public:
    collector(connection& nats, const names& called, const collect_command& command, const std::string& server,
              store::collect_checkpoint& state, record_sink& output)
        : nats_(nats),
          called_(called),
          command_(command),
          server_(server),
          key_(server_key(server)),
          state_(state),
          output_(output),
          created_(nats.stream_created(called.result_stream())),
          results_(nats, called.result_stream(), called.final_of(key_, "*"), state.position(created_)),
          signals_(context_, SIGINT, SIGTERM),
          decoder_([this](const outcome& answered) { add(answered); },
                   [this](const query& asked, const store::failed_query& failed) { add_failure(asked, failed); }) {
        signals_.async_wait([this](error_code ec, int) { interrupted_ = !ec; });
    }

    exit_code run() {
        bool complete = command_.no_wait;
        std::uint64_t target = complete ? last_result() : 0;
        while (!interrupted_ && (!complete || results_.position() < target)) {
            const std::vector<message> batch = results_.next(batch_size, result_wait);
            for (const message& one : batch)
                take(one);
            sync(batch.empty());
            context_.poll();
            if (!batch.empty())
                continue;
            // Every result was there before its item left the queue.
            if (complete)
                results_.restart();
            else
                persist(
                    [&] {
                        complete = nothing_left();
                        target = last_result();
                    },
                    [this] { return context_.poll() != 0 || interrupted_; });
        }
        keep();
        return conclude();
    }

private:
    bool nothing_left() {
        const std::optional<stored_settings> plan = read_settings(nats_, called_, key_);
        return plan && plan->settings.planned && queue_is_empty(nats_, called_, key_);
    }

    std::uint64_t last_result() {
        const std::optional<message> last = nats_.last(called_.result_stream(), called_.final_of(key_, "*"));
        return last ? last->sequence() : 0;
    }

    void take(const message& one) {
        const std::string item(last_token(one.subject()));
        if (state_.has(item))
            return;
        const item_final last = read_final(one.data());
        // The last of its answers had come when it was stored.
        answered_at_ = std::chrono::floor<std::chrono::seconds>(one.where().time);
        if (last.item != item)
            throw malformed_result("a result has another item's subject");
        for (std::size_t number = 0; number != last.parts; ++number)
            decoder_.take(part(last, number).data());
        decoder_.take(last.entries);
        state_.add_item(item);
        ++items_;
    }

    message part(const item_final& of, std::size_t number) {
        std::optional<message> found;
        const bool asked =
            persist([&] { found = nats_.last(called_.result_stream(), called_.part(key_, of.item, of.run, number)); },
                    [this] { return context_.poll() != 0 || interrupted_; });
        if (!asked)
            throw nats_error("read a part of a result", NATS_TIMEOUT, 0);
        if (!found)
            throw malformed_result("a part of a result is missing from the stream " + called_.result_stream());
        return std::move(*found);
    }

    void add(const outcome& answered) {
        output_.add({server_, answered.query, answered.records, {}, answered_at_});
        ++queries_;
        records_ += answered.records.size();
    }

    void add_failure(const query& asked, const store::failed_query& failed) {
        output_.add({server_, asked, record_list(), failed.error, answered_at_});
        state_.add_failure({asked, failed});
        ++queries_;
    }

    void sync(bool now) {
        const steady_clock::time_point at = steady_clock::now();
        if (!now && output_.pending() < max_unwritten && at < synced_at_ + sync_interval)
            return;
        synced_at_ = at;
        if (results_.position() != state_.position(created_))
            keep();
    }

    void keep() {
        const sink_position kept = output_.sync();
        state_.commit(created_, results_.position(), kept);
    }

    exit_code conclude() {
        std::map<std::string, std::uint64_t> failures;
        std::string lines;
        state_.for_each_failure([&](const store::failure_row& row) {
            ++failures[row.failed.error];
            if (!command_.is_stream())
                store::append_failed(lines, row.asked, row.failed, server_);
        });
        if (!command_.is_stream()) {
            if (lines.empty())
                store::remove_file(command_.failed_path());
            else if (const std::string problem = store::replace_file(command_.failed_path(), lines); !problem.empty())
                throw sink_error(problem);
        }
        const std::uint64_t all = state_.items();
        std::string text = fmt::format("{} items collected", cli::grouped(all));
        if (all != items_)
            text += fmt::format(" ({} of them before)", cli::grouped(all - items_));
        say("summary", fmt::format("{}, {} queries, {} records, in {}", text, cli::grouped(queries_),
                                   cli::grouped(records_), cli::duration_text(steady_clock::now() - begun_at_)));
        for (const auto& [name, count] : failures)
            say("failures", fmt::format("{} failed: {}", cli::grouped(count), name));
        if (!command_.is_stream())
            say("output", fmt::format("records are in {}{}", command_.out,
                                      failures.empty() ? "" : ", failed queries in " + command_.failed_path()));
        if (interrupted_) {
            say("resume", "to go on: the same command");
            return exit_code::interrupted;
        }
        return failures.empty() ? exit_code::all_answered : exit_code::some_failed;
    }

    void say(std::string_view event, std::string_view text) const {
        log_.say(cli::message_log::level::info, event, text);
    }

    connection& nats_;
    const names& called_;
    const collect_command& command_;
    const std::string& server_;
    std::string key_;
    store::collect_checkpoint& state_;
    record_sink& output_;
    std::int64_t created_;
    stream_reader results_;
    asio::io_context context_{1};
    asio::signal_set signals_;
    result_reader decoder_;
    cli::message_log log_;
    bool interrupted_ = false;
    std::chrono::sys_seconds answered_at_{};
    std::uint64_t items_ = 0;
    std::uint64_t queries_ = 0;
    std::uint64_t records_ = 0;
    steady_clock::time_point begun_at_ = steady_clock::now();
    steady_clock::time_point synced_at_ = begun_at_;
};

exit_code run(collect_command& command) {
    const names called = command.nats.stream_names();
    if (const std::string problem = command.choose_format(); !problem.empty())
        throw usage_problem(problem);
    if (command.is_stream() && command.format == sink_format::sqlite)
        throw usage_problem("--format sqlite needs a file: name one with --out");
    if (command.is_stream() && !command.state.empty())
        throw usage_problem(
            fmt::format("a collection to {} cannot be resumed: name a file with --out", command.name()));
    if (command.state.empty())
        command.state = command.is_stream() ? ":memory:" : command.out + ".state";
    if (const std::string problem = command.why_not_writable(command.state); !problem.empty())
        throw usage_problem(problem);
    cli::connection_options named;
    named.url = command.url;
    const std::string server = named.server_name();

    connection nats(command.nats.config(), "jobmode collect");
    if (!nats.has_stream(called.result_stream()) || !read_settings(nats, called, server_key(server)))
        throw usage_problem(fmt::format("nothing was planned of {} in {}", server, command.nats.stream));

    store::collect_checkpoint state(command.state);
    const store::collect_identity identity{server, command.nats.stream, command.format_name(),
                                           command.place_beside(command.state)};
    if (state.begun()) {
        if (const std::string other = state.difference(identity); !other.empty())
            throw usage_problem(fmt::format("{} is of another collection: {}; use the same arguments, or another --out",
                                            command.state, other));
    } else {
        if (command.would_replace())
            throw usage_problem(fmt::format("{} exists, and {} does not say that it was collected: choose another name",
                                            command.out, command.state));
        state.begin(identity);
    }
    const std::unique_ptr<record_sink> output = make_file_sink(command.sink(), command.out, {server});
    output->resume(state.output());
    return collector(nats, called, command, server, state, *output).run();
}

}  // namespace

void register_collect(CLI::App& root, int& exit_code) {
    auto command = std::make_shared<collect_command>();
    CLI::App* const app =
        root.add_subcommand("collect", "Bring what `jobmode work` was answered from a NATS queue into a file");
    command->nats.add_to(*app);
    app->add_option("--url", command->url, "The server that was planned, as it was given to plan")
        ->required()
        ->group("Connection");

    static constexpr auto group = "Output";
    command->add_to(*app, group);
    app->add_option("--state", command->state, "What has been collected, to resume from; by default OUT.state")
        ->type_name("FILE")
        ->group(group);
    app->add_flag("--no-wait", command->no_wait,
                  "Take what is there and end; without it, wait until all that was planned is done")
        ->group(group);
    app->footer(
        "Each item is collected once. A collection that was interrupted, or killed at any instant, is continued by the "
        "same\ncommand. Queries that failed for good are listed in OUT.failed.ndjson. Results stay in NATS until their "
        "streams are\nremoved, and can be collected again into another file.\n\n"
        "Exit status:\n"
        "  0    every query was answered\n"
        "  1    some failed\n"
        "  2    the command line cannot be carried out\n"
        "  4    NATS cannot be reached, or is not to be trusted\n"
        "  130  interrupted\n\n"
        "Examples:\n"
        "  jobmode collect --nats nats://127.0.0.1:4222 --stream june \\\n"
        "      --url https://cbs.example.com --out june.ndjson");
    app->callback([command, &exit_code] { exit_code = static_cast<int>(guarded([&] { return run(*command); })); });
}

}  // namespace jobmode::fleet

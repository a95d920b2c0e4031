// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/crawl.hpp"

#include <jobmode/client.hpp>
#include <jobmode/crawl.hpp>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <deque>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cli/connection_options.hpp"
#include "cli/crawl_output.hpp"
#include "cli/crawl_run.hpp"
#include "cli/crawl_state.hpp"
#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "cli/file.hpp"
#include "cli/progress.hpp"
#include "cli/prometheus.hpp"
#include "cli/row_writer.hpp"
#include "cli/text.hpp"
#include "cli/user_list.hpp"

namespace jobmode::cli {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

// Prometheus asks no more often than this as a rule.
constexpr std::chrono::seconds metrics_interval{10};

struct crawl_command {
    connection_options connection;
    std::string users_file;
    bool all_users = false;
    std::string from;
    std::string to;
    std::vector<std::string> sets;
    std::string shard;
    std::string out;
    row_format format = row_format::ndjson;
    std::string max_in_flight = "auto";
    std::size_t connections = 64;
    double rate = 0;
    unsigned retries = 3;
    unsigned threads = 1;
    std::string state;
    bool resume = false;
    double sync_interval = 1;
    progress::mode progress_mode = progress::mode::automatic;
    std::string metrics_file;

    bool to_stdout() const { return out == "-"; }
    std::string failed_path() const { return out + ".failed.ndjson"; }
};

/// Asks queries on a thread of its own, with a client that it shares with nobody, until the books have no more.
class worker {
public:
    /// `on_first` is called, on this worker's thread, when its first query has ended; `on_end` when all is done.
    worker(const client_config& config, crawl_books& books, bool probe_first,
           std::function<void(error_code, const diagnostics&)> on_first, std::function<void(std::exception_ptr)> on_end)
        : books_(books),
          client_(context_.get_executor(), config),
          crawl_(client_, jobmode::crawl::source([this] { return pull(); }), options(probe_first)),
          on_first_(std::move(on_first)) {
        asio::co_spawn(context_, work(), [this, on_end = std::move(on_end)](std::exception_ptr failure) {
            client_.close();
            on_end(std::move(failure));
        });
        thread_ = std::thread([this] { context_.run(); });
    }
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    ~worker() { thread_.join(); }

    /// Sends nothing more; what is in flight ends.
    void stop() {
        asio::post(context_, [this] { crawl_.stop(); });
    }
    jobmode::metrics metrics() const { return client_.metrics(); }

private:
    static crawl_options options(bool probe_first) {
        crawl_options chosen;
        chosen.probe_first = probe_first;
        return chosen;
    }

    std::optional<query> pull() {
        std::uint64_t number = 0;
        std::optional<query> asked = books_.next(number);
        if (asked)
            numbers_.emplace(pulled_++, number);
        return asked;
    }

    asio::awaitable<void> work() {
        for (;;) {
            const std::optional<outcome> ended = co_await crawl_.async_next();
            if (!ended)
                co_return;
            const auto number = numbers_.extract(ended->index);
            books_.take(number.mapped(), *ended);
            if (const auto first = std::exchange(on_first_, nullptr))
                first(ended->error, ended->diagnostics);
            if (ended->error == errc::authentication_refused)
                books_.stop();
        }
    }

    crawl_books& books_;
    asio::io_context context_{1};
    client client_;
    /// The numbers in the plan of the queries pulled and not ended, by their numbers in this worker's crawl.
    std::unordered_map<std::uint64_t, std::uint64_t> numbers_;
    std::uint64_t pulled_ = 0;
    jobmode::crawl crawl_;
    std::function<void(error_code, const diagnostics&)> on_first_;
    std::thread thread_;
};

/// Runs a crawl's workers and what goes on beside them: keeping what came, progress, signals.
class runner {
public:
    runner(const crawl_command& command, client_config config, crawl_books& books)
        : command_(command),
          config_(std::move(config)),
          books_(books),
          signals_(context_, SIGINT, SIGTERM),
          sync_timer_(context_),
          progress_timer_(context_),
          metrics_timer_(context_),
          progress_(command.progress_mode) {}

    exit_code run() {
        wait_for_signal();
        sync_later();
        show_later();
        write_metrics_later();
        start_worker();
        context_.run();
        return conclude();
    }

private:
    /// The share of worker `number` of what all of them may have together.
    client_config share(std::size_t number) const {
        const auto part = [&](std::size_t all) {
            return std::max<std::size_t>(all / command_.threads + (number < all % command_.threads ? 1 : 0), 1);
        };
        client_config mine = config_;
        mine.pool.max_connections = part(config_.pool.max_connections);
        mine.concurrency.ceiling = part(config_.concurrency.ceiling);
        mine.concurrency.initial = std::min(config_.concurrency.initial, mine.concurrency.ceiling);
        if (config_.concurrency.max_in_flight != 0)
            mine.concurrency.max_in_flight = part(config_.concurrency.max_in_flight);
        mine.rate.queries_per_second = config_.rate.queries_per_second / command_.threads;
        return mine;
    }

    void start_worker() {
        const bool first = workers_.empty();
        ++running_;
        workers_.emplace_back(
            share(workers_.size()), books_, first,
            [this](error_code ec, const diagnostics& diag) {
                asio::post(context_, [this, ec, diag] { on_first(ec, diag); });
            },
            [this](std::exception_ptr failure) { asio::post(context_, [this, failure] { on_end(failure); }); });
    }

    /// The first query has run alone; what it met, everything would meet.
    void on_first(error_code ec, const diagnostics& diag) {
        if (std::exchange(begun_, true))
            return;
        if (ec == errc::authentication_refused || is_unreachable(ec, diag)) {
            fatal_ = exit_code_of(ec, diag);
            fatal_text_ = diag.describe(ec);
            stop();
            return;
        }
        while (workers_.size() < command_.threads && !stopping_)
            start_worker();
    }

    void on_end(const std::exception_ptr& failure) {
        if (failure)
            break_off(failure);
        // Cancelling the timers would not do: one that has just expired would be set again by its handler.
        if (--running_ == 0)
            context_.stop();
    }

    void stop() {
        stopping_ = true;
        books_.stop();
        for (worker& one : workers_)
            one.stop();
    }

    /// What came cannot be kept.
    void break_off(const std::exception_ptr& failure) {
        if (fatal_text_.empty()) {
            fatal_ = exit_code::some_failed;
            try {
                std::rethrow_exception(failure);
            } catch (const std::exception& problem) {
                fatal_text_ = problem.what();
            }
        }
        stop();
    }

    void wait_for_signal() {
        signals_.async_wait([this](error_code ec, int) {
            if (ec)
                return;
            if (std::exchange(interrupted_, true)) {
                // The state is right at any instant; what was not kept is asked again.
                progress_.clear();
                say_how_to_resume();
                std::_Exit(static_cast<int>(exit_code::interrupted));
            }
            progress_.clear();
            fmt::print(stderr, "jobmode: stopping when what is in flight has ended; once more to stop at once\n");
            stop();
            wait_for_signal();
        });
    }

    void sync_later() {
        sync_timer_.expires_after(
            std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(command_.sync_interval)));
        sync_timer_.async_wait([this](error_code ec) {
            if (ec)
                return;
            try {
                books_.sync();
            } catch (const std::exception&) {
                break_off(std::current_exception());
                return;
            }
            sync_later();
        });
    }

    void show_later() {
        if (progress_.interval().count() == 0)
            return;
        progress_timer_.expires_after(progress_.interval());
        progress_timer_.async_wait([this](error_code ec) {
            if (ec)
                return;
            show();
            show_later();
        });
    }

    void show() { progress_.show(figures(metrics())); }

    progress_figures figures(const jobmode::metrics& seen) const {
        progress_figures now;
        now.done = books_.done();
        now.total = books_.total();
        now.done_before = books_.done_before();
        now.failed = books_.failed();
        now.in_flight = seen.in_flight;
        now.elapsed = steady_clock::now() - begun_at_;
        return now;
    }

    void write_metrics_later() {
        if (command_.metrics_file.empty())
            return;
        metrics_timer_.expires_after(metrics_interval);
        metrics_timer_.async_wait([this](error_code ec) {
            if (ec)
                return;
            write_metrics(metrics());
            write_metrics_later();
        });
    }

    /// A crawl does not end because nobody can watch it; that is said once.
    void write_metrics(const jobmode::metrics& seen) {
        if (command_.metrics_file.empty())
            return;
        const std::string problem = replace_file(
            command_.metrics_file, prometheus_text(seen, figures(seen), command_.connection.server_name()));
        if (problem.empty() || std::exchange(metrics_failed_, true))
            return;
        progress_.clear();
        fmt::print(stderr, "jobmode: {}\n", problem);
    }

    jobmode::metrics metrics() const {
        jobmode::metrics all;
        for (const worker& one : workers_)
            all.merge(one.metrics());
        return all;
    }

    exit_code conclude() {
        const jobmode::metrics seen = metrics();
        workers_.clear();
        const auto elapsed = steady_clock::now() - begun_at_;
        try {
            books_.finish();
            write_failed();
        } catch (const std::exception&) {
            break_off(std::current_exception());
        }
        progress_.clear();
        write_metrics(seen);
        summarise(seen, elapsed);
        const bool complete = books_.done() == books_.total();
        if (!fatal_text_.empty())
            fail(fatal_, fatal_text_);
        if (!complete)
            say_how_to_resume();
        if (!fatal_text_.empty())
            return fatal_;
        if (books_.failures().contains("authentication_refused"))
            return exit_code::authentication_refused;
        if (interrupted_)
            return exit_code::interrupted;
        return complete ? exit_code::all_answered : exit_code::some_failed;
    }

    void write_failed() {
        std::string lines;
        books_.for_each_failed([&](const query& asked, const failed_query& failed) {
            if (command_.to_stdout()) {
                fmt::print(stderr, "jobmode: {} on {}: {}\n", asked.login_name, asked.backup_date.text(),
                           failed.message);
                return;
            }
            lines += "{\"LoginName\":";
            append_json_string(lines, asked.login_name);
            lines += ",\"BackupDate\":";
            append_json_string(lines, asked.backup_date.text());
            if (asked.backup_set_id) {
                lines += ",\"BackupSetID\":";
                append_json_string(lines, *asked.backup_set_id);
            }
            lines += ",\"Server\":";
            append_json_string(lines, command_.connection.server_name());
            lines += ",\"Error\":";
            append_json_string(lines, failed.error);
            lines += ",\"Message\":";
            append_json_string(lines, failed.message);
            lines += fmt::format(",\"Attempts\":{}}}\n", failed.attempts);
        });
        if (command_.to_stdout())
            return;
        const std::string path = command_.failed_path();
        if (lines.empty())
            ::unlink(path.c_str());
        else if (const std::string problem = replace_file(path, lines); !problem.empty())
            throw output_error(problem);
    }

    void summarise(const jobmode::metrics& seen, std::chrono::nanoseconds elapsed) const {
        const double seconds = std::chrono::duration<double>(elapsed).count();
        const std::uint64_t asked = books_.done() - books_.done_before();
        fmt::print(stderr, "{} of {} queries answered", grouped(books_.done()), grouped(books_.total()));
        if (books_.done_before() != 0)
            fmt::print(stderr, " ({} of them before)", grouped(books_.done_before()));
        fmt::print(stderr, ", {} records, in {} ({:.0f} queries/s)\n", grouped(books_.records()),
                   duration_text(elapsed), static_cast<double>(asked) / std::max(seconds, 1e-9));
        fmt::print(stderr, "latency {} median, {} p99; {} connections, {} resumed; {} retries, {} resends\n",
                   duration_text(seen.latency.quantile(0.5)), duration_text(seen.latency.quantile(0.99)),
                   grouped(seen.connections_opened), grouped(seen.connections_resumed), grouped(seen.retries),
                   grouped(seen.resends));
        for (const auto& [name, count] : books_.failures())
            fmt::print(stderr, "{} failed: {}\n", grouped(count), name);
        if (!command_.to_stdout())
            fmt::print(stderr, "records are in {}{}\n", command_.out,
                       books_.failures().empty() ? "" : ", failed queries in " + command_.failed_path());
    }

    void say_how_to_resume() const {
        if (!command_.to_stdout())
            fmt::print(stderr, "to go on, and to try again what failed: the same command with --resume\n");
    }

    const crawl_command& command_;
    client_config config_;
    crawl_books& books_;
    asio::io_context context_{1};
    asio::signal_set signals_;
    asio::steady_timer sync_timer_;
    asio::steady_timer progress_timer_;
    asio::steady_timer metrics_timer_;
    progress progress_;
    steady_clock::time_point begun_at_ = steady_clock::now();
    std::deque<worker> workers_;
    std::size_t running_ = 0;
    bool begun_ = false;
    bool stopping_ = false;
    bool interrupted_ = false;
    bool metrics_failed_ = false;
    exit_code fatal_ = exit_code::some_failed;
    std::string fatal_text_;
};

/// What `--max-in-flight` means: a number, or nothing for `auto`.
bool set_max_in_flight(const std::string& text, client_config& config) {
    if (text == "auto") {
        // More than there are connections would only wait for one.
        config.concurrency.ceiling = std::max(config.pool.max_connections, config.concurrency.initial);
        return true;
    }
    std::size_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || end != text.data() + text.size() || value == 0 || value > 1'000'000)
        return false;
    config.concurrency.max_in_flight = value;
    return true;
}

/// What `--shard` means: a number of a shard, from 1, and how many there are.
struct shard {
    std::uint64_t number = 1;
    std::uint64_t count = 1;
};

std::optional<shard> parse_shard(std::string_view text) {
    shard parsed;
    const char* const end = text.data() + text.size();
    const auto number = std::from_chars(text.data(), end, parsed.number);
    if (number.ec != std::errc() || number.ptr == end || *number.ptr != '/')
        return std::nullopt;
    const auto count = std::from_chars(number.ptr + 1, end, parsed.count);
    if (count.ec != std::errc() || count.ptr != end || parsed.number == 0 || parsed.number > parsed.count)
        return std::nullopt;
    return parsed;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts)
        text += part + '\n';
    return text;
}

/// The output's path as seen from the state's folder.
std::string place_of_output(const crawl_command& command) {
    if (command.to_stdout())
        return "-";
    namespace fs = std::filesystem;
    return fs::weakly_canonical(fs::absolute(command.out))
        .lexically_relative(fs::weakly_canonical(fs::absolute(command.state)).parent_path())
        .string();
}

/// The users of a crawl: those that a resumed one began with, those of the file, or those of the server.
exit_code find_users(const crawl_command& command, const client_config& config, crawl_state* state,
                     std::vector<std::string>& users) {
    if (command.all_users && command.resume && state && state->holds() != crawl_state::stage::none) {
        users = state->users();
        return exit_code::all_answered;
    }
    if (command.all_users)
        return fetch_users(config, users);
    std::string problem;
    if (!read_users(command.users_file, users, problem))
        return usage_error(problem);
    return exit_code::all_answered;
}

exit_code run_checked(crawl_command& command) {
    const auto from = parse_date(command.from);
    const auto to = parse_date(command.to);
    if (!from || !to)
        return usage_error(fmt::format("{}: '{}' is not a date such as 2024-06-30", from ? "--to" : "--from",
                                       from ? command.to : command.from));
    if (std::chrono::sys_days(*to) < std::chrono::sys_days(*from))
        return usage_error("--to is before --from");
    if (command.to_stdout() && command.format == row_format::sqlite)
        return usage_error("--format sqlite needs a file: name one with --out");
    if (command.to_stdout() && (command.resume || !command.state.empty()))
        return usage_error("a crawl to standard output cannot be resumed: name a file with --out");
    if (command.state.empty())
        command.state = command.out + ".state";
    for (const std::string& set : command.sets) {
        std::string why;
        if (query("any", *from, set).validate(&why))
            return usage_error("--backup-set-id: " + why);
    }
    std::ranges::sort(command.sets);
    command.sets.erase(std::unique(command.sets.begin(), command.sets.end()), command.sets.end());

    std::optional<shard> part = shard();
    if (!command.shard.empty() && !(part = parse_shard(command.shard)))
        return usage_error("--shard: '" + command.shard +
                           "' is not the number of a shard and how many there are, such as 2/8");

    std::optional<client_config> config = command.connection.make_config();
    if (!config)
        return exit_code::usage;
    config->pool.max_connections = command.connections;
    config->rate.queries_per_second = command.rate;
    config->retry.max_retries = command.retries;
    if (!set_max_in_flight(command.max_in_flight, *config))
        return usage_error("--max-in-flight: '" + command.max_in_flight +
                           "' is neither auto nor a number from 1 to 1000000");
    // A thread needs a connection and a query of its own, or all of them together would have more than was allowed.
    std::size_t most_threads = command.connections;
    if (config->concurrency.max_in_flight != 0)
        most_threads = std::min(most_threads, config->concurrency.max_in_flight);
    command.threads = static_cast<unsigned>(std::min<std::size_t>(command.threads, most_threads));

    if (!command.metrics_file.empty())
        if (const std::string problem = replace_file(
                command.metrics_file, prometheus_text(metrics(), progress_figures(), command.connection.server_name()));
            !problem.empty())
            return usage_error("--metrics-file: " + problem);

    // A crawl that comes to nothing because the server does not answer should leave no file behind.
    std::unique_ptr<crawl_state> state;
    if (!command.to_stdout() && ::access(command.state.c_str(), F_OK) == 0)
        state = std::make_unique<crawl_state>(command.state);
    const auto refuse_unfinished = [&] {
        return usage_error(
            fmt::format("{} is of a crawl that is not finished: go on with --resume, or remove that "
                        "file to begin anew",
                        command.state));
    };
    if (state && !command.resume && state->holds() == crawl_state::stage::unfinished)
        return refuse_unfinished();
    const bool resumed = state && command.resume && state->holds() != crawl_state::stage::none;

    std::vector<std::string> users;
    if (const exit_code found = find_users(command, *config, state.get(), users); found != exit_code::all_answered)
        return found;
    if (users.empty())
        return usage_error(command.all_users ? "the server has no users" : "there is no user in " + command.users_file);
    static constexpr auto name_of = [](row_format format) {
        return format == row_format::csv ? "csv" : format == row_format::sqlite ? "sqlite" : "ndjson";
    };
    const crawl_identity identity{command.connection.server_name(),
                                  command.all_users ? "all" : digest_of(users),
                                  command.from,
                                  command.to,
                                  joined(command.sets),
                                  name_of(command.format),
                                  part->count == 1 ? "" : fmt::format("{}/{}", part->number, part->count),
                                  place_of_output(command)};
    if (resumed)
        if (const std::string other = state->difference(identity); !other.empty())
            return usage_error(fmt::format("{} is of another crawl: {}; use the same arguments, or another --out",
                                           command.state, other));

    std::erase_if(users,
                  [&](const std::string& name) { return policy::shard_of(name, part->count) != part->number - 1; });
    policy::crawl_plan plan(users, *from, *to, command.sets);
    if (!state && !command.to_stdout()) {
        state = std::make_unique<crawl_state>(command.state);
        // Another process can have begun and ended while the users were listed.
        if (state->holds() == crawl_state::stage::unfinished)
            return refuse_unfinished();
    }
    if (resumed)
        state->load(plan.size());
    else if (state)
        state->begin(identity, command.all_users ? users : std::vector<std::string>(), plan.size());
    if (resumed && state->done_count() == plan.size()) {
        if (::access(command.out.c_str(), F_OK) != 0)
            throw output_error(system_problem("find", command.out) +
                               ": put the file back, or remove the state to crawl anew");
        // A crawl that was killed at its very end has left the list of what failed before.
        ::unlink(command.failed_path().c_str());
        fmt::print(stderr, "nothing is left to do: all {} queries have been answered; records are in {}\n",
                   grouped(plan.size()), command.out);
        return exit_code::all_answered;
    }
    std::unique_ptr<crawl_output> output =
        make_output(command.format, command.out, identity.server, state ? state->output_bytes() : 0);
    crawl_books books(std::move(plan), std::move(output), std::move(state));
    return runner(command, std::move(*config), books).run();
}

exit_code run(crawl_command& command) {
    try {
        return run_checked(command);
    } catch (const database_error& problem) {
        return fail(problem.code() == SQLITE_BUSY || problem.code() == SQLITE_NOTADB ? exit_code::usage
                                                                                     : exit_code::some_failed,
                    problem.what());
    } catch (const output_error& problem) {
        return fail(exit_code::some_failed, problem.what());
    } catch (const boost::system::system_error& problem) {
        return usage_error(problem.what());
    }
}

}  // namespace

void register_crawl(CLI::App& root, int& exit_code) {
    auto command = std::make_shared<crawl_command>();
    CLI::App* const app =
        root.add_subcommand("crawl", "Ask for every user and every date, and keep what the server says");
    command->connection.add_to(*app);

    static constexpr auto what = "What to ask";
    CLI::Option_group* const users = app->add_option_group("Users");
    users->require_option(1);
    users->add_option("--users", command->users_file, "A file of login names, one a line; - is standard input")
        ->type_name("FILE")
        ->group(what);
    users->add_flag("--all-users", command->all_users, "Every user that the server lists (ListUsers, AhsayCBS 9.7)")
        ->group(what);
    app->add_option("--from", command->from, "The first date")->required()->type_name("DATE")->group(what);
    app->add_option("--to", command->to, "The last date, included")->required()->type_name("DATE")->group(what);
    app->add_option("--backup-set-id", command->sets,
                    "Only jobs of this backup set; can be repeated, and each is a query of its own")
        ->expected(1)
        ->take_all()
        ->type_name("ID")
        ->group(what);

    app->add_option("--shard", command->shard,
                    "Only the users of this part of N, counted from 1: the parts together are the whole crawl, none of "
                    "them shares a user with another")
        ->type_name("K/N")
        ->group(what);

    static constexpr auto output = "Output";
    app->add_option("--out", command->out, "Where the records go; - is standard output")
        ->required()
        ->type_name("FILE")
        ->group(output);
    static const std::map<std::string, row_format> formats{
        {"ndjson", row_format::ndjson}, {"csv", row_format::csv}, {"sqlite", row_format::sqlite}};
    app->add_option("--format", command->format, "ndjson (the default), csv or sqlite")
        ->transform(CLI::CheckedTransformer(formats).description(""))
        ->type_name("FORMAT")
        ->group(output);
    app->add_option("--state", command->state, "What has been done, to resume from; by default OUT.state")
        ->type_name("FILE")
        ->group(output);
    app->add_flag("--resume", command->resume,
                  "Go on with the crawl that OUT is of, and try again what failed; begins one if there is none")
        ->group(output);
    app->add_option("--sync-interval", command->sync_interval,
                    "Seconds between two moments at which what came is made to last: what a crash can cost at most")
        ->check(CLI::Range(0.001, 3600.0))
        ->capture_default_str()
        ->type_name("S")
        ->group(output);
    static const std::map<std::string, progress::mode> modes{
        {"auto", progress::mode::automatic}, {"always", progress::mode::always}, {"never", progress::mode::never}};
    app->add_option(
           "--progress", command->progress_mode,
           "auto (the default): a bar on a terminal, elsewhere a line every ten seconds; always: the bar; never")
        ->transform(CLI::CheckedTransformer(modes).description(""))
        ->type_name("WHEN")
        ->group(output);

    app->add_option("--metrics-file", command->metrics_file,
                    "Write here, every ten seconds and at the end, how the crawl goes, as Prometheus text; node "
                    "exporter's textfile collector wants a name that ends with .prom")
        ->type_name("FILE")
        ->group(output);

    static constexpr auto load = "Load on the server";
    app->add_option("--max-in-flight", command->max_in_flight,
                    "Queries at a time; auto starts low, grows while latency stays flat and backs off when it rises")
        ->capture_default_str()
        ->type_name("N|auto")
        ->group(load);
    app->add_option("--connections", command->connections, "Connections at a time")
        ->check(CLI::Range(1U, 100'000U))
        ->capture_default_str()
        ->type_name("N")
        ->group(load);
    app->add_option("--rate", command->rate, "Queries a second at the most; 0 is no limit")
        ->check(CLI::Range(0.0, 1e9))
        ->capture_default_str()
        ->type_name("Q/S")
        ->group(load);
    app->add_option("--retries", command->retries, "Attempts after a query's first")
        ->check(CLI::Range(0U, 1000U))
        ->capture_default_str()
        ->type_name("N")
        ->group(load);
    app->add_option("--threads", command->threads,
                    "Threads, each with its own connections; the limits above are for all of them together")
        ->check(CLI::Range(1U, 256U))
        ->capture_default_str()
        ->type_name("N")
        ->group(load);
    app->footer(
        "One query is sent for each user and date, or, with --backup-set-id, for each user, date and set. Queries that "
        "failed for\ngood are listed in OUT.failed.ndjson. A crawl that was interrupted, or killed at any instant, is "
        "continued by the same\ncommand with --resume and loses nothing. Ctrl-C stops when what is in flight has "
        "ended; "
        "a second one stops at once.\n\n"
        "Exit codes: 0 all answered; 1 some failed; 2 usage; 3 authentication refused; 4 server unreachable or not "
        "trusted;\n130 interrupted.\n\n"
        "Example:\n"
        "  jobmode crawl --url https://cbs.example.com --sys-user api --all-users --from 2024-06-01 --to 2024-06-30 "
        "--out june.ndjson");
    app->callback([command, &exit_code] { exit_code = static_cast<int>(run(*command)); });
}

}  // namespace jobmode::cli

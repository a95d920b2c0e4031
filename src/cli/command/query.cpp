// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/query.hpp"

#include <jobmode/client.hpp>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/messages/exit_code.hpp"
#include "cli/messages/failure.hpp"
#include "cli/messages/terminal.hpp"
#include "cli/options/choice.hpp"
#include "cli/options/connection_options.hpp"
#include "store/file.hpp"
#include "store/row_writer.hpp"

namespace jobmode::cli {
namespace {

constexpr auto tuple = boost::asio::as_tuple(boost::asio::deferred);

struct query_options {
    connection_options connection;
    std::string login_name;
    std::string date;
    std::string backup_set_id;
    store::row_format format = store::row_format::ndjson;
    bool csv_safe = false;
};

/// The columns that fit a terminal: what ran, when, and how it was started.
class table {
public:
    void add(const record_view& record) {
        std::array<char, 20> buffer{};
        rows_.push_back({terminal_text(store::value_of(record, field::start_time, buffer)),
                         terminal_text(store::value_of(record, field::end_time, buffer)), mode_of(record),
                         terminal_text(record.backup_set_id), terminal_text(record.backup_set_name)});
    }

    std::string text() const {
        std::array<std::size_t, columns> widths{};
        for (const row& line : rows_)
            for (std::size_t column = 0; column != columns; ++column)
                widths[column] = std::max(widths[column], width_of(line[column]));
        std::string out;
        for (const row& line : rows_) {
            for (std::size_t column = 0; column != columns; ++column) {
                out += line[column];
                if (column + 1 != columns)
                    out.append(widths[column] - width_of(line[column]) + 2, ' ');
            }
            out += '\n';
        }
        return out;
    }

private:
    static constexpr std::size_t columns = 5;
    using row = std::array<std::string, columns>;

    static std::string mode_of(const record_view& record) {
        const job_mode mode = record.backup_job_mode();
        return mode == job_mode::unknown ? "unknown (" + terminal_text(record.backup_job_mode_text) + ")"
                                         : std::string(to_string(mode));
    }
    /// Code points, which is as near to columns as matters here.
    static std::size_t width_of(const std::string& text) {
        return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
    }

    std::vector<row> rows_{{"StartTime", "EndTime", "Mode", "BackupSetID", "BackupSetName"}};
};

/// Writes the records of one answer to standard output as they come. What remains to be said on stderr is returned.
class printer {
public:
    printer(store::row_format format, store::csv_cells cells, std::string login_name, std::string backup_date,
            std::string server)
        : format_(format),
          cells_(cells),
          login_name_(std::move(login_name)),
          backup_date_(std::move(backup_date)),
          server_(std::move(server)) {
        if (format_ == store::row_format::csv)
            out_ = store::csv_header();
    }

    /// False if nobody reads any more, or nothing can be written.
    bool add(record_batch batch) {
        for (const record_view& record : batch) {
            if (format_ == store::row_format::table)
                table_.add(record);
            else if (format_ == store::row_format::csv)
                store::append_csv(out_, record, {server_, login_name_, backup_date_}, cells_);
            else
                store::append_ndjson(out_, record, {server_, login_name_, backup_date_});
        }
        return flush();
    }
    bool finish() {
        if (format_ == store::row_format::table)
            out_ = table_.text();
        return flush();
    }

private:
    bool flush() {
        if (terminal_ && format_ == store::row_format::ndjson)
            out_ = terminal_json(out_);
        else if (terminal_ && format_ == store::row_format::csv)
            out_ = terminal_csv(out_);
        const bool written = store::write_all(STDOUT_FILENO, out_);
        out_.clear();
        return written;
    }

    bool terminal_ = ::isatty(STDOUT_FILENO) == 1;
    store::row_format format_;
    store::csv_cells cells_;
    std::string login_name_;
    std::string backup_date_;
    std::string server_;
    std::string out_;
    table table_;
};

boost::asio::awaitable<exit_code> ask(client& from, const client_config& config, query asked, printer& out) {
    const auto report_failure = [&config](error_code ec, const diagnostics& what) {
        return fail(exit_code_of(ec, what), failure_text(ec, what, config));
    };
    diagnostics diag;
    auto [open_error, stream] = co_await from.async_open(std::move(asked), &diag, tuple);
    if (open_error)
        co_return report_failure(open_error, diag);
    for (;;) {
        auto [ec, batch] = co_await stream.async_next(tuple);
        if (ec)
            co_return report_failure(ec, stream.diagnostics());
        if (!batch)
            break;
        if (!out.add(batch))
            co_return output_failed();
    }
    co_return out.finish() ? exit_code::all_answered : output_failed();
}

exit_code run(const query_options& options) {
    std::optional<std::string> set;
    if (!options.backup_set_id.empty())
        set = options.backup_set_id;
    if (options.csv_safe && options.format != store::row_format::csv)
        return usage_error("--csv-safe is for CSV: give --format csv");
    query asked(options.login_name, options.date, std::move(set));
    std::string why;
    if (asked.validate(&why))
        return usage_error(why);
    std::optional<client_config> config = options.connection.make_config();
    if (!config)
        return exit_code::usage;

    boost::asio::io_context context(1);
    exit_code result = exit_code::some_failed;
    try {
        client from(context.get_executor(), *config);
        printer out(options.format, options.csv_safe ? store::csv_cells::safe : store::csv_cells::plain,
                    options.login_name, options.date, options.connection.server_name());
        boost::asio::co_spawn(context, ask(from, *config, std::move(asked), out),
                              [&](std::exception_ptr failure, exit_code code) {
                                  result = code;
                                  from.close();
                                  if (failure)
                                      std::rethrow_exception(failure);
                              });
        context.run();
    } catch (const boost::system::system_error& problem) {
        return usage_error(words_of(problem));
    }
    return result;
}

}  // namespace

void register_query(CLI::App& root, int& exit_code) {
    auto options = std::make_shared<query_options>();
    options->format = ::isatty(STDOUT_FILENO) == 1 ? store::row_format::table : store::row_format::ndjson;
    CLI::App* const command = root.add_subcommand("query", "Ask which jobs ran for one backup user on one date");
    static constexpr auto group = "Query";
    command->add_option("--login-name", options->login_name, "The backup user")->required()->group(group);
    command
        ->add_option("--date", options->date,
                     "The date (2024-06-26), or a backup job's ID (2024-06-26-11-33-52), which is sent as it is")
        ->required()
        ->group(group);
    command->add_option("--backup-set-id", options->backup_set_id, "Only jobs of this backup set")->group(group);
    command
        ->add_option("--format", options->format,
                     "How records are written; by default as a table on a terminal and as ndjson elsewhere")
        ->transform(one_of<store::row_format>({{"ndjson", store::row_format::ndjson},
                                               {"csv", store::row_format::csv},
                                               {"table", store::row_format::table}}))
        ->type_name("FORMAT")
        ->group("Output");
    command
        ->add_flag(
            "--csv-safe", options->csv_safe,
            "In CSV, put a ' before a cell that begins with = + - @, a tab or CR, so that no spreadsheet takes it "
            "for a formula")
        ->group("Output");
    options->connection.add_to(*command);
    command->footer(
        "Records go to stdout, what went wrong to stderr.\n\n"
        "Exit status:\n"
        "  0  the server answered\n"
        "  1  its answer was an error, or no answer of this API\n"
        "  2  the command line is wrong\n"
        "  3  the system user or its password was refused\n"
        "  4  the server cannot be reached, or is not to be trusted\n\n"
        "Examples:\n"
        "  jobmode query --url https://cbs.example.com --sys-user api \\\n"
        "      --login-name obm --date 2024-06-26\n"
        "  jobmode query --url https://cbs.example.com --sys-user api \\\n"
        "      --sys-pwd-file /etc/jobmode/password --login-name obm \\\n"
        "      --date 2024-06-26 --format csv > obm.csv");
    command->callback([options, &exit_code] { exit_code = static_cast<int>(run(*options)); });
}

}  // namespace jobmode::cli

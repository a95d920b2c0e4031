// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A durable crawl into PostgreSQL, where each record is exactly once whatever is killed meanwhile:
// bulk_postgres URL FROM TO CHECKPOINT; PGHOST and so on say which database.
#include <jobmode/bulk/bulk_crawl.hpp>

#include <libpq-fe.h>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "settings.hpp"

namespace {

class database {
public:
    database() {
        if (PQstatus(connection_.get()) != CONNECTION_OK)
            fail();
    }

    /// Runs a statement; the first value of its result, if there is one.
    std::string run(const char* sql, const std::vector<std::string>& values = {}) {
        std::vector<const char*> pointers;
        for (const std::string& value : values)
            pointers.push_back(value.c_str());
        const std::unique_ptr<PGresult, decltype(&PQclear)> result(
            PQexecParams(connection_.get(), sql, static_cast<int>(pointers.size()), nullptr, pointers.data(), nullptr,
                         nullptr, 0),
            &PQclear);
        const ExecStatusType status = PQresultStatus(result.get());
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            fail();
        return PQntuples(result.get()) == 0 ? std::string() : PQgetvalue(result.get(), 0, 0);
    }

private:
    [[noreturn]] void fail() const { throw jobmode::sink_error(PQerrorMessage(connection_.get())); }

    std::unique_ptr<PGconn, decltype(&PQfinish)> connection_{PQconnectdb(""), &PQfinish};
};

/// A transaction lasts from one `sync` to the next. What was committed after the position that the crawl knows of is
/// replaced when its query is added again.
class postgres_sink final : public jobmode::record_sink {
public:
    void resume(const jobmode::sink_position& kept) override {
        database_.run("SET client_min_messages = warning");
        database_.run(
            "CREATE TABLE IF NOT EXISTS queries(server text, login_name text, day text, "
            "PRIMARY KEY(server, login_name, day))");
        database_.run(
            "CREATE TABLE IF NOT EXISTS records(server text, login_name text, day text, number int, id text, "
            "mode text, PRIMARY KEY(server, login_name, day, number))");
        answered_ = kept.output;
        if (std::stoull(database_.run("SELECT count(*) FROM queries")) < kept.output)
            throw jobmode::sink_error("the database holds less than what was written");
        database_.run("BEGIN");
    }

    void add(const jobmode::bulk_outcome& ended) override {
        if (!ended.error.empty())
            return;
        const std::vector<std::string> key{std::string(ended.server), ended.query.login_name,
                                           std::string(ended.query.backup_date.text())};
        database_.run("INSERT INTO queries VALUES($1, $2, $3) ON CONFLICT DO NOTHING", key);
        database_.run("DELETE FROM records WHERE server = $1 AND login_name = $2 AND day = $3", key);
        int number = 0;
        for (const jobmode::record_view& one : ended.records) {
            std::vector<std::string> row = key;
            row.push_back(std::to_string(number++));
            row.emplace_back(one.id);
            row.emplace_back(one.backup_job_mode_text);
            database_.run("INSERT INTO records VALUES($1, $2, $3, $4, $5, $6)", row);
        }
        ++answered_;
    }

    jobmode::sink_position sync() override {
        database_.run("COMMIT");
        database_.run("BEGIN");
        return {answered_, 0};
    }

private:
    database database_;
    std::uint64_t answered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "usage: bulk_postgres URL FROM TO CHECKPOINT\n";
        return 2;
    }
    try {
        jobmode::bulk_options options;
        options.servers.push_back({"server", settings(argv[1]), std::nullopt});
        options.from = jobmode::date_or_job_id(argv[2]).date();
        options.to = jobmode::date_or_job_id(argv[3]).date();
        options.checkpoint = argv[4];
        options.format = "postgres";
        options.output = "records";
        options.sync_interval = std::chrono::milliseconds(20);

        boost::asio::io_context context(1);
        int code = 1;
        jobmode::bulk_crawl crawl(context.get_executor(), std::move(options), std::make_unique<postgres_sink>());
        crawl.async_run([&](const std::exception_ptr& failure, const jobmode::bulk_summary& summary) {
            if (failure)
                std::rethrow_exception(failure);
            code = summary.complete ? 0 : 1;
            std::cout << summary.counts.done << " of " << summary.counts.total << " queries answered, "
                      << summary.counts.done_before << " of them before\n";
        });
        context.run();
        return code;
    } catch (const std::exception& failure) {
        std::cerr << failure.what() << '\n';
        return 1;
    }
}

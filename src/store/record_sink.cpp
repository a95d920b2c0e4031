// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/record_sink.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "store/asked_log.hpp"
#include "store/database.hpp"
#include "store/file.hpp"
#include "store/row_writer.hpp"

namespace jobmode::store {
namespace {

sink_error missing_output(const std::string& path) {
    return sink_error(system_problem("open", path) + ": put the file back, or remove the state to crawl anew");
}

/// The list of an earlier crawl's failures is of records that are no longer there.
void forget_failures_of(const std::string& path) {
    remove_file(path + ".failed.ndjson");
}

/// A file of text that grows, and of which only the beginning counts that somebody else keeps the length of.
class text_file {
public:
    /// Opens it for the first time, or with `keep` bytes of it known to be complete: what stands after them is cut off.
    text_file(std::string path, std::uint64_t keep) : path_(std::move(path)) {
        // An output that is gone is not to come back as an empty one.
        file_ = file_handle(::open(path_.c_str(), O_WRONLY | (keep == 0 ? O_CREAT : 0) | O_CLOEXEC, 0666));
        struct stat is {};
        if (!file_ || ::fstat(file_.get(), &is) != 0)
            throw keep == 0 ? sink_error(system_problem("open", path_)) : missing_output(path_);
        if (!S_ISREG(is.st_mode))
            throw sink_error(fmt::format("cannot write {}: it is no regular file", path_));
        // Some file systems have no locks; that is no reason to refuse them.
        if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            throw sink_error(
                fmt::format("{} is being written by another crawl: wait for it to end, or stop it", path_));
        if (static_cast<std::uint64_t>(is.st_size) < keep)
            throw sink_error(fmt::format(
                "{} is shorter than what this crawl has written: put the file back, or remove the state to crawl anew",
                path_));
        if (::ftruncate(file_.get(), static_cast<off_t>(keep)) != 0 || ::lseek(file_.get(), 0, SEEK_END) < 0 ||
            ::fsync(file_.get()) != 0)
            throw sink_error(system_problem("write", path_));
        sync_folder_of(path_);
    }

    /// Appends and makes it last.
    void write(std::string_view text) {
        check_place();
        if (!text.empty() && (!write_all(file_.get(), text) || ::fdatasync(file_.get()) != 0))
            throw sink_error(system_problem("write", path_));
    }

private:
    /// Records that go to a file that nobody finds any more are lost.
    void check_place() const {
        struct stat ours {};
        struct stat there {};
        if (::fstat(file_.get(), &ours) != 0 || ::stat(path_.c_str(), &there) != 0 || ours.st_ino != there.st_ino ||
            ours.st_dev != there.st_dev)
            throw sink_error(fmt::format("{} was moved or removed while it was written: put it back", path_));
    }

    std::string path_;
    file_handle file_;
};

/// Lines of text in a file, with a list beside it of what was asked; or in a stream, beside which nothing belongs.
class text_output final : public record_sink {
public:
    text_output(sink_format format, std::string path)
        : csv_(format != sink_format::ndjson),
          cells_(format == sink_format::csv_safe ? csv_cells::safe : csv_cells::plain),
          path_(std::move(path)) {}

    void resume(const sink_position& kept) override {
        position_ = kept;
        if (is_stream(path_)) {
            stream_ = open_stream(path_);
            if (!stream_)
                throw sink_error(system_problem("open", path_));
        } else {
            file_.emplace(path_, kept.output);
            asked_file_.emplace(path_ + ".asked.ndjson", kept.asked);
            if (kept == sink_position())
                forget_failures_of(path_);
        }
        if (csv_ && kept.output == 0)
            text_ = csv_header();
    }

    void add(const bulk_outcome& ended) override {
        const query& asked = ended.query;
        const row_origin origin{ended.server, asked.login_name, asked.backup_date.text()};
        for (const record_view& record : ended.records)
            csv_ ? append_csv(text_, record, origin, cells_) : append_ndjson(text_, record, origin);
        if (!asked_file_)
            return;
        if (ended.error.empty())
            asked_.answered(ended.server, asked, ended.at);
        else
            asked_.failed(ended.server, asked, ended.error, ended.at);
    }
    void add_skipped(std::string_view server, const query& skipped, moment at) override {
        if (asked_file_)
            asked_.skipped(server, skipped, at);
    }
    void add_unseen(std::string_view server, std::string_view error, moment at) override {
        if (asked_file_)
            asked_.unseen(server, error, at);
    }
    void add_listing(std::string_view server, const std::vector<std::string>& users, moment at) override {
        if (asked_file_)
            asked_.listed(server, users, at);
    }
    std::uint64_t pending() const noexcept override { return text_.size(); }

    sink_position sync() override {
        if (!file_) {
            if (!write_all(stream_.get(), text_))
                errno == EPIPE
                    ? throw output_unread()
                    : throw sink_error(system_problem("write", path_ == "-" ? std::string("standard output") : path_));
        } else {
            file_->write(text_);
        }
        position_.output += text_.size();
        text_.clear();
        if (asked_file_) {
            const std::string lines = asked_.take_lines();
            asked_file_->write(lines);
            position_.asked += lines.size();
        }
        return position_;
    }

private:
    const bool csv_;
    const csv_cells cells_;
    const std::string path_;
    file_handle stream_;
    sink_position position_;
    std::optional<text_file> file_;
    std::optional<text_file> asked_file_;
    std::string text_;
    asked_log asked_;
};

/// Tables of queries and records. A query's rows are replaced as a whole, so that asking it again, in this crawl or in
/// a later one, changes them and never doubles them; this is why nothing needs to be cut off.
class sqlite_output final : public record_sink {
public:
    sqlite_output(std::string path, std::vector<std::string> servers)
        : path_(std::move(path)), servers_(std::move(servers)) {}

    void resume(const sink_position& kept) override {
        database_ = database(present(path_, kept.output));
        answered_ = kept.output;
        if (kept == sink_position())
            forget_failures_of(path_);
        database_.execute(
            "PRAGMA synchronous=FULL;"
            "CREATE TABLE IF NOT EXISTS queries("
            " Server TEXT NOT NULL, LoginName TEXT NOT NULL, BackupDate TEXT NOT NULL, BackupSetID TEXT NOT NULL,"
            " Error TEXT, Records INTEGER NOT NULL, AnsweredAt TEXT, FailedAt TEXT,"
            " PRIMARY KEY(Server, LoginName, BackupDate, BackupSetID)) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS records("
            " Server TEXT NOT NULL, QueryLoginName TEXT NOT NULL, BackupDate TEXT NOT NULL, QueryBackupSetID TEXT NOT "
            "NULL, Number INTEGER NOT NULL,"
            " ID TEXT, LoginName TEXT, Owner TEXT, UserId TEXT, StartTime TEXT, EndTime TEXT, BackupSetID TEXT,"
            " BackupSetName TEXT, BackupJobMode TEXT,"
            " PRIMARY KEY(Server, QueryLoginName, BackupDate, QueryBackupSetID, Number)) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS unseen_servers(Server TEXT PRIMARY KEY, Error TEXT NOT NULL, At TEXT NOT NULL) "
            "WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS listings(Server TEXT NOT NULL, ListedAt TEXT NOT NULL,"
            " PRIMARY KEY(Server, ListedAt)) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS listed_users(Server TEXT NOT NULL, LoginName TEXT NOT NULL,"
            " FirstListedAt TEXT NOT NULL, LastListedAt TEXT NOT NULL, PRIMARY KEY(Server, LoginName)) WITHOUT ROWID;");
        add_missing_columns();
        check_holds(servers_, kept.output);
        put_query_ = database_.prepare(
            "INSERT INTO queries(Server, LoginName, BackupDate, BackupSetID, Error, Records, AnsweredAt) "
            "VALUES(?, ?, ?, ?, NULL, ?, ?) "
            "ON CONFLICT DO UPDATE SET Error = NULL, Records = excluded.Records, AnsweredAt = excluded.AnsweredAt");
        put_failure_ = database_.prepare(
            "INSERT INTO queries(Server, LoginName, BackupDate, BackupSetID, Error, Records, FailedAt) "
            "VALUES(?, ?, ?, ?, ?, 0, ?) "
            "ON CONFLICT DO UPDATE SET Error = excluded.Error, FailedAt = excluded.FailedAt");
        put_unseen_ = database_.prepare("INSERT OR REPLACE INTO unseen_servers(Server, Error, At) VALUES(?, ?, ?)");
        forget_unseen_ = database_.prepare("DELETE FROM unseen_servers WHERE Server = ?");
        forget_records_ = database_.prepare(
            "DELETE FROM records WHERE Server = ? AND QueryLoginName = ? AND BackupDate = ? AND QueryBackupSetID = ?");
        put_record_ = database_.prepare("INSERT INTO records VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    }

    void add(const bulk_outcome& ended) override {
        if (ended.error.empty()) {
            put(ended.server, ended.query, ended.records, ended.at);
            ++answered_;
            return;
        }
        // An earlier crawl's records stay: they were true, and the Error says that they are not of now.
        begin();
        const std::string failed_at = moment_text(ended.at);
        bind_key(put_failure_, ended.server, ended.query)
            .bind(4, ended.error)
            .bind(5, std::string_view(failed_at))
            .run();
        ++pending_;
    }

    /// The tables are to say the same as if it had been asked.
    void add_skipped(std::string_view server, const query& skipped, moment at) override {
        put(server, skipped, record_list(), at);
    }

    void add_unseen(std::string_view server, std::string_view error, moment at) override {
        begin();
        const std::string seen_at = moment_text(at);
        put_unseen_.bind(0, server).bind(1, error).bind(2, std::string_view(seen_at)).run();
        ++pending_;
    }

    void add_listing(std::string_view server, const std::vector<std::string>& users, moment at) override {
        begin();
        const std::string listed_at = moment_text(at);
        database_.prepare("INSERT OR IGNORE INTO listings VALUES(?, ?)")
            .bind(0, server)
            .bind(1, std::string_view(listed_at))
            .run();
        statement put_user = database_.prepare(
            "INSERT INTO listed_users VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET LastListedAt = "
            "excluded.LastListedAt");
        for (const std::string& user : users)
            put_user.bind(0, server)
                .bind(1, std::string_view(user))
                .bind(2, std::string_view(listed_at))
                .bind(3, std::string_view(listed_at))
                .run();
        ++pending_;
    }

    std::uint64_t pending() const noexcept override { return pending_; }

    sink_position sync() override {
        database_.check_place();
        if (std::exchange(pending_, 0) != 0)
            database_.execute("COMMIT");
        seen_.clear();
        return {answered_, 0};
    }

private:
    /// SQLite would make an empty file in the place of one that is gone.
    static const std::string& present(const std::string& path, std::uint64_t keep) {
        if (keep != 0 && ::access(path.c_str(), F_OK) != 0)
            throw missing_output(path);
        return path;
    }

    void check_holds(const std::vector<std::string>& servers, std::uint64_t keep) {
        std::uint64_t holds = 0;
        statement count = database_.prepare("SELECT count(*) FROM queries WHERE Server = ?");
        for (const std::string& server : servers) {
            count.bind(0, server).step();
            holds += static_cast<std::uint64_t>(count.integer(0));
            count.reset();
        }
        if (holds < keep)
            throw sink_error(
                fmt::format("{} holds less than what this crawl has written: put the file back, or "
                            "remove the state to crawl anew",
                            database_.path()));
    }

    /// A file of an earlier version has tables without them.
    void add_missing_columns() {
        statement found = database_.prepare("SELECT 1 FROM pragma_table_info('queries') WHERE name = 'AnsweredAt'");
        if (found.step())
            return;
        found.reset();
        database_.execute(
            "ALTER TABLE queries ADD COLUMN AnsweredAt TEXT; ALTER TABLE queries ADD COLUMN FailedAt TEXT");
    }

    void put(std::string_view server, const query& asked, const record_list& records, moment at) {
        begin();
        // Whoever answers is seen.
        if (server != seen_) {
            forget_unseen_.bind(0, server).run();
            seen_ = server;
        }
        const std::string answered_at = moment_text(at);
        bind_key(put_query_, server, asked)
            .bind(4, static_cast<std::int64_t>(records.size()))
            .bind(5, std::string_view(answered_at))
            .run();
        bind_key(forget_records_, server, asked).run();
        std::int64_t number = 0;
        for (const record_view& record : records)
            add_record(server, asked, record, number++);
        ++pending_;
    }

    void begin() {
        if (pending_ == 0)
            database_.execute("BEGIN IMMEDIATE");
    }

    static statement& bind_key(statement& to, std::string_view server, const query& asked) {
        return to.bind(0, server)
            .bind(1, asked.login_name)
            .bind(2, asked.backup_date.text())
            .bind(3, asked.backup_set_id ? std::string_view(*asked.backup_set_id) : std::string_view());
    }

    void add_record(std::string_view server, const query& asked, const record_view& record, std::int64_t number) {
        static constexpr int first_field = 5;
        bind_key(put_record_, server, asked).bind(4, number);
        std::array<std::array<char, 20>, field_count> times{};
        for (std::size_t index = 0; index != field_count; ++index) {
            const auto which = static_cast<field>(index);
            const int column = first_field + static_cast<int>(index);
            if (record.has(which) == presence::text)
                put_record_.bind(column, value_of(record, which, times[index]));
            else
                put_record_.bind_null(column);
        }
        put_record_.run();
    }

    const std::string path_;
    const std::vector<std::string> servers_;
    database database_;
    statement put_query_;
    statement put_failure_;
    statement put_unseen_;
    statement forget_unseen_;
    /// The server of the last answer since `sync`.
    std::string seen_;
    statement forget_records_;
    statement put_record_;
    std::uint64_t answered_ = 0;
    std::uint64_t pending_ = 0;
};

}  // namespace

}  // namespace jobmode::store

namespace jobmode {

void record_sink::add_skipped(std::string_view, const query&, std::chrono::sys_seconds) {}
void record_sink::add_unseen(std::string_view, std::string_view, std::chrono::sys_seconds) {}
void record_sink::add_listing(std::string_view, const std::vector<std::string>&, std::chrono::sys_seconds) {}
std::uint64_t record_sink::pending() const noexcept {
    return 0;
}

std::unique_ptr<record_sink> make_file_sink(sink_format format, std::string path, std::vector<std::string> servers) {
    if (format == sink_format::sqlite)
        return std::make_unique<store::sqlite_output>(std::move(path), std::move(servers));
    return std::make_unique<store::text_output>(format, std::move(path));
}

}  // namespace jobmode

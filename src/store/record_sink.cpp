// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/record_sink.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "store/database.hpp"
#include "store/file.hpp"

namespace jobmode::store {
namespace {

output_error missing_output(const std::string& path) {
    return output_error(system_problem("open", path) + ": put the file back, or remove the state to crawl anew");
}

/// Lines of text in a file, or on standard output.
class text_output final : public record_sink {
public:
    text_output(row_format format, std::string path, std::uint64_t keep)
        : csv_(format == row_format::csv), path_(std::move(path)), bytes_(keep) {
        if (path_ != "-")
            open(keep);
        if (csv_ && bytes_ == 0)
            text_ = csv_header();
    }

    void add(std::string_view server, const query& asked, const record_list& records) override {
        const std::string_view date = asked.backup_date.text();
        for (const record_view& record : records)
            csv_ ? append_csv(text_, record, date, server) : append_ndjson(text_, record, date, server);
    }
    void add_failure(std::string_view, const query&, std::string_view) override {}
    void add_skipped(std::string_view, const query&) override {}
    std::uint64_t pending() const noexcept override { return text_.size(); }

    std::uint64_t sync() override {
        if (!file_) {
            if (!write_all(STDOUT_FILENO, text_))
                errno == EPIPE ? throw output_unread() : throw output_error(system_problem("write", "standard output"));
        } else {
            check_place();
            if (!text_.empty() && (!write_all(file_.get(), text_) || ::fdatasync(file_.get()) != 0))
                throw output_error(system_problem("write", path_));
        }
        bytes_ += text_.size();
        text_.clear();
        return bytes_;
    }

private:
    void open(std::uint64_t keep) {
        // An output that is gone is not to come back as an empty one.
        file_ = file_handle(::open(path_.c_str(), O_WRONLY | (keep == 0 ? O_CREAT : 0) | O_CLOEXEC, 0666));
        struct stat is {};
        if (!file_ || ::fstat(file_.get(), &is) != 0)
            throw keep == 0 ? output_error(system_problem("open", path_)) : missing_output(path_);
        // Some file systems have no locks; that is no reason to refuse them.
        if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            throw output_error(
                fmt::format("{} is being written by another crawl: wait for it to end, or stop it", path_));
        if (static_cast<std::uint64_t>(is.st_size) < keep)
            throw output_error(fmt::format(
                "{} is shorter than what this crawl has written: put the file back, or remove the state to crawl anew",
                path_));
        if (::ftruncate(file_.get(), static_cast<off_t>(keep)) != 0 || ::lseek(file_.get(), 0, SEEK_END) < 0 ||
            ::fsync(file_.get()) != 0)
            throw output_error(system_problem("write", path_));
        sync_folder_of(path_);
    }

    /// Records that go to a file that nobody finds any more are lost.
    void check_place() const {
        struct stat ours {};
        struct stat there {};
        if (::fstat(file_.get(), &ours) != 0 || ::stat(path_.c_str(), &there) != 0 || ours.st_ino != there.st_ino ||
            ours.st_dev != there.st_dev)
            throw output_error(fmt::format("{} was moved or removed while it was written: put it back", path_));
    }

    bool csv_;
    std::string path_;
    file_handle file_;
    std::string text_;
    std::uint64_t bytes_;
};

/// Tables of queries and records. A query's rows are replaced as a whole, so that asking it again, in this crawl or in
/// a later one, changes them and never doubles them; this is why nothing needs to be cut off.
class sqlite_output final : public record_sink {
public:
    sqlite_output(const std::string& path, const std::vector<std::string>& servers, std::uint64_t keep)
        : database_(present(path, keep)), answered_(keep) {
        database_.execute(
            "PRAGMA synchronous=FULL;"
            "CREATE TABLE IF NOT EXISTS queries("
            " Server TEXT NOT NULL, LoginName TEXT NOT NULL, BackupDate TEXT NOT NULL, BackupSetID TEXT NOT NULL,"
            " Error TEXT, Records INTEGER NOT NULL,"
            " PRIMARY KEY(Server, LoginName, BackupDate, BackupSetID)) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS records("
            " Server TEXT NOT NULL, QueryLoginName TEXT NOT NULL, BackupDate TEXT NOT NULL, QueryBackupSetID TEXT NOT "
            "NULL, Number INTEGER NOT NULL,"
            " ID TEXT, LoginName TEXT, Owner TEXT, UserId TEXT, StartTime TEXT, EndTime TEXT, BackupSetID TEXT,"
            " BackupSetName TEXT, BackupJobMode TEXT,"
            " PRIMARY KEY(Server, QueryLoginName, BackupDate, QueryBackupSetID, Number)) WITHOUT ROWID;");
        check_holds(servers, keep);
        put_query_ = database_.prepare(
            "INSERT OR REPLACE INTO queries(Server, LoginName, BackupDate, BackupSetID, Error, Records) "
            "VALUES(?, ?, ?, ?, ?, ?)");
        put_failure_ = database_.prepare(
            "INSERT INTO queries(Server, LoginName, BackupDate, BackupSetID, Error, Records) VALUES(?, ?, ?, ?, ?, 0) "
            "ON CONFLICT DO UPDATE SET Error = excluded.Error");
        forget_records_ = database_.prepare(
            "DELETE FROM records WHERE Server = ? AND QueryLoginName = ? AND BackupDate = ? AND QueryBackupSetID = ?");
        put_record_ = database_.prepare("INSERT INTO records VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    }

    void add(std::string_view server, const query& asked, const record_list& records) override {
        put(server, asked, records);
        ++answered_;
    }

    /// An earlier crawl's records stay: they were true, and the Error says that they are not of now.
    void add_failure(std::string_view server, const query& asked, std::string_view error) override {
        begin();
        bind_key(put_failure_, server, asked).bind(4, error).run();
        ++pending_;
    }

    /// The tables are to say the same as if it had been asked.
    void add_skipped(std::string_view server, const query& skipped) override { put(server, skipped, record_list()); }

    std::uint64_t pending() const noexcept override { return pending_; }

    std::uint64_t sync() override {
        database_.check_place();
        if (std::exchange(pending_, 0) != 0)
            database_.execute("COMMIT");
        return answered_;
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
            throw output_error(
                fmt::format("{} holds less than what this crawl has written: put the file back, or "
                            "remove the state to crawl anew",
                            database_.path()));
    }

    void put(std::string_view server, const query& asked, const record_list& records) {
        begin();
        bind_key(put_query_, server, asked).bind_null(4);
        put_query_.bind(5, static_cast<std::int64_t>(records.size())).run();
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

    database database_;
    statement put_query_;
    statement put_failure_;
    statement forget_records_;
    statement put_record_;
    std::uint64_t answered_;
    std::uint64_t pending_ = 0;
};

}  // namespace

std::unique_ptr<record_sink> open_sink(row_format format, const std::string& path,
                                       const std::vector<std::string>& servers, std::uint64_t keep) {
    if (format == row_format::sqlite)
        return std::make_unique<sqlite_output>(path, servers, keep);
    return std::make_unique<text_output>(format, path, keep);
}

}  // namespace jobmode::store

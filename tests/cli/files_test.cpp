// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What the program does to the files that it is told to write, whatever stands in their places.
#include "store/file.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"

namespace files_test {

using namespace jobmode;
namespace fs = std::filesystem;

namespace {

const std::string crawled =
    R"({"LoginName":"anna","StartTime":"2024-06-26 22:00:00","EndTime":"2024-06-26 22:34:15","BackupSetID":"1",)"
    R"("BackupSetName":"D","BackupJobMode":"S","BackupDate":"2024-06-26","Server":"s","QueryLoginName":"anna"})"
    "\n";

bool is_page(const std::string& text) {
    return text.starts_with("<!doctype html>") && text.ends_with("</html>\n");
}

struct stat status_of(const std::string& path) {
    struct stat is {};
    REQUIRE(::lstat(path.c_str(), &is) == 0);
    return is;
}

/// A file that anybody could tell from a new one, and a link that leads to it.
struct linked {
    explicit linked(const test::temporary_folder& in, const std::string& name)
        : link(in.path(name)), target(in.write(name + ".real", "before")) {
        fs::create_symlink(name + ".real", link);
        ::chmod(target.c_str(), 0640);
        if (::geteuid() == 0)
            REQUIRE(::chown(target.c_str(), 12, 34) == 0);
    }

    /// Whether the file was replaced and nothing else has changed.
    void check() const {
        INFO(link);
        CHECK(fs::is_symlink(link));
        const struct stat is = status_of(target);
        CHECK(S_ISREG(is.st_mode));
        CHECK((is.st_mode & 07777U) == 0640);
        if (::geteuid() == 0) {
            CHECK(is.st_uid == 12);
            CHECK(is.st_gid == 34);
        }
        std::string now;
        std::string problem;
        CHECK(store::read_file(target, now, problem));
        CHECK(now != "before");
    }

    std::string link;
    std::string target;
};

}  // namespace

TEST_CASE("a file that is replaced keeps its mode and owner, and a link to it stays") {
    const test::temporary_folder folder;
    const std::string crawl = folder.write("crawl.ndjson", crawled);
    const linked page(folder, "page.html");
    CHECK(test::run_program({"report", crawl, "--out", page.link}).exit_code == 0);
    page.check();
    CHECK(is_page(folder.read("page.html.real")));

    // A link that leads nowhere yet makes a file there, through another link and another folder.
    fs::create_directory(folder.path("inner"));
    fs::create_symlink("inner/made.html", folder.path("second"));
    fs::create_symlink("second", folder.path("first"));
    CHECK(test::run_program({"report", crawl, "--out", folder.path("first")}).exit_code == 0);
    CHECK(fs::is_symlink(folder.path("first")));
    CHECK(fs::is_symlink(folder.path("second")));
    CHECK(is_page(folder.read("inner/made.html")));

    fs::create_symlink("circle", folder.path("circle"));
    const auto circle = test::run_program({"report", crawl, "--out", folder.path("circle")});
    CHECK(circle.exit_code == 2);
    CHECK(circle.err.find("circle") != std::string::npos);
    CHECK(fs::is_symlink(folder.path("circle")));
}

TEST_CASE("report does not write over what it reads, by whatever name") {
    const test::temporary_folder folder;
    const std::string crawl = folder.write("crawl.ndjson", crawled);
    fs::create_symlink("crawl.ndjson", folder.path("link.html"));
    const auto refused = test::run_program({"report", crawl, "--out", folder.path("link.html")});
    CHECK(refused.exit_code == 2);
    CHECK(refused.err.find("also what is to be read") != std::string::npos);
    CHECK(folder.read("crawl.ndjson") == crawled);
}

TEST_CASE("what is no regular file is written to, or refused, and never replaced") {
    const test::temporary_folder folder;
    const std::string crawl = folder.write("crawl.ndjson", crawled);
    const std::string place = folder.path("place");
    SECTION("standard output, by a link to it") {
        fs::create_symlink("/proc/self/fd/1", place);
        const auto result = test::run_program({"report", crawl, "--out", place});
        CHECK(is_page(result.out));
        CHECK(result.err == "");
        CHECK(result.exit_code == 0);
        CHECK(fs::is_symlink(place));
    }
    SECTION("a FIFO") {
        REQUIRE(::mkfifo(place.c_str(), 0600) == 0);
        const store::file_handle reader(::open(place.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        REQUIRE(reader);
        CHECK(test::run_program({"report", crawl, "--out", place}).exit_code == 0);
        std::string page(128U << 10U, '\0');
        const ssize_t size = ::read(reader.get(), page.data(), page.size());
        REQUIRE(size > 0);
        CHECK(is_page(page.substr(0, static_cast<std::size_t>(size))));
        CHECK(S_ISFIFO(status_of(place).st_mode));
    }
    SECTION("a device that is full") {
        // Only the superuser makes devices, and could replace one.
        if (::mknod(place.c_str(), S_IFCHR | 0666, makedev(1, 7)) == 0) {
            const auto result = test::run_program({"report", crawl, "--out", place});
            INFO(result.err);
            CHECK(result.exit_code != 0);
            CHECK(result.err.find("cannot write " + place) != std::string::npos);
            CHECK(S_ISCHR(status_of(place).st_mode));
        }
    }
    SECTION("a socket") {
        const store::file_handle listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(place.size() < sizeof address.sun_path);
        place.copy(address.sun_path, place.size());
        REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        const auto result = test::run_program({"report", crawl, "--out", place});
        CHECK(result.exit_code == 2);
        CHECK(result.err.find("it is a socket") != std::string::npos);
        CHECK(S_ISSOCK(status_of(place).st_mode));
    }
    SECTION("a folder") {
        fs::create_directory(place);
        const auto result = test::run_program({"report", crawl, "--out", place});
        CHECK(result.exit_code == 2);
        CHECK(result.err.find("Is a directory") != std::string::npos);
        CHECK(fs::is_directory(place));
    }
    CHECK(folder.files() == std::vector<std::string>{"crawl.ndjson", "place"});
}

TEST_CASE("a crawl follows the links in the places of all of its files") {
    const test::fleet_fixture with;
    const linked out(with.folder, "out.ndjson");
    const linked asked(with.folder, "out.ndjson.asked.ndjson");
    const linked failed(with.folder, "out.ndjson.failed.ndjson");
    const linked metrics(with.folder, "metrics.prom");
    fs::create_symlink("state.real", with.folder.path("state"));
    const std::string users = with.folder.write("users", "obm\nnosuchuser\n");
    const std::vector<std::string> more{"--users",   users,
                                        "--from",    "2024-06-26",
                                        "--to",      "2024-06-26",
                                        "--out",     out.link,
                                        "--state",   with.folder.path("state"),
                                        "--force",   "--metrics-file",
                                        metrics.link};
    const auto first = with.run("crawl", more);
    INFO(first.err);
    CHECK(first.exit_code == 1);
    for (const linked* const one : {&out, &asked, &metrics})
        one->check();
    CHECK(fs::is_symlink(failed.link));
    CHECK(with.folder.read("out.ndjson.failed.ndjson").find("nosuchuser") != std::string::npos);
    CHECK(fs::is_symlink(with.folder.path("state")));
    CHECK(with.folder.read("state.real").starts_with("SQLite format 3"));

    // A list of failures that there are none of is removed, and not the link to where it would be.
    const std::string fine = with.folder.write("users", "obm\n");
    auto again = more;
    again[1] = fine;
    CHECK(with.run("crawl", again).exit_code == 0);
    CHECK(fs::is_symlink(failed.link));
    CHECK_FALSE(fs::exists(failed.target));
}

TEST_CASE("serve follows links, too") {
    const test::temporary_folder folder;
    const linked port(folder, "port");
    const linked ca(folder, "ca.pem");
    test::program serving({"serve", "--users", "1", "--port-file", port.link, "--ca-file", ca.link});
    serving.wait_for_err("serving");
    serving.send(SIGTERM);
    CHECK(serving.wait().exit_code == 0);
    port.check();
    ca.check();
    const auto nowhere = test::run_program({"serve", "--port-file", folder.path("no/port")});
    CHECK(nowhere.exit_code == 2);
    CHECK(nowhere.err.find("there is no folder " + folder.path("no")) != std::string::npos);
}

TEST_CASE("a crawl whose records go by has nothing beside them, and cannot be resumed") {
    const test::fleet_fixture with;
    const std::string out = with.folder.path("out");
    fs::create_symlink("/proc/self/fd/1", out);
    const std::string users = with.folder.write("users", "obm\n");
    std::vector<std::string> crawl{"--users", users, "--from", "2024-06-26", "--to", "2024-06-26", "--out", out};
    const auto result = with.run("crawl", crawl);
    CHECK(result.exit_code == 0);
    CHECK(result.out.starts_with("{\"LoginName\":\"obm\""));
    CHECK(with.folder.files() == std::vector<std::string>{"out", "users"});
    crawl.emplace_back("--resume");
    const auto refused = with.run("crawl", crawl);
    CHECK(refused.exit_code == 2);
    CHECK(refused.err.find("a crawl to " + out + " cannot be resumed") != std::string::npos);
}

TEST_CASE("what cannot be written is said before a password is asked for") {
    const test::fleet_fixture with;
    const std::string folder = with.folder.path("folder.ndjson");
    fs::create_directory(folder);
    const std::string locked = with.folder.path("locked");
    fs::create_directory(locked);
    fs::permissions(locked, fs::perms::owner_read | fs::perms::owner_exec);
    const std::string read_only = with.folder.write("read-only.ndjson", "");
    fs::permissions(read_only, fs::perms::owner_read);
    const std::string fifo = with.folder.path("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const std::string fine = with.folder.path("fine.ndjson");
    const std::string nowhere = with.folder.path("no/out");
    test::restrictions bound;
    bound.obey_permissions = true;
    struct wrong {
        std::vector<std::string> options;
        std::string said;
    };
    for (const auto& [options, said] : std::vector<wrong>{
             {{"--out", nowhere + ".ndjson"}, "there is no folder " + with.folder.path("no")},
             {{"--out", nowhere + ".sqlite"}, "there is no folder " + with.folder.path("no")},
             {{"--out", folder}, "Is a directory"},
             {{"--out", folder, "--format", "ndjson"}, folder},
             {{"--out", locked + "/out.csv"}, locked + "/out.csv: Permission denied"},
             {{"--out", locked + "/out.db"}, locked + "/out.db: Permission denied"},
             {{"--out", read_only, "--force"}, read_only + ": Permission denied"},
             {{"--out", fine, "--state", nowhere}, nowhere},
             {{"--out", fine, "--state", folder}, "Is a directory"},
             {{"--out", fine, "--state", fifo}, "it is no regular file"},
             {{"--out", fine, "--metrics-file", nowhere}, "--metrics-file: cannot write " + nowhere},
             {{"--out", fine, "--metrics-file", locked + "/m"}, "Permission denied"},
             {{"--out", fine, "--metrics-file", fifo}, "is a pipe"},
         }) {
        std::vector<std::string> all = test::fleet_fixture::whole_fleet(options);
        const auto result = test::run_program(with.arguments("crawl", all), {}, bound);
        CAPTURE(result.err, options);
        CHECK(result.exit_code == 2);
        CHECK(result.err.find(said) != std::string::npos);
        CHECK(result.err.find("assword") == std::string::npos);
    }
    fs::permissions(locked, fs::perms::owner_all);
    CHECK(fs::is_empty(locked));
    CHECK_FALSE(fs::exists(fine));
    CHECK(with.server.counters().connections == 0);
}

TEST_CASE("an output's name says its format, and what contradicts it is refused") {
    const test::fleet_fixture with;
    const std::string users = with.folder.write("users", "obm\n");
    const auto crawl = [&](const std::string& name, std::vector<std::string> more = {}) {
        std::vector<std::string> all{"--users", users,        "--from", "2024-06-26",
                                     "--to",    "2024-06-26", "--out",  with.folder.path(name)};
        all.insert(all.end(), more.begin(), more.end());
        return with.run("crawl", all);
    };
    struct named {
        std::string name;
        std::string begins;
    };
    for (const auto& [name, begins] : std::vector<named>{{"a.csv", "ID,LoginName,"},
                                                         {"a.CSV", "ID,LoginName,"},
                                                         {"a.sqlite", "SQLite format 3"},
                                                         {"a.sqlite3", "SQLite format 3"},
                                                         {"a.db", "SQLite format 3"},
                                                         {"a.ndjson", "{\"LoginName\""},
                                                         {"a.csv.gz", "{\"LoginName\""},
                                                         {"csv", "{\"LoginName\""}}) {
        CAPTURE(name);
        CHECK(crawl(name).exit_code == 0);
        CHECK(with.folder.read(name).starts_with(begins));
    }
    CHECK(crawl("table", {"--format", "csv"}).exit_code == 0);
    CHECK(with.folder.read("table").starts_with("ID,LoginName,"));
    CHECK(crawl("same.csv", {"--format", "csv"}).exit_code == 0);
    const auto asked = with.server.counters().requests;
    for (const auto& [name, format] :
         {std::pair("b.csv", "ndjson"), std::pair("b.db", "csv"), std::pair("b.ndjson", "sqlite")}) {
        const auto refused = crawl(name, {"--format", format});
        CHECK(refused.exit_code == 2);
        CHECK(refused.err.find(std::string("--format ") + format + " does not go with the name") != std::string::npos);
        CHECK_FALSE(fs::exists(with.folder.path(name)));
    }
    CHECK(with.server.counters().requests == asked);
}

TEST_CASE("what another crawl has finished is replaced only by --force") {
    const test::fleet_fixture with;
    const std::string name = GENERATE("out.ndjson", "out.csv");
    const std::string users = with.folder.write("users", "obm\n");
    const auto crawl = [&](const std::string& to, std::vector<std::string> more = {}) {
        std::vector<std::string> all{"--users", users, "--from", "2024-06-26",
                                     "--to",    to,    "--out",  with.folder.path(name)};
        all.insert(all.end(), more.begin(), more.end());
        return with.run("crawl", all);
    };
    REQUIRE(crawl("2024-06-26").exit_code == 0);
    const std::string before = with.folder.read(name);
    const auto asked = with.server.counters().requests;
    const auto refused = crawl("2024-06-27");
    CHECK(refused.exit_code == 2);
    CHECK(refused.err.find("--to was 2024-06-26 and is 2024-06-27 now") != std::string::npos);
    CHECK(refused.err.find("--force") != std::string::npos);
    CHECK(with.folder.read(name) == before);
    CHECK(with.server.counters().requests == asked);
    CHECK(crawl("2024-06-26").exit_code == 0);
    CHECK(crawl("2024-06-27", {"--force"}).exit_code == 0);
    CHECK(with.folder.read(name + ".asked.ndjson").find("\"To\":\"2024-06-27\"") != std::string::npos);
}

}  // namespace files_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A marked password on every failing path of the program, which must not turn up in anything that it leaves behind.
#include <boost/json.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"

namespace secret_test {

using namespace jobmode;
using sim::script_step;

namespace {

// What must be escaped stands around a word that never is.
const std::string password = "a\"b<c/s3cret-w0rd&d'e\\";
const std::string proxy_password = "pr0xy-s3cret-w0rd";
// Of the user "api" and that password.
const std::string proxy_credentials = "YXBpOnByMHh5LXMzY3JldC13MHJk";

/// The parts of the two that are looked for.
const std::vector<std::string> marks{"s3cret", "cret-w0rd", "czNjcmV0", "MHh5LXMz", "M2NyZXQt"};

std::string escaped(std::string_view text, const std::function<std::string(char)>& escape) {
    std::string out;
    for (const char c : text)
        out += escape(c);
    return out;
}

std::string as_html(std::string_view text) {
    return escaped(text, [](char c) -> std::string {
        return c == '<' ? "&lt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : c == '\'' ? "&#39;" : std::string(1, c);
    });
}

std::string as_url(std::string_view text) {
    return escaped(text, [](char c) -> std::string {
        static constexpr std::string_view digits = "0123456789ABCDEF";
        if (c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
            return std::string(1, c);
        return {'%', digits[static_cast<unsigned char>(c) / 16], digits[static_cast<unsigned char>(c) % 16]};
    });
}

std::string as_json(const std::string& text) {
    return boost::json::serialize(boost::json::value(text));
}

std::string answer(const std::string& status, const std::string& body, const std::string& headers = {}) {
    return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

/// A server that says something, made of what it was asked.
sim::server_config saying(std::function<std::string(const std::string& body)> words, bool tls = true) {
    sim::server_config config;
    config.tls = tls;
    config.script = [words = std::move(words)](const sim::request_info& request) {
        return std::optional(std::vector{script_step(script_step::kind::send, words(std::string(request.body))),
                                         script_step(script_step::kind::close)});
    };
    return config;
}

/// Where a mark is in what a program has left behind; empty if nowhere.
std::string found_in(const test::program_result& result, const test::temporary_folder& folder) {
    std::vector<std::pair<std::string, std::string>> places{{"stdout", result.out}, {"stderr", result.err}};
    for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
        const std::string name = file.path().filename();
        places.emplace_back(name, name + folder.read(name));
    }
    for (const auto& [name, text] : places)
        for (const std::string& mark : marks)
            if (text.find(mark) != std::string::npos)
                return name + " has " + mark + ": " + text;
    return {};
}

/// Runs each subcommand that asks something, all at a time, and looks at what comes of it. Each must end with an error.
void leave_nothing(const std::string& what, std::vector<std::string> connection, test::environment variables = {}) {
    connection.insert(connection.end(), {"--sys-user", "system"});
    variables.emplace_back("JOBMODE_SYS_PWD", password);
    const test::temporary_folder input;
    const std::string users = input.write("users", "obm\nanna\n");
    struct run {
        std::string command;
        test::temporary_folder folder;
        std::unique_ptr<test::program> running;
    };
    std::list<run> runs;
    for (const std::string command : {"query", "check", "crawl", "crawl to SQLite", "crawl to stdout"}) {
        run& one = runs.emplace_back();
        one.command = command;
        std::vector<std::string> arguments{command.substr(0, command.find(' '))};
        const auto add = [&](const std::vector<std::string>& more) {
            arguments.insert(arguments.end(), more.begin(), more.end());
        };
        add(connection);
        if (command == "query")
            add({"--login-name", "obm", "--date", "2024-06-26"});
        else if (command == "check")
            add({"--login-name", "obm", "--date", "2024-06-26", "--max-age-days", "0"});
        else
            add({"--users", users, "--from", "2024-06-26", "--to", "2024-06-26", "--retries", "1", "--metrics-file",
                 one.folder.path("metrics.prom"), "--out", command.ends_with("stdout") ? "-" : one.folder.path("out")});
        if (command.ends_with("SQLite"))
            add({"--format", "sqlite"});
        one.running = std::make_unique<test::program>(arguments, variables);
    }
    for (run& one : runs) {
        const auto result = one.running->wait();
        INFO(what << ", " << one.command << ": " << result.out << result.err);
        CHECK(result.exit_code != 0);
        CHECK_FALSE((result.out + result.err).empty());
        CHECK(found_in(result, one.folder) == "");
    }
}

void leave_nothing(const std::string& what, sim::server_config config) {
    const sim::server server(std::move(config));
    const test::temporary_file ca(server.ca_pem());
    leave_nothing(what, {"--url", server.url(), "--ca", ca.path()});
}

}  // namespace

TEST_CASE("whatever a server answers, the password that it was sent is not passed on") {
    leave_nothing("a wrong password", sim::server_config());
    const std::string echo = R"({"Status":"Error","ExptType":)";
    leave_nothing("an API error with the request", saying([&](const std::string& body) {
                      return answer("200 OK", echo + as_json(password) + R"(,"Message":)" + as_json(body) + "}");
                  }));
    leave_nothing("an API error with the password", saying([&](const std::string&) {
                      return answer("200 OK",
                                    echo + "\"x\",\"Message\":" + as_json("'" + password + "' is wrong") + "}");
                  }));
    leave_nothing("the request", saying([](const std::string& body) { return answer("200 OK", body); }));
    leave_nothing("the password", saying([](const std::string&) { return answer("200 OK", password); }));
    leave_nothing("the password within JSON that is none", saying([](const std::string&) {
                      return answer("200 OK", R"({"Status":"OK","Data":[)" + as_json(password) + "}");
                  }));
    leave_nothing("a page", saying([](const std::string& body) {
                      return answer("200 OK", "<p>" + as_html(password) + "<pre>" + as_html(body) + "</pre>");
                  }));
    leave_nothing("a redirect", saying([](const std::string& body) {
                      return answer("302 Found", "",
                                    "Location: /login?p=" + as_url(password) + "&b=" + as_url(body) + "\r\n");
                  }));
    for (const char* const status : {"400 Bad", "401 No", "404 None", "500 Oops", "503 Busy"})
        leave_nothing(status, saying([status](const std::string& body) {
                          return answer(std::string(status) + " s3cret-w0rd", "<p>" + body, "Retry-After: 0\r\n");
                      }));
    leave_nothing("what is no HTTP", saying([](const std::string& body) { return password + body; }));
    leave_nothing("half an answer", saying([](const std::string& body) {
                      return "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + body;
                  }));
}

TEST_CASE("a server that cannot be reached or trusted leaves nothing of the password behind") {
    const sim::server server{sim::server_config()};
    const sim::server other{sim::server_config()};
    const test::temporary_file ca(server.ca_pem());
    const test::temporary_file other_ca(other.ca_pem());
    leave_nothing("another authority", {"--url", server.url(), "--ca", other_ca.path()});
    leave_nothing("another key", {"--url", server.url(), "--pin", other.pin()});
    leave_nothing("an authority that is not there", {"--url", server.url(), "--ca", "/nonexistent"});
    leave_nothing("TLS that is none", {"--url", "http" + server.url().substr(5), "--allow-http"});
    leave_nothing("plain http", {"--url", "http" + server.url().substr(5)});
    leave_nothing("a password in the URL", {"--url", "https://system:s3cret-w0rd@localhost:1"});
    {
        sim::certificate_options elsewhere;
        elsewhere.names = {"elsewhere.example.com"};
        const sim::certificate authority = sim::make_authority("authority");
        sim::server_config config;
        config.identity = sim::make_certificate(elsewhere, &authority);
        const sim::server renamed(std::move(config));
        const test::temporary_file its_ca(authority.pem);
        leave_nothing("another name", {"--url", renamed.url(), "--ca", its_ca.path()});
        CHECK(renamed.counters().requests == 0);
    }
    std::string gone;
    {
        const sim::server ended{sim::server_config()};
        gone = ended.url();
    }
    leave_nothing("nobody", {"--url", gone, "--ca", ca.path()});
    CHECK(server.counters().requests == 0);
}

TEST_CASE("whatever a proxy answers, its password is not passed on") {
    const std::vector<std::string> connection{"--url", "https://localhost:1", "--insecure"};
    for (const std::string& words :
         {answer("407 Basic " + proxy_credentials, ""), answer("407 not " + proxy_password, ""),
          // Cut at its 64th character, within the one and the other.
          answer("403 " + std::string(46, 'x') + proxy_credentials, ""),
          answer("403 " + std::string(50, 'x') + proxy_password, ""), answer("502 Basic " + proxy_credentials, ""),
          proxy_credentials, "HTTP/1.1 200 " + proxy_credentials + "\r\n\r\n" + proxy_credentials}) {
        const sim::server proxy(saying([&](const std::string&) { return words; }, false));
        const std::string host = "127.0.0.1:" + std::to_string(proxy.port());
        leave_nothing(words, connection,
                      {{"https_proxy", "http://api@" + host}, {"JOBMODE_PROXY_PWD", proxy_password}});
        leave_nothing(words, connection, {{"https_proxy", "http://api:" + proxy_password + "@" + host}});
        CHECK(proxy.counters().requests > 0);
    }
}

TEST_CASE("a crawl whose files fail leaves nothing of the password behind") {
    sim::server_config config;
    config.sys_pwd = password;
    const test::fleet_fixture with(std::move(config));
    const std::string users = with.folder.write("users", "obm\n");
    const std::string text = with.folder.write("text", "this is not a state, but long enough to be one");
    const auto crawl = [&](const std::string& out, std::vector<std::string> more,
                           const test::restrictions& restricted = test::restrictions()) {
        std::vector<std::string> all{"--users", users, "--from", "2024-06-20", "--to", "2024-06-30", "--out", out};
        all.insert(all.end(), more.begin(), more.end());
        const auto result =
            test::run_program(with.arguments("crawl", all), {{"JOBMODE_SYS_PWD", password}}, restricted);
        INFO(out << ": " << result.err);
        CHECK(found_in(result, with.folder) == "");
        return result.exit_code;
    };
    CHECK(crawl(with.folder.path("out"), {"--state", text}) == 2);
    CHECK(crawl("/dev/full", {}) == 1);
    CHECK(crawl("/nonexistent/out", {}) != 0);
    test::restrictions full;
    full.file_bytes = 100;
    CHECK(crawl(with.folder.path("small"), {}, full) != 0);
    // And of one that goes well.
    CHECK(crawl(with.folder.path("fine"), {"--metrics-file", with.folder.path("fine.prom")}) == 0);
    CHECK(crawl(with.folder.path("fine.db"), {"--format", "sqlite"}) == 0);
}

TEST_CASE("the password is in no command line, and from a file in no environment either") {
    std::atomic<bool> asked = false;
    sim::server_config config;
    config.script = [&](const sim::request_info& request) {
        asked = request.body.find("s3cret-w0rd") != std::string_view::npos;
        return std::optional(std::vector{script_step(script_step::kind::stall)});
    };
    const test::fleet_fixture with(std::move(config));
    const bool from_file = GENERATE(false, true);
    std::vector<std::string> arguments =
        with.arguments("query", {"--login-name", "obm", "--date", "2024-06-26", "--timeout", "60"});
    test::environment variables;
    if (from_file)
        arguments.insert(arguments.end(), {"--sys-pwd-file", with.folder.write("password", password + "\n")});
    else
        variables.emplace_back("JOBMODE_SYS_PWD", password);
    test::program asking(arguments, variables);
    // Once the server has the password, the program has it, too.
    while (!asked)
        std::this_thread::yield();
    CHECK(asking.proc("cmdline").find("--login-name") != std::string::npos);
    CHECK(asking.proc("cmdline").find("s3cret") == std::string::npos);
    CHECK(asking.proc("environ").find("PATH=") != std::string::npos);
    if (from_file)
        CHECK(asking.proc("environ").find("s3cret") == std::string::npos);
}

TEST_CASE("nothing of the password is left in memory once its client is gone") {
    sim::server_config config;
    config.sys_pwd = proxy_password;
    const sim::server server(std::move(config));
    const test::temporary_file ca(server.ca_pem());
    std::vector<std::string> arguments{server.url(), ca.path()};
    for (const char c : proxy_password)
        arguments.push_back(std::to_string(c ^ 0x55));
    const auto result = test::program(arguments, {}, {}, JOBMODE_LEFTOVERS).wait();
    INFO(result.out << result.err);
    CHECK(result.exit_code == 0);
    CHECK(result.out.find("20 answered") == 0);
    CHECK(result.out.find(" 0 copies during") == std::string::npos);
    CHECK(result.out.find(" copies during, 0 after") != std::string::npos);
}

}  // namespace secret_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// How the program asks for a password on a terminal.
#include <csignal>
#include <string>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"

namespace prompt_test {

using namespace jobmode;

namespace {

/// A query that asks for the password.
struct asking {
    asking() : program(with.arguments("query", {"--login-name", "obm", "--date", "2024-06-26"}), {}, on_terminal()) {
        terminal.wait_for("Password of system at ");
        CHECK_FALSE(terminal.echoes());
    }

    test::fleet_fixture with;
    test::terminal terminal;
    test::program program;

private:
    test::restrictions on_terminal() const {
        test::restrictions given;
        given.terminal = terminal.path();
        return given;
    }
};

}  // namespace

TEST_CASE("a password that is typed is not shown") {
    asking query;
    query.terminal.type("system1\n");
    const auto result = query.program.wait();
    CHECK(result.exit_code == 0);
    CHECK(result.out.starts_with("{\"LoginName\":\"obm\""));
    query.terminal.wait_for("\n");
    CHECK(query.terminal.shown().find("system1") == std::string::npos);
    CHECK(query.terminal.echoes());
}

TEST_CASE("whatever ends the program while it asks for a password, the terminal shows again what is typed") {
    asking query;
    int ended = 130;
    SECTION("Ctrl-C") {
        query.terminal.type("half\x03");
    }
    SECTION("SIGTERM") {
        query.program.send(SIGTERM);
        ended = 128 + SIGTERM;
    }
    const auto result = query.program.wait();
    CHECK(result.exit_code == ended);
    CHECK(result.out == "");
    CHECK(query.terminal.echoes());
    CHECK(query.with.server.counters().connections == 0);
}

TEST_CASE("no password and an empty one are told apart") {
    asking query;
    std::string said;
    SECTION("Ctrl-D") {
        query.terminal.type("\x04");
        said = "no password was typed";
    }
    SECTION("an empty line") {
        query.terminal.type("\n");
        said = "the password that was typed is empty";
    }
    const auto result = query.program.wait();
    CHECK(result.exit_code == 2);
    CHECK(result.err == "jobmode: " + said + "\n");
    CHECK(query.terminal.echoes());
    CHECK(query.with.server.counters().connections == 0);
}

}  // namespace prompt_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// `--proxy` and the environment's proxies, with a server in the proxy's place that opens no tunnels.
#include <string>
#include <vector>

#include "catch.hpp"
#include "cli/fleet_fixture.hpp"

namespace proxy_test {

using namespace jobmode;

namespace {

const std::vector<std::string> example{"--login-name", "obm", "--date", "2024-06-26-11-33-52"};

sim::server_config plain() {
    sim::server_config config;
    config.tls = false;
    return config;
}

}  // namespace

TEST_CASE("the tool's proxy comes from its option or the environment, and NO_PROXY spares a server") {
    const test::fleet_fixture with;
    const sim::server proxy(plain());
    const std::string url = "http://127.0.0.1:" + std::to_string(proxy.port());
    struct row {
        std::vector<std::string> options;
        test::environment variables;
        bool proxied;
    };
    for (const row& each : std::vector<row>{
             {{}, {}, false},
             {{"--proxy", url}, {}, true},
             {{}, {{"https_proxy", url}}, true},
             {{}, {{"ALL_PROXY", url}}, true},
             {{}, {{"http_proxy", url}}, false},
             {{"--proxy", ""}, {{"https_proxy", url}}, false},
             {{}, {{"https_proxy", url}, {"NO_PROXY", "example.com,localhost"}}, false},
             {{"--proxy", url}, {{"no_proxy", "localhost"}}, false},
             {{"--proxy", url}, {{"no_proxy", "example.com"}}, true},
         }) {
        std::vector<std::string> options = example;
        options.insert(options.end(), each.options.begin(), each.options.end());
        test::environment variables = each.variables;
        variables.emplace_back("JOBMODE_SYS_PWD", "system1");
        const auto before = proxy.counters().connections;
        const auto result = test::run_program(with.arguments("query", options), variables);
        INFO(result.err);
        CHECK(result.exit_code == (each.proxied ? 4 : 0));
        CHECK((proxy.counters().connections != before) == each.proxied);
        CHECK((result.err.find("proxy") != std::string::npos) == each.proxied);
    }
}

TEST_CASE("the proxy's password is refused on the command line, and never repeated") {
    const test::fleet_fixture with;
    const sim::server proxy(plain());
    const std::string host = "127.0.0.1:" + std::to_string(proxy.port());
    std::vector<std::string> options = example;
    options.emplace_back("--proxy");
    test::environment variables{{"JOBMODE_SYS_PWD", "system1"}};
    int expected = 0;
    SECTION("on the command line") {
        options.push_back("http://api:marked-word@" + host);
        expected = 2;
    }
    SECTION("in its own variable") {
        options.push_back("http://api@" + host);
        variables.emplace_back("JOBMODE_PROXY_PWD", "marked-word");
        expected = 4;
    }
    SECTION("in the URL's variable") {
        options.pop_back();
        variables.emplace_back("https_proxy", "http://api:marked-word@" + host);
        expected = 4;
    }
    SECTION("in a URL that is none") {
        options.pop_back();
        variables.emplace_back("https_proxy", "ftp://api:marked-word@" + host);
        expected = 2;
    }
    const auto result = test::run_program(with.arguments("query", options), variables);
    INFO(result.err);
    CHECK(result.exit_code == expected);
    CHECK(result.out == "");
    CHECK(result.err.find("marked-word") == std::string::npos);
    CHECK(result.err.find("bWFya2Vk") == std::string::npos);
}

}  // namespace proxy_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/proxy.hpp"

#include <map>
#include <string>
#include <vector>

#include "catch.hpp"

namespace proxy_test {

using namespace jobmode;

TEST_CASE("a proxy's URL is taken apart, and its user and password leave it") {
    struct row {
        const char* url;
        const char* kept;
        const char* user;
        const char* password;
    };
    for (const row& each : std::vector<row>{
             {"", "", "", ""},
             {"http://proxy:3128", "http://proxy:3128", "", ""},
             {"proxy:3128", "http://proxy:3128", "", ""},
             {"api@proxy:3128", "http://proxy:3128", "api", ""},
             {"api:word@proxy:3128", "http://proxy:3128", "api", "word"},
             {"http://api:word@proxy:3128/", "http://proxy:3128/", "api", "word"},
             {"http://api:word@[::1]:3128", "http://[::1]:3128", "api", "word"},
             {"http://a%70i:w%3Ao%40r%2Fd@proxy:1", "http://proxy:1", "api", "w:o@r/d"},
             {"http://api:a:b@proxy:1", "http://proxy:1", "api", "a:b"},
             {"http://api:a@b@proxy:1", "http://proxy:1", "api", "a@b"},
             {"http://api:100%@proxy:1", "http://proxy:1", "api", "100%"},
             {"http://api:%zz%4@proxy:1", "http://proxy:1", "api", "%zz%4"},
             {"http://:word@proxy:1", "http://proxy:1", "", "word"},
             {"socks5://api:word@proxy:1", "socks5://proxy:1", "api", "word"},
             {"http://api:word@", "http://", "api", "word"},
             {"http://api:wo rd@not a host", "http://not a host", "api", "wo rd"},
         }) {
        INFO(each.url);
        const proxy_config found(each.url);
        CHECK(found.url == each.kept);
        CHECK(found.user == each.user);
        CHECK(found.password.reveal() == each.password);
    }
}

TEST_CASE("a proxy's address is found") {
    struct row {
        const char* url;
        const char* host;
        const char* port;
    };
    for (const row& each : std::vector<row>{
             {"", "", ""},
             {"http://proxy.example.com:3128", "proxy.example.com", "3128"},
             {"HTTP://proxy.example.com:3128/", "proxy.example.com", "3128"},
             {"http://127.0.0.1:08080", "127.0.0.1", "8080"},
             {"http://[2001:db8::1]:3128", "2001:db8::1", "3128"},
             {"http://[fe80::1%25eth0]:3128", "fe80::1%eth0", "3128"},
             {"http://[fe80::1%eth0]:3128/", "fe80::1%eth0", "3128"},
             {"http://proxy.example.com.:3128", "proxy.example.com.", "3128"},
         }) {
        INFO(each.url);
        policy::proxy_address found;
        CHECK_FALSE(policy::parse_proxy(proxy_config(each.url), found, nullptr));
        CHECK(found.host == each.host);
        CHECK(found.port == each.port);
    }
}

TEST_CASE("a proxy that cannot be used is refused, in words without its password") {
    struct row {
        const char* url;
        const char* user;
        const char* password;
        const char* says;
    };
    for (const row& each : std::vector<row>{
             {"http://proxy", "", "", "port"},
             {"http://proxy:", "", "", "port"},
             {"http://proxy:0", "", "", "port"},
             {"http://proxy:65536", "", "", "port"},
             {"http://:3128", "", "", "host"},
             {"http://pro xy:3128", "", "", "well-formed"},
             {"http://pro%20xy:3128", "", "", "blank"},
             {"http://proxy%0d%0aX%3A%20y:3128", "", "", "control"},
             {"http://pr%C3%B6xy:3128", "", "", "ASCII"},
             {"http://proxy%2F:3128", "", "", "character"},
             {"http://proxy..:3128", "", "", "dots"},
             {"http://[fe80::1%25]]:3128", "", "", "well-formed"},
             {"http://[fe80::1%25a%0a]:3128", "", "", "zone"},
             {"http://[v1.a]:3128", "", "", "kind"},
             {"http://proxy:3128/path", "", "", "end with its port"},
             {"http://proxy:3128?query", "", "", "end with its port"},
             {"http://proxy:3128#part", "", "", "end with its port"},
             {"https://proxy:3128", "", "", "http://"},
             {"socks5://proxy:1080", "", "", "http://"},
             {"http://api:marked-word@proxy:3128", "", "", "fields of their own"},
             {"http://proxy:3128", "a:b", "marked-word", "colon"},
             {"http://proxy:3128", "", "marked-word", "needs a user"},
             {"http://proxy:3128", "api\r\nX: y", "marked-word", "control"},
             {"http://proxy:3128", "api", "marked-word\n", "control"},
             {"", "api", "", "no proxy"},
             {"", "", "marked-word", "no proxy"},
         }) {
        client_config config("https://cbs.example.com");
        config.sys_user = "system";
        config.sys_pwd = secret("system1");
        config.proxy.url = each.url;
        config.proxy.user = each.user;
        config.proxy.password = secret(each.password);
        std::string why;
        INFO(each.url);
        CHECK(config.validate(&why) == errc::invalid_config);
        CHECK_THAT(why, test::contains(each.says));
        CHECK(why.find("marked-word") == std::string::npos);
        CHECK(config.validate() == errc::invalid_config);
    }
}

TEST_CASE("NO_PROXY is read as curl reads it") {
    struct row {
        const char* list;
        const char* host;
        bool bypassed;
    };
    for (const row& each : std::vector<row>{
             {"", "cbs.example.com", false},
             {"*", "cbs.example.com", true},
             {"*", "10.0.0.1", true},
             {"*", "::1", true},
             {"a.org, *", "cbs.example.com", true},
             {"*.example.com", "cbs.example.com", false},
             {"example.com", "example.com", true},
             {"example.com", "EXAMPLE.com", true},
             {"example.com", "example.com.", true},
             {"example.com.", "example.com", true},
             {"example.com", "cbs.example.com", true},
             {".example.com", "cbs.example.com", true},
             {".example.com", "example.com", true},
             {"example.com", "badexample.com", false},
             {"cbs.example.com", "example.com", false},
             {"example.com", "example.org", false},
             {".", "example.com", false},
             {",,  ,", "example.com", false},
             {"a.org,example.com", "example.com", true},
             {"a.org example.com", "example.com", true},
             {" a.org ,\texample.com ", "example.com", true},
             {"localhost", "localhost", true},
             {"127.0.0.1", "localhost", false},
             {"127.0.0.1", "127.0.0.1", true},
             {"0.0.1", "127.0.0.1", false},
             {"127.0.0.1", "127.0.0.10", false},
             {"10.0.0.0/8", "10.200.3.4", true},
             {"10.0.0.0/8", "11.0.0.1", false},
             {"192.168.16.0/20", "192.168.31.255", true},
             {"192.168.16.0/20", "192.168.32.0", false},
             {"192.168.1.128/25", "192.168.1.127", false},
             {"192.168.1.1/32", "192.168.1.1", true},
             {"192.168.1.1/32", "192.168.1.2", false},
             {"0.0.0.0/0", "8.8.8.8", true},
             {"0.0.0.0/0", "::1", false},
             {"10.0.0.0/33", "10.0.0.0", false},
             {"10.0.0.0/", "10.0.0.0", false},
             {"10.0.0.0/x", "10.0.0.0", false},
             {"10.0.0.0/-1", "10.0.0.0", false},
             {"::1", "::1", true},
             {"[::1]", "::1", true},
             {"0:0:0:0:0:0:0:1", "::1", true},
             {"2001:db8::/32", "2001:db8:1::5", true},
             {"2001:db8::/32", "2001:db9::5", false},
             {"2001:db8::/129", "2001:db8::", false},
             {"::/0", "10.0.0.1", false},
             {"fe80::/10", "fe80::1%eth0", true},
             {"fe80::1", "fe80::1%eth0", true},
             {"fe80::1%eth1", "fe80::1%eth0", true},
             {"[fe80::1%eth0]", "fe80::1", true},
             {"fe80::2", "fe80::1%eth0", false},
         }) {
        INFO("list \"" << each.list << "\", host " << each.host);
        CHECK(policy::bypasses_proxy(each.list, each.host) == each.bypassed);
    }
}

TEST_CASE("the proxy comes from the option, then from the environment") {
    using variables = std::map<std::string, std::string>;
    struct row {
        const char* given;
        bool tls;
        variables set;
        const char* chosen;
    };
    const std::string all = "all:1";
    for (const row& each : std::vector<row>{
             {nullptr, true, {}, ""},
             {"given:1", true, {}, "given:1"},
             {"given:1", true, {{"https_proxy", "small:1"}}, "given:1"},
             {"", true, {{"https_proxy", "small:1"}}, ""},
             {nullptr, true, {{"https_proxy", "small:1"}, {"HTTPS_PROXY", "large:1"}, {"all_proxy", all}}, "small:1"},
             {nullptr, true, {{"HTTPS_PROXY", "large:1"}, {"all_proxy", all}, {"http_proxy", "plain:1"}}, "large:1"},
             {nullptr, true, {{"all_proxy", all}, {"ALL_PROXY", "large:1"}, {"http_proxy", "plain:1"}}, "all:1"},
             {nullptr, true, {{"ALL_PROXY", "large:1"}}, "large:1"},
             {nullptr, true, {{"http_proxy", "plain:1"}}, ""},
             {nullptr, true, {{"https_proxy", ""}, {"all_proxy", all}}, ""},
             {nullptr, false, {{"http_proxy", "plain:1"}, {"https_proxy", "small:1"}}, "plain:1"},
             {nullptr, false, {{"HTTP_PROXY", "header:1"}}, ""},
             {nullptr, false, {{"HTTP_PROXY", "header:1"}, {"all_proxy", all}}, "all:1"},
             {nullptr, true, {{"all_proxy", all}, {"no_proxy", "example.com"}}, ""},
             {nullptr, true, {{"all_proxy", all}, {"NO_PROXY", "example.com"}}, ""},
             {nullptr, true, {{"all_proxy", all}, {"no_proxy", "else.org"}, {"NO_PROXY", "example.com"}}, "all:1"},
             {"given:1", true, {{"NO_PROXY", "example.com"}}, ""},
         }) {
        const std::string chosen(
            policy::choose_proxy(each.given, each.tls, "cbs.example.com", [&each](const char* name) {
                const auto found = each.set.find(name);
                return found == each.set.end() ? nullptr : found->second.c_str();
            }));
        CHECK(chosen == each.chosen);
    }
}

}  // namespace proxy_test

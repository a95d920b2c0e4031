// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/config.hpp>

#include <chrono>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "policy/base_url.hpp"
#include "policy/pin.hpp"

namespace config_test {

using namespace jobmode;
using namespace std::chrono_literals;

namespace {

const std::string good_pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

client_config good_config() {
    client_config config("https://cbs.example.com");
    config.sys_user = "api";
    config.sys_pwd = secret("s3cret-word");
    return config;
}

}  // namespace

TEST_CASE("a base URL is taken apart") {
    struct row {
        const char* url;
        bool tls;
        const char* host;
        const char* port;
        const char* host_header;
        const char* path;
        bool is_ip_literal;
    };
    for (const row& each : std::vector<row>{
             {"https://cbs.example.com", true, "cbs.example.com", "443", "cbs.example.com", "", false},
             {"https://cbs.example.com/", true, "cbs.example.com", "443", "cbs.example.com", "", false},
             {"https://cbs.example.com///", true, "cbs.example.com", "443", "cbs.example.com", "", false},
             {"HTTPS://cbs.example.com", true, "cbs.example.com", "443", "cbs.example.com", "", false},
             {"https://cbs.example.com:443", true, "cbs.example.com", "443", "cbs.example.com", "", false},
             {"https://cbs.example.com:", true, "cbs.example.com", "443", "cbs.example.com", "", false},
             {"https://cbs.example.com:8443", true, "cbs.example.com", "8443", "cbs.example.com:8443", "", false},
             {"https://cbs.example.com:008443", true, "cbs.example.com", "8443", "cbs.example.com:8443", "", false},
             {"https://cbs.example.com:65535", true, "cbs.example.com", "65535", "cbs.example.com:65535", "", false},
             {"https://cbs.example.com:80", true, "cbs.example.com", "80", "cbs.example.com:80", "", false},
             {"https://cbs.example.com/backup", true, "cbs.example.com", "443", "cbs.example.com", "/backup", false},
             {"https://cbs.example.com/a/b/", true, "cbs.example.com", "443", "cbs.example.com", "/a/b", false},
             {"https://cbs.example.com/a%20b", true, "cbs.example.com", "443", "cbs.example.com", "/a%20b", false},
             {"https://cbs.example.com/observer", true, "cbs.example.com", "443", "cbs.example.com", "/observer",
              false},
             {"https://localhost:1", true, "localhost", "1", "localhost:1", "", false},
             {"http://cbs.example.com", false, "cbs.example.com", "80", "cbs.example.com", "", false},
             {"http://cbs.example.com:80", false, "cbs.example.com", "80", "cbs.example.com", "", false},
             {"http://cbs.example.com:443", false, "cbs.example.com", "443", "cbs.example.com:443", "", false},
             {"https://192.0.2.1", true, "192.0.2.1", "443", "192.0.2.1", "", true},
             {"https://192.0.2.1:8443/x", true, "192.0.2.1", "8443", "192.0.2.1:8443", "/x", true},
             {"https://[2001:db8::1]", true, "2001:db8::1", "443", "[2001:db8::1]", "", true},
             {"https://[2001:db8::1]:8443", true, "2001:db8::1", "8443", "[2001:db8::1]:8443", "", true},
             {"https://[::1]:443/", true, "::1", "443", "[::1]", "", true},
             {"https://[fe80::1%25eth0]/", true, "fe80::1%eth0", "443", "[fe80::1]", "", true},
             {"https://[fe80::1%25eth0]:8443/x", true, "fe80::1%eth0", "8443", "[fe80::1]:8443", "/x", true},
             {"https://[fe80::1%eth0.1]", true, "fe80::1%eth0.1", "443", "[fe80::1]", "", true},
             {"https://[fe80::1%2525]", true, "fe80::1%25", "443", "[fe80::1]", "", true},
             {"https://[fe80::1%25]", true, "fe80::1%25", "443", "[fe80::1]", "", true},
             {"https://[fe80::1%3]", true, "fe80::1%3", "443", "[fe80::1]", "", true},
             {"https://cbs.example.com.", true, "cbs.example.com.", "443", "cbs.example.com.", "", false},
             {"https://cbs.example.com.:8443/x", true, "cbs.example.com.", "8443", "cbs.example.com.:8443", "/x",
              false},
             {"https://localhost.", true, "localhost.", "443", "localhost.", "", false},
             {"https://192.0.2.1.", true, "192.0.2.1", "443", "192.0.2.1", "", true},
             {"https://192%2e0.2.1", true, "192.0.2.1", "443", "192.0.2.1", "", true},
             {"https://192.0.2.1.example.com:81/x", true, "192.0.2.1.example.com", "81", "192.0.2.1.example.com:81",
              "/x", false},
             {"https://1.example.com", true, "1.example.com", "443", "1.example.com", "", false},
             {"https://192.0.2.256", true, "192.0.2.256", "443", "192.0.2.256", "", false},
             {"https://cbs%2Eexample.com", true, "cbs.example.com", "443", "cbs.example.com", "", false},
             {"https://cbs_1.example.com/%5Bx%5D", true, "cbs_1.example.com", "443", "cbs_1.example.com", "/%5Bx%5D",
              false},
         }) {
        INFO(each.url);
        policy::base_url base;
        std::string why;
        REQUIRE_FALSE(policy::parse_base_url(each.url, base, &why));
        CHECK(why.empty());
        CHECK(base.tls == each.tls);
        CHECK(base.host == each.host);
        CHECK(base.port == each.port);
        CHECK(base.host_header == each.host_header);
        CHECK(base.path == each.path);
        CHECK(base.is_ip_literal == each.is_ip_literal);
    }
}

TEST_CASE("what is no base URL is refused, with the reason") {
    struct row {
        std::string url;
        const char* word;
    };
    for (const row& each : std::vector<row>{
             {"", "https://"},
             {"cbs.example.com", "https://"},
             {"cbs.example.com:8443", "https://"},
             {"//cbs.example.com", "https://"},
             {"/obs", "https://"},
             {"ftp://cbs.example.com", "https://"},
             {"https:", "host"},
             {"https://", "host"},
             {"https:///path", "host"},
             {"https://:8443", "host"},
             {" https://cbs.example.com", "https://"},
             {"https://cbs.example.com ", "https://"},
             {"https://cbs example.com", "https://"},
             {"https://cbs.example.com\r\nHost: evil", "https://"},
             {std::string("https://cbs.example.com\0", 24), "https://"},
             {"https://cbs.ex\xC3\xA4mple.com", "https://"},
             {"https://[2001:db8::1", "https://"},
             {"https://[2001:zz::1]", "https://"},
             {"https://[fe80::1%]", "zone"},
             {"https://[fe80::1%25eth 0]", "zone"},
             {"https://[fe80::1%25eth%0d%0a]", "zone"},
             {"https://[fe80::1%25a/b]", "https://"},
             {"https://[fe80::1%25a%25b]", "zone"},
             {"https://fe80::1%25eth0", "https://"},
             {"https://[192.0.2.1%25eth0]", "https://"},
             {"https://[v1.a]", "kind"},
             {"https://cbs%20example.com", "blank"},
             {"https://cbs.example.com%09", "blank"},
             {"https://cbs.example.com%0d%0aHost:%20evil.example", "https://"},
             {"https://cbs.example.com%0D%0AX%3A%20y", "control"},
             {"https://cbs.example.com%00", "control"},
             {"https://cbs.example.com%7f", "control"},
             {"https://cbs.ex%C3%A4mple.com", "ASCII"},
             {"https://cbs.example.com%2Fx", "character"},
             {"https://cbs.example.com%40evil.example", "character"},
             {"https://cbs.example.com%3A80", "character"},
             {"https://cbs,example.com", "character"},
             {"https://%5B::1%5D", "https://"},
             {"https://.", "dots"},
             {"https://..", "dots"},
             {"https://.example.com", "dots"},
             {"https://cbs..example.com", "dots"},
             {"https://cbs.example.com..", "dots"},
             {"https://cbs.example.com:0", "port"},
             {"https://cbs.example.com:65536", "port"},
             {"https://cbs.example.com:99999999999999999999", "port"},
             {"https://cbs.example.com?x=1", "query"},
             {"https://cbs.example.com/?", "query"},
             {"https://cbs.example.com/#top", "fragment"},
             {"https://api@cbs.example.com", "user"},
             {"https://@cbs.example.com", "user"},
             {"https://cbs.example.com/obs", "/obs"},
             {"https://cbs.example.com/obs/", "/obs"},
             {"https://cbs.example.com/backup/obs", "/obs"},
             {"https://cbs.example.com/obs/api/json/ListBackupJobMode.do", "/obs/api/json/ListBackupJobMode.do"},
             {"https://cbs.example.com/backup/obs/api/json/ListBackupJobMode.do",
              "/obs/api/json/ListBackupJobMode.do"}}) {
        INFO(each.url);
        policy::base_url base;
        std::string why;
        CHECK(policy::parse_base_url(each.url, base, &why) == errc::invalid_config);
        CHECK(why.find(each.word) != std::string::npos);
        CHECK(policy::parse_base_url(each.url, base, nullptr) == errc::invalid_config);
    }
}

TEST_CASE("a password in a URL is refused and not repeated") {
    for (const char* const url :
         {"https://api:s3cret-word@cbs.example.com", "https://api:s3cret-word@cbs.example.com:99999",
          "http://:s3cret-word@cbs.example.com", "https://api:s3cret-word@",
          "https://api:s3cret-word@cbs example.com"}) {
        INFO(url);
        policy::base_url base;
        std::string why;
        CHECK(policy::parse_base_url(url, base, &why) == errc::invalid_config);
        CHECK_FALSE(why.empty());
        CHECK(why.find("s3cret") == std::string::npos);
    }
}

TEST_CASE("pins are read as curl writes them") {
    // printf '' | openssl dgst -sha256 -binary | base64
    const std::string digest_of_nothing = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    std::vector<policy::pin> pins;
    REQUIRE(policy::parse_pins(digest_of_nothing, pins));
    const policy::pin expected{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
                               0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
                               0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    REQUIRE(pins.size() == 1);
    CHECK(pins[0] == expected);

    REQUIRE(policy::parse_pins(good_pin + ";" + digest_of_nothing, pins));
    REQUIRE(pins.size() == 3);
    CHECK(pins[1] == policy::pin{});
    CHECK(pins[2] == expected);
    REQUIRE(policy::parse_pins("", pins));
    CHECK(pins.size() == 3);
}

TEST_CASE("what is no pin is refused, and adds nothing") {
    const std::string digest = good_pin.substr(8);
    for (const std::string& text : std::vector<std::string>{"sha256//",
                                                            digest,
                                                            "sha256/" + digest,
                                                            "sha1//" + digest,
                                                            "SHA256//" + digest,
                                                            " " + good_pin,
                                                            good_pin + " ",
                                                            good_pin + "\n",
                                                            good_pin + "=",
                                                            good_pin.substr(0, good_pin.size() - 1),
                                                            "sha256//" + digest.substr(1),
                                                            "sha256//A" + digest,
                                                            "sha256//" + std::string(44, 'A'),
                                                            "sha256//" + std::string(43, '=') + "=",
                                                            "sha256//" + std::string(42, 'A') + "==",
                                                            "sha256//" + std::string(42, 'A') + "B=",
                                                            "sha256//" + std::string(42, 'A') + "-=",
                                                            "sha256//" + std::string(42, 'A') + "_=",
                                                            std::string("sha256//") + std::string(42, 'A') + '\0' + "=",
                                                            ";" + good_pin,
                                                            good_pin + ";;" + good_pin,
                                                            good_pin + "," + good_pin,
                                                            good_pin + ";sha256//" + digest.substr(1)}) {
        INFO(text);
        std::vector<policy::pin> pins(1);
        CHECK_FALSE(policy::parse_pins(text, pins));
        CHECK(pins.size() == 1);
    }
}

TEST_CASE("a configuration of the needed parts alone is valid") {
    std::string why = "untouched";
    CHECK_FALSE(good_config().validate(&why));
    CHECK(why == "untouched");
    CHECK_FALSE(good_config().validate());
}

TEST_CASE("plain http needs to be allowed") {
    client_config config = good_config();
    config.url = "http://cbs.example.com";
    std::string why;
    CHECK(config.validate(&why) == errc::plain_http_refused);
    CHECK(why.find("https://") != std::string::npos);
    config.allow_http = true;
    CHECK_FALSE(config.validate());
}

TEST_CASE("whatever else is valid is taken") {
    using change = std::function<void(client_config&)>;
    for (const change& each : std::vector<change>{
             [](client_config& c) { c.sys_user = "j\xC3\xB6rg"; }, [](client_config& c) { c.user_agent.clear(); },
             [](client_config& c) { c.sys_pwd = secret("p\xC3\xA4ss\tw\xC3\xB6rd \"\\"); },
             [](client_config& c) { c.tls.insecure = true; }, [](client_config& c) { c.tls.ca_file = "ca.pem"; },
             [](client_config& c) { c.tls.pinned_public_key = good_pin; },
             [](client_config& c) {
                 c.tls.pinned_public_key = good_pin;
                 c.tls.ca_file = "ca.pem";
             },
             [](client_config& c) { c.tls.client_cert_file = c.tls.client_key_file = "both.pem"; },
             [](client_config& c) { c.pool.max_connections = c.pool.max_connecting = 1; },
             [](client_config& c) { c.pool.idle_timeout = 0ms; },
             [](client_config& c) { c.timeouts.connect = c.timeouts.read = c.timeouts.handshake = 0ms; },
             [](client_config& c) { c.retry.max_retries = 0; }, [](client_config& c) { c.retry.budget_ratio = 0; },
             [](client_config& c) { c.concurrency.max_in_flight = 100'000; },
             [](client_config& c) { c.concurrency.initial = c.concurrency.ceiling = 1; },
             [](client_config& c) { c.rate.queries_per_second = 0.1; }, [](client_config& c) { c.pipeline_depth = 8; },
             [](client_config& c) { c.limits.answer_bytes = 0; }}) {
        client_config config = good_config();
        each(config);
        std::string why;
        CHECK_FALSE(config.validate(&why));
        CHECK(why.empty());
    }
}

TEST_CASE("whatever is invalid is refused, with a sentence that names it and never the password") {
    const double infinity = std::numeric_limits<double>::infinity();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    struct row {
        const char* word;
        std::function<void(client_config&)> change;
    };
    for (const row& each : std::vector<row>{
             {"user", [](client_config& c) { c.sys_user.clear(); }},
             {"user", [](client_config& c) { c.sys_user = "a\nb"; }},
             {"user", [](client_config& c) { c.sys_user = "a\r"; }},
             {"user", [](client_config& c) { c.sys_user = std::string("a\0b", 3); }},
             {"user", [](client_config& c) { c.sys_user = "\x7F"; }},
             {"user", [](client_config& c) { c.sys_user = "\xC3"; }},
             {"user", [](client_config& c) { c.sys_user = "\xED\xA0\x80"; }},
             {"password", [](client_config& c) { c.sys_pwd = secret(); }},
             {"password", [](client_config& c) { c.sys_pwd = secret("s3cret-word\xFF"); }},
             {"user agent", [](client_config& c) { c.user_agent = "a\r\nX: y"; }},
             {"user agent", [](client_config& c) { c.user_agent = std::string("a\0", 2); }},
             {"pin", [](client_config& c) { c.tls.pinned_public_key = "sha256//nonsense"; }},
             {"insecure",
              [](client_config& c) {
                  c.tls.insecure = true;
                  c.tls.ca_file = "ca.pem";
              }},
             {"insecure",
              [](client_config& c) {
                  c.tls.insecure = true;
                  c.tls.pinned_public_key = good_pin;
              }},
             {"key", [](client_config& c) { c.tls.client_cert_file = "cert.pem"; }},
             {"certificate", [](client_config& c) { c.tls.client_key_file = "key.pem"; }},
             {"max_connections", [](client_config& c) { c.pool.max_connections = static_cast<std::size_t>(-1); }},
             {"max_connecting", [](client_config& c) { c.pool.max_connecting = 0; }},
             {"time", [](client_config& c) { c.pool.idle_timeout = -1ms; }},
             {"time", [](client_config& c) { c.pool.max_lifetime = -1ms; }},
             {"time", [](client_config& c) { c.timeouts.connect = -1ms; }},
             {"time", [](client_config& c) { c.timeouts.handshake = -1ms; }},
             {"time", [](client_config& c) { c.timeouts.read = -1ms; }},
             {"time", [](client_config& c) { c.timeouts.total = -1ms; }},
             {"time", [](client_config& c) { c.timeouts.total = std::chrono::milliseconds::max(); }},
             {"time", [](client_config& c) { c.timeouts.total = std::chrono::milliseconds::min(); }},
             {"time", [](client_config& c) { c.timeouts.connection_attempt_delay = -1ms; }},
             {"time", [](client_config& c) { c.retry.initial_backoff = -1ms; }},
             {"time", [](client_config& c) { c.retry.max_backoff = std::chrono::milliseconds::max(); }},
             {"time", [](client_config& c) { c.retry.max_retry_after = -1ms; }},
             {"budget_ratio", [](client_config& c) { c.retry.budget_ratio = -0.1; }},
             {"budget_ratio", [=](client_config& c) { c.retry.budget_ratio = nan; }},
             {"budget_ratio", [=](client_config& c) { c.retry.budget_ratio = infinity; }},
             {"concurrency", [](client_config& c) { c.concurrency.initial = 0; }},
             {"concurrency", [](client_config& c) { c.concurrency.ceiling = 3; }},
             {"concurrency", [](client_config& c) { c.concurrency.ceiling = 0; }},
             {"queries_per_second", [](client_config& c) { c.rate.queries_per_second = -1; }},
             {"queries_per_second", [=](client_config& c) { c.rate.queries_per_second = nan; }},
             {"queries_per_second", [=](client_config& c) { c.rate.queries_per_second = infinity; }},
             {"burst", [](client_config& c) { c.rate.burst = 0.99; }},
             {"burst", [=](client_config& c) { c.rate.burst = nan; }},
             {"burst", [=](client_config& c) { c.rate.burst = infinity; }},
             {"pipeline_depth", [](client_config& c) { c.pipeline_depth = 0; }},
             {"pipeline_depth", [](client_config& c) { c.pipeline_depth = 100'000; }},
             {"header_bytes", [](client_config& c) { c.header_bytes = 0; }},
             {"header_bytes", [](client_config& c) { c.header_bytes = static_cast<std::size_t>(-1); }},
             {"depth", [](client_config& c) { c.limits.depth = 2; }},
             {"field", [](client_config& c) { c.limits.field_bytes = 0; }}}) {
        client_config config = good_config();
        each.change(config);
        std::string why;
        INFO(each.word);
        CHECK(config.validate(&why) == errc::invalid_config);
        INFO(why);
        CHECK(why.find(each.word) != std::string::npos);
        CHECK(why.find("s3cret") == std::string::npos);
        CHECK(config.validate() == errc::invalid_config);
    }
}

}  // namespace config_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Whom the client trusts, and that it tells nothing to whom it does not.
#include <openssl/ssl.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "integration/scripted_server.hpp"
#include "integration/support.hpp"
#include "net/tls_context.hpp"

namespace tls_test {

using namespace jobmode;
using namespace std::chrono_literals;
using test::scripted_connection;
using test::scripted_server;
using test::scripted_tls;

namespace {

using std::chrono::June;
using std::chrono::year;

const query example("obm", year(2024) / June / 26);

/// Two authorities, and certificates of every kind.
struct papers {
    sim::certificate authority = sim::make_authority("an authority");
    sim::certificate stranger = sim::make_authority("another authority");
    test::temporary_file authority_file{authority.pem};
    test::temporary_file stranger_file{stranger.pem};
    sim::certificate good = make({});
    sim::certificate middle = make([](sim::certificate_options& options) {
        options.common_name = "an authority in the middle";
        options.authority = true;
    });
    sim::certificate old_middle = make([](sim::certificate_options& options) {
        options.common_name = "an authority that was";
        options.authority = true;
        options.not_before = -2h;
        options.not_after = -1h;
    });
    sim::certificate below = sim::make_certificate(sim::certificate_options(), &middle);
    sim::certificate below_old = sim::make_certificate(sim::certificate_options(), &old_middle);
    sim::certificate expired = make([](sim::certificate_options& options) {
        options.not_before = -2h;
        options.not_after = -1h;
    });
    sim::certificate elsewhere = make([](sim::certificate_options& options) { options.names = {"elsewhere.example"}; });
    test::temporary_file good_file{good.pem};
    test::temporary_file middle_file{middle.pem};
    test::temporary_file old_middle_file{old_middle.pem};
    test::temporary_file below_file{below.pem};
    test::temporary_file expired_file{expired.pem};
    test::temporary_file elsewhere_file{elsewhere.pem};
    test::temporary_file two_file{stranger.pem + middle.pem};
    sim::certificate client = make({});
    sim::certificate strange_client = sim::make_certificate(sim::certificate_options(), &stranger);
    test::temporary_file client_cert{client.pem};
    test::temporary_file client_key{client.key_pem};
    test::temporary_file strange_client_cert{strange_client.pem};
    test::temporary_file strange_client_key{strange_client.key_pem};

    sim::certificate make(const std::function<void(sim::certificate_options&)>& change, bool self_signed = false) {
        sim::certificate_options options;
        if (change)
            change(options);
        return sim::make_certificate(options, self_signed ? nullptr : &authority);
    }
};

void answer_all(scripted_connection& one, std::size_t) {
    while (!one.read_request().empty())
        one.send(test::http_answer(test::good_body()));
}

struct row {
    const char* name;
    std::function<void(scripted_tls&)> server;
    std::function<void(client_config&)> client;
    std::optional<errc> error;
};

std::vector<row> rows(papers& all) {
    const auto named = [&all](std::vector<std::string> names, bool self_signed = false) {
        return all.make([&](sim::certificate_options& options) { options.names = std::move(names); }, self_signed);
    };
    const auto dated = [&all](std::chrono::seconds from, std::chrono::seconds until, bool self_signed = false) {
        return all.make(
            [&](sim::certificate_options& options) {
                options.not_before = from;
                options.not_after = until;
            },
            self_signed);
    };
    const sim::certificate self_signed = all.make({}, true);
    const sim::certificate expired_self_signed = dated(-2h, -1h, true);
    const sim::certificate elsewhere = named({"elsewhere.example"});
    const auto identity = [](const sim::certificate& which) {
        return [which](scripted_tls& server) { server.identity = which; };
    };
    const auto pinned = [](const std::string& pin) {
        return [pin](client_config& config) {
            config.tls.ca_file.clear();
            config.tls.pinned_public_key = pin;
        };
    };
    const auto also_pinned = [](const std::string& pin) {
        return [pin](client_config& config) { config.tls.pinned_public_key = pin; };
    };
    const auto trusting = [](const test::temporary_file& file) {
        return [path = file.path()](client_config& config) { config.tls.ca_file = path; };
    };
    const auto by_address = [](client_config& config) { config.url.replace(8, 9, "127.0.0.1"); };
    const auto versions = [](int lowest, int highest) {
        return [=](scripted_tls& server) {
            server.lowest = lowest;
            server.highest = highest;
        };
    };
    const auto asking = [&all](bool demanded, int version) {
        return [&all, demanded, version](scripted_tls& server) {
            server.client_ca = all.authority.pem;
            server.demanded = demanded;
            server.lowest = server.highest = version;
        };
    };
    const auto showing = [&all](client_config& config) {
        config.tls.client_cert_file = all.client_cert.path();
        config.tls.client_key_file = all.client_key.path();
    };
    const auto showing_a_strange_one = [&all](client_config& config) {
        config.tls.client_cert_file = all.strange_client_cert.path();
        config.tls.client_key_file = all.strange_client_key.path();
    };
    return {
        {"a good one", {}, {}, std::nullopt},
        {"expired", identity(dated(-2h, -1h)), {}, errc::certificate_rejected},
        {"not yet valid", identity(dated(1h, 2h)), {}, errc::certificate_rejected},
        {"another name", identity(elsewhere), {}, errc::certificate_rejected},
        {"another authority",
         {},
         [&all](client_config& config) { config.tls.ca_file = all.stranger_file.path(); },
         errc::certificate_rejected},
        {"the system's store does not know it",
         {},
         [](client_config& config) { config.tls.ca_file.clear(); },
         errc::certificate_rejected},
        {"self-signed, no pin", identity(self_signed), {}, errc::certificate_rejected},
        {"self-signed, pinned", identity(self_signed), pinned(self_signed.pin), std::nullopt},
        {"self-signed and expired, pinned", identity(expired_self_signed), pinned(expired_self_signed.pin),
         std::nullopt},
        {"another name, pinned", identity(elsewhere), pinned(elsewhere.pin), std::nullopt},
        {"self-signed, another pin", identity(self_signed), pinned(all.good.pin), errc::pin_mismatch},
        {"one pin of two", identity(self_signed), pinned(all.good.pin + ";" + self_signed.pin), std::nullopt},
        {"chain and pin", {}, also_pinned(all.good.pin), std::nullopt},
        {"a good chain, another pin", {}, also_pinned(self_signed.pin), errc::pin_mismatch},
        {"the pin, but no chain", identity(self_signed), also_pinned(self_signed.pin), errc::certificate_rejected},
        {"the pin, but another name", identity(elsewhere), also_pinned(elsewhere.pin), errc::certificate_rejected},
        {"an authority in the middle, trusted alone", identity(all.below), trusting(all.middle_file), std::nullopt},
        {"an authority in the middle, trusted beside another", identity(all.below), trusting(all.two_file),
         std::nullopt},
        {"an authority in the middle, not shown by the server", identity(all.below), {}, errc::certificate_rejected},
        {"an authority in the middle, of another certificate",
         {},
         trusting(all.middle_file),
         errc::certificate_rejected},
        {"an authority in the middle, expired", identity(all.below_old), trusting(all.old_middle_file),
         errc::certificate_rejected},
        {"an authority in the middle, and a pin", identity(all.below),
         [&all](client_config& config) {
             config.tls.ca_file = all.middle_file.path();
             config.tls.pinned_public_key = all.below.pin;
         },
         std::nullopt},
        {"an authority in the middle, and another pin", identity(all.below),
         [&all](client_config& config) {
             config.tls.ca_file = all.middle_file.path();
             config.tls.pinned_public_key = all.good.pin;
         },
         errc::pin_mismatch},
        {"the server's own certificate, trusted alone", {}, trusting(all.good_file), std::nullopt},
        {"the server's own certificate below the middle, trusted alone", identity(all.below), trusting(all.below_file),
         std::nullopt},
        {"the certificate of another server, trusted alone", identity(all.below), trusting(all.good_file),
         errc::certificate_rejected},
        {"the server's own certificate, expired", identity(all.expired), trusting(all.expired_file),
         errc::certificate_rejected},
        {"the server's own certificate, for another name", identity(all.elsewhere), trusting(all.elsewhere_file),
         errc::certificate_rejected},
        {"insecure takes any", identity(expired_self_signed),
         [](client_config& config) {
             config.tls.ca_file.clear();
             config.tls.insecure = true;
         },
         std::nullopt},
        {"an IP address", identity(named({"127.0.0.1"})), by_address, std::nullopt},
        {"a name, asked for by IP address", identity(named({"localhost"})), by_address, errc::certificate_rejected},
        {"another IP address", identity(named({"127.0.0.2"})), by_address, errc::certificate_rejected},
        {"an IP address, asked for by name", identity(named({"127.0.0.1"})), {}, errc::certificate_rejected},

        {"TLS 1.2", versions(TLS1_2_VERSION, TLS1_2_VERSION), {}, std::nullopt},
        {"TLS 1.3", versions(TLS1_3_VERSION, TLS1_3_VERSION), {}, std::nullopt},
        {"TLS 1.1 only", versions(TLS1_1_VERSION, TLS1_1_VERSION), {}, errc::handshake_failed},
        {"TLS 1.2, when 1.3 is asked for", versions(TLS1_2_VERSION, TLS1_2_VERSION),
         [](client_config& config) { config.tls.tls13_only = true; }, errc::handshake_failed},

        {"a client certificate, given, 1.2", asking(true, TLS1_2_VERSION), showing, std::nullopt},
        {"a client certificate, given, 1.3", asking(true, TLS1_3_VERSION), showing, std::nullopt},
        {"a client certificate, not given, 1.2", asking(true, TLS1_2_VERSION), {}, errc::handshake_failed},
        {"a client certificate, not given, 1.3", asking(true, TLS1_3_VERSION), {}, errc::handshake_failed},
        {"a client certificate of a stranger, 1.2", asking(true, TLS1_2_VERSION), showing_a_strange_one,
         errc::handshake_failed},
        {"a client certificate of a stranger, 1.3", asking(true, TLS1_3_VERSION), showing_a_strange_one,
         errc::handshake_failed},
        {"a client certificate, asked for but not needed", asking(false, 0), {}, std::nullopt},
        {"a client certificate for a server that fails the check",
         [&all, expired = dated(-2h, -1h)](scripted_tls& server) {
             server.client_ca = all.authority.pem;
             server.identity = expired;
         },
         showing, errc::certificate_rejected},
    };
}

client_config config_for(const scripted_server& server) {
    client_config config("https://localhost:" + std::to_string(server.port()));
    config.sys_user = "system";
    config.sys_pwd = secret("system1");
    config.retry.initial_backoff = 1ms;
    return config;
}

/// Whether a client that asks for `host` takes a certificate, in memory.
bool accepts(papers& all, const std::string& host, bool is_address, const std::vector<std::string>& names) {
    tls_config config;
    config.ca_file = all.authority_file.path();
    net::tls_context context(config, host, is_address);
    const net::ssl_ptr client = context.make_connection();
    const sim::certificate identity = all.make([&](sim::certificate_options& options) { options.names = names; });
    scripted_tls options;
    options.identity = identity;
    const net::ssl_ptr server = test::make_server_side(options);
    BIO* ours = nullptr;
    BIO* theirs = nullptr;
    REQUIRE(BIO_new_bio_pair(&ours, 0, &theirs, 0) == 1);
    SSL_set_bio(client.get(), ours, ours);
    SSL_set_bio(server.get(), theirs, theirs);
    for (int round = 0; round != 10; ++round) {
        const int result = SSL_do_handshake(client.get());
        if (result == 1)
            return true;
        if (SSL_get_error(client.get(), result) != SSL_ERROR_WANT_READ)
            return false;
        SSL_do_handshake(server.get());
    }
    return false;
}

}  // namespace

TEST_CASE("a server is trusted or not by its certificate, and one that is not is told nothing") {
    papers all;
    for (const row& one : rows(all)) {
        INFO(one.name);
        scripted_tls options;
        options.identity = all.good;
        if (one.server)
            one.server(options);
        scripted_server server(&options, answer_all);
        client_config config = config_for(server);
        config.tls.ca_file = all.authority_file.path();
        if (one.client)
            one.client(config);
        asio::io_context context(1);
        client client(context.get_executor(), config);
        const test::ending seen = test::ask(context, client, example);
        CHECK(error_name(seen.error) == error_name(one.error ? make_error_code(*one.error) : error_code()));
        if (one.error) {
            CHECK(seen.diagnostics.phase == phase::handshake);
            CHECK(seen.diagnostics.attempt == 1);
            CHECK(server.connections() == 1);
            CHECK(server.application_bytes() == 0);
            CHECK(server.client_certificates() == 0);
        } else {
            CHECK(seen.records.size() == 1);
        }
    }
}

TEST_CASE("wildcards and IP addresses in certificates mean what RFC 6125 says") {
    papers all;
    CHECK(accepts(all, "cbs.example.com", false, {"cbs.example.com"}));
    CHECK(accepts(all, "CBS.example.com", false, {"cbs.EXAMPLE.com"}));
    CHECK(accepts(all, "cbs.example.com", false, {"*.example.com"}));
    CHECK_FALSE(accepts(all, "example.com", false, {"*.example.com"}));
    CHECK_FALSE(accepts(all, "a.cbs.example.com", false, {"*.example.com"}));
    CHECK_FALSE(accepts(all, "cbs.example.com", false, {"c*.example.com"}));
    CHECK_FALSE(accepts(all, "example.com", false, {"*.com"}));
    CHECK_FALSE(accepts(all, "cbs.example.com", false, {"cbs.*.com"}));
    CHECK_FALSE(accepts(all, "cbs.example.com.evil.example", false, {"cbs.example.com"}));
    CHECK(accepts(all, "cbs.example.com.", false, {"cbs.example.com"}));
    CHECK(accepts(all, "cbs.example.com.", false, {"*.example.com"}));
    CHECK_FALSE(accepts(all, "cbs.example.com.", false, {"example.com"}));
    CHECK_FALSE(accepts(all, "cbs.example.com.", false, {"cbs.example.com.evil.example"}));
    CHECK(accepts(all, "fe80::7%eth0", true, {"fe80::7"}));
    CHECK_FALSE(accepts(all, "fe80::7%eth0", true, {"fe80::8"}));
    CHECK(accepts(all, "192.0.2.7", true, {"192.0.2.7"}));
    CHECK(accepts(all, "2001:db8::7", true, {"2001:db8::7"}));
    CHECK_FALSE(accepts(all, "192.0.2.7", true, {"192.0.2.8"}));
    CHECK_FALSE(accepts(all, "192.0.2.7", true, {"example.com"}));
}

TEST_CASE("a server is told its name without the dot at the end, and no address") {
    const auto told = [](const char* host, bool is_address) {
        net::tls_context context(tls_config(), host, is_address);
        const net::ssl_ptr ssl = context.make_connection();
        REQUIRE(ssl);
        const char* const name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name);
        return std::string(name ? name : "");
    };
    CHECK(told("cbs.example.com", false) == "cbs.example.com");
    CHECK(told("cbs.example.com.", false) == "cbs.example.com");
    CHECK(told("localhost.", false) == "localhost");
    CHECK(told("192.0.2.7", true).empty());
    CHECK(told("fe80::7%eth0", true).empty());
}

TEST_CASE("an answer that ends with its connection is whole without close_notify once its document is") {
    struct row {
        std::string answer;
        bool in_order;
        std::optional<errc> error;
    };
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::string body = test::good_body();
    const std::string refusal = R"({"Status":"Error","Message":"no","ExptType":"x"})";
    const std::string size = std::to_string(body.size() + 1);
    for (const row& each : std::vector<row>{
             {ok + "\r\n" + body, true, std::nullopt},
             {ok + "\r\n" + body, false, std::nullopt},
             {ok + "Connection: close\r\n\r\n" + body + "\r\n", false, std::nullopt},
             {"HTTP/1.0 200 OK\r\n\r\n" + body, false, std::nullopt},
             {ok + "\r\n" + refusal, false, errc::api_error},
             {ok + "\r\n{}", false, errc::no_status},
             {ok + "\r\n" + body.substr(0, body.size() - 1), true, errc::truncated},
             {ok + "\r\n" + body.substr(0, body.size() - 1), false, errc::connection_lost},
             {ok + "\r\n" + body.substr(0, 1), false, errc::connection_lost},
             {ok + "\r\n", false, errc::connection_lost},
             {ok + "\r\n \r\n", false, errc::connection_lost},
             {ok + "\r\n<html>", false, errc::not_json},
             {ok + "\r\n" + body + "x", false, errc::trailing_data},
             {ok, false, errc::connection_lost},
             {ok + "Content-Length: " + size + "\r\n\r\n" + body, false, errc::connection_lost},
             {ok + "Transfer-Encoding: chunked\r\n\r\n" + test::chunked(body, 1000).substr(0, body.size() + 6), false,
              errc::connection_lost},
             {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                  test::chunked(body, 1000).substr(0, body.size() + 6),
              false, errc::connection_lost},
             {"HTTP/1.1 404 Not Found\r\n\r\n<html>", false, errc::http_status},
         }) {
        INFO(each.answer << (each.in_order ? ", closed" : ", cut"));
        scripted_tls options;
        options.identity = sim::make_certificate(sim::certificate_options(), nullptr);
        scripted_server server(&options, [&each](scripted_connection& one, std::size_t) {
            one.read_request();
            one.send(each.answer);
            if (each.in_order)
                one.close();
            else
                one.cut();
        });
        client_config config = config_for(server);
        config.tls.pinned_public_key = options.identity.pin;
        config.retry.max_retries = 0;
        asio::io_context context(1);
        client client(context.get_executor(), config);
        const test::ending seen = test::ask(context, client, example);
        CHECK(error_name(seen.error) == error_name(each.error ? make_error_code(*each.error) : error_code()));
        CHECK(seen.records.size() == (each.error ? 0 : 1));
    }
}

TEST_CASE("a list of users or of jobs is whole without close_notify once its document is") {
    const bool whole = GENERATE(true, false);
    const bool users = GENERATE(true, false);
    scripted_tls options;
    options.identity = sim::make_certificate(sim::certificate_options(), nullptr);
    scripted_server server(&options, [=](scripted_connection& one, std::size_t number) {
        one.read_request();
        const std::string body = users ? R"({"Status":"OK","User":[{"LoginName":"obm"}]})"
                                       : R"({"Status":"OK","Data":[{"BackupSetID":"1","BackupJob":["2"]}]})";
        // The first time it may be cut short; it is asked for again.
        one.send("HTTP/1.1 200 OK\r\n\r\n" + body.substr(0, body.size() - (whole || number != 0 ? 0 : 2)));
        one.cut();
    });
    client_config config = config_for(server);
    config.tls.pinned_public_key = options.identity.pin;
    asio::io_context context(1);
    client client(context.get_executor(), config);
    std::optional<std::size_t> found;
    const auto note = [&found](error_code ec, const auto& list) {
        CHECK(error_name(ec) == error_name(error_code()));
        found = list.size();
    };
    if (users)
        client.async_list_users(note);
    else
        client.async_list_backup_jobs("obm", note);
    REQUIRE(test::run_until(context, [&found] { return found.has_value(); }));
    CHECK(found == 1);
    CHECK(server.connections() == (whole ? 1 : 2));
}

TEST_CASE("a server that wants to negotiate anew is left, and the query asked again") {
    scripted_tls options;
    options.identity = sim::make_certificate(sim::certificate_options(), nullptr);
    options.highest = TLS1_2_VERSION;
    scripted_server server(&options, [](scripted_connection& one, std::size_t number) {
        if (number != 0) {
            answer_all(one, number);
            return;
        }
        one.read_request();
        one.send(test::http_answer(test::good_body()));
        one.read_request();
        one.renegotiate();
        // The client's answer is that it will not.
        one.read_request();
    });
    client_config config = config_for(server);
    config.tls.pinned_public_key = options.identity.pin;
    asio::io_context context(1);
    client client(context.get_executor(), config);
    CHECK_FALSE(test::ask(context, client, example).error);
    CHECK_FALSE(test::ask(context, client, example).error);
    CHECK(server.connections() == 2);
}

TEST_CASE("sessions are resumed where the server can, in both versions of TLS") {
    const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    const bool resumable = GENERATE(true, false);
    scripted_tls options;
    options.identity = sim::make_certificate(sim::certificate_options(), nullptr);
    options.lowest = options.highest = version;
    options.resumable = resumable;
    scripted_server server(&options, answer_all);
    client_config config = config_for(server);
    config.tls.pinned_public_key = options.identity.pin;
    config.pool.max_uses = 1;
    asio::io_context context(1);
    client client(context.get_executor(), config);
    for (int count = 0; count != 5; ++count)
        CHECK_FALSE(test::ask(context, client, example).error);
    CHECK(server.connections() == 5);
    CHECK(client.metrics().connections_resumed == (resumable ? 4 : 0));
    CHECK(server.resumed() == (resumable ? 4 : 0));
}

TEST_CASE("a server that speaks no TLS is told nothing") {
    scripted_server server(nullptr, [](scripted_connection& one, std::size_t) {
        one.send("HTTP/1.1 400 This is plain HTTP\r\nContent-Length: 0\r\n\r\n");
        one.wait_for_close();
    });
    client_config config = config_for(server);
    config.tls.insecure = true;
    asio::io_context context(1);
    client client(context.get_executor(), config);
    const test::ending seen = test::ask(context, client, example);
    CHECK(error_name(seen.error) == "handshake_failed");
    CHECK(client.metrics().bytes_sent == 0);
}

}  // namespace tls_test

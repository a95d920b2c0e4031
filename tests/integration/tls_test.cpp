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
    CHECK(accepts(all, "192.0.2.7", true, {"192.0.2.7"}));
    CHECK(accepts(all, "2001:db8::7", true, {"2001:db8::7"}));
    CHECK_FALSE(accepts(all, "192.0.2.7", true, {"192.0.2.8"}));
    CHECK_FALSE(accepts(all, "192.0.2.7", true, {"example.com"}));
}

TEST_CASE("an answer that ends with its connection is whole only with close_notify") {
    const bool in_order = GENERATE(true, false);
    scripted_tls options;
    options.identity = sim::make_certificate(sim::certificate_options(), nullptr);
    scripted_server server(&options, [in_order](scripted_connection& one, std::size_t) {
        one.read_request();
        one.send("HTTP/1.1 200 OK\r\n\r\n" + test::good_body());
        if (in_order)
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
    CHECK(error_name(seen.error) == error_name(in_order ? error_code() : make_error_code(errc::connection_lost)));
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

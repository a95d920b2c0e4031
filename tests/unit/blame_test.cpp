// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/blame.hpp"

#include <boost/system/errc.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "catch.hpp"

namespace blame_test {

using namespace jobmode;
using namespace std::chrono_literals;
using policy::rule;
using policy::subject;

namespace {

namespace system_errc = boost::system::errc;

/// A failure in few words.
struct seen {
    errc code;
    jobmode::phase phase = phase::read;
    unsigned status = 0;
    bool retry_after = false;
    bool kept = false;
    bool begun = false;
    error_code cause{};

    policy::failure failure() const {
        policy::failure all;
        all.code = code;
        all.cause = cause;
        all.phase = phase;
        all.http_status = status;
        if (retry_after)
            all.retry_after = 5s;
        all.kept = kept;
        all.answer_begun = begun;
        return all;
    }
};

/// What is known beside it.
struct known {
    bool answered_ever = true;
    bool kind_answered_ever = true;
    bool answered_since = true;
    bool others_open = false;
    unsigned lost = 1;
    unsigned unanswered = 1;
    unsigned strange = 1;

    policy::surroundings surroundings() const {
        policy::surroundings all;
        all.answered_ever = answered_ever;
        all.kind_answered_ever = kind_answered_ever;
        all.answered_since = answered_since;
        all.others_open = others_open;
        all.lost_in_a_row = lost;
        all.unanswered_in_a_row = unanswered;
        all.strange_in_a_row = strange;
        return all;
    }
};

constexpr known alone{false, false, false, false, 1, 1, 1};
constexpr known among_answers{true, true, true, true, 1, 1, 1};
constexpr known overtaken{true, true, false, true, 1, 1, 1};

struct row {
    const char* what;
    seen failure;
    known around;
    subject about;
    bool charged;
    bool overload;
    rule by;
};

error_code of_system(system_errc::errc_t code) {
    return {code, boost::system::system_category()};
}

}  // namespace

TEST_CASE("whose failure it was is decided by one table") {
    const error_code no_descriptors = of_system(system_errc::too_many_files_open);
    const error_code no_ports = of_system(system_errc::address_not_available);
    const error_code refused = of_system(system_errc::connection_refused);
    using enum errc;
    const std::vector<row> rows{
        // The query.
        {"an API error", {api_error}, among_answers, subject::query, true, false, rule::own_answer},
        {"broken JSON", {json_syntax, phase::decode}, among_answers, subject::query, true, false, rule::own_answer},
        {"a header that is too long",
         {http_header_limit},
         among_answers,
         subject::query,
         true,
         false,
         rule::own_answer},
        {"an encoded body", {content_encoded}, among_answers, subject::query, true, false, rule::own_answer},
        {"the first 404 of a kind that is answered",
         {http_status, phase::read, 404, false, false, true},
         among_answers,
         subject::query,
         true,
         false,
         rule::strange_among_answers},
        {"404 from a server that answers others",
         {http_status, phase::read, 404, false, false, true},
         {true, false, true, true, 1, 1, 7},
         subject::query,
         true,
         false,
         rule::strange_among_answers},
        {"a lone 503",
         {server_busy, phase::read, 503},
         among_answers,
         subject::query,
         true,
         true,
         rule::busy_among_answers},
        {"the fourth 503 in a row",
         {server_busy, phase::read, 503},
         {true, true, true, true, 1, policy::too_many_unanswered - 1, 1},
         subject::query,
         true,
         true,
         rule::busy_among_answers},
        {"a silence while others are answered",
         {read_timeout},
         among_answers,
         subject::query,
         true,
         true,
         rule::silent_among_answers},
        // One connection.
        {"a pooled connection that was dead",
         {connection_lost, phase::write, 0, false, true},
         among_answers,
         subject::connection,
         false,
         false,
         rule::stale_connection},
        {"the same, however many were lost",
         {connection_lost, phase::write, 0, false, true},
         {true, true, false, false, 9, 1, 1},
         subject::connection,
         false,
         false,
         rule::stale_connection},
        {"408 on a pooled connection",
         {http_status, phase::read, 408, false, true, true},
         among_answers,
         subject::connection,
         false,
         false,
         rule::stale_connection},
        {"408 on a fresh connection",
         {http_status, phase::read, 408, false, false, true},
         among_answers,
         subject::connection,
         true,
         false,
         rule::lost_connection},
        {"a reset before the answer on a fresh connection",
         {connection_lost},
         alone,
         subject::connection,
         true,
         false,
         rule::lost_connection},
        {"a reset in the answer on a pooled connection",
         {connection_lost, phase::read, 0, false, true, true},
         among_answers,
         subject::connection,
         true,
         false,
         rule::lost_connection},
        {"garbage in place of an answer",
         {http_malformed},
         among_answers,
         subject::connection,
         true,
         false,
         rule::lost_connection},
        {"garbage in an answer",
         {http_malformed, phase::read, 0, false, false, true},
         among_answers,
         subject::query,
         true,
         false,
         rule::own_answer},
        {"one connection more than the server takes",
         {connect_failed, phase::connect, 0, false, false, false, refused},
         {true, true, false, true, 1, 1, 1},
         subject::connection,
         false,
         true,
         rule::surplus_connection},
        {"a handshake that hangs while others are open",
         {handshake_timeout, phase::handshake},
         {true, true, false, true, 1, 1, 1},
         subject::connection,
         false,
         true,
         rule::surplus_connection},
        {"an alert in the handshake with nothing open",
         {handshake_failed, phase::handshake},
         {true, true, false, false, 1, 1, 1},
         subject::connection,
         false,
         false,
         rule::lost_opening},
        {"an alert in the handshake with nothing open, from a server that never answered",
         {handshake_failed, phase::handshake},
         alone,
         subject::server,
         false,
         true,
         rule::unreachable_server},
        {"a connection closed in the handshake",
         {connection_lost, phase::handshake},
         {true, true, false, false, 1, 1, 1},
         subject::connection,
         false,
         false,
         rule::lost_opening},
        {"a connection closed in the handshake, from a server that never answered",
         {connection_lost, phase::handshake},
         alone,
         subject::server,
         false,
         true,
         rule::unreachable_server},
        {"another certificate while others are trusted",
         {certificate_rejected, phase::handshake},
         {true, true, false, true, 1, 1, 1},
         subject::connection,
         false,
         false,
         rule::untrusted_connection},
        // The server.
        {"refused",
         {connect_failed, phase::connect, 0, false, false, false, refused},
         alone,
         subject::server,
         false,
         true,
         rule::unreachable_server},
        {"refused, after answers",
         {connect_failed, phase::connect, 0, false, false, false, refused},
         {true, true, false, false, 1, 1, 1},
         subject::server,
         false,
         true,
         rule::unreachable_server},
        {"unreachable",
         {connect_timeout, phase::connect},
         alone,
         subject::server,
         false,
         true,
         rule::unreachable_server},
        {"no address", {resolve_failed, phase::resolve}, alone, subject::server, false, true, rule::unreachable_server},
        {"a proxy that opens no tunnel",
         {proxy_refused, phase::proxy},
         alone,
         subject::server,
         false,
         true,
         rule::unreachable_server},
        {"a handshake that hangs with nothing open",
         {handshake_timeout, phase::handshake},
         alone,
         subject::server,
         false,
         true,
         rule::unreachable_server},
        {"alerts in three handshakes in a row",
         {handshake_failed, phase::handshake},
         {false, false, false, false, policy::too_many_lost, 1, 1},
         subject::server,
         false,
         true,
         rule::unreachable_server},
        {"three connections in a row lost with their queries",
         {connection_lost},
         {true, true, false, true, policy::too_many_lost, 1, 1},
         subject::server,
         false,
         true,
         rule::losing_server},
        {"503 and nobody was answered since",
         {server_busy, phase::read, 503},
         overtaken,
         subject::server,
         false,
         true,
         rule::busy_server},
        {"503 with Retry-After",
         {server_busy, phase::read, 503, true},
         among_answers,
         subject::server,
         false,
         true,
         rule::busy_server},
        {"many 503 in a row, sent before the last answer",
         {server_busy, phase::read, 503},
         {true, true, true, true, 1, policy::too_many_unanswered, 1},
         subject::server,
         false,
         true,
         rule::busy_server},
        {"a silence for all", {read_timeout}, overtaken, subject::server, false, true, rule::silent_server},
        {"many silences in a row",
         {read_timeout},
         {true, true, true, true, 1, policy::too_many_unanswered, 1},
         subject::server,
         false,
         true,
         rule::silent_server},
        {"404 from a server that never answered",
         {http_status, phase::read, 404, false, false, true},
         alone,
         subject::server,
         false,
         true,
         rule::strange_server},
        {"a page, twice, where this kind was answered",
         {not_json, phase::decode},
         {true, true, false, true, 1, 1, policy::too_many_strange},
         subject::server,
         false,
         true,
         rule::strange_server},
        {"redirected, twice, where this kind was answered",
         {redirected, phase::read, 302},
         {true, true, false, true, 1, 1, policy::too_many_strange},
         subject::server,
         false,
         true,
         rule::strange_server},
        // This machine.
        {"no descriptors",
         {connect_failed, phase::connect, 0, false, false, false, no_descriptors},
         alone,
         subject::machine,
         false,
         false,
         rule::exhausted_machine},
        {"no ports, while others are open",
         {connect_failed, phase::connect, 0, false, false, false, no_ports},
         {true, true, false, true, 1, 1, 1},
         subject::machine,
         false,
         false,
         rule::exhausted_machine},
        // Credentials.
        {"a refused password",
         {authentication_refused, phase::decode, 200},
         among_answers,
         subject::credentials,
         true,
         false,
         rule::refused_credentials},
        {"401",
         {authentication_refused, phase::read, 401},
         alone,
         subject::credentials,
         true,
         false,
         rule::refused_credentials},
        {"407",
         {proxy_authentication_required, phase::proxy, 407},
         alone,
         subject::credentials,
         true,
         false,
         rule::refused_credentials},
        // Trust.
        {"a certificate",
         {certificate_rejected, phase::handshake},
         alone,
         subject::trust,
         true,
         false,
         rule::untrusted_server},
        {"a pin",
         {pin_mismatch, phase::handshake},
         {true, true, false, false, 1, 1, 1},
         subject::trust,
         true,
         false,
         rule::untrusted_server},
    };
    std::vector<bool> reached(policy::rule_count);
    for (const row& each : rows) {
        INFO(each.what);
        const policy::verdict verdict = policy::judge(each.failure.failure(), each.around.surroundings());
        CHECK(verdict.about == each.about);
        CHECK(verdict.charged == each.charged);
        CHECK(verdict.overload == each.overload);
        CHECK(verdict.by == each.by);
        reached[static_cast<std::size_t>(verdict.by)] = true;
    }
    for (std::size_t index = 0; index != reached.size(); ++index) {
        INFO("row " << index);
        CHECK(reached[index]);
    }
}

TEST_CASE("what the API can say, and what it cannot") {
    for (int value = 1; value <= static_cast<int>(errc::source_failed); ++value) {
        const auto code = static_cast<errc>(value);
        INFO(error_name(code));
        const bool strange =
            code == errc::http_status || code == errc::redirected || code == errc::not_json || code == errc::no_status;
        const bool answer = code == errc::api_error || code == errc::no_such_user ||
                            (code >= errc::json_syntax && code <= errc::answer_limit && code != errc::no_status);
        CHECK(policy::is_strange(code) == strange);
        CHECK(policy::is_answer(code) == answer);
    }
    CHECK(policy::is_answer(error_code()));
    CHECK_FALSE(policy::is_strange(error_code()));
    CHECK_FALSE(policy::is_answer(of_system(system_errc::not_enough_memory)));
}

TEST_CASE("what a machine can run out of") {
    for (const system_errc::errc_t code :
         {system_errc::too_many_files_open, system_errc::too_many_files_open_in_system, system_errc::no_buffer_space,
          system_errc::not_enough_memory, system_errc::address_not_available,
          system_errc::resource_unavailable_try_again}) {
        CHECK(policy::is_local(of_system(code)));
        CHECK(policy::is_local(system_errc::make_error_code(code)));
    }
    for (const system_errc::errc_t code : {system_errc::connection_refused, system_errc::host_unreachable,
                                           system_errc::timed_out, system_errc::connection_reset})
        CHECK_FALSE(policy::is_local(of_system(code)));
    CHECK_FALSE(policy::is_local(error_code()));
}

}  // namespace blame_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/blame.hpp"

#include <boost/system/errc.hpp>
#include <boost/system/generic_category.hpp>

namespace jobmode::policy {
namespace {

constexpr verdict query_verdict(rule by, bool overload) noexcept {
    return {subject::query, true, overload, by};
}
constexpr verdict connection_verdict(rule by, bool charged, bool overload) noexcept {
    return {subject::connection, charged, overload, by};
}
constexpr verdict server_verdict(rule by) noexcept {
    return {subject::server, false, true, by};
}
constexpr verdict the_credentials{subject::credentials, true, false, rule::refused_credentials};

/// A connection that could not be opened, while none of its queries was at stake.
verdict judge_open(const failure& what, const surroundings& around) noexcept {
    if (is_local(what.cause))
        return {subject::machine, false, false, rule::exhausted_machine};
    if (what.code == errc::certificate_rejected || what.code == errc::pin_mismatch)
        return around.others_open ? connection_verdict(rule::untrusted_connection, false, false)
                                  : verdict{subject::trust, true, false, rule::untrusted_server};
    if (what.code == errc::proxy_authentication_required)
        return the_credentials;
    if (around.others_open)
        return connection_verdict(rule::surplus_connection, false, true);
    // From a server that has answered, an alert, a reset or bytes out of turn can be one connection's bad luck.
    const bool luck =
        what.code == errc::handshake_failed || what.code == errc::connection_lost || what.code == errc::http_malformed;
    return luck && around.answered_ever && around.lost_in_a_row < too_many_lost
               ? connection_verdict(rule::lost_opening, false, false)
               : server_verdict(rule::unreachable_server);
}

verdict judge_loss(const failure& what, const surroundings& around) noexcept {
    if (what.kept && !what.answer_begun)
        return connection_verdict(rule::stale_connection, false, false);
    return around.lost_in_a_row >= too_many_lost ? server_verdict(rule::losing_server)
                                                 : connection_verdict(rule::lost_connection, true, false);
}

verdict judge_strange(const surroundings& around) noexcept {
    if (!around.answered_ever)
        return server_verdict(rule::strange_server);
    if (!around.kind_answered_ever)
        return query_verdict(rule::strange_among_answers, false);
    return around.strange_in_a_row >= too_many_strange ? server_verdict(rule::strange_server)
                                                       : query_verdict(rule::strange_among_answers, false);
}

}  // namespace

bool is_strange(error_code code) noexcept {
    return code == errc::http_status || code == errc::redirected || code == errc::not_json || code == errc::no_status;
}

bool is_answer(error_code code) noexcept {
    return !code || code == errc::api_error || code == errc::no_such_user || code == errc::json_syntax ||
           code == errc::bad_utf8 || code == errc::truncated || code == errc::trailing_data ||
           code == errc::wrong_type || code == errc::duplicate_key || code == errc::depth_limit ||
           code == errc::field_limit || code == errc::answer_limit;
}

bool is_local(error_code cause) noexcept {
    namespace e = boost::system::errc;
    for (const e::errc_t local : {e::too_many_files_open, e::too_many_files_open_in_system, e::not_enough_memory,
                                  e::no_buffer_space, e::address_not_available, e::resource_unavailable_try_again})
        if (cause == local)
            return true;
    return false;
}

verdict judge(const failure& what, const surroundings& around) noexcept {
    switch (what.phase) {
        case phase::resolve:
        case phase::connect:
        case phase::proxy:
        case phase::handshake:
            return judge_open(what, around);
        case phase::none:
        case phase::write:
        case phase::read:
        case phase::decode:
            break;
    }
    if (what.code == errc::authentication_refused)
        return the_credentials;
    // 408 on a connection that was kept: the server had given it up before the request came.
    if (what.code == errc::connection_lost || (what.code == errc::http_malformed && !what.answer_begun) ||
        what.http_status == 408)
        return judge_loss(
            what.http_status == 408 ? failure{what.code, what.cause, what.phase, 408, {}, what.kept} : what, around);
    // Whoever was sent before the last answer came was overtaken by it, and is no witness that the server is well.
    const bool others_answered = around.answered_since && around.unanswered_in_a_row < too_many_unanswered;
    if (what.code == errc::server_busy)
        return what.retry_after || !others_answered ? server_verdict(rule::busy_server)
                                                    : query_verdict(rule::busy_among_answers, true);
    if (what.code == errc::read_timeout)
        return others_answered ? query_verdict(rule::silent_among_answers, true) : server_verdict(rule::silent_server);
    if (is_strange(what.code))
        return judge_strange(around);
    return query_verdict(rule::own_answer, false);
}

}  // namespace jobmode::policy

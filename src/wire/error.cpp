// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/error.hpp>

#include <array>
#include <cstddef>

namespace jobmode {
namespace {

struct entry {
    const char* name;
    const char* sentence;
};

// In the order of `errc`, from 1.
constexpr std::array entries{
    entry{"invalid_query", "the query cannot be sent"},
    entry{"invalid_config", "the configuration cannot be used"},
    entry{"plain_http_refused", "plain http would send the password in the clear and was not allowed"},
    entry{"resolve_failed", "the server's name has no address"},
    entry{"connect_failed", "the server could not be reached"},
    entry{"connect_timeout", "the server could not be reached in time"},
    entry{"proxy_refused", "the proxy refused to reach the server"},
    entry{"proxy_authentication_required", "the proxy asks for a user and a password, or for others"},
    entry{"handshake_failed", "the TLS handshake failed"},
    entry{"handshake_timeout", "the TLS handshake did not end in time"},
    entry{"certificate_rejected", "the server's certificate was not accepted"},
    entry{"pin_mismatch", "the server's public key is not the pinned one"},
    entry{"connection_lost", "the connection was lost before the answer was complete"},
    entry{"read_timeout", "the server was silent for too long"},
    entry{"total_timeout", "the query took longer than it may"},
    entry{"http_malformed", "the server's response is not well-formed HTTP"},
    entry{"http_header_limit",
          "the server's response has too much that is no body: header, interim responses, chunk extensions, trailers"},
    entry{"http_status", "the server answered with an unexpected HTTP status"},
    entry{"server_busy", "the server, or a proxy before it, cannot answer now"},
    entry{"redirected", "the server answered with a redirect, which is not followed"},
    entry{"content_encoded", "the answer is compressed, which was not asked for"},
    entry{"authentication_refused", "the server refused the system user or its password"},
    entry{"api_error", "the server answered with an error"},
    entry{"no_such_user", "the server does not know this backup user"},
    entry{"not_json", "the answer is not a JSON object"},
    entry{"json_syntax", "the answer is not well-formed JSON"},
    entry{"bad_utf8", "the answer is not well-formed UTF-8"},
    entry{"truncated", "the answer ends in the middle of the document"},
    entry{"trailing_data", "there is something behind the answer's end"},
    entry{"wrong_type", "the answer has a value of a wrong type"},
    entry{"no_status", "the answer has no Status, so it is not this API's"},
    entry{"duplicate_key", "the answer has a key twice that may stand once"},
    entry{"depth_limit", "the answer is nested deeper than the limit"},
    entry{"field_limit", "the answer has a text longer than the limit"},
    entry{"answer_limit", "the answer is longer than the limit"},
    entry{"queue_full", "more queries wait than may"},
    entry{"source_failed", "the source of the queries failed"},
};
static_assert(entries.size() == static_cast<std::size_t>(errc::source_failed));

const entry* find(int code) noexcept {
    const auto index = static_cast<std::size_t>(code) - 1;
    return index < entries.size() ? &entries[index] : nullptr;
}

class category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "jobmode"; }
    std::string message(int code) const override {
        const entry* found = find(code);
        return found ? found->sentence : "unknown error";
    }
};

}  // namespace

const boost::system::error_category& error_category() noexcept {
    static const category instance;
    return instance;
}

error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

std::string error_name(error_code code) {
    if (code.category() == error_category())
        if (const entry* found = find(code.value()))
            return found->name;
    return std::string(code.category().name()) + ":" + std::to_string(code.value());
}

std::string_view to_string(phase value) noexcept {
    switch (value) {
        case phase::none:
            return "none";
        case phase::resolve:
            return "resolve";
        case phase::connect:
            return "connect";
        case phase::proxy:
            return "proxy";
        case phase::handshake:
            return "handshake";
        case phase::write:
            return "write";
        case phase::read:
            return "read";
        case phase::decode:
            return "decode";
    }
    return "none";
}

diagnostics::diagnostics() = default;

std::string diagnostics::describe(error_code code) const {
    std::string text = code.message();
    std::string where;
    const auto add = [&](std::string_view part) {
        if (!where.empty())
            where += ", ";
        where += part;
    };
    if (phase != jobmode::phase::none)
        add(to_string(phase));
    if (http_status != 0 && http_status != 200)
        add("HTTP " + std::to_string(http_status));
    if (!excerpt.empty())
        add("at byte " + std::to_string(offset));
    if (attempt > 1)
        add("attempt " + std::to_string(attempt));
    if (!where.empty())
        text += " (" + where + ")";
    std::string more;
    const auto append = [&](std::string_view part) {
        if (part.empty())
            return;
        more += more.empty() ? ": " : "; ";
        more += part;
    };
    append(detail);
    if (detail.empty() && cause)
        append(cause.message());
    append(server_message);
    if (!excerpt.empty())
        append("near \"" + excerpt + "\"");
    return text + more;
}

}  // namespace jobmode

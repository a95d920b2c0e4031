// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Whatever the bytes and however they are cut, an exchange hands out the same heads and bodies, one response after the
// other, never more than it was given, and leaves no more with its caller than the limit. Where Beast's own parser,
// which is strict, takes a response, it finds the same one, and there is nothing to be repaired in its head.
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pieces.hpp"
#include "wire/exchange.hpp"
#include "wire/head_repair.hpp"

namespace http = boost::beast::http;

using namespace jobmode;
using jobmode::fuzz::require;

namespace {

constexpr std::size_t limit = 512;

struct response {
    unsigned status = 0;
    std::string retry_after;
    std::string location;
    std::string body;
    std::string cookie;
    bool content_encoded = false;
    bool done = false;
    bool keep_alive = false;

    friend bool operator==(const response&, const response&) = default;
};

struct collector final : wire::body_sink {
    void on_head(const wire::response_head& head, error_code&) override {
        require(!has_head, "a response has one head");
        require(head.status >= 200 && head.status <= 599, "a status is one of HTTP's, and not an interim one's");
        has_head = true;
        last.status = head.status;
        last.retry_after = head.retry_after;
        last.location = head.location;
        last.content_encoded = head.content_encoded;
        wire::parse_retry_after(head.retry_after, head.date,
                                std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000)));
    }
    void on_body(std::string_view piece, error_code&) override {
        require(has_head, "a body comes behind its head");
        require(!piece.empty(), "a piece of a body is never empty");
        last.body += piece;
    }

    bool has_head = false;
    response last;
};

struct conversation {
    error_code ec;
    std::vector<response> responses;
    std::size_t left = 0;

    friend bool operator==(const conversation&, const conversation&) = default;
};

/// Reads one response after the other, as the connection does: what is left of a piece is presented again with the
/// next.
conversation converse(const std::vector<std::string_view>& pieces) {
    conversation result;
    wire::exchange subject(limit, "/obs/api/json/ListBackupJobMode.do");
    subject.begin();
    collector sink;
    std::string pending;
    const auto end_response = [&] {
        sink.last.done = subject.done();
        sink.last.keep_alive = subject.done() && subject.keep_alive();
        sink.last.cookie = subject.cookie();
        require(subject.cookie().empty() || subject.cookie().starts_with("JSESSIONID="), "no other cookie is kept");
        result.responses.push_back(std::exchange(sink.last, {}));
        sink.has_head = false;
    };
    bool open = true;
    for (const std::string_view piece : pieces) {
        pending += piece;
        while (open && !pending.empty()) {
            const std::vector<char> bytes(pending.begin(), pending.end());
            const std::size_t taken = subject.feed({bytes.data(), bytes.size()}, sink, result.ec);
            require(taken <= bytes.size(), "no more is taken than was given");
            pending.erase(0, taken);
            if (result.ec) {
                open = false;
            } else if (subject.done()) {
                end_response();
                open = result.responses.back().keep_alive;
                if (open)
                    subject.begin();
            } else {
                require(pending.size() <= limit, "no more is left than the limit");
                break;
            }
        }
        // As while nothing is awaited: a blank line may be taken before the next response begins.
        if (open && (subject.done() || !subject.started()))
            pending.erase(0, subject.skip_blank_lines(pending));
    }
    if (!result.ec && open) {
        const bool started = subject.started();
        subject.finish(result.ec);
        require(started || result.ec, "nothing is no response");
        if (started)
            end_response();
    }
    if (!result.ec)
        result.left = pending.size();
    return result;
}

/// What a strict reader makes of the first response, if it takes it.
std::optional<response> read_strictly(std::string_view document) {
    std::size_t scanned = 0;
    const std::string_view head = document.substr(0, wire::end_of_head(document, scanned));
    http::response_parser<http::string_body> parser;
    parser.eager(true);
    error_code ec;
    while (!ec && !document.empty() && !parser.is_done())
        document.remove_prefix(parser.put({document.data(), document.size()}, ec));
    if (ec == http::error::need_more && document.empty())
        ec = {};
    if (parser.is_header_done())
        require(wire::repair_head(head) == head, "a head that a strict reader takes is left alone");
    if (!ec && parser.is_header_done() && !parser.is_done())
        parser.put_eof(ec);
    if (ec || !parser.is_done() || parser.get().result_int() < 200)
        return std::nullopt;
    response found;
    found.status = parser.get().result_int();
    found.body = parser.get().body();
    return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::input input = fuzz::split_input(data, size);
    const conversation whole = converse({input.document});
    const conversation parts = converse(fuzz::cut(input));
    require(parts == whole, "the result does not depend on the cuts");
    const std::string repaired = wire::repair_head(input.document);
    require(wire::repair_head(repaired) == repaired, "what is repaired once is repaired");
    if (const std::optional<response> strict = read_strictly(input.document); strict && !whole.responses.empty()) {
        require(strict->status == whole.responses.front().status, "the status is a strict reader's");
        require(strict->body == whole.responses.front().body, "the body is a strict reader's");
    }
    for (const response& each : whole.responses)
        require(each.body.size() <= input.document.size(), "a body is not longer than what was given");
    return 0;
}

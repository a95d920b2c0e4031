// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Each attempt as a span, in OpenTelemetry's JSON, a line each, for a collector's file receiver: spans URL
#include <jobmode/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <random>
#include <string>

#include "settings.hpp"

namespace {

namespace json = boost::json;
using std::chrono::steady_clock;

/// Random hexadecimal digits, as identifiers of traces and spans are.
std::string identifier(std::size_t digits) {
    static std::random_device source;
    static std::uniform_int_distribution<unsigned> digit(0, 15);
    std::string made;
    while (made.size() != digits)
        made += "0123456789abcdef"[digit(source)];
    return made;
}

json::object attribute(const char* key, json::string_view value) {
    return {{"key", key}, {"value", {{"stringValue", value}}}};
}

json::object attribute(const char* key, std::uint64_t value) {
    // Integers of 64 bits are strings in OpenTelemetry's JSON.
    return {{"key", key}, {"value", {{"intValue", std::to_string(value)}}}};
}

/// Writes attempts as spans of one trace.
class span_writer {
public:
    explicit span_writer(std::ostream& out) : out_(out), trace_(identifier(32)) {}

    void write(const jobmode::attempt_info& attempt) {
        json::array attributes{attribute("network.peer.address", attempt.address),
                               attribute("jobmode.connection", attempt.connection),
                               attribute("jobmode.attempt", attempt.number)};
        if (attempt.http_status != 0)
            attributes.push_back(attribute("http.response.status_code", attempt.http_status));
        if (!attempt.login_name.empty())
            attributes.push_back(attribute("enduser.id", attempt.login_name));
        attributes.push_back(attribute("http.request.size", attempt.bytes_sent));
        attributes.push_back(attribute("http.response.size", attempt.bytes_received));
        json::object status{{"code", attempt.error ? 2 : 1}};
        if (attempt.error) {
            attributes.push_back(attribute("error.type", jobmode::error_name(attempt.error)));
            status["message"] = attempt.error.message();
        }
        const json::object span{{"traceId", trace_},
                                {"spanId", identifier(16)},
                                {"name", attempt.command.empty() ? "connect" : attempt.command},
                                {"kind", 3},
                                {"startTimeUnixNano", on_the_wall(attempt.began)},
                                {"endTimeUnixNano", on_the_wall(attempt.ended)},
                                {"attributes", std::move(attributes)},
                                {"status", std::move(status)}};
        out_ << json::object{{"resourceSpans", {{{"scopeSpans", {{{"spans", {span}}}}}}}}} << '\n';
    }

private:
    /// Attempts are timed by a clock that does not jump; spans are told by the one on the wall.
    std::string on_the_wall(steady_clock::time_point when) const {
        const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(when - steady_);
        return std::to_string(std::chrono::nanoseconds(wall_.time_since_epoch() + since).count());
    }

    std::ostream& out_;
    std::string trace_;
    steady_clock::time_point steady_ = steady_clock::now();
    std::chrono::system_clock::time_point wall_ = std::chrono::system_clock::now();
};

boost::asio::awaitable<void> ask(jobmode::client_config config) {
    span_writer spans(std::cout);
    config.on_attempt = [&spans](const jobmode::attempt_info& attempt) { spans.write(attempt); };
    jobmode::client client(co_await boost::asio::this_coro::executor, std::move(config));
    const jobmode::query query("obm", "2024-06-26");
    for (int time = 0; time != 2; ++time)
        co_await client.async_list(query);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: spans URL\n";
        return 2;
    }
    try {
        boost::asio::io_context context(1);
        boost::asio::co_spawn(context, ask(settings(argv[1])), [](std::exception_ptr failure) {
            if (failure)
                std::rethrow_exception(failure);
        });
        context.run();
    } catch (const std::exception& failure) {
        std::cerr << "spans: " << failure.what() << '\n';
        return 1;
    }
    return 0;
}

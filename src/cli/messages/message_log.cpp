// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/message_log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <type_traits>

#include "cli/messages/terminal.hpp"
#include "store/file.hpp"
#include "store/json_text.hpp"
#include "wire/utf8.hpp"

namespace jobmode::cli {
namespace {

/// JSON is UTF-8, and a file's name, say, need not be.
void append_text(std::string& out, std::string_view text) {
    std::string plain(text);
    if (!wire::is_utf8(text))
        std::ranges::replace_if(
            plain, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
    std::string json;
    store::append_json_string(json, plain);
    out += terminal_json(json);
}

std::string time_text(std::chrono::system_clock::time_point now) {
    using namespace std::chrono;
    const auto whole = floor<milliseconds>(now);
    const auto day = floor<days>(whole);
    const year_month_day date(day);
    const hh_mm_ss time(whole - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                       time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

constexpr std::string_view name_of(message_log::level severity) noexcept {
    switch (severity) {
        case message_log::level::info:
            return "info";
        case message_log::level::warning:
            return "warning";
        case message_log::level::error:
            break;
    }
    return "error";
}

}  // namespace

void message_log::say(level severity, std::string_view event, std::string_view text,
                      std::initializer_list<field> fields) const {
    store::write_all(STDERR_FILENO, line(severity, event, text, fields, std::chrono::system_clock::now()));
}

std::string message_log::line(level severity, std::string_view event, std::string_view text,
                              std::initializer_list<field> fields, std::chrono::system_clock::time_point now) const {
    std::string out;
    if (!is_json()) {
        out = severity == level::info ? "" : "jobmode: ";
        out += terminal_text(text);
        out += '\n';
        return out;
    }
    out =
        fmt::format(R"({{"time":"{}","level":"{}","event":"{}","message":)", time_text(now), name_of(severity), event);
    append_text(out, text);
    for (const field& each : fields) {
        out += fmt::format(",\"{}\":", each.key);
        std::visit(
            [&](const auto& value) {
                if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string_view>)
                    append_text(out, value);
                else
                    out += fmt::format("{}", value);
            },
            each.value);
    }
    out += "}\n";
    return out;
}

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace jobmode::cli {

/// What the program says on stderr while it works: sentences for a person, or JSON for a service. Each message is
/// written at once, so that those of several threads do not mix. Thread-safe once its format is set.
class message_log {
public:
    enum class format {
        /// A line of text.
        text,
        /// A JSON object a line: `time` (UTC, `yyyy-MM-ddTHH:mm:ss.SSSZ`), `level` (info, warning, error), `event`,
        /// `message`, and the message's fields.
        json,
    };
    enum class level { info, warning, error };

    /// A detail of a message; its key is none of the four above.
    struct field {
        std::string_view key;
        std::variant<std::uint64_t, double, std::string_view> value;
    };

    /// How messages are written.
    format written = format::text;

    bool is_json() const noexcept { return written == format::json; }
    /// Says something: `text` is a sentence for a person; `event`, a word, and `fields` are for a program.
    void say(level severity, std::string_view event, std::string_view text,
             std::initializer_list<field> fields = {}) const;
    /// The line that `say` writes at that time.
    std::string line(level severity, std::string_view event, std::string_view text, std::initializer_list<field> fields,
                     std::chrono::system_clock::time_point now) const;
};

}  // namespace jobmode::cli

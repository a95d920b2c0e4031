// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <variant>

namespace jobmode::cli {

/// What the program says on stderr while it works. Each message is written at once, so that those of several threads do
/// not mix. Thread-safe.
class message_log {
public:
    enum class level { info, warning, error };

    /// A detail of a message.
    struct field {
        std::string_view key;
        std::variant<std::uint64_t, double, std::string_view> value;
    };

    /// Says something: `text` is a sentence for a person; `event`, a word, and `fields` are for a program.
    void say(level severity, std::string_view event, std::string_view text,
             std::initializer_list<field> fields = {}) const;
};

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/rhythm.hpp"

namespace jobmode::report {

/// Whom an expectation may be about.
struct subject {
    std::string_view server;
    std::string_view owner;
    std::string_view login_name;
    /// Both empty for a user of whom no set is known.
    std::string_view set_id;
    std::string_view set_name;
};

/// What is expected of a subject.
struct expectation {
    /// In place of the rhythm that is learned.
    std::optional<rhythm> wanted;
    bool ignored = false;
    /// Up to this day, and on it, nothing is said of the subject.
    std::optional<std::chrono::sys_days> acknowledged;
    /// If two sections of one level are about the subject: a sentence on which. Nothing else is filled in then.
    std::string problem;
};

/// What an administrator expects, in place of what is learned. Pure: the text of the file comes in.
///
/// A file of sections, `[default]`, `[owner NAME]`, `[group GLOB]`, `[user NAME]` and `[set ID-OR-NAME]`, with lines
/// `key = value`; a line that begins with `#` or `;` is a comment. The keys: `days` (such as `mon-fri` or
/// `mon, wed, sat`) or `max-age` (such as `36h` or `3d`), `ignored` (`yes` or `no`), `acknowledged-until` (a date); and
/// `server`, and in `[set]` also `user`, narrow a section down. Names are case-sensitive; a glob has
/// `*` and `?`. Each of rhythm, `ignored` and `acknowledged-until` comes from the most specific section that has it.
class expectations {
public:
    /// Reads `text`. Empty if that worked, else a sentence on what is wrong with it, with its line; then nothing is
    /// expected.
    std::string parse(std::string_view text);

    /// What is expected of `who`.
    expectation of(const subject& who) const;

private:
    /// From the most specific to the least.
    enum class level : std::uint8_t { set, user, group, owner, all };
    struct section {
        level of = level::all;
        std::string name;
        std::string server;
        std::string user;
        std::size_t line = 0;
        std::optional<rhythm> wanted;
        std::optional<bool> ignored;
        std::optional<std::chrono::sys_days> acknowledged;
    };

    static bool matches(const section& one, const subject& who);
    static std::string begin(section& made, std::string_view header);
    static std::string set(section& in, std::string_view key, std::string_view value);

    std::vector<section> sections_;
};

}  // namespace jobmode::report

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "report/expectations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <set>
#include <system_error>
#include <utility>

#include "policy/date.hpp"

namespace jobmode::report {
namespace {

constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr unsigned most_days = 3660;

std::string_view trimmed(std::string_view text) {
    static constexpr std::string_view blank = " \t\r";
    const auto first = text.find_first_not_of(blank);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// The number of a weekday by the first three letters of its name, in any case; nothing if there is none such.
std::optional<std::size_t> weekday_number(std::string_view text) {
    const auto same = [](char left, char right) {
        return (left >= 'A' && left <= 'Z' ? static_cast<char>(left + ('a' - 'A')) : left) == right;
    };
    for (std::size_t number = 0; number != weekday_names.size(); ++number)
        if (std::ranges::equal(text, weekday_names[number], same))
            return number;
    return std::nullopt;
}

/// `mon-fri`, `sat-mon`, `mon, wed`.
std::optional<rhythm> parse_weekdays(std::string_view text) {
    rhythm made;
    for (bool more = true; more;) {
        const auto comma = text.find(',');
        const std::string_view part = trimmed(text.substr(0, comma));
        more = comma != std::string_view::npos;
        text.remove_prefix(more ? comma + 1 : text.size());
        const auto dash = part.find('-');
        const auto first = weekday_number(trimmed(part.substr(0, dash)));
        const auto last = dash == std::string_view::npos ? first : weekday_number(trimmed(part.substr(dash + 1)));
        if (!first || !last)
            return std::nullopt;
        for (std::size_t day = *first;; day = (day + 1) % made.weekdays.size()) {
            made.weekdays[day] = true;
            if (day == *last)
                break;
        }
    }
    return made;
}

/// `36h`, `3d`. Ages are of whole days, and one that is told too early is a false alarm: hours are rounded up.
std::optional<rhythm> parse_age(std::string_view text) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc() || number == 0 || (unit != "h" && unit != "d") ||
        number > most_days * (unit == "h" ? 24 : 1))
        return std::nullopt;
    return rhythm{{}, std::chrono::days(unit == "h" ? (number + 23) / 24 : number)};
}

/// Whether `text` fits `pattern`, in which `*` is any text and `?` any one byte.
bool fits(std::string_view text, std::string_view pattern) {
    std::size_t at = 0;
    std::size_t in = 0;
    std::size_t star = std::string_view::npos;
    std::size_t after_star = 0;
    while (at != text.size()) {
        if (in != pattern.size() && pattern[in] == '*') {
            star = in++;
            after_star = at;
        } else if (in != pattern.size() && (pattern[in] == '?' || pattern[in] == text[at])) {
            ++at;
            ++in;
        } else if (star != std::string_view::npos) {
            in = star + 1;
            at = ++after_star;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', in) == std::string_view::npos;
}

}  // namespace

bool expectations::matches(const section& one, const subject& who) {
    if (!one.server.empty() && one.server != who.server)
        return false;
    switch (one.of) {
        case level::set:
            return (one.name == who.set_id || one.name == who.set_name) &&
                   (one.user.empty() || one.user == who.login_name);
        case level::user:
            return one.name == who.login_name;
        case level::group:
            return fits(who.login_name, one.name);
        case level::owner:
            return one.name == who.owner;
        case level::all:
            break;
    }
    return true;
}

std::string expectations::begin(section& made, std::string_view header) {
    static constexpr std::array<std::pair<std::string_view, level>, 4> levels{
        {{"set", level::set}, {"user", level::user}, {"group", level::group}, {"owner", level::owner}}};
    if (header == "default")
        return {};
    const auto blank = header.find_first_of(" \t");
    const auto found = std::ranges::find(levels, header.substr(0, blank), &std::pair<std::string_view, level>::first);
    if (found == levels.end())
        return "a section is [default], [owner NAME], [group GLOB], [user NAME] or [set ID-OR-NAME]";
    if (blank == std::string_view::npos)
        return fmt::format("[{}] does not say which: [{} NAME]", header, header);
    made.of = found->second;
    made.name = trimmed(header.substr(blank));
    return {};
}

std::string expectations::set(section& in, std::string_view key, std::string_view value) {
    if (key == "days" || key == "max-age") {
        if (in.wanted)
            return "either days or max-age is expected, not both";
        in.wanted = key == "days" ? parse_weekdays(value) : parse_age(value);
        if (!in.wanted)
            return key == "days" ? "'days' are weekdays such as mon-fri, or mon, wed, sat"
                                 : "'max-age' is a number of hours or days such as 36h or 3d, at most 3660d";
    } else if (key == "ignored") {
        if (value != "yes" && value != "no")
            return "'ignored' is yes or no";
        in.ignored = value == "yes";
    } else if (key == "acknowledged-until") {
        const auto date = policy::parse_date(value);
        if (!date)
            return "'acknowledged-until' is a date such as 2024-06-30";
        in.acknowledged = std::chrono::sys_days(*date);
    } else if (key == "server") {
        in.server = value;
    } else if (key == "user" && in.of == level::set) {
        in.user = value;
    } else {
        return fmt::format(
            "'{}' is no key here; there are days, max-age, ignored, acknowledged-until and server, and user in a [set]",
            key);
    }
    return {};
}

std::string expectations::parse(std::string_view text) {
    sections_.clear();
    std::vector<section> made;
    std::set<std::string, std::less<>> keys;
    std::size_t number = 0;
    if (text.starts_with("\xEF\xBB\xBF"))
        text.remove_prefix(3);
    while (!text.empty()) {
        const std::string_view whole = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(whole.size() + 1, text.size()));
        ++number;
        const std::string_view line = trimmed(whole);
        const auto wrong = [number](std::string_view why) { return fmt::format("line {}: {}", number, why); };
        if (line.empty() || line.front() == '#' || line.front() == ';')
            continue;
        if (line.front() == '[') {
            if (!line.ends_with(']'))
                return wrong("a section ends with ]");
            section& next = made.emplace_back();
            next.line = number;
            keys.clear();
            if (const std::string problem = begin(next, trimmed(line.substr(1, line.size() - 2))); !problem.empty())
                return wrong(problem);
            continue;
        }
        const auto equals = line.find('=');
        if (equals == std::string_view::npos)
            return wrong("a line is key = value, [SECTION], or a comment that begins with #");
        if (made.empty())
            return wrong("there is no section before it that says who is meant");
        const std::string_view key = trimmed(line.substr(0, equals));
        const std::string_view value = trimmed(line.substr(equals + 1));
        if (value.empty())
            return wrong(fmt::format("'{}' has no value", key));
        if (!keys.emplace(key).second)
            return wrong(fmt::format("'{}' stands twice in a section", key));
        if (const std::string problem = set(made.back(), key, value); !problem.empty())
            return wrong(problem);
    }
    sections_ = std::move(made);
    std::ranges::stable_sort(sections_, {}, &section::of);
    return {};
}

expectation expectations::of(const subject& who) const {
    expectation found;
    std::optional<bool> ignored;
    const section* before = nullptr;
    for (const section& one : sections_) {
        if (!matches(one, who))
            continue;
        if (before && before->of == one.of) {
            expectation contradiction;
            contradiction.problem =
                fmt::format("the sections of line {} and line {} are both about {}{}{}", before->line, one.line,
                            who.login_name, who.set_id.empty() && who.set_name.empty() ? "" : ", ",
                            who.set_name.empty() ? who.set_id : who.set_name);
            return contradiction;
        }
        before = &one;
        if (!found.wanted)
            found.wanted = one.wanted;
        if (!ignored)
            ignored = one.ignored;
        if (!found.acknowledged)
            found.acknowledged = one.acknowledged;
    }
    found.ignored = ignored.value_or(false);
    return found;
}

}  // namespace jobmode::report

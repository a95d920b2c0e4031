// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/plugin.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdlib>

#include "cli/messages/exit_code.hpp"
#include "cli/messages/terminal.hpp"

namespace jobmode::cli {
namespace {

/// One line, in which nothing is taken for the beginning of the performance data.
std::string plugin_line(std::string_view text) {
    std::string line;
    for (const char c : terminal_text(text))
        line += c == '|' ? '/' : c;
    return line;
}

bool parse_number(std::string_view text, double& value) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    return ec == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

}  // namespace

int plugin_report(plugin_state result, std::string_view text, std::string_view performance,
                  const std::vector<std::string>& more) {
    static constexpr std::array names{"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    const auto code = static_cast<int>(result);
    std::string out = fmt::format("JOBMODE {} - {}{}{}\n", names[static_cast<std::size_t>(code)], plugin_line(text),
                                  performance.empty() ? "" : " | ", performance);
    for (const std::string& line : more)
        out += plugin_line(line) + '\n';
    print(out);
    return code;
}

std::optional<plugin_range> plugin_range::parse(std::string_view text) {
    plugin_range made;
    made.inside_ = text.starts_with('@');
    if (made.inside_)
        text.remove_prefix(1);
    const auto colon = text.find(':');
    if (colon != std::string_view::npos) {
        const std::string_view from = text.substr(0, colon);
        if (from == "~")
            made.from_ = -std::numeric_limits<double>::infinity();
        else if (!from.empty() && !parse_number(from, made.from_))
            return std::nullopt;
        text.remove_prefix(colon + 1);
    }
    const bool open = text.empty() && colon != std::string_view::npos;
    if ((!open && !parse_number(text, made.to_)) || made.from_ > made.to_)
        return std::nullopt;
    return made;
}

plugin_time_limit::plugin_time_limit(unsigned seconds)
    : watch_([this, seconds] {
          std::unique_lock lock(mutex_);
          if (changed_.wait_for(lock, std::chrono::seconds(seconds), [this] { return over_; }))
              return;
          std::_Exit(plugin_report(plugin_state::unknown, fmt::format("it took longer than {} seconds", seconds)));
      }) {}

plugin_time_limit::~plugin_time_limit() {
    {
        const std::scoped_lock lock(mutex_);
        over_ = true;
    }
    changed_.notify_one();
    watch_.join();
}

}  // namespace jobmode::cli

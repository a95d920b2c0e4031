// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jobmode::cli {

/// What a plugin by the Monitoring Plugins guidelines ends with.
enum class plugin_state : int { ok = 0, warning = 1, critical = 2, unknown = 3 };

/// Says how a check went, on stdout: one line with performance data, and lines of long output. Neither texts nor lines
/// can be taken for something else, whatever is in them. Returns the exit code.
int plugin_report(plugin_state result, std::string_view text, std::string_view performance = {},
                  const std::vector<std::string>& more = {});

/// A range as the guidelines define it: `10` alerts below 0 and above 10, `10:` below 10, `~:10` above 10, `10:20`
/// outside of 10 to 20, and `@10:20` within them, both included.
class plugin_range {
public:
    /// Nothing if the text is no range.
    static std::optional<plugin_range> parse(std::string_view text);
    bool alerts(double value) const { return (value >= from_ && value <= to_) == inside_; }

private:
    double from_ = 0;
    double to_ = std::numeric_limits<double>::infinity();
    bool inside_ = false;
};

/// Bounds all that a check does, for as long as this object lives: then the program says UNKNOWN, and ends.
class plugin_time_limit {
public:
    explicit plugin_time_limit(unsigned seconds);
    plugin_time_limit(const plugin_time_limit&) = delete;
    plugin_time_limit& operator=(const plugin_time_limit&) = delete;
    ~plugin_time_limit();

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool over_ = false;
    std::thread watch_;
};

}  // namespace jobmode::cli

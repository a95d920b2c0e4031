// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/messages/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "cli/text.hpp"
#include "store/file.hpp"

namespace jobmode::cli {
namespace {

std::size_t width_of_terminal() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : 80;
}

}  // namespace

std::string progress_line(const progress_figures& figures, std::size_t width) {
    const double seconds = std::chrono::duration<double>(figures.elapsed).count();
    const std::uint64_t now_done = figures.done - figures.done_before;
    const double rate = seconds > 0 ? static_cast<double>(now_done) / seconds : 0;
    std::string text = fmt::format("{} of {} queries, {:.0f}/s, {} in flight, {} failed", grouped(figures.done),
                                   grouped(figures.total), rate, figures.in_flight, grouped(figures.failed));
    const std::uint64_t left = figures.total - std::min(figures.total, figures.done + figures.failed);
    if (figures.away_seconds != 0)
        text += fmt::format(", waiting for the server for {}, next try in {} s",
                            duration_text(std::chrono::seconds(figures.away_seconds)), figures.next_try_seconds);
    else if (rate > 0 && left != 0)
        text += ", " +
                duration_text(std::chrono::nanoseconds(
                    static_cast<std::int64_t>(std::ceil(static_cast<double>(left) / rate) * 1e9))) +
                " left";
    static constexpr std::size_t least_bar = 10;
    if (width < text.size() + least_bar + 3)
        return width == 0 ? text : text.substr(0, width);
    const std::size_t cells = std::min<std::size_t>(width - text.size() - 3, 40);
    const std::size_t full =
        figures.total == 0 ? cells : static_cast<std::size_t>(figures.done * cells / figures.total);
    return "[" + std::string(full, '#') + std::string(cells - full, '.') + "] " + text;
}

progress::progress(mode chosen, const message_log& log) : log_(log) {
    const bool terminal = ::isatty(STDERR_FILENO) == 1 && !log.is_json();
    bar_ = !log.is_json() && (chosen == mode::always || (chosen == mode::automatic && terminal));
    lines_ = !bar_ && chosen != mode::never;
}

progress::~progress() {
    clear();
}

std::chrono::milliseconds progress::interval() const noexcept {
    return bar_     ? std::chrono::milliseconds(200)
           : lines_ ? std::chrono::milliseconds(10'000)
                    : std::chrono::milliseconds(0);
}

void progress::show(const progress_figures& figures) {
    if (bar_) {
        const std::size_t width = width_of_terminal() - 1;
        store::write_all(STDERR_FILENO, "\r" + progress_line(figures, width) + "\x1b[K");
        drawn_ = true;
    } else if (lines_ && log_.is_json()) {
        log_.say(message_log::level::info, "progress", progress_line(figures, 0),
                 {{"done", figures.done},
                  {"total", figures.total},
                  {"failed", figures.failed},
                  {"in_flight", figures.in_flight},
                  {"seconds", std::chrono::duration<double>(figures.elapsed).count()}});
    } else if (lines_) {
        store::write_all(STDERR_FILENO, "jobmode: " + progress_line(figures, 0) + "\n");
    }
}

void progress::clear() {
    if (drawn_)
        store::write_all(STDERR_FILENO, "\r\x1b[K");
    drawn_ = false;
}

}  // namespace jobmode::cli

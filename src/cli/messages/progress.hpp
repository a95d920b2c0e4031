// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cli/messages/message_log.hpp"

namespace jobmode::cli {

/// How far a crawl is.
struct progress_figures {
    /// Queries done, in this run and in earlier ones; all there are; and those done when this run began.
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    std::uint64_t done_before = 0;
    std::uint64_t failed = 0;
    std::uint64_t in_flight = 0;
    /// See `metrics`.
    std::uint64_t away_seconds = 0;
    std::uint64_t next_try_seconds = 0;
    std::chrono::nanoseconds elapsed{0};
};

/// One line: a bar of `width` columns in all with done, total, rate, in flight, failures and time left; without a width
/// the same in words.
std::string progress_line(const progress_figures& figures, std::size_t width);

/// Shows progress on stderr: on a terminal a bar that is drawn again and again, otherwise a line now and then. Used by
/// one thread.
class progress {
public:
    enum class mode {
        /// A bar if stderr is a terminal, lines otherwise.
        automatic,
        /// A bar, whatever stderr is.
        always,
        never,
    };

    /// In a log of JSON there is no bar, but messages with the event `progress` instead. The log must outlive this
    /// object.
    progress(mode chosen, const message_log& log);
    ~progress();
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    /// How often `show` is to be called; zero if never.
    std::chrono::milliseconds interval() const noexcept;
    void show(const progress_figures& figures);
    /// Takes the bar away, so that something else can be written.
    void clear();

private:
    const message_log& log_;
    bool bar_ = false;
    bool lines_ = false;
    bool drawn_ = false;
};

}  // namespace jobmode::cli

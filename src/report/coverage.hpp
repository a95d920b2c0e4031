// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/record.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/expectations.hpp"
#include "report/findings.hpp"
#include "report/rhythm.hpp"

namespace jobmode::report {

/// What is known of a set's day. A day that was not asked about, or not answered, is `unknown` and never `missing`.
enum class day_state : std::uint8_t {
    /// There was a job that counts.
    good,
    /// Answered after the day was over, and there was none.
    missing,
    /// There was none when it was asked, which was too early.
    pending,
    unknown,
};

/// A set's days in a row, the first of which has a number of its own.
struct history {
    std::chrono::sys_days first;
    std::vector<day_state> days;

    std::chrono::sys_days last() const { return first + std::chrono::days(static_cast<int>(days.size()) - 1); }
    day_state at(std::chrono::sys_days day) const {
        return day < first || day > last() ? day_state::unknown : days[static_cast<std::size_t>((day - first).count())];
    }
};

/// Learns a set's rhythm from what it did up to its last good day: a weekday is expected if at least three quarters of
/// those within the eight weeks before it whose answer is known had a good job. Where no weekday is, it is the gaps:
/// one and a quarter times the 90th percentile of them, at most 35 days. Less than three weeks tell nothing; then a
/// backup is expected every three days. What happened after the last good day teaches nothing, so that a set that died
/// does not teach silence.
rhythm learn(const history& of, std::chrono::sys_days last_good);

/// What is said of a set, from the best to the worst.
enum class verdict : std::uint8_t {
    /// Every expected backup is there.
    good,
    /// Nothing is missing, but an expected backup was not there yet when it was asked, which was too early.
    pending,
    /// It depends on days that are not known.
    unknown,
    /// The user is not among those whom the server listed last.
    removed,
    /// An expected backup is missing, whatever the days that are not known had.
    silent,
};

/// The name of one, such as `silent`.
std::string_view to_string(verdict is) noexcept;

/// What is said of a set.
struct judgement {
    verdict is = verdict::good;
    std::optional<std::chrono::sys_days> last_good;
    /// The first day after the last good one on which a backup was expected, or is.
    std::optional<std::chrono::sys_days> due;
    /// Expected days after the last good one that are known to have none.
    unsigned missed = 0;
};

/// What is known of each of some days, as bits, in a byte a day.
class day_marks {
public:
    void add(std::chrono::sys_days day, std::uint8_t bits);
    void add(const day_marks& other);
    /// Nothing is known of a day outside of those that were added.
    std::uint8_t at(std::chrono::sys_days day) const {
        return empty() || day < first_ || day > last() ? std::uint8_t{}
                                                       : marks_[static_cast<std::size_t>((day - first_).count())];
    }
    bool empty() const noexcept { return marks_.empty(); }
    /// The first and the last day that were added; only if there is one.
    std::chrono::sys_days first() const { return first_; }
    std::chrono::sys_days last() const { return first_ + std::chrono::days(static_cast<int>(marks_.size()) - 1); }

private:
    std::chrono::sys_days first_;
    std::vector<std::uint8_t> marks_;
};

/// Judges a set as of a day, which counts too if it is known, by the rhythm that is wanted of it or else by its own.
/// Pure: what day it is comes in.
judgement judge(const history& of, std::chrono::sys_days as_of, const std::optional<rhythm>& wanted = {});

/// One line of what is said: a backup set of a user, or a user of whom no set is known, or a server that was not seen.
struct coverage_row {
    std::string server;
    std::string owner;
    std::string login_name;
    std::string set_id;
    std::string set_name;
    judgement said;
    /// `never ran`, `stopped`, `removed`, `unknown`, `not seen`; `ignored` and `acknowledged` for what would be said
    /// otherwise.
    std::string_view reason;
    /// For a person: what else is known.
    std::string detail;
};

/// What the model says as of a moment.
struct assessment {
    /// The day as of which is judged: that of the moment, or the newest that was asked about where that is earlier.
    std::chrono::sys_days as_of;
    std::vector<coverage_row> rows;
    /// How long before the moment the newest answer came that told all there is to know of its day. Where no answer
    /// has a time, the newest day's end stands for it. Nothing if there is no such answer.
    std::optional<std::chrono::hours> age;
    /// Where two sections of the expectations contradict each other about a row, a sentence on that.
    std::string problem;

    /// Crawls of every night are late if the newest complete answer is older than this.
    static constexpr std::chrono::hours most_age{36};
    bool is_old() const { return !age || *age > most_age; }
};

/// The one model of which backup set has its backups: what page, commands and metrics ask, so that they cannot
/// disagree. Gathers what crawls found out, and judges. Not thread-safe.
class coverage final : public findings {
public:
    /// Which jobs count as a backup: any that ran, or those of one mode only.
    enum class require : std::uint8_t { any, scheduled };

    explicit coverage(require what = require::any) : require_(what) {}

    void add_job(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                 const record_view& record) override;
    void add_asked(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                   std::optional<std::chrono::local_seconds> answered) override;
    void add_listed(std::string_view server, std::string_view login_name) override;
    void add_failure(std::string_view server, std::string_view login_name, std::chrono::year_month_day day,
                     std::string_view reason) override;
    bool has_failure(std::string_view server, std::string_view login_name,
                     std::chrono::year_month_day day) const override;
    void add_listing(std::string_view server, std::chrono::local_seconds at) override;
    void add_member(std::string_view server, std::string_view login_name, std::chrono::local_seconds at) override;
    void add_unseen(std::string_view server, std::string_view reason) override;

    /// The newest day that anything was asked about; nothing if nothing was.
    std::optional<std::chrono::sys_days> newest() const noexcept { return newest_; }
    /// A row for each set, in the order of server, login name, set. Days from `today` on are not over, and those after
    /// the newest that was asked about are not judged.
    /// What `wanted` ignores or has acknowledged is fine. Where `wanted` contradicts itself about a row, the row is
    /// judged without it: ask `expectations::of` first.
    std::vector<coverage_row> judge_all(std::chrono::sys_days today, const expectations& wanted = {}) const;
    /// The same as of a moment in the time of whoever asked, with what else is to be said.
    assessment assess(std::chrono::local_seconds now, const expectations& wanted = {}) const;

private:
    struct backup_set {
        std::string id;
        std::string name;
        /// The days of its jobs, and whether one of them counts.
        day_marks jobs;
    };
    struct user {
        std::string owner;
        /// By ID, or by name where there is no ID.
        std::map<std::string, backup_set, std::less<>> sets;
        /// Days that were answered, and whether they were over then.
        day_marks answered;
        std::map<std::chrono::sys_days, std::string> failed;
        /// Whether it is known what was asked.
        bool listed = false;
        /// The first and the last complete listing that has the user.
        std::optional<std::chrono::local_seconds> first_member;
        std::optional<std::chrono::local_seconds> last_member;
        /// The first and the last answer with a time.
        std::optional<std::chrono::local_seconds> first_answer;
        std::optional<std::chrono::local_seconds> last_answer;
    };
    using user_key = std::pair<std::string, std::string>;
    /// Orders keys by server and login name, whether the texts are owned or not.
    struct by_server_and_name {
        using is_transparent = void;
        template <class Left, class Right>
        bool operator()(const Left& left, const Right& right) const noexcept {
            const int servers = std::string_view(left.first).compare(right.first);
            return servers != 0 ? servers < 0 : std::string_view(left.second) < std::string_view(right.second);
        }
    };
    using user_map = std::map<user_key, user, by_server_and_name>;

    static constexpr std::uint8_t there = 1;
    /// Of a set's day: a job counts. Of a user's: it was over when it was asked about.
    static constexpr std::uint8_t enough = 2;

    user& user_of(std::string_view server, std::string_view login_name);
    void note(std::chrono::sys_days day);
    /// Complete listings that came after the user was last seen; none if the user may still be there.
    std::size_t listings_without(std::string_view server, const user& who) const;
    /// From when on anything is expected of a user who was not there from the beginning.
    std::optional<std::chrono::sys_days> created(std::string_view server, const user& who) const;
    user_map with_renames() const;
    history history_of(std::string_view server, const user& who, const backup_set* set, std::chrono::sys_days last,
                       std::chrono::sys_days today) const;

    require require_;
    user_map users_;
    std::map<std::string, std::string> unseen_;
    /// Of each server, when its users were listed completely.
    std::map<std::string, std::set<std::chrono::local_seconds>, std::less<>> listings_;
    std::optional<std::chrono::sys_days> newest_;
    /// Whether any answer has a time, and the newest of those that were complete.
    bool has_times_ = false;
    std::optional<std::chrono::local_seconds> newest_complete_;
};

}  // namespace jobmode::report

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/record.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/coverage.hpp"
#include "report/findings.hpp"

namespace jobmode::report {

/// What a crawl found, gathered by backup user and day for the page of `jobmode report`. Its memory is that of the jobs
/// themselves, a few bytes each, and not that of the lines they were read from. What the page says of users and sets is
/// what the model says, which is told everything.
class report_data final : public findings {
public:
    explicit report_data(coverage::require what = coverage::require::any) : require_(what), model_(what) {}

    /// What is known of the same users and sets; limits do not concern it.
    const coverage& model() const noexcept { return model_; }

    /// Days before and after these are left out; to be said before anything is added. Without a limit the days are
    /// those that the input has.
    void limit(std::optional<std::chrono::year_month_day> from, std::optional<std::chrono::year_month_day> to);

    /// Takes users who may have no record at all. One whom no server is known to have is taken to the only server there
    /// is, or else to a nameless one.
    void add_users(const std::vector<std::string>& login_names);

    /// See `findings`. Times of a job that cannot be read are left out; what was added before is not doubled. Days of
    /// which nothing says that they were asked show as not asked.
    /// @{
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
    /// @}

    /// The first and the last day; nothing if there is neither input nor limit to tell them.
    std::optional<std::pair<std::chrono::sys_days, std::chrono::sys_days>> days() const;
    /// Users that the page will have.
    std::size_t users() const noexcept { return users_.size(); }
    /// Rows that name no user, which the page cannot show.
    std::uint64_t rows_without_user() const noexcept { return rows_without_user_; }

    /// The page's data as a JSON object, in which no `<` stands, so that it can be put into a page as it is. `title` is
    /// the page's, `made` says when it was made, `said` is what the model says, and silent sets that missed at least
    /// `missed` expected days are pointed out.
    ///
    /// `unseen` has two texts for each server of which nothing is known: its name, and why. `users` has an object for
    /// each: `n` name, `s` index of the server, `c` a letter a day (S scheduled, M manual, R remote, U a mode that is
    /// not known, N none, P none yet when it was asked, X failed, a point for not asked), `j` the jobs, five numbers
    /// each (days since the job before, mode, number of the set within `k`, start in minutes since the day began,
    /// minutes that it took; null for what is not known), `f` the failures, two numbers each (day, index of the
    /// reason), and `k` the backup sets: for each the index of its name, the first letter of the verdict, expected days
    /// that are missing, day of the last good backup, day on which one was or is due (both counted from the first;
    /// null for none), and what else is known. The letter is `-` for a set of which nothing is said under this name; a
    /// set that is null is the user as a whole, of whom no set is known.
    std::string to_json(std::string_view title, std::string_view made, const assessment& said, unsigned missed) const;

private:
    static constexpr std::int32_t no_time = INT32_MIN;
    static constexpr std::uint32_t no_set = UINT32_MAX;
    struct job {
        std::int32_t day;
        std::int32_t start;
        std::int32_t minutes;
        /// Its number among the user's.
        std::uint32_t set;
        job_mode mode;
        auto operator<=>(const job&) const = default;
    };
    struct failure {
        std::int32_t day;
        std::uint32_t reason;
        auto operator<=>(const failure&) const = default;
    };
    struct answer {
        std::int32_t day;
        /// Whether the day was over for long enough.
        bool over;
    };
    struct backup_set {
        /// Its ID, or its name where it has none.
        std::string key;
        std::uint32_t name;
    };
    struct user {
        std::vector<job> jobs;
        std::vector<backup_set> sets;
        std::vector<failure> failures;
        std::vector<answer> asked;
    };
    /// Texts that come again and again, kept once.
    class names {
    public:
        std::uint32_t index_of(std::string_view text);
        const std::string& operator[](std::size_t index) const noexcept { return *texts_[index]; }
        std::size_t size() const noexcept { return texts_.size(); }

    private:
        std::map<std::string, std::uint32_t, std::less<>> indices_;
        std::vector<const std::string*> texts_;
    };

    /// Orders users by server and name, whether the texts are owned or not.
    struct by_server_and_name {
        using is_transparent = void;
        template <class Left, class Right>
        bool operator()(const Left& left, const Right& right) const noexcept {
            const int servers = std::string_view(left.first).compare(right.first);
            return servers != 0 ? servers < 0 : std::string_view(left.second) < std::string_view(right.second);
        }
    };

    user& user_of(std::string_view server, std::string_view login_name);
    bool within(std::chrono::year_month_day day) const;
    std::uint32_t set_of(user& who, const record_view& record);
    std::string cells_of(const user& who, std::int32_t first, std::int32_t count, const std::vector<job>& jobs) const;
    void append_sets(std::string& out, const user& who, std::span<const coverage_row> said, std::int32_t first) const;

    coverage::require require_;
    coverage model_;
    std::map<std::pair<std::string, std::string>, user, by_server_and_name> users_;
    std::map<std::string, std::string> unseen_;
    names sets_;
    names reasons_;
    std::optional<std::chrono::sys_days> from_;
    std::optional<std::chrono::sys_days> to_;
    std::optional<std::chrono::sys_days> earliest_;
    std::optional<std::chrono::sys_days> latest_;
    std::uint64_t rows_without_user_ = 0;
};

}  // namespace jobmode::report

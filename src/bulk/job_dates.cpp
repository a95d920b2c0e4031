// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "bulk/job_dates.hpp"

#include <jobmode/client.hpp>
#include <jobmode/query.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <string_view>
#include <utility>

#include "bulk/failure.hpp"

namespace jobmode::bulk {
namespace {

// Requests that wait for the client's limits: enough to keep it busy, and no more.
constexpr std::size_t max_waiting = 256;

/// Asks for the users' jobs, the first user's alone.
class job_lister {
public:
    job_lister(const client_config& config, const std::vector<std::string>& users, job_dates& found)
        : client_(context_.get_executor(), config), users_(users), found_(found) {}

    std::optional<bulk_problem> run(const std::stop_token& stop) {
        if (!users_.empty())
            ask();
        const std::stop_callback on_stop(stop, [this] { boost::asio::post(context_, [this] { client_.close(); }); });
        context_.run();
        return std::move(problem_);
    }

private:
    void ask() {
        const std::size_t user = next_++;
        ++asked_;
        auto diag = std::make_unique<diagnostics>();
        diagnostics* const out = diag.get();
        client_.async_list_backup_jobs(users_[user], out,
                                       [this, user, diag = std::move(diag)](error_code ec, const auto& sets) {
                                           on_listed(user, ec, *diag, sets);
                                       });
    }

    void on_listed(std::size_t user, error_code ec, const diagnostics& diag, const std::vector<backup_set_jobs>& sets) {
        --asked_;
        if (problem_)
            return;
        const bool first = std::exchange(first_, false);
        const bool stopped = ec == boost::asio::error::operation_aborted;
        if (stopped || ec == errc::authentication_refused || (first && is_unreachable(ec, diag))) {
            problem_ = problem_of(ec, diag);
            client_.close();
            return;
        }
        if (ec) {
            found_.add_every_day(user);
            note(diag.describe(ec));
        } else if (!found_.add(user, sets)) {
            note("the server's list has a job ID that tells no date");
        }
        while (next_ != users_.size() && asked_ < max_waiting)
            ask();
        if (asked_ == 0)
            client_.close();
    }

    void note(std::string problem) {
        if (found_.unlisted++ == 0)
            found_.first_problem = std::move(problem);
    }

    boost::asio::io_context context_{1};
    client client_;
    const std::vector<std::string>& users_;
    job_dates& found_;
    std::size_t next_ = 0;
    std::size_t asked_ = 0;
    bool first_ = true;
    std::optional<bulk_problem> problem_;
};

}  // namespace

job_dates::job_dates(std::size_t users, std::chrono::year_month_day from, std::chrono::year_month_day to)
    : users_(users),
      from_(from),
      days_(static_cast<std::uint64_t>((std::chrono::sys_days(to) - from_).count() + 1)),
      known_(users_ * days_) {}

bool job_dates::add(std::size_t user, const std::vector<backup_set_jobs>& sets) {
    for (const backup_set_jobs& set : sets) {
        for (const std::string& id : set.job_ids) {
            // Whatever stands behind the date, a suffix of a newer version, say, does not matter.
            const date_or_job_id date(std::string_view(id).substr(0, 10));
            if (!date.valid()) {
                add_every_day(user);
                return false;
            }
            const auto day = (std::chrono::sys_days(date.date()) - from_).count();
            if (day >= 0 && static_cast<std::uint64_t>(day) < days_)
                known_.insert(static_cast<std::uint64_t>(day) * users_ + user);
        }
    }
    return true;
}

void job_dates::add_every_day(std::size_t user) {
    for (std::uint64_t day = 0; day != days_; ++day)
        known_.insert(day * users_ + user);
}

std::optional<bulk_problem> find_job_dates(const client_config& config, const std::vector<std::string>& users,
                                           job_dates& found, const std::stop_token& stop) {
    return job_lister(config, users, found).run(stop);
}

}  // namespace jobmode::bulk

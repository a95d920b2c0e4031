// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/crawl_server.hpp"

#include <fmt/format.h>

#include <utility>

#include "cli/command/job_dates.hpp"
#include "cli/options/user_list.hpp"
#include "cli/text.hpp"

namespace jobmode::cli {
namespace {

std::vector<std::string> in_shard(const crawl_range& range, std::vector<std::string> users) {
    std::erase_if(users,
                  [&](const std::string& name) { return policy::shard_of(name, range.shards) != range.shard - 1; });
    return users;
}

}  // namespace

server_plan make_plan(const crawl_range& range, std::vector<std::string> users, bool listed) {
    std::vector<std::string> kept = listed ? users : std::vector<std::string>();
    policy::crawl_plan queries(in_shard(range, std::move(users)), range.from, range.to, range.sets);
    const std::uint64_t size = queries.size();
    return {std::move(queries), store::index_set(size), std::move(kept)};
}

server_preparation prepare(const crawl_range& range, const crawl_server& server, const std::stop_token& stop) {
    server_preparation made;
    std::vector<std::string> users;
    if (server.users)
        users = *server.users;
    else if ((made.problem = fetch_users(server.config, users, stop)))
        return made;
    if (users.empty()) {
        made.problem = {exit_code::usage, "the server has no users", false};
        return made;
    }
    server_plan plan = make_plan(range, users, !server.users);
    if (range.by_jobs) {
        const std::vector<std::string> asked = in_shard(range, std::move(users));
        job_dates found(asked.size(), range.from, range.to);
        if ((made.problem = find_job_dates(server.config, asked, found, stop)))
            return made;
        for (std::uint64_t number = 0; number != plan.queries.size(); ++number)
            if (!found.has_job(plan.queries.user_of(number), plan.queries.day_of(number)))
                plan.skipped.insert(number);
        made.unlisted_users = found.unlisted;
        if (found.unlisted != 0)
            made.why_unlisted =
                fmt::format("the jobs of {} of {} users could not be listed, so they are asked about daily: {}",
                            grouped(found.unlisted), grouped(asked.size()), found.first_problem);
    }
    made.plan = std::move(plan);
    return made;
}

}  // namespace jobmode::cli

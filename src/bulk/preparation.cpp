// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "bulk/preparation.hpp"

#include <jobmode/client.hpp>

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "bulk/failure.hpp"
#include "bulk/job_dates.hpp"

namespace jobmode::bulk {
namespace {

std::vector<std::string> in_shard(const bulk_options& options, std::vector<std::string> users) {
    std::erase_if(users, [&](const std::string& name) { return shard_of(name, options.shards) != options.shard - 1; });
    return users;
}

}  // namespace

server_plan make_plan(const bulk_options& options, std::vector<std::string> users, bool listed) {
    std::vector<std::string> kept = listed ? users : std::vector<std::string>();
    crawl_plan queries(in_shard(options, std::move(users)), options.from, options.to, options.backup_set_ids);
    const std::uint64_t size = queries.size();
    return {std::move(queries), store::index_set(size), std::move(kept), std::nullopt};
}

std::optional<bulk_problem> list_users(const client_config& config, std::vector<std::string>& users,
                                       const std::stop_token& stop) {
    boost::asio::io_context context(1);
    client from(context.get_executor(), config);
    diagnostics diag;
    std::optional<bulk_problem> problem;
    from.async_list_users(&diag, [&](error_code ec, const std::vector<std::string>& found) {
        if (ec)
            problem = problem_of(ec, diag, "the users cannot be listed: ");
        std::unordered_set<std::string_view> known;
        for (const std::string& name : found)
            if (known.insert(name).second)
                users.push_back(name);
        from.close();
    });
    const std::stop_callback on_stop(stop, [&] { boost::asio::post(context, [&] { from.close(); }); });
    context.run();
    return problem;
}

preparation prepare(const bulk_options& options, const bulk_server& server, const std::stop_token& stop) {
    preparation made;
    std::vector<std::string> users;
    const auto listed_at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (server.users)
        users = *server.users;
    else if ((made.problem = list_users(server.config, users, stop)))
        return made;
    if (users.empty()) {
        made.problem = {bulk_problem::kind::no_users, {}, "the server has no users"};
        return made;
    }
    server_plan plan = make_plan(options, users, !server.users);
    if (!server.users && options.shards == 1)
        plan.listed_at = listed_at;
    if (options.plan == bulk_plan::jobs) {
        const std::vector<std::string> asked = in_shard(options, std::move(users));
        job_dates found(asked.size(), options.from, options.to);
        if ((made.problem = find_job_dates(server.config, asked, found, stop)))
            return made;
        for (std::uint64_t number = 0; number != plan.queries.size(); ++number)
            if (!found.has_job(plan.queries.user_of(number), plan.queries.day_of(number)))
                plan.skipped.insert(number);
        made.unlisted_users = found.unlisted;
        if (found.unlisted != 0)
            made.why_unlisted =
                fmt::format("the jobs of {} of {} users could not be listed, so they are asked about daily: {}",
                            found.unlisted, asked.size(), found.first_problem);
    }
    made.plan = std::move(plan);
    return made;
}

}  // namespace jobmode::bulk

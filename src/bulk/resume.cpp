// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "bulk/resume.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "store/day.hpp"

namespace jobmode::bulk {
namespace {

using reason = bulk_refused::reason;
using stage = store::crawl_checkpoint::stage;

/// The SHA-256 of a list of names, in hexadecimal.
std::string digest_of(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += name + '\n';
    std::array<unsigned char, 32> digest{};
    EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    std::string hex;
    for (const unsigned char byte : digest)
        hex += fmt::format("{:02x}", byte);
    return hex;
}

std::string users_of(const bulk_server& server) {
    return server.users ? digest_of(*server.users) : std::string("all");
}

store::crawl_identity identity_of(const bulk_options& options) {
    store::crawl_identity identity;
    if (options.servers.size() == 1) {
        identity.servers = options.servers.front().name;
        identity.users = users_of(options.servers.front());
    } else {
        // In which order they are listed does not matter.
        std::map<std::string, const bulk_server*> by_name;
        for (const bulk_server& server : options.servers)
            by_name.emplace(server.name, &server);
        for (const auto& [name, server] : by_name) {
            identity.servers += fmt::format("{} {}\n", name, server->config.url);
            identity.users += users_of(*server) + "\n";
        }
    }
    identity.from = store::day_text(std::chrono::sys_days(options.from));
    identity.to = store::day_text(std::chrono::sys_days(options.to));
    for (const std::string& set : options.backup_set_ids)
        identity.sets += set + '\n';
    identity.format = options.format;
    if (options.shards != 1)
        identity.shard = fmt::format("{}/{}", options.shard, options.shards);
    identity.plan = options.plan == bulk_plan::jobs ? "jobs" : "daily";
    identity.out = options.output;
    return identity;
}

void check(const bulk_options& options) {
    const auto refuse = [&](const char* what) { throw bulk_refused(reason::options, options.checkpoint, what); };
    if (options.servers.empty())
        refuse("there is no server");
    if (!options.from.ok() || !options.to.ok() ||
        std::chrono::sys_days(options.to) < std::chrono::sys_days(options.from))
        refuse("the dates are none, or the last one is before the first one");
    if (options.shard == 0 || options.shard > options.shards)
        refuse("the shard is not one of them");
    if (options.threads == 0 || options.max_queued == 0)
        refuse("a crawl needs a thread, and room for an outcome");
    for (std::size_t one = 0; one != options.servers.size(); ++one)
        for (std::size_t other = 0; other != one; ++other)
            if (options.servers[one].name == options.servers[other].name)
                refuse("two servers have one name");
}

/// Takes from the checkpoint of an earlier run what it found to be asked.
void take_up(const bulk_options& options, resumption& found) {
    store::crawl_checkpoint& checkpoint = *found.checkpoint;
    std::vector<std::uint64_t> totals;
    for (store::crawl_section& section : checkpoint.sections()) {
        const auto server = std::ranges::find(options.servers, section.server, &bulk_server::name);
        const auto place = static_cast<std::size_t>(server - options.servers.begin());
        if (server == options.servers.end() || found.known[place])
            throw bulk_refused(reason::damaged, options.checkpoint,
                               fmt::format("the state knows another server, '{}', or knows it twice", section.server));
        found.known[place] = server->users ? make_plan(options, *server->users, false)
                                           : make_plan(options, std::move(section.users), true);
        totals.push_back(found.known[place]->queries.size());
        found.order.push_back(place);
    }
    checkpoint.load(totals);
    std::uint64_t first = 0;
    for (const std::size_t which : found.order) {
        server_plan& plan = *found.known[which];
        for (std::uint64_t number = 0; number != plan.queries.size(); ++number)
            if (checkpoint.skipped().contains(first + number))
                plan.skipped.insert(number);
        first += plan.queries.size();
    }
    found.goes_on = true;
    found.nothing_left = found.order.size() == options.servers.size() &&
                         checkpoint.done_count() == checkpoint.total() - checkpoint.skipped().count();
}

}  // namespace

resumption find_resumption(const bulk_options& options) {
    check(options);
    resumption found;
    found.identity = identity_of(options);
    found.known.resize(options.servers.size());
    if (!options.checkpoint.empty() && ::access(options.checkpoint.c_str(), F_OK) == 0)
        found.checkpoint = std::make_unique<store::crawl_checkpoint>(options.checkpoint);
    const stage held = found.checkpoint ? found.checkpoint->holds() : stage::none;
    if (options.resume && held != stage::none) {
        if (const std::string other = found.checkpoint->difference(found.identity); !other.empty())
            throw bulk_refused(reason::another_crawl, options.checkpoint, other);
        take_up(options, found);
        return found;
    }
    if (held == stage::unfinished)
        throw bulk_refused(reason::unfinished, options.checkpoint, {});
    if (options.replaces && !options.force) {
        if (held == stage::none || found.checkpoint->identity().out != found.identity.out)
            throw bulk_refused(reason::not_ours, options.checkpoint, {});
        if (const std::string other = found.checkpoint->difference(found.identity); !other.empty())
            throw bulk_refused(reason::finished_another, options.checkpoint, other);
    }
    return found;
}

void begin_anew(const bulk_options& options, resumption& found) {
    if (options.checkpoint.empty())
        return;
    if (!found.checkpoint)
        found.checkpoint = std::make_unique<store::crawl_checkpoint>(options.checkpoint);
    // Another process can have begun and ended meanwhile.
    if (found.checkpoint->holds() == stage::unfinished)
        throw bulk_refused(reason::unfinished, options.checkpoint, {});
    found.checkpoint->begin(found.identity);
}

}  // namespace jobmode::bulk

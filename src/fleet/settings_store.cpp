// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/settings_store.hpp"

#include "cli/command/crawl_problem.hpp"

namespace jobmode::fleet {

std::optional<stored_settings> read_settings(connection& from, const names& called, const std::string& key) {
    const std::optional<message> found =
        from.last(bucket_stream(called.server_bucket()), key_subject(called.server_bucket(), key));
    if (!found)
        return std::nullopt;
    const std::optional<server_settings> settings = server_settings::parse(found->data());
    if (!settings)
        throw cli::usage_problem("what is planned there was planned by another version of this program");
    return stored_settings{*settings, found->sequence()};
}

std::optional<std::uint64_t> write_settings(connection& to, const names& called, const server_settings& settings,
                                            std::uint64_t replaced) {
    connection::condition unchanged;
    unchanged.last_sequence = replaced;
    return to.publish(key_subject(called.server_bucket(), server_key(settings.server)), settings.to_json(), unchanged);
}

bool queue_is_empty(connection& at, const names& called, const std::string& key) {
    return !at.last(called.work_stream(), called.work(key, "*"));
}

}  // namespace jobmode::fleet

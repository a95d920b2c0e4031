// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fleet/names.hpp"
#include "fleet/nats.hpp"
#include "fleet/work_item.hpp"

namespace jobmode::fleet {

/// What the bucket of servers holds of a server, and the revision that it has there.
struct stored_settings {
    server_settings settings;
    std::uint64_t revision = 0;
};

/// Reads it; nothing if nothing was planned of that server. Throws `nats_error`, and `cli::usage_problem` if another
/// version of the program wrote it.
std::optional<stored_settings> read_settings(connection& from, const names& called, const std::string& key);

/// Writes it in the place of revision `replaced`, 0 for none, and gives the new revision; nothing if somebody else has
/// written meanwhile. Throws `nats_error`.
std::optional<std::uint64_t> write_settings(connection& to, const names& called, const server_settings& settings,
                                            std::uint64_t replaced);

/// Whether no item of a server is queued or being worked on. Throws `nats_error`.
bool queue_is_empty(connection& at, const names& called, const std::string& key);

}  // namespace jobmode::fleet

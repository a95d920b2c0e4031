// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

#include <string>
#include <vector>

#include "fleet/names.hpp"
#include "fleet/nats.hpp"

namespace jobmode::fleet {

/// The options by which every subcommand of a fleet reaches NATS.
struct nats_options {
    std::string urls;
    std::string stream;
    std::string credentials;
    std::string ca;
    std::string certificate;
    std::string key;
    std::string user;
    std::string password_file;

    /// Adds them to a subcommand; this object must outlive it.
    void add_to(CLI::App& command);
    /// What they mean; password and token come from files or from the environment. Throws `cli::usage_problem`.
    nats_config config() const;
    /// Throws `cli::usage_problem`.
    names stream_names() const;
};

}  // namespace jobmode::fleet

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Which server the examples ask, for all of them: its URL comes from the command line, the rest from the environment.
#pragma once

#include <jobmode/config.hpp>

#include <cstdlib>
#include <string>

/// The value of an environment variable, or something else if it is not set.
inline std::string from_environment(const char* name, const char* otherwise) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : otherwise;
}

/// JOBMODE_SYS_USER and JOBMODE_SYS_PWD are the system user and its password; JOBMODE_CA, if set, is a PEM file of the
/// certificate authorities to trust.
inline jobmode::client_config settings(const std::string& url) {
    jobmode::client_config config(url);
    config.sys_user = from_environment("JOBMODE_SYS_USER", "system");
    config.sys_pwd = jobmode::secret::from_environment("JOBMODE_SYS_PWD");
    config.tls.ca_file = from_environment("JOBMODE_CA", "");
    return config;
}

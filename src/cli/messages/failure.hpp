// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/config.hpp>
#include <jobmode/error.hpp>

#include <boost/system/system_error.hpp>

#include <string>

#include "cli/messages/exit_code.hpp"

namespace jobmode::cli {

/// What is to be added to a sentence on a server that was not trusted: which name was asked for, and whom the program
/// was told to trust. Empty for every other failure.
std::string trust_text(error_code ec, const client_config& config);

/// What happened to a query, as a sentence, with `trust_text`.
std::string failure_text(error_code ec, const diagnostics& diag, const client_config& config);

/// What an exception of the library says, without the name that the error has for programs.
std::string words_of(const boost::system::system_error& problem);

/// What a program whose one query failed in this way ends with.
exit_code exit_code_of(error_code ec, const diagnostics& diag) noexcept;

}  // namespace jobmode::cli

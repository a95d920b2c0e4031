// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace jobmode::wire {

/// What an answer with `"Status":"Error"` means, told by its Message: `authentication_refused` if the server does not
/// take the system user or its password, also because either was locked or has expired; `no_such_user` if there is no
/// such backup user; no error at all if there was no backup on that day; else `api_error`. ExptType, an obfuscated
/// class name that changes between versions, is not asked. The messages are those of docs/wire.md, "Errors"; of each
/// what is stable between versions is looked for, without regard to case.
error_code classify_api_error(std::string_view message) noexcept;

/// Up to 64 bytes of `piece` around `at`, with everything that is not printable ASCII escaped as in C.
std::string printable_excerpt(std::string_view piece, std::size_t at);

}  // namespace jobmode::wire

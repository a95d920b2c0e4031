// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/docs/version.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <boost/version.hpp>

namespace jobmode::cli {

std::string version_text(std::string_view own, std::string_view libnats) {
    std::string text = fmt::format("jobmode {}\nBoost {}.{}.{}\nOpenSSL {}\nSQLite {}", own, BOOST_VERSION / 100000,
                                   BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100,
                                   OpenSSL_version(OPENSSL_VERSION_STRING), sqlite3_libversion());
    if (!libnats.empty())
        text += fmt::format("\nlibnats {}", libnats);
    return text;
}

}  // namespace jobmode::cli

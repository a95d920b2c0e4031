// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/error.hpp>
#include <jobmode/secret.hpp>

#include <openssl/crypto.h>
#include <boost/system/system_error.hpp>

#include <cstdlib>
#include <new>
#include <string>

namespace jobmode {
namespace detail {

void* cleansing_allocate(std::size_t bytes) {
    return ::operator new(bytes);
}

void cleansing_deallocate(void* memory, std::size_t bytes) noexcept {
    OPENSSL_cleanse(memory, bytes);
    ::operator delete(memory);
}

}  // namespace detail

secret::secret(std::string_view text) : text_(text.begin(), text.end()) {}

secret secret::from_environment(const char* name) {
    const char* const value = std::getenv(name);
    if (!value)
        throw boost::system::system_error(errc::invalid_config,
                                          "the environment variable " + std::string(name) + " is not set");
    return secret(value);
}

}  // namespace jobmode

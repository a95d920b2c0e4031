// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/names.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace jobmode::fleet {

names::names(std::string_view base)
    : base_(base),
      work_(base_ + "-work"),
      results_(base_ + "-results"),
      slots_(base_ + "-slots"),
      servers_(base_ + "-servers") {}

bool names::valid(std::string_view base) noexcept {
    static constexpr auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    return !base.empty() && base.size() <= 64 && std::ranges::all_of(base, allowed);
}

std::string names::work(std::string_view server, std::string_view item) const {
    return fmt::format("{}.work.{}.{}", base_, server, item);
}

std::string names::final_of(std::string_view server, std::string_view item) const {
    return fmt::format("{}.result.{}.{}", base_, server, item);
}

std::string names::part(std::string_view server, std::string_view item, std::string_view run,
                        std::size_t number) const {
    return fmt::format("{}.part.{}.{}.{}.{}", base_, server, item, run, number);
}

std::string names::consumer(std::string_view server) {
    return fmt::format("work-{}", server);
}

std::string digest(std::string_view text, std::size_t digits) {
    std::array<unsigned char, 32> bytes{};
    EVP_Digest(text.data(), text.size(), bytes.data(), nullptr, EVP_sha256(), nullptr);
    std::string hex;
    for (const unsigned char byte : bytes)
        hex += fmt::format("{:02x}", byte);
    hex.resize(std::min(digits, hex.size()));
    return hex;
}

std::string server_key(std::string_view server) {
    return digest(server, 16);
}

std::string_view last_token(std::string_view subject) noexcept {
    return subject.substr(subject.rfind('.') + 1);
}

}  // namespace jobmode::fleet

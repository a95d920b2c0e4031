// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace jobmode::sim {

/// A certificate and its key, in PEM.
struct certificate {
    std::string pem;
    std::string key_pem;
    /// `sha256//` and the Base64 of the SHA-256 of its public key, as curl's `--pinnedpubkey` takes it.
    std::string pin;
};

/// What a certificate is to say.
struct certificate_options {
    certificate_options();

    std::string common_name = "localhost";
    /// DNS names, and IP addresses, that it is good for.
    std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
    /// From when and until when it is good, counted from now.
    std::chrono::seconds not_before{-std::chrono::hours(1)};
    std::chrono::seconds not_after{std::chrono::hours(24 * 30)};
    /// It may issue others.
    bool authority = false;
};

/// Makes a key (P-256) and a certificate for it, signed by `issuer`, or by itself if that is null. Throws
/// `std::runtime_error` if OpenSSL fails.
certificate make_certificate(const certificate_options& options, const certificate* issuer);

/// A certificate that issues others.
certificate make_authority(const std::string& common_name);

}  // namespace jobmode::sim

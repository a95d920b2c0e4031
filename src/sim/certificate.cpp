// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "sim/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>

namespace jobmode::sim {
namespace {

struct deleter {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
    void operator()(X509_EXTENSION* extension) const noexcept { X509_EXTENSION_free(extension); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, deleter>;
using x509_ptr = std::unique_ptr<X509, deleter>;
using bio_ptr = std::unique_ptr<BIO, deleter>;

template <class Pointer>
Pointer checked(Pointer pointer) {
    if (!pointer)
        throw std::runtime_error("a certificate cannot be made");
    return pointer;
}

void check(int result) {
    if (result != 1)
        throw std::runtime_error("a certificate cannot be made");
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

bio_ptr reader(const std::string& pem) {
    return bio_ptr(checked(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))));
}

void extend(X509* certificate, X509* issuer, int name, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, deleter> extension(
        checked(X509V3_EXT_conf_nid(nullptr, &context, name, value.c_str())));
    check(X509_add_ext(certificate, extension.get(), -1));
}

std::string pin_of(X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    std::array<unsigned char, 32> digest{};
    EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    std::array<unsigned char, 64> text{};
    const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
    return "sha256//" + std::string(text.begin(), text.begin() + length);
}

bool is_address(const std::string& name) {
    return name.find(':') != std::string::npos || name.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

certificate_options::certificate_options() = default;

certificate make_certificate(const certificate_options& options, const certificate* issuer) {
    const key_ptr key(checked(EVP_EC_gen("P-256")));
    const x509_ptr made(checked(X509_new()));
    X509* const x509 = made.get();
    check(X509_set_version(x509, X509_VERSION_3));
    std::uint32_t serial = 0;
    check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial));
    check(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial + 1ULL));
    checked(X509_gmtime_adj(X509_getm_notBefore(x509), options.not_before.count()));
    checked(X509_gmtime_adj(X509_getm_notAfter(x509), options.not_after.count()));
    check(X509_set_pubkey(x509, key.get()));
    X509_NAME* const subject = X509_get_subject_name(x509);
    check(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(options.common_name.c_str()), -1, -1, 0));

    x509_ptr issuer_x509;
    key_ptr issuer_key;
    if (issuer) {
        issuer_x509.reset(checked(PEM_read_bio_X509(reader(issuer->pem).get(), nullptr, nullptr, nullptr)));
        issuer_key.reset(checked(PEM_read_bio_PrivateKey(reader(issuer->key_pem).get(), nullptr, nullptr, nullptr)));
    }
    X509* const signer = issuer ? issuer_x509.get() : x509;
    check(X509_set_issuer_name(x509, X509_get_subject_name(signer)));

    extend(x509, signer, NID_subject_key_identifier, "hash");
    extend(x509, signer, NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(x509, signer, NID_key_usage,
           options.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!options.names.empty() && !options.authority) {
        std::string names;
        for (const std::string& name : options.names)
            names += (names.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
        extend(x509, signer, NID_subject_alt_name, names);
    }
    if (X509_sign(x509, issuer ? issuer_key.get() : key.get(), EVP_sha256()) == 0)
        throw std::runtime_error("a certificate cannot be signed");

    certificate result;
    const bio_ptr pem(checked(BIO_new(BIO_s_mem())));
    check(PEM_write_bio_X509(pem.get(), x509));
    result.pem = text_of(pem.get());
    const bio_ptr key_pem(checked(BIO_new(BIO_s_mem())));
    check(PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
    result.key_pem = text_of(key_pem.get());
    result.pin = pin_of(x509);
    return result;
}

certificate make_authority(const std::string& common_name) {
    certificate_options options;
    options.common_name = common_name;
    options.authority = true;
    return make_certificate(options, nullptr);
}

}  // namespace jobmode::sim

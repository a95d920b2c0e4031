// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "report/report_page.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

namespace jobmode::report {
namespace {

/// The digest by which a Content-Security-Policy knows a script.
std::string script_digest(std::string_view script) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    unsigned length = 0;
    EVP_Digest(script.data(), script.size(), digest.data(), &length, EVP_sha256(), nullptr);
    std::array<unsigned char, 64> text{};
    const int count = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(length));
    return "'sha256-" + std::string(text.begin(), text.begin() + count) + "'";
}

std::string html_text(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            default:
                escaped += c;
        }
    }
    return escaped;
}

}  // namespace

std::string report_page(std::string_view title, std::string_view data) {
    std::string page;
    page.reserve(report_html.size() + report_css.size() + report_js.size() + data.size() + title.size() + 128);
    std::string_view rest = report_html;
    for (;;) {
        const auto begin = rest.find("{{");
        const auto end = rest.find("}}", begin);
        if (begin == std::string_view::npos || end == std::string_view::npos)
            break;
        page += rest.substr(0, begin);
        const std::string_view name = rest.substr(begin + 2, end - begin - 2);
        if (name == "title")
            page += html_text(title);
        else if (name == "digest")
            page += script_digest(report_js);
        else if (name == "style")
            page += report_css;
        else if (name == "script")
            page += report_js;
        else if (name == "data")
            page += data;
        rest.remove_prefix(end + 2);
    }
    page += rest;
    return page;
}

}  // namespace jobmode::report

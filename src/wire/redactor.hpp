// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/secret.hpp>

#include <initializer_list>
#include <string>
#include <vector>

namespace jobmode::wire {

/// Takes passwords out of what a server or a proxy said: one that answers with the request that it was sent, as some
/// error pages do, must not bring a password into a log. Thread-safe once constructed.
class redactor {
public:
    /// Empty secrets are passed over.
    explicit redactor(std::initializer_list<secret> secrets);
    /// Another secret, besides those there are: what is under way may still hold one that is no longer in use.
    void add(const secret& one);

    /// Replaces each secret, as it is and in each way in which it can be escaped: for JSON, HTML and URLs, and as
    /// `printable_excerpt` writes it.
    void redact(std::string& text) const;
    /// The same for an excerpt, at whose ends a secret can be cut.
    void redact_excerpt(std::string& text) const;

private:
    /// Each once, the longest first, so that no part of one is replaced within another.
    std::vector<cleansed_buffer> needles_;
};

}  // namespace jobmode::wire

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/secret.hpp>

#include <array>
#include <string>
#include <string_view>

namespace jobmode::wire {

/// Takes a password out of what a server said: one that answers with the request that it was sent, as some error pages
/// do, must not bring the password into a log. Thread-safe once constructed.
class redactor {
public:
    explicit redactor(const secret& password);

    /// Replaces the password, as it is and in each way in which it can be escaped.
    void redact(std::string& text) const;
    /// The same for an excerpt, at whose ends the password can be cut.
    void redact_excerpt(std::string& text) const;

private:
    static constexpr std::size_t forms = 4;
    /// As it is, as JSON, and both as `printable_excerpt` writes them; the same ones are kept once.
    std::array<cleansed_buffer, forms> needles_;
};

}  // namespace jobmode::wire

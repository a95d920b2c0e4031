// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/decoder.hpp>
#include <jobmode/error.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jobmode::wire {

/// Decodes the answer of ListUsers (`"User":[{"LoginName":...}]`), pushed in pieces of any size. See `decoder`, whose
/// errors and limits it shares. An element without a login name is passed over.
class user_list_decoder {
public:
    using result_type = std::vector<std::string>;

    explicit user_list_decoder(const decoder_limits& limits);
    user_list_decoder(user_list_decoder&&) noexcept;
    user_list_decoder& operator=(user_list_decoder&&) noexcept;
    ~user_list_decoder();

    void feed(std::string_view piece, error_code& ec);
    /// The login names, in the answer's order; none after an error.
    std::vector<std::string> finish(error_code& ec);

    std::string_view message() const noexcept;
    std::string_view expt_type() const noexcept;
    std::uint64_t offset() const noexcept;
    std::string excerpt() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace jobmode::wire

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <vector>

namespace jobmode::policy {

/// What is known of a name's addresses: in which order to try them. Those that work are taken in turn, so that
/// connections spread over them; those that failed last time come last. Not thread-safe.
class address_book {
public:
    /// Forgets what was known: there are this many addresses, in the order in which they are to be tried.
    void reset(std::size_t count);
    std::size_t size() const noexcept { return failed_.size(); }

    /// The order for the next connection.
    std::vector<std::size_t> order();
    /// An address could not be connected to, or came to nothing in the handshake.
    void failed(std::size_t index) noexcept;
    /// A connection to an address is open.
    void worked(std::size_t index) noexcept;

private:
    std::vector<bool> failed_;
    /// Those known to work, which take turns.
    std::vector<bool> works_;
    std::size_t turn_ = 0;
};

}  // namespace jobmode::policy

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jobmode::wire {

/// What the fields that say where a body ends, Content-Length and Transfer-Encoding, mean to a reader.
enum class framing : std::uint8_t {
    /// What they say; a head in which they could be read in two ways is not repaired.
    meant,
    /// Nothing (a response to CONNECT: RFC 9110, 9.3.6). They are left out.
    ignored,
};

/// Where the head that `text` begins with ends, behind its empty line; 0 if that has not come. Lines end with CRLF or,
/// as peers read them, with LF alone (RFC 9112, 2.2). `scanned` is how much of `text` has been looked at in earlier
/// calls, 0 at first; it is kept up to date, so that text that grows is looked at once.
std::size_t end_of_head(std::string_view text, std::size_t& scanned) noexcept;

/// Writes the head of a response as a strict reader wants it, where peers read more and no security depends on it:
/// - lines that end with LF alone;
/// - a status line without the blank behind the status, with other blanks than one, or with a later minor version;
/// - blanks before a field's colon; a field whose name is no token, which is left out;
/// - control characters other than NUL, CR and LF in the reason or in a field's value, which become blanks;
/// - `Connection` with something else than a list of tokens, which becomes `close`.
///
/// What has none of these comes back byte for byte. So does what cannot be repaired in only one way, for the strict
/// reader to refuse: NUL or a bare CR, a line without a colon, a first field that begins with a blank, and any fault in
/// a field that says where the body ends. `head` is one whole head.
std::string repair_head(std::string_view head, framing fields = framing::meant);

}  // namespace jobmode::wire

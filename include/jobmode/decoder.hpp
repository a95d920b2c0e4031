// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/error.hpp>
#include <jobmode/export.hpp>
#include <jobmode/record.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace jobmode {

/// How much of an answer is taken before it is refused.
struct JOBMODE_EXPORT decoder_limits {
    decoder_limits();

    /// Levels of nested arrays and objects, the outermost one included. At least 3, which a well-formed answer needs.
    std::size_t depth = 32;
    /// Bytes of one key or one value, once decoded; applies to what is skipped, too.
    std::size_t field_bytes = 64 * 1024;
    /// Bytes of a whole answer; 0 means no limit.
    std::uint64_t answer_bytes = std::uint64_t{1} << 30;
};

/// Decodes one answer of ListBackupJobMode, pushed in pieces of any size, into batches of records.
///
/// Memory is bounded by the longest record plus the longest piece, whatever the answer's length. No result depends on
/// how the answer was cut into pieces. Keys may stand in any order, may be missing, null or unknown; `Data` may be
/// missing or null; `Status` may come after the records, so records are handed out before it is known that the answer
/// is an error. Of a key that stands twice in one record the last value counts.
///
/// One object decodes one answer at a time; not thread-safe, and usable from any thread in turn.
class JOBMODE_EXPORT decoder {
public:
    /// A decoder that is ready for an answer.
    explicit decoder(decoder_limits limits = {});
    /// Takes the other's place; the other can then only be assigned to or destroyed.
    decoder(decoder&&) noexcept;
    /// The same.
    decoder& operator=(decoder&&) noexcept;
    ~decoder();

    /// Takes the next piece, whole, and hands out the records that it completed.
    ///
    /// On an error `ec` is set, and the batch holds the records completed before it; every later call gives the same
    /// error and no records, until `reset`. The batch lives until the next call of a member function that is not const,
    /// and no longer than `piece`, which its texts may be views of.
    record_batch feed(std::string_view piece, error_code& ec);

    /// Says that the answer is over. Sets `ec` if it was not complete, not this API's, or the API's error
    /// (`errc::api_error`, `errc::no_such_user`, `errc::authentication_refused`).
    void finish(error_code& ec);

    /// Prepares for another answer; keeps limits and memory.
    void reset();

    /// Bytes taken of this answer so far.
    std::uint64_t bytes() const noexcept;
    /// Records handed out of this answer so far.
    std::uint64_t records() const noexcept;
    /// The answer's `Message`; empty unless it was there. Lives until the next `reset`.
    std::string_view message() const noexcept;
    /// The answer's `ExptType`; empty unless it was there. Lives until the next `reset`.
    std::string_view expt_type() const noexcept;
    /// After an error: the offset, from the answer's start, of the byte that caused it, and the printable text around
    /// it.
    std::uint64_t offset() const noexcept;
    /// See `diagnostics::excerpt`; what stands before the byte and behind it, as far as both were in the same piece.
    std::string excerpt() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace jobmode

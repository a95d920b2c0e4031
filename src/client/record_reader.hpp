// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/decoder.hpp>
#include <jobmode/error.hpp>
#include <jobmode/record.hpp>

#include <cstddef>
#include <optional>
#include <utility>

#include "engine/call.hpp"
#include "net/driver.hpp"

namespace jobmode {

/// Takes an answer of ListBackupJobMode apart, with a decoder that is lent for as long as there is an answer.
/// The driver must outlive it.
class record_reader {
public:
    explicit record_reader(net::driver& owner) : driver_(&owner) {}
    record_reader(const record_reader&) = delete;
    record_reader& operator=(const record_reader&) = delete;
    ~record_reader() { give_back(); }

    /// Another answer begins.
    void begin() {
        if (decoder_)
            decoder_->reset();
    }
    /// The records that a piece completes. They live until the next call, and no longer than the piece.
    record_batch feed(const engine::body_piece& piece, error_code& ec, diagnostics& known) {
        const record_batch batch = lent().feed(piece.bytes, ec);
        driver_->count().records.add(batch.size());
        if (ec)
            note(ec, known);
        return batch;
    }
    /// The answer is complete.
    void finish(error_code& ec, diagnostics& known) {
        lent().finish(ec);
        if (ec)
            note(ec, known);
        give_back();
    }

    /// How many records a batch makes likely for the whole answer; 0 if that is not known.
    static std::size_t likely_records(const engine::body_piece& piece, record_batch batch) noexcept {
        if (!piece.body_bytes || *piece.body_bytes > most_believed)
            return 0;
        // A record more than seen, since the piece has cut one.
        return static_cast<std::size_t>((batch.size() + 1) * *piece.body_bytes / piece.bytes.size());
    }

private:
    // The longest body that a header is believed to announce, when memory is reserved.
    static constexpr std::uint64_t most_believed = std::uint64_t{1} << 32U;

    decoder& lent() {
        if (!decoder_) {
            decoder_ = driver_->decoders().take();
            if (decoder_)
                decoder_->reset();
            else
                decoder_.emplace(driver_->config().limits);
        }
        return *decoder_;
    }
    void give_back() noexcept {
        if (decoder_)
            driver_->decoders().put(*std::exchange(decoder_, std::nullopt));
    }
    void note(error_code ec, diagnostics& known) const {
        if (ec == errc::api_error || ec == errc::no_such_user || ec == errc::authentication_refused) {
            known.server_message = decoder_->message();
            known.expt_type = decoder_->expt_type();
        } else {
            known.offset = decoder_->offset();
            known.excerpt = decoder_->excerpt();
        }
    }

    net::driver* driver_;
    std::optional<decoder> decoder_;
};

}  // namespace jobmode

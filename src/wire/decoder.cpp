// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/decoder.hpp>

#include <array>
#include <utility>
#include <vector>

#include "wire/answer_parser.hpp"

namespace jobmode {
namespace {

/// Gathers the members of the list's objects into records whose text is in an arena. A record that is not complete when
/// the next piece comes is moved to another arena with it, so that the first can be used anew.
class record_builder {
public:
    static constexpr std::string_view list_key = "Data";

    void begin_element() {
        current_ = record_view();
        building_ = true;
    }
    void key(std::string_view text) noexcept { field_ = find(text); }
    void text(std::string_view value) {
        if (field_ == unknown)
            return;
        current_.text(static_cast<field>(field_)) = text_->copy(value);
        current_.set(static_cast<field>(field_), presence::text);
    }
    void null() noexcept { set_empty(presence::null); }
    void nested() noexcept { set_empty(presence::absent); }
    void end_element() {
        records_.push_back(current_);
        building_ = false;
    }

    /// Forgets the records handed out.
    void begin_batch() {
        records_.clear();
        std::swap(text_, other_);
        text_->clear();
        if (building_)
            for (std::size_t index = 0; index != field_count; ++index) {
                std::string_view& kept = current_.text(static_cast<field>(index));
                kept = text_->copy(kept);
            }
    }
    void reset() {
        building_ = false;
        begin_batch();
    }
    record_batch batch() const noexcept { return record_batch(records_); }

private:
    static constexpr std::size_t unknown = field_count;

    static std::size_t find(std::string_view key) noexcept {
        for (std::size_t index = 0; index != field_count; ++index)
            if (key == key_of(static_cast<field>(index)))
                return index;
        return unknown;
    }

    void set_empty(presence value) noexcept {
        if (field_ == unknown)
            return;
        current_.text(static_cast<field>(field_)) = {};
        current_.set(static_cast<field>(field_), value);
    }

    std::array<detail::text_arena, 2> arenas_;
    detail::text_arena* text_ = &arenas_[0];
    detail::text_arena* other_ = &arenas_[1];
    std::vector<record_view> records_;
    record_view current_;
    std::size_t field_ = unknown;
    bool building_ = false;
};

}  // namespace

decoder_limits::decoder_limits() = default;

struct decoder::impl {
    explicit impl(const decoder_limits& limits) : parser(limits, builder) {}

    record_builder builder;
    wire::answer_parser<record_builder> parser;
    std::uint64_t records = 0;
};

decoder::decoder(decoder_limits limits) : impl_(std::make_unique<impl>(limits)) {}
decoder::decoder(decoder&&) noexcept = default;
decoder& decoder::operator=(decoder&&) noexcept = default;
decoder::~decoder() = default;

record_batch decoder::feed(std::string_view piece, error_code& ec) {
    impl_->builder.begin_batch();
    impl_->parser.feed(piece, ec);
    const record_batch batch = impl_->builder.batch();
    impl_->records += batch.size();
    return batch;
}

void decoder::finish(error_code& ec) {
    impl_->parser.finish(ec);
}

void decoder::reset() {
    impl_->builder.reset();
    impl_->parser.reset();
    impl_->records = 0;
}

std::uint64_t decoder::bytes() const noexcept {
    return impl_->parser.bytes();
}
std::uint64_t decoder::records() const noexcept {
    return impl_->records;
}
std::string_view decoder::message() const noexcept {
    return impl_->parser.message();
}
std::string_view decoder::expt_type() const noexcept {
    return impl_->parser.expt_type();
}
std::uint64_t decoder::offset() const noexcept {
    return impl_->parser.offset();
}
std::string decoder::excerpt() const {
    return impl_->parser.excerpt();
}

}  // namespace jobmode

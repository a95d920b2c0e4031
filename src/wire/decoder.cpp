// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/decoder.hpp>

#include "wire/answer_parser.hpp"
#include "wire/record_builder.hpp"

namespace jobmode {

decoder_limits::decoder_limits() = default;

struct decoder::impl {
    explicit impl(const decoder_limits& limits) : builder(limits, wire::fastest_lane()), parser(limits, builder) {}

    wire::record_builder builder;
    wire::answer_parser<wire::record_builder> parser;
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

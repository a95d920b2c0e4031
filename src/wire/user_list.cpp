// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/user_list.hpp"

#include <utility>

#include "wire/answer_parser.hpp"

namespace jobmode::wire {
namespace {

class name_collector {
public:
    static constexpr std::string_view list_key = "User";

    void begin_element() noexcept { named_ = false; }
    void key(std::string_view text) noexcept { is_name_ = text == "LoginName"; }
    void text(std::string_view value) {
        if (!is_name_)
            return;
        if (named_)
            names.back() = value;
        else
            names.emplace_back(value);
        named_ = true;
    }
    void null() noexcept {}
    void nested() noexcept {}
    void end_element() noexcept {}

    std::vector<std::string> names;

private:
    bool is_name_ = false;
    bool named_ = false;
};

}  // namespace

struct user_list_decoder::impl {
    explicit impl(const decoder_limits& limits) : parser(limits, collector) {}

    name_collector collector;
    answer_parser<name_collector> parser;
};

user_list_decoder::user_list_decoder(const decoder_limits& limits) : impl_(std::make_unique<impl>(limits)) {}
user_list_decoder::user_list_decoder(user_list_decoder&&) noexcept = default;
user_list_decoder& user_list_decoder::operator=(user_list_decoder&&) noexcept = default;
user_list_decoder::~user_list_decoder() = default;

void user_list_decoder::feed(std::string_view piece, error_code& ec) {
    impl_->parser.feed(piece, ec);
}

std::vector<std::string> user_list_decoder::finish(error_code& ec) {
    impl_->parser.finish(ec);
    return ec ? std::vector<std::string>() : std::move(impl_->collector.names);
}

std::string_view user_list_decoder::message() const noexcept {
    return impl_->parser.message();
}
std::string_view user_list_decoder::expt_type() const noexcept {
    return impl_->parser.expt_type();
}
std::uint64_t user_list_decoder::offset() const noexcept {
    return impl_->parser.offset();
}
std::string user_list_decoder::excerpt() const {
    return impl_->parser.excerpt();
}

}  // namespace jobmode::wire

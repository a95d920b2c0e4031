// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/list_decoder.hpp"

#include <utility>

#include "wire/answer_parser.hpp"

namespace jobmode {

backup_set_jobs::backup_set_jobs() = default;

namespace wire {
namespace {

template <class Element>
class collector;

template <>
class collector<std::string> {
public:
    static constexpr std::string_view list_key = "User";

    void begin_element() noexcept { named_ = false; }
    void key(std::string_view text) noexcept { is_name_ = text == "LoginName"; }
    void text(std::string_view value) {
        if (!is_name_)
            return;
        if (named_)
            found.back() = value;
        else
            found.emplace_back(value);
        named_ = true;
    }
    void null() noexcept {}
    void nested() noexcept {}
    void end_element() noexcept {}

    std::vector<std::string> found;

private:
    bool is_name_ = false;
    bool named_ = false;
};

template <>
class collector<backup_set_jobs> {
public:
    static constexpr std::string_view list_key = "Data";

    void begin_element() { found.emplace_back(); }
    void key(std::string_view text) noexcept {
        member_ = text == "BackupSetID" ? member::set : text == "BackupJob" ? member::jobs : member::other;
    }
    void text(std::string_view value) {
        if (member_ == member::set)
            found.back().backup_set_id = value;
    }
    void null() noexcept {}
    void nested() noexcept {}
    bool wants_texts() const noexcept { return member_ == member::jobs; }
    void item(std::string_view value) { found.back().job_ids.emplace_back(value); }
    void end_element() noexcept {}

    std::vector<backup_set_jobs> found;

private:
    enum class member { other, set, jobs };
    member member_ = member::other;
};

}  // namespace

template <class Element>
struct list_decoder<Element>::impl {
    explicit impl(const decoder_limits& limits) : parser(limits, elements) {}

    collector<Element> elements;
    answer_parser<collector<Element>> parser;
};

template <class Element>
list_decoder<Element>::list_decoder(const decoder_limits& limits) : impl_(std::make_unique<impl>(limits)) {}
template <class Element>
list_decoder<Element>::list_decoder(list_decoder&&) noexcept = default;
template <class Element>
list_decoder<Element>& list_decoder<Element>::operator=(list_decoder&&) noexcept = default;
template <class Element>
list_decoder<Element>::~list_decoder() = default;

template <class Element>
void list_decoder<Element>::feed(std::string_view piece, error_code& ec) {
    impl_->parser.feed(piece, ec);
}

template <class Element>
std::vector<Element> list_decoder<Element>::finish(error_code& ec) {
    impl_->parser.finish(ec);
    return ec ? result_type() : std::move(impl_->elements.found);
}

template <class Element>
std::string_view list_decoder<Element>::message() const noexcept {
    return impl_->parser.message();
}
template <class Element>
std::string_view list_decoder<Element>::expt_type() const noexcept {
    return impl_->parser.expt_type();
}
template <class Element>
std::uint64_t list_decoder<Element>::offset() const noexcept {
    return impl_->parser.offset();
}
template <class Element>
std::string list_decoder<Element>::excerpt() const {
    return impl_->parser.excerpt();
}

template class list_decoder<std::string>;
template class list_decoder<backup_set_jobs>;

}  // namespace wire
}  // namespace jobmode

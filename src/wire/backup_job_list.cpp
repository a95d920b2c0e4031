// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/backup_job_list.hpp"

#include <utility>

#include "wire/answer_parser.hpp"

namespace jobmode {

backup_set_jobs::backup_set_jobs() = default;

namespace wire {
namespace {

class job_collector {
public:
    static constexpr std::string_view list_key = "Data";

    void begin_element() { sets.emplace_back(); }
    void key(std::string_view text) noexcept {
        member_ = text == "BackupSetID" ? member::set : text == "BackupJob" ? member::jobs : member::other;
    }
    void text(std::string_view value) {
        if (member_ == member::set)
            sets.back().backup_set_id = value;
    }
    void null() noexcept {}
    void nested() noexcept {}
    bool wants_texts() const noexcept { return member_ == member::jobs; }
    void item(std::string_view value) { sets.back().job_ids.emplace_back(value); }
    void end_element() noexcept {}

    std::vector<backup_set_jobs> sets;

private:
    enum class member { other, set, jobs };
    member member_ = member::other;
};

}  // namespace

struct backup_job_list_decoder::impl {
    explicit impl(const decoder_limits& limits) : parser(limits, collector) {}

    job_collector collector;
    answer_parser<job_collector> parser;
};

backup_job_list_decoder::backup_job_list_decoder(const decoder_limits& limits)
    : impl_(std::make_unique<impl>(limits)) {}
backup_job_list_decoder::backup_job_list_decoder(backup_job_list_decoder&&) noexcept = default;
backup_job_list_decoder& backup_job_list_decoder::operator=(backup_job_list_decoder&&) noexcept = default;
backup_job_list_decoder::~backup_job_list_decoder() = default;

void backup_job_list_decoder::feed(std::string_view piece, error_code& ec) {
    impl_->parser.feed(piece, ec);
}

std::vector<backup_set_jobs> backup_job_list_decoder::finish(error_code& ec) {
    impl_->parser.finish(ec);
    return ec ? std::vector<backup_set_jobs>() : std::move(impl_->collector.sets);
}

std::string_view backup_job_list_decoder::message() const noexcept {
    return impl_->parser.message();
}
std::string_view backup_job_list_decoder::expt_type() const noexcept {
    return impl_->parser.expt_type();
}
std::uint64_t backup_job_list_decoder::offset() const noexcept {
    return impl_->parser.offset();
}
std::string backup_job_list_decoder::excerpt() const {
    return impl_->parser.excerpt();
}

}  // namespace wire
}  // namespace jobmode

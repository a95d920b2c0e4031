// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Whatever the bytes and however they are cut, a decoder says the same, with whatever fast lane, with none, and when it
// has learned from the same bytes before; and of a document that Boost.JSON takes whole it says what that document
// says.
#include <jobmode/decoder.hpp>

#include <boost/json/parse.hpp>

#include <optional>
#include <string>
#include <vector>

#include "pieces.hpp"
#include "wire/answer_parser.hpp"
#include "wire/list_decoder.hpp"
#include "wire/record_builder.hpp"
#include "wire/utf8.hpp"

using namespace jobmode;
using jobmode::fuzz::require;

namespace {

namespace json = boost::json;

struct decoded {
    error_code ec;
    std::vector<record> records;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::string message;
    std::string expt_type;

    friend bool operator==(const decoded&, const decoded&) = default;
};

decoder_limits small_limits() {
    decoder_limits limits;
    limits.depth = 8;
    limits.field_bytes = 64;
    limits.answer_bytes = 2048;
    return limits;
}

/// A decoder with a lane of our choice.
class lane_decoder {
public:
    explicit lane_decoder(wire::lane_kind lane) : builder_(small_limits(), lane), parser_(small_limits(), builder_) {}

    record_batch feed(std::string_view piece, error_code& ec) {
        builder_.begin_batch();
        parser_.feed(piece, ec);
        const record_batch batch = builder_.batch();
        records_ += batch.size();
        return batch;
    }
    void finish(error_code& ec) { parser_.finish(ec); }
    void reset() {
        builder_.reset();
        parser_.reset();
        records_ = 0;
    }
    std::uint64_t records() const { return records_; }
    std::uint64_t bytes() const { return parser_.bytes(); }
    std::uint64_t offset() const { return parser_.offset(); }
    const std::string& excerpt() const { return parser_.excerpt(); }
    const std::string& message() const { return parser_.message(); }
    const std::string& expt_type() const { return parser_.expt_type(); }

private:
    wire::record_builder builder_;
    wire::answer_parser<wire::record_builder> parser_;
    std::uint64_t records_ = 0;
};

template <class Decoder>
decoded decode(Decoder& subject, const std::vector<std::string_view>& pieces) {
    decoded result;
    for (const std::string_view piece : pieces) {
        const std::vector<char> bytes(piece.begin(), piece.end());
        const bool failed = static_cast<bool>(result.ec);
        const record_batch batch = subject.feed({bytes.data(), bytes.size()}, result.ec);
        require(!failed || (result.ec && batch.empty()), "an error stays");
        for (const record_view& each : batch)
            result.records.emplace_back(each);
    }
    subject.finish(result.ec);
    require(subject.records() == result.records.size(), "records are counted");
    require(subject.excerpt().size() <= 4 * 64, "the excerpt is short");
    result.offset = subject.offset();
    result.bytes = subject.bytes();
    result.message = subject.message();
    result.expt_type = subject.expt_type();
    return result;
}

std::string text_of(boost::core::string_view text) {
    return {text.data(), text.size()};
}

/// The record that an element is. Numbers are left to `same`: the document does not say how they were written.
record record_of(const json::object& element) {
    record result;
    for (std::size_t index = 0; index != field_count; ++index) {
        const auto which = static_cast<field>(index);
        const std::string_view key = key_of(which);
        const json::value* const value = element.if_contains({key.data(), key.size()});
        if (!value || value->is_object() || value->is_array())
            continue;
        result.set(which, value->is_null() ? presence::null : presence::text);
        if (const json::string* text = value->if_string())
            result.text(which) = text_of(*text);
        else if (const bool* truth = value->if_bool())
            result.text(which) = *truth ? "true" : "false";
    }
    return result;
}

bool same(const record& found, const json::object& element) {
    record expected = record_of(element);
    for (std::size_t index = 0; index != field_count; ++index) {
        const auto which = static_cast<field>(index);
        const std::string_view key = key_of(which);
        const json::value* const value = element.if_contains({key.data(), key.size()});
        if (!value || !value->is_number())
            continue;
        // The texts of the numbers are compared by their values.
        boost::system::error_code ec;
        const json::value number = json::parse(found.text(which), ec);
        if (ec || number != *value)
            return false;
        expected.text(which) = found.text(which);
    }
    return found == expected;
}

/// The document as Boost.JSON has it, if it is one for the decoder to take: an object whose outermost keys stand once.
std::optional<json::object> whole_document(std::string_view document) {
    boost::system::error_code ec;
    json::parse_options options;
    options.max_depth = small_limits().depth;
    const json::value value = json::parse({document.data(), document.size()}, ec, {}, options);
    if (ec || !value.is_object())
        return std::nullopt;
    return value.get_object();
}

/// Whether an outermost key that may stand once may stand twice: then Boost.JSON keeps the last, and its type, while
/// the decoder ends at the first that is wrong.
bool may_stand_twice(std::string_view text) {
    const auto twice = [text](std::string_view key) {
        const auto first = text.find(key);
        return first != std::string_view::npos && text.find(key, first + 1) != std::string_view::npos;
    };
    return twice("\"Data\"") || twice("\"Status\"") || text.find("\\u") != std::string_view::npos;
}

void compare(const decoded& found, const json::object& document, std::string_view text) {
    // Limits, and keys that may stand once: Boost.JSON has no opinion of these.
    if (found.ec == errc::field_limit || found.ec == errc::answer_limit || found.ec == errc::duplicate_key)
        return;
    if (found.ec == errc::wrong_type && may_stand_twice(text))
        return;
    const json::value* const status = document.if_contains("Status");
    const json::value* const data = document.if_contains("Data");
    const json::array* const list = data ? data->if_array() : nullptr;
    bool fits = (!data || data->is_null() || list) && (!status || status->is_null() || status->is_string());
    if (list)
        for (const json::value& each : *list)
            fits = fits && each.is_object();
    if (!fits) {
        require(found.ec == errc::wrong_type, "a wrong type is told");
        return;
    }
    if (!status || !status->is_string()) {
        require(found.ec == errc::no_status, "a missing Status is told");
    } else if (status->get_string() == "Error") {
        require(
            found.ec == errc::api_error || found.ec == errc::no_such_user || found.ec == errc::authentication_refused,
            "an API error is told");
        if (const json::value* message = document.if_contains("Message"); message && message->is_string())
            require(found.message == text_of(message->get_string()), "the Message is the document's");
    } else {
        require(status->get_string() == "OK" ? !found.ec : found.ec == errc::no_status, "the Status is the document's");
    }
    const std::size_t count = list ? list->size() : 0;
    require(found.records.size() == count, "there are as many records as elements");
    for (std::size_t index = 0; index != count; ++index)
        require(same(found.records[index], (*list)[index].get_object()), "a record is its element");
}

/// What a list of another call is decoded to.
template <class Decoder>
struct decoded_list {
    error_code ec;
    typename Decoder::result_type elements;
    std::uint64_t offset = 0;
    std::string message;

    friend bool operator==(const decoded_list&, const decoded_list&) = default;
};

template <class Decoder>
decoded_list<Decoder> decode_list(const std::vector<std::string_view>& pieces) {
    Decoder subject(small_limits());
    decoded_list<Decoder> result;
    for (const std::string_view piece : pieces) {
        const std::vector<char> bytes(piece.begin(), piece.end());
        subject.feed({bytes.data(), bytes.size()}, result.ec);
    }
    result.elements = subject.finish(result.ec);
    require(!result.ec || result.elements.empty(), "nothing is left of a list after an error");
    result.offset = subject.offset();
    result.message = subject.message();
    return result;
}

/// The job IDs of all sets, of a document that was taken: whatever is not listed must not be there.
void compare_jobs(const std::vector<backup_set_jobs>& found, const json::object& document) {
    std::size_t listed = 0;
    for (const backup_set_jobs& set : found)
        listed += set.job_ids.size();
    std::size_t expected = 0;
    if (const json::value* const data = document.if_contains("Data"); data && data->is_array())
        for (const json::value& element : data->get_array()) {
            const json::value* const jobs = element.get_object().if_contains("BackupJob");
            expected += jobs && jobs->is_array() ? jobs->get_array().size() : 0;
        }
    // Of a key that stands twice Boost.JSON keeps the last one.
    require(listed >= expected, "no job is passed over");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::input input = fuzz::split_input(data, size);
    decoder subject(small_limits());
    const decoded whole = decode(subject, {input.document});
    subject.reset();
    const std::vector<std::string_view> pieces = fuzz::cut(input);
    require(decode(subject, pieces) == whole, "the result does not depend on the cuts");
    for (const wire::lane_kind kind :
         {wire::lane_kind::none, wire::lane_kind::portable, wire::lane_kind::sse2, wire::lane_kind::avx2}) {
        if (!wire::is_supported(kind))
            continue;
        lane_decoder other(kind);
        require(decode(other, {input.document}) == whole, "the result does not depend on the lane");
        other.reset();
        require(decode(other, {input.document}) == whole, "the result does not depend on what was learned");
        other.reset();
        require(decode(other, pieces) == whole, "the result depends on neither lane nor cuts");
    }
    require(whole.bytes <= input.document.size() && whole.offset <= input.document.size(), "places are in the answer");

    const auto jobs = decode_list<wire::backup_job_list_decoder>({input.document});
    require(decode_list<wire::backup_job_list_decoder>(pieces) == jobs, "nor does that of a list of jobs");
    const auto users = decode_list<wire::user_list_decoder>({input.document});
    require(decode_list<wire::user_list_decoder>(pieces) == users, "nor does that of a list of users");

    // Boost.JSON takes no byte order mark.
    std::string_view text = input.document;
    if (text.starts_with("\xEF\xBB\xBF"))
        text.remove_prefix(3);
    if (const std::optional<json::object> document = whole_document(text))
        compare(whole, *document, text);
    else
        require(whole.ec && jobs.ec && users.ec, "what Boost.JSON refuses is refused");
    if (!jobs.ec)
        compare_jobs(jobs.elements, *whole_document(text));
    if (!whole.ec)
        require(wire::is_utf8(input.document), "what is accepted is UTF-8");
    return 0;
}

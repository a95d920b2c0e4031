// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Decoding a document in every split.
#pragma once

#include <jobmode/decoder.hpp>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "wire/answer_error.hpp"

namespace jobmode::test {

/// All that a decoder says of an answer, apart from the excerpt.
struct decoded {
    error_code ec;
    std::vector<record> records;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::string message;
    std::string expt_type;

    friend bool operator==(const decoded&, const decoded&) = default;
};

/// Decodes the pieces, and holds the excerpt to what the piece with the error says.
inline decoded decode(decoder& subject, const std::vector<std::string_view>& pieces) {
    decoded result;
    std::uint64_t before = 0;
    std::string excerpt;
    for (const std::string_view piece : pieces) {
        // A copy of its own size, so that the sanitizer sees a read beyond it.
        const std::vector<char> bytes(piece.begin(), piece.end());
        const bool failed = static_cast<bool>(result.ec);
        for (const record_view& each : subject.feed({bytes.data(), bytes.size()}, result.ec))
            result.records.emplace_back(each);
        if (result.ec && !failed)
            excerpt = wire::printable_excerpt(piece, static_cast<std::size_t>(subject.offset() - before));
        before += piece.size();
    }
    const error_code in_feed = result.ec;
    subject.finish(result.ec);
    if (in_feed && in_feed != result.ec)
        FAIL("finish gives another error than feed");
    if (subject.excerpt() != excerpt)
        FAIL("the excerpt is \"" << subject.excerpt() << "\", not \"" << excerpt << '"');
    if (subject.records() != result.records.size())
        FAIL("the records were counted wrong");
    result.offset = subject.offset();
    result.bytes = subject.bytes();
    result.message = subject.message();
    result.expt_type = subject.expt_type();
    return result;
}

/// Decodes the document whole, cut in two at each place, and byte by byte, and holds the results to the first.
inline decoded decode_every_way(std::string_view document, const decoder_limits& limits = {}) {
    decoder subject(limits);
    const decoded whole = decode(subject, {document});
    const auto hold = [&](const std::vector<std::string_view>& pieces, const std::string& how) {
        subject.reset();
        const decoded other = decode(subject, pieces);
        if (other != whole)
            FAIL("whole: " << error_name(whole.ec) << " at " << whole.offset << " after " << whole.records.size()
                           << " records; " << how << ": " << error_name(other.ec) << " at " << other.offset << " after "
                           << other.records.size() << " records; document: "
                           << wire::printable_excerpt(document, static_cast<std::size_t>(whole.offset)));
    };
    for (std::size_t cut = 0; cut <= document.size(); ++cut)
        hold({document.substr(0, cut), document.substr(cut)}, "cut at " + std::to_string(cut));
    std::vector<std::string_view> bytes;
    for (std::size_t at = 0; at != document.size(); ++at)
        bytes.push_back(document.substr(at, 1));
    hold(bytes, "byte by byte");
    return whole;
}

/// A file of the test data.
inline std::string data_file(const std::string& name) {
    std::ifstream file(JOBMODE_TEST_DATA "/" + name, std::ios::binary);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace jobmode::test

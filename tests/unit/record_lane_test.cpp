// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/decoder.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "wire/answer_parser.hpp"
#include "wire/record_builder.hpp"
#include "wire/record_lane.hpp"
#include "wire/text_scan.hpp"

namespace record_lane_test {
namespace {

using jobmode::error_code;
using jobmode::field;
using jobmode::field_count;
using jobmode::presence;
using jobmode::record;
using jobmode::record_view;
using jobmode::wire::lane_kind;
using jobmode::wire::record_lane;

jobmode::decoder_limits short_texts(std::size_t field_bytes = 100) {
    jobmode::decoder_limits limits;
    limits.field_bytes = field_bytes;
    limits.depth = 6;
    return limits;
}

std::vector<lane_kind> fast_lanes() {
    std::vector<lane_kind> kinds;
    for (const lane_kind kind : {lane_kind::portable, lane_kind::sse2, lane_kind::avx2})
        if (jobmode::wire::is_supported(kind))
            kinds.push_back(kind);
    return kinds;
}

/// Text in memory of its own, so that a sanitizer sees who reads a byte too many.
class exact_copy {
public:
    explicit exact_copy(std::string_view text) : bytes_(std::make_unique<char[]>(text.size())), size_(text.size()) {
        text.copy(bytes_.get(), text.size());
    }
    std::string_view view() const noexcept { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_;
};

/// Everything that can be seen of a decoder when it is through with an answer.
struct result {
    std::vector<record> records;
    error_code ec;
    std::uint64_t bytes = 0;
    std::uint64_t offset = 0;
    std::string excerpt;
    std::string message;

    friend bool operator==(const result&, const result&) = default;
};

class tested_decoder {
public:
    explicit tested_decoder(lane_kind lane, const jobmode::decoder_limits& limits = {})
        : builder_(limits, lane), parser_(limits, builder_) {}

    /// `cuts` are the sizes of the pieces, one after the other; the rest is one piece.
    result decode(std::string_view answer, const std::vector<std::size_t>& cuts) {
        builder_.reset();
        parser_.reset();
        result found;
        for (const std::size_t size : cuts) {
            feed(answer.substr(0, size), found);
            answer.remove_prefix(std::min(size, answer.size()));
        }
        feed(answer, found);
        if (!found.ec)
            parser_.finish(found.ec);
        found.bytes = parser_.bytes();
        found.offset = parser_.offset();
        found.excerpt = parser_.excerpt();
        found.message = parser_.message();
        return found;
    }

private:
    void feed(std::string_view piece, result& found) {
        const exact_copy copy(piece);
        builder_.begin_batch();
        parser_.feed(copy.view(), found.ec);
        for (const record_view& one : builder_.batch())
            found.records.emplace_back(one);
    }

    jobmode::wire::record_builder builder_;
    jobmode::wire::answer_parser<jobmode::wire::record_builder> parser_;
};

/// What an answer means, by the whole document at once. False if it is not well-formed or not this API's.
bool read_with_dom(std::string_view answer, std::vector<boost::json::value>& elements) {
    boost::system::error_code ec;
    const boost::json::value document = boost::json::parse({answer.data(), answer.size()}, ec);
    const boost::json::object* const root = ec ? nullptr : document.if_object();
    const boost::json::value* const status = root ? root->if_contains("Status") : nullptr;
    if (!status || *status != "OK")
        return false;
    const boost::json::value* const list = root->if_contains("Data");
    if (!list || list->is_null())
        return true;
    if (!list->is_array())
        return false;
    elements.assign(list->as_array().begin(), list->as_array().end());
    return std::ranges::all_of(elements, [](const boost::json::value& one) { return one.is_object(); });
}

bool is_same(const record& one, const boost::json::value& element) {
    for (std::size_t index = 0; index != field_count; ++index) {
        const auto which = static_cast<field>(index);
        const std::string_view key = jobmode::key_of(which);
        const boost::json::value* const value = element.as_object().if_contains({key.data(), key.size()});
        const bool has_text = value && !value->is_null() && !value->is_structured();
        const presence expected = has_text                    ? presence::text
                                  : value && value->is_null() ? presence::null
                                                              : presence::absent;
        if (one.has(which) != expected)
            return false;
        const std::string& text = one.text(which);
        if (!has_text            ? !text.empty()
            : value->is_string() ? value->as_string() != text
                                 : boost::json::parse(text) != *value)
            return false;
    }
    return true;
}

bool is_same(const std::vector<record>& records, const std::vector<boost::json::value>& elements) {
    return std::ranges::equal(records, elements,
                              [](const record& one, const boost::json::value& other) { return is_same(one, other); });
}

/// Makes answers of the kind that servers make, and of the kind that they should not.
class answer_maker {
public:
    explicit answer_maker(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
    bool once_in(std::size_t times) { return below(times) == 0; }

    std::string answer() {
        choose_style();
        std::vector<std::vector<std::string>> shapes(1 + below(once_in(8) ? 24 : once_in(4) ? 6 : 2));
        for (auto& keys : shapes)
            keys = some_keys();
        std::string text;
        const std::size_t count = once_in(20) ? 0 : once_in(3) ? below(4) : below(30);
        for (std::size_t index = 0; index != count; ++index)
            text +=
                (index == 0 ? "" : space_ + ",") + element(once_in(40) ? some_keys() : shapes[below(shapes.size())]);
        const std::string list = "\"Data\"" + space_ + ":[" + text + space_ + "]";
        const std::string status = R"("Status" :"OK")";
        return "{" + (once_in(2) ? status + "," + list : list + space_ + "," + status) + "}";
    }

    std::vector<std::size_t> cuts(std::size_t bytes) {
        std::vector<std::size_t> sizes;
        const std::size_t largest = std::array<std::size_t, 5>{1, 7, 60, 300, 2000}[below(5)];
        for (std::size_t at = 0; at < bytes && !once_in(50); at += sizes.back())
            sizes.push_back(below(largest + 1) + (largest == 1 ? 1 : 0));
        return sizes;
    }

    void damage(std::string& text) {
        static constexpr std::string_view likely = "\"\\{}[],: \n\x01\x1F\x7F\x80\xC3\xED\xFFnul-01e.";
        const std::size_t at = below(text.size());
        const std::size_t size = 1 + below(once_in(2) ? 3 : 200);
        switch (below(5)) {
            case 0:
                text[at] = likely[below(likely.size())];
                break;
            case 1:
                text.insert(at, 1, likely[below(likely.size())]);
                break;
            case 2:
                text.erase(at, size);
                break;
            case 3:
                text.insert(below(text.size()), text.substr(at, size));
                break;
            default:
                text.resize(at);
                break;
        }
    }

private:
    void choose_style() {
        static constexpr std::array<std::string_view, 5> spaces{"", "", " ", "\n    ", "\r\n\t\t                     "};
        space_ = spaces[below(spaces.size())];
        odd_ = std::array<std::size_t, 3>{1000000, 200, 12}[below(3)];
    }

    std::vector<std::string> some_keys() {
        std::vector<std::string> keys;
        for (std::size_t index = 0; index != field_count; ++index)
            if (!once_in(10))
                keys.emplace_back(jobmode::key_of(static_cast<field>(index)));
        for (std::size_t more = below(6) / 4 * below(9); more != 0; --more)
            keys.push_back("Other" + std::to_string(more));
        if (once_in(30))
            keys.emplace_back(R"(Own\u0065r)");
        if (once_in(30))
            keys.push_back(std::string(below(90), 'k'));
        if (once_in(20) && !keys.empty())
            keys.push_back(keys[below(keys.size())]);
        sorts_keys_ = !once_in(3);
        std::ranges::shuffle(keys, random_);
        return keys;
    }

    std::string element(std::vector<std::string> keys) {
        if (!sorts_keys_)
            std::ranges::shuffle(keys, random_);
        if (!sorts_keys_ || once_in(10))
            std::erase_if(keys, [this](const std::string&) { return once_in(5); });
        std::string text = space_ + "{";
        for (const std::string& key : keys)
            text += (&key == &keys.front() ? "" : ",") + space_ + "\"" + key + "\":" + (space_.empty() ? "" : " ") +
                    value();
        return text + space_ + "}";
    }

    std::string value() {
        if (once_in(odd_))
            return odd_value();
        if (once_in(12))
            return "null";
        if (once_in(12))
            return std::to_string(static_cast<int>(below(2000)) - 1000);
        if (once_in(12))
            return std::array{"true", "false", "-0.25", "1e5", "20.0E-3"}[below(5)];
        static constexpr std::array<std::string_view, 7> texts{
            "2024-06-26 11:33:52",    "S", "", "v6 File Backup", "1687750405259", "kundin-m\u00fcller",
            "\u5099\u4efd \U0001F4BE"};
        std::string text(once_in(4) ? std::string(below(100), 'x') : texts[below(texts.size())]);
        if (once_in(10))
            text += "} ,{:[";
        return "\"" + text + "\"";
    }

    std::string odd_value() {
        static constexpr std::array<std::string_view, 19> values{
            R"("o\"brien\\")",
            R"("C:\\Data\\\u4f5C\n")",
            R"(["a",1])",
            R"([ { "a" : [ ] } , "\t" , -1.5 ])",
            R"([[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]])",
            R"([[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]])",
            R"("\ud83d\u0020")",
            R"("\u12x4")",
            R"({"a":[1,{"b":"}"}],"c":{}})",
            "[]",
            "true",
            "1.5e3",
            R"("\ud83d\ude00")",
            R"("\u00fc")",
            "-0",
            "0",
            "{}",
            "false",
            "12345678901234567890"};
        return std::string(values[below(values.size())]);
    }

    std::mt19937_64 random_;
    std::string space_;
    std::size_t odd_ = 1;
    bool sorts_keys_ = true;
};

constexpr std::string_view element = R"(,{"ID":"17","Owner":"","BackupJobMode":"S"})";

}  // namespace

TEST_CASE("the lanes and a document model agree on any answer in any split, sound or damaged") {
    const std::uint64_t seed = GENERATE(1U, 2U, 3U, 4U);
    answer_maker make(seed);
    jobmode::decoder_limits limits;
    limits.field_bytes = 90;
    const std::vector<lane_kind> kinds = fast_lanes();
    tested_decoder general(lane_kind::none, limits);
    std::vector<std::unique_ptr<tested_decoder>> fast;
    for (const lane_kind kind : kinds)
        fast.push_back(std::make_unique<tested_decoder>(kind, limits));

    for (int round = 0; round != 1500; ++round) {
        std::string answer = make.answer();
        if (make.once_in(2))
            for (std::size_t times = 1 + make.below(3); times != 0 && !answer.empty(); --times)
                make.damage(answer);
        CAPTURE(round, answer);
        const std::vector<std::size_t> cuts = make.once_in(3) ? std::vector<std::size_t>() : make.cuts(answer.size());
        const result expected = general.decode(answer, cuts);
        for (std::size_t index = 0; index != fast.size(); ++index) {
            CAPTURE(index);
            const result found = fast[index]->decode(answer, cuts);
            CHECK(found.ec == expected.ec);
            CHECK(found.offset == expected.offset);
            CHECK(found.excerpt == expected.excerpt);
            REQUIRE(found == expected);
        }
        std::vector<boost::json::value> elements;
        const bool sound = read_with_dom(answer, elements);
        if (!expected.ec) {
            REQUIRE(sound);
            REQUIRE(is_same(expected.records, elements));
        } else if (sound) {
            // What the document model lets pass.
            REQUIRE((expected.ec == jobmode::errc::field_limit || expected.ec == jobmode::errc::duplicate_key));
        }
    }
}

TEST_CASE("the fast lane takes whatever elements are sound, and stops at the first one that is not") {
    struct row {
        std::string behind;
        std::size_t taken;
    };
    const std::string one(element);
    const auto table = std::vector<row>{
        {"", 0},
        {"]", 0},
        {one, 1},
        {one + one + one, 3},
        {one + "]}", 1},
        {one + one.substr(0, one.size() - 1), 1},
        {R"(,{"ID":"","Owner":null,"BackupJobMode":-12})", 1},
        {R"(,{"ID":null,"Owner":"m\u00fcller","BackupJobMode":0})", 1},
        {",{\"ID\":null,\"Owner\":\"m\u00fcller\",\"BackupJobMode\":0}", 1},
        {one + R"(,{"Owner":"","ID":"17","BackupJobMode":"S"})", 2},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":"S" })", 2},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":01})", 1},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":-})", 1},
        {one + R"(,{"ID":"17","Owner":-0.5,"BackupJobMode":1.5e-3})", 2},
        {one + R"(,{"ID":true,"Owner":false,"BackupJobMode":2E+10})", 2},
        {one + R"( ,{"ID":"17","Owner":"","BackupJobMode":"S"})", 2},
        {one + "\r\n\t,{\"ID\":\"17\",\"Owner\":\"\",\"BackupJobMode\":\"S\"}", 2},
        {one + R"( {"ID":"17","Owner":"","BackupJobMode":"S"})", 1},
        {one + R"( ,,{"ID":"17","Owner":"","BackupJobMode":"S"})", 1},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":1.})", 1},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":.5})", 1},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":1.e5})", 1},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":1e})", 1},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":1e+})", 1},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":0x1})", 1},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":-Infinity})", 1},
        {one + R"(,{"ID":"17","Owner":tru,"BackupJobMode":"S"})", 1},
        {one + R"(,{"ID":"17","Owner":True,"BackupJobMode":"S"})", 1},
        {one + R"(,{"ID":"17","Owner":falsee,"BackupJobMode":"S"})", 1},
        {one + R"(,{"ID":"17","Owner":"","BackupJobMode":nul})", 1},
        {one + R"(,{"ID":"17","Owner":{},"BackupJobMode":"S"})", 2},
        {one + R"(,{"ID":"17","Owner":"\"","BackupJobMode":"S"})", 2},
        {one + ",{\"ID\":\"1\t\",\"Owner\":\"\",\"BackupJobMode\":\"S\"}", 1},
        {one + ",{\"ID\":\"1\xC3\",\"Owner\":\"\",\"BackupJobMode\":\"S\"}", 1},
        {one + R"(,{})" + one, 3},
        {one + R"(,{"Own\u0065r":"a","Unknown key that is rather long, longer than a vector":1,"":2})" + one, 3},
        {one + R"(,{"ID":"17","ID":{"a":[1,{"b":"}"}],"c":{}},"ID":[[]]})" + one, 3},
        {one + R"(,{"ID":[[[]]]})", 2},
        {one + R"(,{"ID":[[[[]]]]})", 1},
        {one + R"(,{"ID":[1,]})", 1},
        {one + R"(,{"ID":[,1]})", 1},
        {one + R"(,{"ID":[1 1]})", 1},
        {one + R"(,{"ID":[1})", 1},
        {one + R"(,{"ID":{"a"}})", 1},
        {one + R"(,{"ID":{"a":}})", 1},
        {one + R"(,{"ID":{"a":1,}})", 1},
        {one + R"(,{"ID":{1:1}})", 1},
        {one + R"(,{"ID":{"a":1]})", 1},
        {one + R"(,{"ID":["\x"]})", 1},
        {one + R"(,{"ID":"1",})", 1},
        {one + R"(,{,"ID":"1"})", 1},
        {one + R"(,{"ID""1"})", 1},
        {one + R"(,{"ID":"1""Owner":""})", 1},
        {one + R"(,["ID"])", 1},
        {one + R"(,{"ID":"\x"})", 1},
        {one + R"(,{"ID":"\u12g4"})", 1},
        {one + R"(,{"ID":"\ud83d"})", 1},
        {one + R"(,{"ID":"\ud83d\u0041"})", 1},
        {one + R"(,{"ID":"\ude00"})", 1},
        {one + R"(,{"ID":"\ud83d\ude00\/\b\f\n\r\t\\"})", 2},
        {one + ",{\"ID\":\"\\n\t\"}", 1},
        {one + ",{\"ID\":\"\\n\xC3\"}", 1},
        {one + ",{\"ID\":\"\xC3\\n\"}", 1},
        {one + R"(,{"ID":"\n)" + std::string(99, 'x') + R"("})", 2},
        {one + R"(,{"ID":"\n)" + std::string(100, 'x') + R"("})", 1},
        {one + R"(,{")" + std::string(101, 'x') + R"(":1})", 1},
        {one + R"(,{"ID":)" + std::string(101, '1') + "}", 1},
        {one + R"(,{"ID":"17","Owner":")" + std::string(100, 'x') + R"(","BackupJobMode":"S"})", 2},
        {one + R"(,{"ID":"17","Owner":")" + std::string(101, 'x') + R"(","BackupJobMode":"S"})", 1},
    };
    for (const lane_kind kind : fast_lanes()) {
        // Near the end of the text, and far from it.
        for (const std::string& rest : {std::string(), std::string(200, ' ')}) {
            for (const row& line : table) {
                CAPTURE(static_cast<int>(kind), rest.size(), line.behind);
                record_lane lane(short_texts(), kind);
                const exact_copy text(line.behind + rest);
                std::vector<record_view> out;
                const std::size_t bytes = lane.take(text.view(), out);
                CHECK(out.size() == line.taken);
                CHECK((bytes == 0 || !lane.kept().empty() || line.behind[bytes - 1] == '}'));
            }
        }
    }
}

TEST_CASE("the fast lane's records refer to the text they were read from") {
    for (const lane_kind kind : fast_lanes()) {
        record_lane lane(short_texts(), kind);
        const std::string text = R"(,{"ID":"17","Owner":null,"BackupJobMode":4711})" + std::string(100, ' ');
        std::vector<record_view> out;
        lane.take(text, out);
        REQUIRE(out.size() == 1);
        CHECK(out[0].id == "17");
        CHECK(out[0].id.data() == text.data() + text.find("17"));
        CHECK(out[0].has(field::owner) == presence::null);
        CHECK(out[0].has(field::login_name) == presence::absent);
        CHECK(out[0].backup_job_mode_text == "4711");
    }
}

TEST_CASE("the fast lane keeps several shapes apart") {
    const std::string other = ",\n  { \"LoginName\" : \"obm\" }";
    for (const lane_kind kind : fast_lanes()) {
        record_lane lane(short_texts(), kind);
        std::string text;
        for (int times = 0; times != 5; ++times)
            text += std::string(element) + other;
        std::vector<record_view> out;
        CHECK(lane.take(text, out) == text.size());
        CHECK(out.size() == 10);
    }
}

TEST_CASE("every key of the API is found, and no other") {
    using jobmode::wire::find_field;
    for (std::size_t index = 0; index != field_count; ++index) {
        const std::string key(jobmode::key_of(static_cast<field>(index)));
        CHECK(find_field(key) == index);
        for (std::size_t at = 0; at != key.size(); ++at) {
            std::string other = key;
            other[at] ^= 1;
            CHECK(find_field(other) == field_count);
            CHECK(find_field(key.substr(0, at)) == field_count);
        }
        CHECK(find_field(key + "s") == field_count);
    }
}

TEST_CASE("the fast lane follows the orders of keys that alternate, and any scalar in them") {
    const std::vector<std::string> elements{
        R"(,{"ID":"1","Owner":"a","Archived":false})",     R"(,{"Owner":"a","Archived":true,"ID":1.25e3})",
        R"( , {"Archived":false,"ID":"1","Owner":"m"})",   R"(,{"ID":"1"})",
        R"(,{"Owner":null,"ID":false,"Unknown":-0.5})",    R"(,{"UserId":7})",
        R"(,{"LoginName":"obm","UserId":7,"EndTime":""})",
    };
    for (const lane_kind kind : fast_lanes()) {
        record_lane lane(short_texts(), kind);
        std::string text;
        for (const std::string& one : elements) {
            text += one;
        }
        text += text + text;
        std::vector<record_view> out;
        CHECK(lane.take(text, out) == text.size());
        REQUIRE(out.size() == 3 * elements.size());
        CHECK(out[1].text(field::id) == "1.25e3");
        CHECK(out[4].text(field::id) == "false");
        CHECK(out[4].has(field::owner) == presence::null);
    }
}

TEST_CASE("a record that takes many pieces is whole in the end, whatever is replaced in it") {
    std::string answer =
        R"({"Status":"OK","Data":[{"Owner":"first"},{"LoginName":"obm","ID":")" + std::string(9000, 'a') + "\"";
    for (const char letter : {'b', 'c', 'd'})
        answer += R"(,"Owner":")" + std::string(6000, letter) + R"(","UserId":null,"UserId":"u")";
    answer += R"(,"Owner":"last"},{"ID":"next"}]})";
    for (const lane_kind kind : fast_lanes()) {
        for (const std::size_t bytes : {1U, 7U, 1000U, 5000U}) {
            tested_decoder subject(kind);
            const result found = subject.decode(answer, std::vector<std::size_t>(answer.size() / bytes, bytes));
            REQUIRE(!found.ec);
            REQUIRE(found.records.size() == 3);
            CHECK(found.records[0].text(field::owner) == "first");
            CHECK(found.records[1].text(field::id) == std::string(9000, 'a'));
            CHECK(found.records[1].text(field::login_name) == "obm");
            CHECK(found.records[1].text(field::owner) == "last");
            CHECK(found.records[1].text(field::user_id) == "u");
            CHECK(found.records[2].text(field::id) == "next");
        }
    }
}

TEST_CASE("the fast lane keeps the beginning of an element that is cut anywhere, and completes it") {
    const std::vector<std::string> elements{
        std::string(element),
        R"(,{"ID":null,"Owner":-12,"BackupJobMode":0})",
        R"(,{"ID":"","Owner":")" + std::string(100, 'x') + R"(","BackupJobMode":"} ,{:["})",
        ", { \"LoginName\" : \"m\u00fcller\" , \"More\" : [ 1 , { \"a\" : true } , [ ] , \"b\" ] , \"ID\" : 0 }",
    };
    for (const lane_kind kind : fast_lanes()) {
        for (const std::string& one : elements) {
            for (std::size_t cut = 1; cut != one.size(); ++cut) {
                for (const std::string& more : {std::string(), std::string("]}"), std::string(element) + "]"}) {
                    CAPTURE(static_cast<int>(kind), one, cut, more);
                    record_lane lane(short_texts(), kind);
                    const std::string before = std::string(element) + one.substr(0, cut);
                    std::vector<record_view> out;
                    REQUIRE(lane.take(before, out) == before.size());
                    REQUIRE(lane.kept() == one.substr(0, cut));
                    const exact_copy behind(one.substr(cut) + more);
                    std::string_view rest = behind.view();
                    REQUIRE(lane.complete_kept(rest, out));
                    CHECK(rest == more);
                    REQUIRE(out.size() == 2);
                    std::vector<record_view> whole;
                    lane.take(one, whole);
                    CHECK(whole.front() == out.back());
                    lane.drop_kept();
                    CHECK(lane.kept().empty());
                }
            }
        }
    }
}

TEST_CASE("the fast lane keeps nothing that may be wrong") {
    for (const std::string_view beginning :
         {R"(])", R"(,{"ID":x)", R"(,{"ID":"\)", ",{\"ID\":\"\t", R"(,{"ID":01)", R"(,{"ID":1.)", R"(,{"ID":nul ,)",
          R"(,{"ID":nx)", R"(,{"ID":--)", R"(,{"ID":"\u00)", R"(,{"ID":[1,])", R"(,{"ID":{"a" 1)", R"(,{"ID":"1" "O)",
          R"(,,)", R"(,{,)", ",{\"ID\":\"\xC3x", R"(,{"ID":[[[[)"}) {
        CAPTURE(beginning);
        record_lane lane(short_texts(), jobmode::wire::fastest_lane());
        std::vector<record_view> out;
        CHECK(lane.take(std::string(element) + std::string(beginning), out) == element.size());
        CHECK(lane.kept().empty());
    }
    for (const std::size_t size : {std::size_t{100}, std::size_t{101}}) {
        record_lane lane(short_texts(), jobmode::wire::fastest_lane());
        std::vector<record_view> out;
        lane.take(std::string(element) + R"(,{"ID":")" + std::string(size, 'x'), out);
        CHECK(lane.kept().empty() == (size > 100));
    }
}

TEST_CASE("what the fast lane has kept is unchanged when its rest is a surprise") {
    for (const std::string_view behind : {"", "7", R"(")", R"(x\y","Owner":"","BackupJobMode":"S"})"}) {
        CAPTURE(behind);
        record_lane lane(short_texts(), jobmode::wire::fastest_lane());
        std::vector<record_view> out;
        lane.take(std::string(element) + R"(,{"ID":"1)", out);
        std::string_view rest = behind;
        CHECK_FALSE(lane.complete_kept(rest, out));
        CHECK(rest == behind);
        CHECK(out.size() == 1);
        CHECK(lane.kept() == R"(,{"ID":"1)");
    }
}

TEST_CASE("no shape is made of an element whose keys are not plain") {
    using jobmode::wire::record_shape;
    CHECK(record_shape().learn(R"({"ID":"1","Other":[1,"]"],"Owner":{"a":{}}})"));
    for (const std::string& one :
         {std::string("{}"), std::string(R"({"ID":"1","ID":"2"})"), std::string(R"({"I\u0044":"1"})"),
          R"({"ID":)" + std::string(64, ' ') + R"("1"})", R"({"ID":"1")" + std::string(64, ' ') + "}"}) {
        CAPTURE(one);
        CHECK_FALSE(record_shape().learn(one));
    }
}

TEST_CASE("the fast lane guesses less often when its guesses fail, and again once they succeed") {
    record_lane lane(short_texts(), jobmode::wire::fastest_lane());
    const auto wait = [&lane] {
        int elements = 0;
        while (!lane.is_worth_a_try())
            ++elements;
        return elements;
    };
    CHECK(wait() == 0);
    std::vector<record_view> out;
    int longest = 0;
    for (int times = 0; times != 50; ++times) {
        lane.take(R"(,{"Owner":"no end)"
                  "\n",
                  out);
        longest = std::max(longest, wait());
    }
    CHECK(longest == 256);

    std::string text;
    for (int times = 0; times != 10; ++times)
        text += element;
    CHECK(lane.take(text, out) == text.size());
    lane.take(R"(,{"Owner":"no end)"
              "\n",
              out);
    CHECK(wait() == 0);
}

TEST_CASE("the fast lane takes a list from its beginning") {
    const std::string_view first = element.substr(1);
    for (const lane_kind kind : fast_lanes()) {
        {
            for (const std::string& list :
                 {std::string(first) + "]}", std::string(first) + std::string(element) + "]"}) {
                CAPTURE(static_cast<int>(kind), list);
                record_lane lane(short_texts(), kind);
                std::vector<record_view> out;
                CHECK(lane.is_hopeful());
                CHECK(lane.begin(list, out) == list.find(']'));
                CHECK(out.size() == (list.size() > element.size() + 2 ? 2 : 1));
                // Where a list begins there is no comma, and everywhere else there is one.
                CHECK(lane.begin(element, out) == 0);
                CHECK(lane.take(list, out) == 0);
                CHECK(lane.begin("]", out) == 0);
                CHECK(lane.kept().empty());
            }
        }
    }
}

TEST_CASE("without a fast lane, or with a very small limit, everything is the general lane's") {
    const auto take_nothing = [](record_lane&& lane) {
        std::vector<record_view> out;
        CHECK(lane.take(element, out) == 0);
        CHECK_FALSE(lane.is_worth_a_try());
    };
    take_nothing(record_lane(short_texts(), lane_kind::none));
    take_nothing(record_lane(short_texts(10), jobmode::wire::fastest_lane()));
}

TEST_CASE("a special byte is found wherever it stands") {
    for (std::size_t size = 0; size != 40; ++size) {
        for (int value = 0; value != 256; ++value) {
            for (std::size_t at = 0; at < size; at += 1 + size / 5) {
                std::string text(size, '!');
                text[at] = static_cast<char>(value);
                const exact_copy copy(text);
                const std::string_view view = copy.view();
                const bool special = value < 0x20 || value > 0x7F || value == '"' || value == '\\';
                const char* const found = jobmode::wire::find_special(view.data(), view.data() + view.size());
                REQUIRE(static_cast<std::size_t>(found - view.data()) == (special ? at : size));
            }
        }
    }
}

}  // namespace record_lane_test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The kinds of answers that bench_decode measures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// One kind of answer: its name in the table, and how its records differ from the first kind's.
struct answer_kind {
    enum class order : std::uint8_t { same, rotated, shuffled };
    enum class values : std::uint8_t { usual, integers, floats, cjk, long_texts, longest_texts };
    const char* name = "";
    order keys = order::same;
    values texts = values::usual;
    /// How often each of four keys is missing, and how often a record has an escape, in percent.
    unsigned missing = 0;
    unsigned escapes = 0;
    /// A member more in each record, with the comma before it.
    const char* more = "";
    /// What stands before each comma.
    const char* space = "";
    std::size_t records = 10'000;
};

inline std::vector<answer_kind> answer_kinds() {
    using kind = answer_kind;
    return {
        {.name = "records alike"},
        {.name = "keys rotate", .keys = kind::order::rotated},
        {.name = "keys shuffled", .keys = kind::order::shuffled},
        {.name = "four keys missing in 10 %", .missing = 10},
        {.name = "four keys missing in 50 %", .missing = 50},
        {.name = "an escape in each record", .escapes = 100},
        {.name = "an escape in 10 %", .escapes = 10},
        {.name = "one boolean more", .more = R"(,"Archived":false)"},
        {.name = "one array more", .more = R"(,"Tags":["a",1])"},
        {.name = "numbers", .texts = kind::values::integers},
        {.name = "floats", .texts = kind::values::floats},
        {.name = "CJK names", .texts = kind::values::cjk},
        {.name = "values of 4 KB", .texts = kind::values::long_texts, .records = 100},
        {.name = "nine values of 64 KB", .texts = kind::values::longest_texts, .records = 1},
        {.name = "one record", .records = 1},
        {.name = "a space before commas", .space = " "},
    };
}

/// The answer itself, the same one whenever it is asked for.
inline std::string make_answer(const answer_kind& kind) {
    using values = answer_kind::values;
    std::uint64_t state = 88172645463325252U;
    const auto below = [&state](std::uint64_t bound) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        return state % bound;
    };
    std::string text = R"({"Status":"OK","Data":[)";
    for (std::size_t index = 0; index != kind.records; ++index) {
        const std::string number = std::to_string(index);
        std::string name = "user-" + std::to_string(below(100'000));
        std::string owner = below(3) == 0 ? "" : "reseller-" + std::to_string(below(20));
        std::string set_name = "Backup of server " + std::to_string(below(50));
        if (below(100) < kind.escapes)
            set_name = R"(C:\\Data)";
        if (kind.texts == values::cjk) {
            name = "\xE4\xBD\x90\xE8\x97\xA4" + std::to_string(below(1000));
            set_name = "\xE6\xAF\x8E\xE6\x97\xA5\xE3\x81\xAE\xE3\x83\x90\xE3\x83\x83\xE3\x82\xAF";
            owner = "\xE6\xA0\xAA\xE5\xBC\x8F\xE4\xBC\x9A\xE7\xA4\xBE";
        }
        if (kind.texts == values::long_texts)
            set_name.assign(4096, 'x');
        const std::string day = std::to_string(10 + below(18));
        const auto quoted = [](const std::string& value) { return '"' + value + '"'; };
        std::array<std::pair<const char*, std::string>, 9> members{{
            {"ID", quoted("17193" + std::to_string(10'000'000 + index))},
            {"LoginName", quoted(name)},
            {"Owner", quoted(owner)},
            {"UserId", quoted(std::to_string(1'719'300'000'000 + below(1'000'000)))},
            {"StartTime", quoted("2024-06-" + day + " 11:33:" + std::to_string(10 + below(50)))},
            {"EndTime", quoted("2024-06-" + day + " 12:33:" + std::to_string(10 + below(50)))},
            {"BackupSetID", quoted(std::to_string(1'719'200'000'000 + below(1'000'000)))},
            {"BackupSetName", quoted(set_name)},
            {"BackupJobMode", below(10) == 0 ? "null" : quoted(below(4) == 0 ? "M" : "S")},
        }};
        for (const std::size_t which : {0U, 3U, 6U}) {
            if (kind.texts == values::integers)
                members[which].second = std::to_string(1'719'300'000'000 + below(1'000'000));
            else if (kind.texts == values::floats)
                members[which].second = std::to_string(below(1'000'000)) + "." + std::to_string(below(1000)) + "5e2";
        }
        if (kind.texts == values::long_texts)
            members[1].second = members[7].second;
        if (kind.texts == values::longest_texts)
            for (auto& member : members)
                member.second = quoted(std::string(65'000, 'x'));
        std::vector<std::size_t> order;
        for (std::size_t at = 0; at != members.size(); ++at) {
            const std::size_t which = kind.keys == answer_kind::order::rotated ? (at + index) % members.size() : at;
            const bool may_miss = which == 2 || which == 3 || which == 5 || which == 7;
            if (!may_miss || below(100) >= kind.missing)
                order.push_back(which);
        }
        if (kind.keys == answer_kind::order::shuffled)
            for (std::size_t at = order.size(); at > 1; --at)
                std::swap(order[at - 1], order[below(at)]);
        text += index == 0 ? "{" : std::string(kind.space) + ",{";
        for (std::size_t at = 0; at != order.size(); ++at) {
            if (at != 0)
                text.append(kind.space).append(",");
            text.append("\"").append(members[order[at]].first).append("\":").append(members[order[at]].second);
        }
        text.append(kind.more).append("}");
    }
    return text + "]}";
}

}  // namespace bench

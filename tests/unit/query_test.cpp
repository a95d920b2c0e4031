// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/query.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

namespace query_test {

using namespace jobmode;
using namespace std::chrono_literals;

TEST_CASE("a backup date is a date that exists, or a job's ID") {
    for (const char* text : {"2024-06-26", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31",
                             "2024-06-26-11-33-52", "2024-06-26-00-00-00", "2024-06-26-23-59-59"}) {
        INFO(text);
        const date_or_job_id found(text);
        CHECK(found.valid());
        CHECK(found.text() == text);
        CHECK(found.is_job_id() == (found.text().size() == 19));
        CHECK(date_or_job_id(found.date()).text() == found.text().substr(0, 10));
    }
    for (const char* text : {"",
                             "2024-02-30",
                             "2023-02-29",
                             "1900-02-29",
                             "2024-13-01",
                             "2024-00-01",
                             "2024-01-00",
                             "2024-04-31",
                             "0000-01-01",
                             "2024-6-26",
                             "24-06-26",
                             "2024/06/26",
                             "2024-06-2x",
                             " 2024-06-26",
                             "2024-06-26 ",
                             "2024-06-26-11-33",
                             "2024-06-26-24-00-00",
                             "2024-06-26-11-60-00",
                             "2024-06-26-11-33-60",
                             "2024-06-26 11-33-52",
                             "2024-06-26-11:33:52",
                             "2024-06-26-11-33-52-1",
                             "+024-06-26",
                             "2024-02-30-11-33-52"}) {
        INFO(text);
        CHECK_FALSE(date_or_job_id(text).valid());
    }
    CHECK(date_or_job_id(2024y / 6 / 26).text() == "2024-06-26");
    CHECK(date_or_job_id(2024y / 6 / 26) == date_or_job_id(std::string("2024-06-26")));
    CHECK_FALSE(date_or_job_id(2024y / 2 / 30).valid());
    CHECK_FALSE(date_or_job_id(std::chrono::year(10000) / 1 / 1).valid());
    CHECK_FALSE(date_or_job_id(std::chrono::year(0) / 1 / 1).valid());
    CHECK_FALSE(date_or_job_id().valid());
}

TEST_CASE("a query is validated, and what is wrong with it is named") {
    struct row {
        query asked;
        const char* why;
    };
    const std::string longest(1024, 'x');
    for (const row& each :
         std::vector<row>{{{"obm", "2024-06-26"}, ""},
                          {{"caf\xC3\xA9", "2024-06-26-11-33-52", "1"}, ""},
                          {{longest, "2024-06-26", longest}, ""},
                          {{}, "the login name is empty"},
                          {{"", "2024-06-26"}, "the login name is empty"},
                          {{longest + "x", "2024-06-26"}, "the login name is longer than 1024 bytes"},
                          {{"a\nb", "2024-06-26"}, "the login name has a control character"},
                          {{"a\x7F", "2024-06-26"}, "the login name has a control character"},
                          {{std::string("a\0", 2), "2024-06-26"}, "the login name has a control character"},
                          {{"caf\xE9", "2024-06-26"}, "the login name is not UTF-8"},
                          {{"caf\xC3", "2024-06-26"}, "the login name is not UTF-8"},
                          {{"obm", "2024-06-26", ""}, "the backup set ID is empty"},
                          {{"obm", "2024-06-26", longest + "x"}, "the backup set ID is longer than 1024 bytes"},
                          {{"obm", "2024-06-26", "\t"}, "the backup set ID has a control character"},
                          {{"obm", "2024-02-30"},
                           "the backup date is neither a date that exists (2024-06-26) nor a backup job's ID "
                           "(2024-06-26-11-33-52)"}}) {
        std::string why;
        const error_code ec = each.asked.validate(&why);
        CHECK(why == each.why);
        CHECK(ec == (why.empty() ? error_code() : make_error_code(errc::invalid_query)));
        CHECK(each.asked.validate() == ec);
    }
}

}  // namespace query_test

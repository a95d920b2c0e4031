// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/work_item.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>

#include "fleet/names.hpp"
#include "policy/date.hpp"

namespace jobmode::fleet {
namespace {

namespace json = boost::json;
using std::chrono::days;
using std::chrono::sys_days;

constexpr std::int64_t version = 1;

std::string text_of(std::chrono::year_month_day date) {
    return std::string(date_or_job_id(date).text());
}

json::array json_of(const std::vector<std::string>& texts) {
    json::array all;
    for (const std::string& text : texts)
        all.emplace_back(text);
    return all;
}

/// Reads an object's members; one that is missing or of another type makes it throw.
class reader {
public:
    explicit reader(std::string_view text) : object_(json::parse(text).as_object()) {
        if (number("Version") != version)
            throw std::out_of_range("Version");
    }
    std::string text(std::string_view key) const { return std::string(object_.at(key).as_string()); }
    std::int64_t number(std::string_view key) const { return object_.at(key).as_int64(); }
    unsigned positive(std::string_view key) const {
        const std::int64_t value = number(key);
        if (value < 1 || value > 1'000'000)
            throw std::out_of_range(std::string(key));
        return static_cast<unsigned>(value);
    }
    bool flag(std::string_view key) const { return object_.at(key).as_bool(); }
    std::chrono::year_month_day date(std::string_view key) const { return policy::parse_date(text(key)).value(); }
    std::vector<std::string> texts(std::string_view key) const {
        std::vector<std::string> all;
        for (const json::value& one : object_.at(key).as_array())
            all.emplace_back(one.as_string());
        return all;
    }

private:
    json::object object_;
};

}  // namespace

std::string work_item::id() const {
    std::string all = fmt::format("{}\n{}\n{}\n{}", server, login_name, text_of(from), text_of(to));
    for (const std::string& set : sets)
        all += '\n' + set;
    return digest(all, 32);
}

std::string work_item::to_json() const {
    return json::serialize(json::object{{"Version", version},
                                        {"Server", server},
                                        {"LoginName", login_name},
                                        {"From", text_of(from)},
                                        {"To", text_of(to)},
                                        {"BackupSetIDs", json_of(sets)}});
}

std::optional<work_item> work_item::parse(std::string_view text) {
    try {
        const reader from(text);
        work_item item{from.text("Server"), from.text("LoginName"), from.date("From"), from.date("To"),
                       from.texts("BackupSetIDs")};
        const bulk::crawl_plan plan = item.plan();
        if (plan.size() == 0 || plan.at(0).validate())
            return std::nullopt;
        return item;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

std::uint64_t items_per_user(const crawl_scope& scope) noexcept {
    const auto all = (sys_days(scope.to) - sys_days(scope.from)).count() + 1;
    return static_cast<std::uint64_t>((all + scope.span - 1) / scope.span);
}

work_item item_of(const std::string& server, const std::string& login_name, const crawl_scope& scope,
                  std::uint64_t index) {
    const sys_days first = sys_days(scope.from) + days(static_cast<int>(index) * static_cast<int>(scope.span));
    const sys_days last = std::min(first + days(static_cast<int>(scope.span) - 1), sys_days(scope.to));
    return {server, login_name, first, last, scope.sets};
}

std::string server_settings::to_json() const {
    return json::serialize(json::object{{"Version", version},
                                        {"Server", server},
                                        {"From", text_of(scope.from)},
                                        {"To", text_of(scope.to)},
                                        {"BackupSetIDs", json_of(scope.sets)},
                                        {"Span", scope.span},
                                        {"Slots", slots},
                                        {"InFlight", in_flight},
                                        {"Planned", planned}});
}

std::optional<server_settings> server_settings::parse(std::string_view text) {
    try {
        const reader from(text);
        return server_settings{from.text("Server"),
                               {from.date("From"), from.date("To"), from.texts("BackupSetIDs"), from.positive("Span")},
                               from.positive("Slots"),
                               from.positive("InFlight"),
                               from.flag("Planned")};
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

}  // namespace jobmode::fleet

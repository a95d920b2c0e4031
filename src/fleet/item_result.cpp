// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/item_result.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <stdexcept>
#include <utility>

#include "store/json_text.hpp"

namespace jobmode::fleet {
namespace {

namespace json = boost::json;

// What a final has around its entries, and a message around its data.
constexpr std::size_t envelope_bytes = 512;

/// An entry's beginning: which query it is of.
std::string entry_of(const query& asked) {
    std::string text = "{\"LoginName\":";
    store::append_json_string(text, asked.login_name);
    text += ",\"BackupDate\":";
    store::append_json_string(text, asked.backup_date.text());
    if (asked.backup_set_id) {
        text += ",\"BackupSetID\":";
        store::append_json_string(text, *asked.backup_set_id);
    }
    return text;
}

std::string json_of(const record_view& record) {
    std::string text = "{";
    for (std::size_t index = 0; index != field_count; ++index) {
        const auto which = static_cast<field>(index);
        const presence there = record.has(which);
        if (there == presence::absent)
            continue;
        if (text.size() > 1)
            text += ',';
        text += '"';
        text += key_of(which);
        text += "\":";
        if (there == presence::null)
            text += "null";
        else
            store::append_json_string(text, record.text(which));
    }
    text += '}';
    return text;
}

/// The views live as long as the value.
record_view record_of(const json::object& from) {
    record_view record;
    for (std::size_t index = 0; index != field_count; ++index) {
        const auto which = static_cast<field>(index);
        const json::value* const value = from.if_contains(key_of(which));
        if (!value)
            continue;
        record.set(which, value->is_null() ? presence::null : presence::text);
        if (!value->is_null())
            record.text(which) = value->as_string();
    }
    return record;
}

std::string text_at(const json::object& in, std::string_view key) {
    return std::string(in.at(key).as_string());
}

query query_of(const json::object& entry) {
    query asked(text_at(entry, "LoginName"), text_at(entry, "BackupDate"));
    if (entry.contains("BackupSetID"))
        asked.backup_set_id = text_at(entry, "BackupSetID");
    return asked;
}

/// What a failure says can quote bytes of a server that are no UTF-8.
json::value parse(std::string_view text) {
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    return json::parse(text, {}, options);
}

/// Boost.JSON throws these where something is missing or of another type.
template <class Read>
auto well_formed(Read read) {
    try {
        return read();
    } catch (const boost::system::system_error&) {
        throw malformed_result("a result is not one that this program wrote");
    } catch (const std::logic_error&) {
        throw malformed_result("a result is not one that this program wrote");
    }
}

}  // namespace

void result_writer::add(const outcome& ended) {
    if (ended.error) {
        add_failure(ended.query, error_name(ended.error), ended.diagnostics.describe(ended.error),
                    ended.diagnostics.attempt);
        return;
    }
    const std::string head = entry_of(ended.query);
    const std::size_t room = limit_ - envelope_bytes;
    std::vector<std::string> entries;
    std::string records;
    for (const record_view& record : ended.records) {
        const std::string text = json_of(record);
        static constexpr std::string_view tail = ",\"Records\":[],\"More\":true}";
        if (head.size() + tail.size() + text.size() > room) {
            add_failure(ended.query, error_name(errc::field_limit),
                        "a record is longer than a message of the queue may be (NATS's max_payload)",
                        ended.diagnostics.attempt);
            return;
        }
        if (head.size() + tail.size() + records.size() + 1 + text.size() > room) {
            entries.push_back(fmt::format("{},\"Records\":[{}],\"More\":true}}", head, records));
            records.clear();
        }
        if (!records.empty())
            records += ',';
        records += text;
    }
    entries.push_back(fmt::format("{},\"Records\":[{}]}}", head, records));
    for (std::string& entry : entries)
        add_entry(std::move(entry));
}

void result_writer::add_failure(const query& asked, std::string_view error, std::string_view message,
                                unsigned attempts) {
    std::string entry = entry_of(asked);
    entry += ",\"Error\":";
    store::append_json_string(entry, error);
    entry += ",\"Message\":";
    store::append_json_string(entry, message);
    entry += fmt::format(",\"Attempts\":{}}}", attempts);
    add_entry(std::move(entry));
}

void result_writer::add_entry(std::string entry) {
    if (!open_.empty() && open_.size() + 1 + entry.size() > limit_ - envelope_bytes) {
        parts_.push_back('[' + open_ + ']');
        open_.clear();
    }
    if (!open_.empty())
        open_ += ',';
    open_ += entry;
}

std::string result_writer::final_of(std::string_view item, std::string_view run) const {
    return fmt::format(R"({{"Version":1,"Item":"{}","Run":"{}","Parts":{},"Queries":[{}]}})", item, run, parts_.size(),
                       open_);
}

item_final read_final(std::string_view message) {
    return well_formed([&]() -> item_final {
        const json::value all = parse(message);
        const json::object& object = all.as_object();
        if (object.at("Version").as_int64() != 1)
            throw malformed_result("a result was written by another version of this program");
        return {text_at(object, "Item"), text_at(object, "Run"), json::value_to<std::size_t>(object.at("Parts")),
                json::serialize(object.at("Queries").as_array())};
    });
}

void result_reader::take(std::string_view entries) {
    well_formed([&] {
        const json::value all = parse(entries);
        for (const json::value& one : all.as_array())
            take_entry(one.as_object());
    });
}

void result_reader::take_entry(const json::object& entry) {
    query asked = query_of(entry);
    if (entry.contains("Error")) {
        failed_(asked,
                {text_at(entry, "Error"), text_at(entry, "Message"), json::value_to<unsigned>(entry.at("Attempts"))});
        return;
    }
    open_.query = std::move(asked);
    std::vector<record_view> records;
    for (const json::value& record : entry.at("Records").as_array())
        records.push_back(record_of(record.as_object()));
    open_.records.append(record_batch(records));
    if (entry.contains("More"))
        return;
    answered_(open_);
    open_.records.clear();
}

}  // namespace jobmode::fleet

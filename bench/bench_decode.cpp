// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// How fast an answer in memory is decoded, all nine fields of every record touched, beside simdjson and Boost.JSON.

#include <jobmode/decoder.hpp>

#include <simdjson.h>
#include <CLI/CLI.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "answers.hpp"

namespace {

using jobmode::field;
using jobmode::field_count;

/// The least that touches a text: its size and its first byte.
class touch {
public:
    void text(std::size_t which, std::string_view value) noexcept {
        sum_ += which + value.size() + (value.empty() ? 0 : static_cast<unsigned char>(value.front()));
    }
    void null(std::size_t which) noexcept { sum_ += which; }
    void end_record() noexcept { ++records_; }

    std::uint64_t sum() const noexcept { return sum_; }
    std::uint64_t records() const noexcept { return records_; }

private:
    std::uint64_t sum_ = 0;
    std::uint64_t records_ = 0;
};

/// A digest of everything, in which the order of the records counts and that of the keys does not.
class digest {
public:
    void text(std::size_t which, std::string_view value) noexcept {
        record_ += (std::hash<std::string_view>()(value) | 1U) * (2 * which + 3);
    }
    void null(std::size_t which) noexcept { record_ += std::uint64_t{0x9E3779B97F4A7C15U} * (2 * which + 1); }
    void end_record() noexcept {
        sum_ = (sum_ ^ record_) * 0xBF58476D1CE4E5B9U + 1;
        record_ = 0;
        ++records_;
    }

    std::uint64_t sum() const noexcept { return sum_; }
    std::uint64_t records() const noexcept { return records_; }

private:
    std::uint64_t record_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t records_ = 0;
};

/// The API's keys, in the order of `field`. Known to the compiler, so that peers compare with constants.
constexpr std::array<std::string_view, field_count> keys{
    "ID", "LoginName", "Owner", "UserId", "StartTime", "EndTime", "BackupSetID", "BackupSetName", "BackupJobMode"};

/// The only field that a key with these first bytes can have, or `field_count`. `at` has at least ten readable bytes.
inline std::size_t guess_field(const char* at) noexcept {
    switch (*at) {
        case 'I':
            return 0;
        case 'L':
            return 1;
        case 'O':
            return 2;
        case 'U':
            return 3;
        case 'S':
            return 4;
        case 'E':
            return 5;
        case 'B':
            if (at[6] == 'J')
                return 8;
            return at[9] == 'I' ? 6 : 7;
        default:
            return field_count;
    }
}

/// The field of a key, or `field_count`.
inline std::size_t find_field(std::string_view key) noexcept {
    if (key.size() < 10) {
        if (key.empty() || key.front() == 'B')
            return field_count;
        const std::size_t which = guess_field(key.data());
        return which != field_count && key == keys[which] ? which : field_count;
    }
    const std::size_t which = guess_field(key.data());
    return which != field_count && key == keys[which] ? which : field_count;
}

void check(bool sound, const char* who) {
    if (!sound)
        throw std::runtime_error(std::string(who) + " cannot decode the file");
}

class with_jobmode {
public:
    with_jobmode(std::string_view answer, std::size_t piece_bytes) : answer_(answer), piece_bytes_(piece_bytes) {}

    template <class Sink>
    void run(Sink& sink) {
        decoder_.reset();
        jobmode::error_code ec;
        for (std::size_t at = 0; at < answer_.size() && !ec; at += piece_bytes_)
            for (const jobmode::record_view& record : decoder_.feed(answer_.substr(at, piece_bytes_), ec))
                pass(record, sink);
        if (!ec)
            decoder_.finish(ec);
        check(!ec, "jobmode");
    }

private:
    template <class Sink>
    static void pass(const jobmode::record_view& record, Sink& sink) {
        for (std::size_t index = 0; index != field_count; ++index) {
            const auto which = static_cast<field>(index);
            if (record.has(which) == jobmode::presence::text)
                sink.text(index, record.text(which));
            else if (record.has(which) == jobmode::presence::null)
                sink.null(index);
        }
        sink.end_record();
    }

    std::string_view answer_;
    std::size_t piece_bytes_;
    jobmode::decoder decoder_;
};

/// On-Demand, as its documentation advises: padded input, one parser for all documents, keys compared as they are
/// written (doc/basics.md, "Using the parsed JSON"). There are two ways to read an object, of which the better one
/// counts for each kind of answer: fields looked up in the order in which they are expected, or all fields as they
/// come.
enum class access : std::uint8_t { by_expected_order, as_they_come };

template <access How>
class with_simdjson {
public:
    explicit with_simdjson(std::string_view answer) : answer_(answer) {}

    template <class Sink>
    void run(Sink& sink) {
        try {
            simdjson::ondemand::document document = parser_.iterate(answer_);
            bool is_answer = false;
            for (simdjson::ondemand::field member : document.get_object()) {
                const simdjson::ondemand::raw_json_string key = member.key();
                if (key == "Data")
                    pass(member.value(), sink);
                else if (key == "Status")
                    is_answer = std::string_view(member.value().get_string()) == "OK";
            }
            check(is_answer, "simdjson");
        } catch (const simdjson::simdjson_error&) {
            check(false, "simdjson");
        }
    }

private:
    template <class Sink>
    static void pass(simdjson::ondemand::value value, std::size_t which, Sink& sink) {
        std::string_view text;
        if (value.get_string().get(text) == simdjson::SUCCESS)
            sink.text(which, text);
        else if (value.is_null())
            sink.null(which);
        else
            sink.text(which, token(value.raw_json_token()));
    }

    /// A number's or boolean's own bytes: the token goes up to the next one.
    static std::string_view token(std::string_view text) {
        return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    }

    template <class Sink>
    static void pass(simdjson::ondemand::array list, Sink& sink) {
        for (simdjson::ondemand::object element : list) {
            if constexpr (How == access::by_expected_order) {
                look_up(element, sink, std::make_index_sequence<field_count>());
            } else {
                for (simdjson::ondemand::field member : element) {
                    const simdjson::ondemand::raw_json_string key = member.key();
                    const std::size_t which = guess_field(key.raw());
                    if (which != field_count && key.unsafe_is_equal(keys[which]))
                        pass(member.value(), which, sink);
                }
            }
            sink.end_record();
        }
    }

    template <class Sink, std::size_t... Which>
    static void look_up(simdjson::ondemand::object& element, Sink& sink, std::index_sequence<Which...>) {
        const auto one = [&](std::size_t which, std::string_view key) {
            simdjson::ondemand::value value;
            const simdjson::error_code error = element.find_field_unordered(key).get(value);
            if (error == simdjson::SUCCESS)
                pass(value, which, sink);
            else
                check(error == simdjson::NO_SUCH_FIELD, "simdjson");
        };
        (one(Which, keys[Which]), ...);
    }

    simdjson::padded_string answer_;
    simdjson::ondemand::parser parser_;
};

/// Boost.JSON's push parser. Texts with escapes come in parts, and are put together.
class with_sax {
public:
    explicit with_sax(std::string_view answer) : answer_(answer) {}

    template <class Sink>
    void run(Sink& sink) {
        boost::json::basic_parser<handler<Sink>> parser(boost::json::parse_options(), sink);
        boost::system::error_code ec;
        parser.write_some(false, answer_.data(), answer_.size(), ec);
        check(!ec && parser.handler().is_answer, "Boost.JSON's push parser");
    }

private:
    template <class Sink>
    struct handler {
        static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
        static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
        static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
        static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
        using error = boost::system::error_code;
        using view = boost::core::string_view;

        explicit handler(Sink& to) : sink(to) {}

        bool on_document_begin(error&) { return true; }
        bool on_document_end(error&) { return true; }
        bool on_object_begin(error&) {
            ++depth;
            return true;
        }
        bool on_object_end(std::size_t, error&) {
            if (--depth == element_depth - 1)
                sink.end_record();
            return true;
        }
        bool on_array_begin(error&) {
            ++depth;
            return true;
        }
        bool on_array_end(std::size_t, error&) {
            --depth;
            return true;
        }
        bool on_key_part(view part, std::size_t, error&) { return keep(part); }
        bool on_key(view last, std::size_t, error&) {
            const view key = join(last);
            which = depth == element_depth ? find_field({key.data(), key.size()}) : field_count;
            is_status = depth == 1 && key == "Status";
            parts.clear();
            return true;
        }
        bool on_string_part(view part, std::size_t, error&) { return keep(part); }
        bool on_string(view last, std::size_t, error&) {
            const view text = join(last);
            if (is_status)
                is_answer = text == "OK";
            pass(text);
            parts.clear();
            return true;
        }
        bool on_number_part(view, error&) { return true; }
        bool on_int64(std::int64_t, view text, error&) { return pass(text); }
        bool on_uint64(std::uint64_t, view text, error&) { return pass(text); }
        bool on_double(double, view text, error&) { return pass(text); }
        bool on_bool(bool value, error&) { return pass(value ? "true" : "false"); }
        bool on_null(error&) {
            if (depth == element_depth && which != field_count)
                sink.null(which);
            return true;
        }
        bool on_comment_part(view, error&) { return true; }
        bool on_comment(view, error&) { return true; }

        bool keep(view part) {
            parts.append(part.data(), part.size());
            return true;
        }
        view join(view last) {
            if (parts.empty())
                return last;
            parts.append(last.data(), last.size());
            return {parts.data(), parts.size()};
        }
        bool pass(view text) {
            if (depth == element_depth && which != field_count)
                sink.text(which, {text.data(), text.size()});
            return true;
        }

        static constexpr int element_depth = 3;
        Sink& sink;
        int depth = 0;
        std::size_t which = field_count;
        std::string parts;
        bool is_status = false;
        bool is_answer = false;
    };

    std::string_view answer_;
};

/// Boost.JSON's value, in memory that is given back all at once.
class with_dom {
public:
    explicit with_dom(std::string_view answer) : answer_(answer) {}

    template <class Sink>
    void run(Sink& sink) {
        boost::json::monotonic_resource memory;
        boost::system::error_code ec;
        parser_.reset(&memory);
        parser_.write(answer_.data(), answer_.size(), ec);
        check(!ec, "Boost.JSON");
        const boost::json::value document = parser_.release();
        for (const boost::json::value& element : document.at("Data").as_array()) {
            for (const auto& [key, value] : element.as_object()) {
                const std::size_t which = find_field({key.data(), key.size()});
                if (which == field_count)
                    continue;
                if (const boost::json::string* text = value.if_string())
                    sink.text(which, {text->data(), text->size()});
                else if (value.is_null())
                    sink.null(which);
                else
                    sink.text(which, boost::json::serialize(value));
            }
            sink.end_record();
        }
    }

private:
    std::string_view answer_;
    boost::json::parser parser_;
};

std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

struct contestant {
    std::function<void(touch&)> run;
    std::function<void(digest&)> prove;
    std::vector<double> rates;
};

template <class Method>
contestant contend(Method& method) {
    return {[&method](touch& sink) { method.run(sink); }, [&method](digest& sink) { method.run(sink); }, {}};
}

/// GB/s over at least `seconds`.
double measure(const contestant& one, std::size_t bytes, double seconds, touch& sink) {
    using clock = std::chrono::steady_clock;
    const clock::time_point begin = clock::now();
    double elapsed = 0;
    std::size_t times = 0;
    while (elapsed < seconds) {
        one.run(sink);
        ++times;
        elapsed = std::chrono::duration<double>(clock::now() - begin).count();
    }
    return static_cast<double>(bytes) * static_cast<double>(times) / elapsed / 1e9;
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

void demand_the_same(const std::vector<contestant*>& all, std::string_view answer) {
    digest first;
    all.front()->prove(first);
    check(first.records() != 0 || answer.find('[') == std::string_view::npos, "no one");
    for (const contestant* one : all) {
        digest other;
        one->prove(other);
        if (other.sum() != first.sum() || other.records() != first.records())
            throw std::runtime_error("the decoders do not see the same records");
    }
}

void run(const std::string& path, bool as_json, unsigned rounds, double seconds) {
    const std::string answer = read(path);
    with_jobmode whole(answer, std::max<std::size_t>(answer.size(), 1));
    with_jobmode pieces(answer, std::size_t{16} * 1024);
    with_jobmode scraps(answer, 7);
    with_jobmode bytes(answer, 1);
    with_simdjson<access::by_expected_order> looked_up(answer);
    with_simdjson<access::as_they_come> walked(answer);
    with_sax sax(answer);
    with_dom dom(answer);
    contestant results[] = {contend(whole),     contend(pieces), contend(scraps), contend(bytes),
                            contend(looked_up), contend(walked), contend(sax),    contend(dom)};
    std::vector<contestant*> all;
    for (contestant& one : results)
        all.push_back(&one);
    demand_the_same(all, answer);

    touch sink;
    for (unsigned round = 0; round != rounds; ++round)
        for (contestant* one : all)
            one->rates.push_back(measure(*one, answer.size(), seconds, sink));
    // Printed so that no compiler can think the work useless.
    std::fprintf(stderr, "%llu records, checksum %llu\n", static_cast<unsigned long long>(sink.records()),
                 static_cast<unsigned long long>(sink.sum()));

    const auto rate = [&](std::size_t index) { return median(results[index].rates); };
    if (as_json) {
        std::printf(
            "{\"jobmode\":{\"whole\":%.3f,\"16k\":%.3f,\"7\":%.4f,\"1\":%.4f},\"simdjson\":%.3f,"
            "\"boost_json_sax\":%.3f,\"boost_json_dom\":%.3f}\n",
            rate(0), rate(1), rate(2), rate(3), std::max(rate(4), rate(5)), rate(6), rate(7));
        return;
    }
    static constexpr const char* names[] = {"jobmode, whole",         "jobmode, 16 KB pieces", "jobmode, 7-byte pieces",
                                            "jobmode, single bytes",  "simdjson, looked up",   "simdjson, as they come",
                                            "Boost.JSON push parser", "Boost.JSON value"};
    for (std::size_t index = 0; index != all.size(); ++index)
        std::printf("%-24s %7.3f GB/s\n", names[index], rate(index));
}

/// Median, least and most.
std::string spread(std::vector<double> rates) {
    std::ranges::sort(rates);
    char text[64];
    std::snprintf(text, sizeof text, "%6.2f (%5.2f-%5.2f)", rates[rates.size() / 2], rates.front(), rates.back());
    return text;
}

/// What a byte costs in pieces of the worst size, in nanoseconds, and that size. The least of several tries counts.
std::pair<double, std::size_t> worst_split(std::string_view answer, double seconds, touch& sink) {
    static constexpr std::size_t most_bytes = 600'000;
    std::pair<double, std::size_t> worst{0, 0};
    if (answer.size() > most_bytes)
        return worst;
    for (const std::size_t piece_bytes : {1U, 2U, 3U, 5U, 7U, 13U, 31U, 64U, 100U, 257U, 512U, 1024U, 1460U, 4096U}) {
        with_jobmode subject(answer, piece_bytes);
        double best = 0;
        for (int round = 0; round != 3; ++round)
            best = std::max(best, measure(contend(subject), answer.size(), seconds, sink));
        worst = std::max(worst, {1 / best, piece_bytes});
    }
    return worst;
}

/// All kinds of answers, a row each, in GB/s.
void run_kinds(unsigned rounds, double seconds) {
    std::printf("%-26s %-20s %-20s %-20s %-20s %6s %6s %s\n", "answer", "jobmode, whole", "jobmode, 16 KB pieces",
                "simdjson On-Demand", "Boost.JSON push", "ratio", "16 KB", "worst split, ns a byte (piece)");
    touch sink;
    for (bench::answer_kind kind : bench::answer_kinds()) {
        const std::string answer = bench::make_answer(kind);
        with_jobmode whole(answer, answer.size());
        with_jobmode pieces(answer, std::size_t{16} * 1024);
        with_simdjson<access::by_expected_order> looked_up(answer);
        with_simdjson<access::as_they_come> walked(answer);
        with_sax sax(answer);
        contestant results[] = {contend(whole), contend(pieces), contend(looked_up), contend(walked), contend(sax)};
        std::vector<contestant*> all;
        for (contestant& one : results)
            all.push_back(&one);
        demand_the_same(all, answer);
        for (unsigned round = 0; round != rounds; ++round)
            for (contestant* one : all)
                one->rates.push_back(measure(*one, answer.size(), seconds, sink));
        const bool is_walked = median(results[3].rates) > median(results[2].rates);
        const std::vector<double>& simdjson = results[is_walked ? 3 : 2].rates;
        const double rate = median(results[0].rates);
        // As many records as make some ten thousand bytes: small pieces are slow.
        kind.records = std::min<std::size_t>(kind.records, 100);
        const auto [cost, piece_bytes] = worst_split(bench::make_answer(kind), seconds / 5, sink);
        std::printf("%-26s %s %s %s%s %s %6.2f %6.2f %.1f (%zu)\n", kind.name, spread(results[0].rates).c_str(),
                    spread(results[1].rates).c_str(), spread(simdjson).c_str(), is_walked ? "w" : "l",
                    spread(results[4].rates).c_str(), rate / median(simdjson), median(results[1].rates) / rate, cost,
                    piece_bytes);
        std::fflush(stdout);
    }
    std::fprintf(stderr, "checksum %llu\n", static_cast<unsigned long long>(sink.sum()));
}

}  // namespace

int main(int count, char** arguments) {
    CLI::App app{"Measures how fast an answer of ListBackupJobMode is decoded, beside simdjson and Boost.JSON."};
    std::string path;
    bool as_json = false;
    unsigned rounds = 7;
    double seconds = 0.1;
    app.add_option("file", path, "The answer, as make_answer writes it; without one, all kinds of answers in a table");
    app.add_flag("--json", as_json, "One JSON object, GB/s");
    app.add_option("--rounds", rounds, "Alternating rounds, of which the median counts")
        ->check(CLI::Range(5U, 1000U))
        ->capture_default_str();
    app.add_option("--seconds", seconds, "The least a contestant runs in a round")
        ->check(CLI::Range(0.001, 60.0))
        ->capture_default_str();
    CLI11_PARSE(app, count, arguments);
    try {
        if (path.empty())
            run_kinds(rounds, seconds);
        else
            run(path, as_json, rounds, seconds);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_decode: %s\n", error.what());
        return 1;
    }
    return 0;
}

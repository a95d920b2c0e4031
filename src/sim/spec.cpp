// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "sim/spec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace jobmode::sim {
namespace {

constexpr std::array<std::string_view, fault_kind_count> fault_names{
    "reset", "stall", "truncate", "close", "slow", "html", "bad-json", "429", "502", "503", "504",
};

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || ec != std::errc() || end != text.data() + text.size() || !(value >= 0) || value > 1e9)
        return std::nullopt;
    return value;
}

std::optional<double> seconds(std::string_view text) {
    double unit = 1;
    if (text.ends_with("us"))
        unit = 1e-6, text.remove_suffix(2);
    else if (text.ends_with("ms"))
        unit = 1e-3, text.remove_suffix(2);
    else if (text.ends_with("s"))
        text.remove_suffix(1);
    else
        return std::nullopt;
    const std::optional<double> value = number(text);
    return value ? std::optional(*value * unit) : std::nullopt;
}

}  // namespace

std::optional<latency_spec> latency_spec::parse(std::string_view text) {
    latency_spec spec;
    const auto colon = text.find(':');
    const std::string_view name = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
    std::string_view first = colon == std::string_view::npos ? text : text.substr(colon + 1);
    std::string_view second;
    if (const auto comma = first.find(','); comma != std::string_view::npos) {
        second = first.substr(comma + 1);
        first = first.substr(0, comma);
    }
    const std::optional<double> one = seconds(first);
    std::optional<double> two = 0;
    if (name.empty()) {
        spec.kind_ = kind::constant;
    } else if (name == "exponential") {
        spec.kind_ = kind::exponential;
    } else if (name == "uniform") {
        spec.kind_ = kind::uniform;
        two = seconds(second);
        if (one && two && *two < *one)
            return std::nullopt;
    } else if (name == "lognormal") {
        spec.kind_ = kind::lognormal;
        two = number(second);
    } else {
        return std::nullopt;
    }
    const bool has_second = spec.kind_ == kind::uniform || spec.kind_ == kind::lognormal;
    if (!one || !two || has_second == second.empty())
        return std::nullopt;
    spec.first_ = *one;
    spec.second_ = *two;
    return spec;
}

std::chrono::nanoseconds latency_spec::draw(std::mt19937_64& random) const {
    double value = first_;
    switch (kind_) {
        case kind::constant:
            break;
        case kind::uniform:
            value = std::uniform_real_distribution<double>(first_, second_)(random);
            break;
        case kind::exponential:
            value = first_ > 0 ? std::exponential_distribution<double>(1 / first_)(random) : 0;
            break;
        case kind::lognormal:
            value = first_ * std::exp(second_ * std::normal_distribution<double>()(random));
            break;
    }
    return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(value, 60.0) * 1e9));
}

std::string_view to_string(fault_kind kind) noexcept {
    return fault_names[static_cast<std::size_t>(kind)];
}

std::optional<fault_spec> fault_spec::parse(std::string_view text) {
    const auto colon = text.find(':');
    const auto* const name = std::ranges::find(fault_names, text.substr(0, colon));
    if (name == fault_names.end())
        return std::nullopt;
    const auto kind = static_cast<fault_kind>(name - fault_names.begin());
    if (colon == std::string_view::npos)
        return fault_spec(kind, 1);
    const std::optional<double> probability = number(text.substr(colon + 1));
    if (!probability || *probability > 1)
        return std::nullopt;
    return fault_spec(kind, *probability);
}

}  // namespace jobmode::sim

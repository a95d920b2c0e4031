// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "wire/record_shape.hpp"

#include <algorithm>

namespace jobmode::wire {
namespace {

/// Reads text that is known to be well-formed JSON.
class reader {
public:
    explicit reader(std::string_view text) noexcept : text_(text) {}

    std::size_t position() const noexcept { return at_; }
    char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
    void pass(std::size_t bytes) noexcept { at_ = std::min(at_ + bytes, text_.size()); }
    void pass_space() noexcept { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
    /// Passes over one character, with white space around it.
    bool accept(char expected) noexcept {
        pass_space();
        if (peek() != expected)
            return false;
        ++at_;
        pass_space();
        return true;
    }
    /// Passes over a string with its quotes, which it returns.
    std::string_view pass_string() noexcept {
        if (peek() != '"')
            return {};
        const std::size_t from = at_++;
        while (at_ < text_.size() && peek() != '"')
            pass(peek() == '\\' ? 2 : 1);
        pass(1);
        return text_.substr(from, at_ - from);
    }
    std::string_view since(std::size_t from) const noexcept { return text_.substr(from, at_ - from); }

    void pass_value() noexcept {
        std::size_t levels = 0;
        do {
            const char c = peek();
            if (c == '"') {
                pass_string();
                continue;
            }
            if (c == '{' || c == '[')
                ++levels;
            else if (c == '}' || c == ']')
                --levels;
            else if (levels == 0)
                return pass(text_.substr(at_).find_first_of(" \t\r\n,}"));
            pass(1);
        } while (levels != 0 && at_ < text_.size());
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::size_t find_field(std::string_view key) noexcept {
    const auto is = [key](field which, std::string_view text) {
        return key == text ? static_cast<std::size_t>(which) : field_count;
    };
    switch (key.size()) {
        case 2:
            return is(field::id, "ID");
        case 5:
            return is(field::owner, "Owner");
        case 6:
            return is(field::user_id, "UserId");
        case 7:
            return is(field::end_time, "EndTime");
        case 9:
            return key.front() == 'L' ? is(field::login_name, "LoginName") : is(field::start_time, "StartTime");
        case 11:
            return is(field::backup_set_id, "BackupSetID");
        case 13:
            return key[6] == 'J' ? is(field::backup_job_mode, "BackupJobMode")
                                 : is(field::backup_set_name, "BackupSetName");
        default:
            return field_count;
    }
}

const char* unquoted_end(const char* at, const char* end) noexcept {
    for (const std::string_view word : {"null", "true", "false"})
        if (static_cast<std::size_t>(end - at) >= word.size() && std::string_view(at, word.size()) == word)
            return at + word.size();
    const auto digits_end = [end](const char* here) {
        return std::find_if(here, end, [](char c) { return c < '0' || c > '9'; });
    };
    const char* here = integer_end(at, end);
    if (here == at)
        return at;
    if (here != end && *here == '.') {
        const char* const fraction = here + 1;
        here = digits_end(fraction);
        if (here == fraction)
            return at;
    }
    if (here != end && (*here == 'e' || *here == 'E')) {
        const char* exponent = here + 1;
        if (exponent != end && (*exponent == '+' || *exponent == '-'))
            ++exponent;
        here = digits_end(exponent);
        if (here == exponent)
            return at;
    }
    return here;
}

const char* integer_end(const char* at, const char* end) noexcept {
    const auto is_digit = [end](const char* here) { return here != end && *here >= '0' && *here <= '9'; };
    const char* here = at;
    if (here != end && *here == '-')
        ++here;
    if (!is_digit(here))
        return at;
    if (*here == '0')
        return here + 1;
    while (is_digit(here))
        ++here;
    return here;
}

bool literal::assign(std::string_view text) noexcept {
    if (text.size() > capacity)
        return false;
    bytes_.fill('\0');
    std::ranges::copy(text, bytes_.begin());
    size_ = static_cast<std::uint8_t>(text.size());
    for (std::size_t index = 0; index != masks_.size(); ++index) {
        const std::size_t bytes = std::clamp(text.size(), index * block, (index + 1) * block) - index * block;
        masks_[index] = bytes == block ? ~std::uint32_t{0} : (std::uint32_t{1} << bytes) - 1;
    }
    return true;
}

bool record_shape::learn(std::string_view text) {
    members_.clear();
    members_.reserve(field_count);
    blank_ = record_view();
    reader in(text);
    std::size_t between = 0;
    if (!in.accept('{'))
        return false;
    while (in.peek() != '}') {
        const std::string_view key = in.pass_string();
        if (key.empty() || !in.accept(':') || !add_member(in.since(between), key.substr(1, key.size() - 2)))
            return false;
        in.pass_value();
        between = in.position();
        in.pass_space();
        if (in.peek() != '}' && !in.accept(','))
            return false;
    }
    in.pass(1);
    return !members_.empty() && tail_.assign(in.since(between));
}

bool record_shape::add_member(std::string_view before, std::string_view key) {
    // An escaped key may be one of ours in disguise.
    if (members_.size() == max_members || before.size() >= literal::capacity ||
        key.find('\\') != std::string_view::npos)
        return false;
    const std::size_t which = find_field(key);
    if (which != field_count) {
        if (blank_.has(static_cast<field>(which)) != presence::absent)
            return false;
        blank_.set(static_cast<field>(which), presence::text);
    }
    std::array<char, literal::capacity> quoted{};
    std::ranges::copy(before, quoted.begin());
    quoted[before.size()] = '"';
    const std::uint32_t signature = members_.empty() ? 0 : members_.back().signature;
    shape_member& made = members_.emplace_back();
    made.signature = add_to_signature(signature, which);
    made.which = static_cast<std::uint8_t>(which);
    return made.before.assign({quoted.data(), before.size() + 1});
}

}  // namespace jobmode::wire

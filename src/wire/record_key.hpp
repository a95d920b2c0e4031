// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/record.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace jobmode::wire {

/// A key with the quote behind it, to be compared without a branch for each byte.
class quoted_key {
public:
    constexpr quoted_key() = default;
    explicit constexpr quoted_key(std::string_view key) : bytes_(key.size() + 1) {
        std::ranges::copy(key, text_.begin());
        text_[key.size()] = '"';
        std::fill_n(mask_.begin(), bytes_, '\xFF');
    }

    /// The number of bytes, with the quote.
    std::size_t bytes() const noexcept { return bytes_; }
    /// Whether it stands at `at`, from where `longest` bytes can be read.
    bool is_at(const char* at) const noexcept {
        const auto differ = [&](std::size_t from) {
            return (load(at + from) ^ load(text_.data() + from)) & load(mask_.data() + from);
        };
        return (differ(0) | differ(8)) == 0;
    }

    static constexpr std::size_t longest = 16;

private:
    static std::uint64_t load(const char* at) noexcept {
        std::uint64_t word = 0;
        std::memcpy(&word, at, sizeof word);
        return word;
    }

    std::array<char, longest> text_{};
    std::array<char, longest> mask_{};
    std::size_t bytes_ = 0;
};

/// The keys of the fields. In the place of `field_count` stands the empty key, which no field has.
inline constexpr std::array<quoted_key, field_count + 1> quoted_keys{quoted_key("ID"),
                                                                     quoted_key("LoginName"),
                                                                     quoted_key("Owner"),
                                                                     quoted_key("UserId"),
                                                                     quoted_key("StartTime"),
                                                                     quoted_key("EndTime"),
                                                                     quoted_key("BackupSetID"),
                                                                     quoted_key("BackupSetName"),
                                                                     quoted_key("BackupJobMode"),
                                                                     quoted_key("")};

/// The only field that the key at `at` can be, or `field_count`. Ten bytes can be read there. One byte tells the keys
/// apart: the first one or, if that is a B, the tenth.
inline std::size_t guess_field(const char* at) noexcept {
    static constexpr auto fields = [] {
        std::array<std::uint8_t, 64> table{};
        table.fill(field_count);
        for (const auto& [letter, which] :
             {std::pair{'I', field::id}, std::pair{'L', field::login_name}, std::pair{'O', field::owner},
              std::pair{'U', field::user_id}, std::pair{'S', field::start_time}, std::pair{'E', field::end_time}})
            table[letter & 31] = static_cast<std::uint8_t>(which);
        for (const auto& [letter, which] :
             {std::pair{'I', field::backup_set_id}, std::pair{'N', field::backup_set_name},
              std::pair{'M', field::backup_job_mode}})
            table[32 + (letter & 31)] = static_cast<std::uint8_t>(which);
        return table;
    }();
    const std::size_t is_b = *at == 'B' ? 1 : 0;
    return fields[(static_cast<unsigned char>(at[9 * is_b]) & 31U) | is_b << 5U];
}

}  // namespace jobmode::wire

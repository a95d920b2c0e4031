// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/options/user_list.hpp"

#include <jobmode/client.hpp>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <chrono>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "cli/messages/failure.hpp"
#include "store/file.hpp"

namespace jobmode::cli {

bool read_users(const std::string& path, std::vector<std::string>& users, std::string& problem) {
    std::string text;
    if (!store::read_file(path, text, problem))
        return false;
    std::unordered_set<std::string> known;
    std::size_t line_number = 0;
    for (std::string_view rest = text; !rest.empty();) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        ++line_number;
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.empty())
            continue;
        std::string why;
        const std::chrono::year_month_day any(std::chrono::year(2024), std::chrono::January, std::chrono::day(1));
        if (query(std::string(line), any).validate(&why)) {
            problem = fmt::format("{}, line {}: {}", path == "-" ? "standard input" : path.c_str(), line_number, why);
            return false;
        }
        if (known.emplace(line).second)
            users.emplace_back(line);
    }
    return true;
}

std::optional<crawl_problem> fetch_users(const client_config& config, std::vector<std::string>& users,
                                         const std::stop_token& stop) {
    boost::asio::io_context context(1);
    client from(context.get_executor(), config);
    diagnostics diag;
    std::optional<crawl_problem> problem;
    from.async_list_users(&diag, [&](error_code ec, std::vector<std::string> found) {
        if (ec)
            problem = {exit_code_of(ec, diag), "the users cannot be listed: " + diag.describe(ec), false};
        users = std::move(found);
        from.close();
    });
    const std::stop_callback on_stop(stop, [&] { boost::asio::post(context, [&] { from.close(); }); });
    context.run();
    std::unordered_set<std::string_view> known;
    std::vector<std::string> once;
    for (std::string& name : users)
        if (known.insert(name).second)
            once.push_back(name);
    users = std::move(once);
    return problem;
}

std::string digest_of(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += name + '\n';
    std::array<unsigned char, 32> digest{};
    EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    std::string hex;
    for (const unsigned char byte : digest)
        hex += fmt::format("{:02x}", byte);
    return hex;
}

}  // namespace jobmode::cli

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "interop/support.hpp"

#include <cstdlib>
#include <optional>
#include <stdexcept>

#include "catch.hpp"

namespace jobmode::test {
namespace {

constexpr auto token = asio::as_tuple(asio::deferred);

std::uint64_t size_of(std::uint64_t index) {
    // Both sides of the 8 KB where Tomcat begins to chunk.
    return index % 3 == 0 ? 100 : index % 60;
}

}  // namespace

std::string server(const char* variable) {
    const char* const value = std::getenv(variable);
    if (!value)
        throw std::runtime_error(std::string(variable) + " is not set; run this through tests/interop/run");
    return value;
}

client_config config_for(const std::string& url, const std::string& name) {
    client_config made(url);
    made.sys_user = "system";
    made.sys_pwd = secret("system1");
    made.tls.ca_file = server("INTEROP_CA");
    made.user_agent = name;
    made.retry.initial_backoff = std::chrono::milliseconds(1);
    return made;
}

server_view seen_of(const std::string& name) {
    const answer found =
        ask(config_for(server("INTEROP_TOMCAT"), "interop counters"), {"counters:" + name, "2024-06-26"});
    if (found.error || found.records.size() != 1)
        throw std::runtime_error("no counters: " + found.diagnostics.describe(found.error));
    const record& one = found.records.front();
    return {std::stoull(one.id), std::stoull(one.user_id), std::stoull(one.backup_set_id)};
}

answer ask(const client_config& config, const query& asked) {
    asio::io_context context{1};
    return run(context, [](client_config with, query what) -> asio::awaitable<answer> {
        client client(co_await asio::this_coro::executor, std::move(with));
        answer found;
        auto [ec, records] = co_await client.async_list(std::move(what), &found.diagnostics, token);
        found.error = ec;
        found.records = std::move(records);
        found.metrics = client.metrics();
        co_return found;
    }(config, asked));
}

crawl_result crawl_all(const client_config& config, std::uint64_t count) {
    asio::io_context context{1};
    return run(context, [](client_config with, std::uint64_t number) -> asio::awaitable<crawl_result> {
        client client(co_await asio::this_coro::executor, std::move(with));
        crawl crawl(client, [index = std::uint64_t{0}, number]() mutable -> std::optional<query> {
            if (index == number)
                return std::nullopt;
            return query("bulk-" + std::to_string(size_of(index++)), "2024-06-26");
        });
        crawl_result result;
        for (;;) {
            auto [ec, next] = co_await crawl.async_next(token);
            if (ec || !next)
                break;
            if (next->error) {
                if (result.failure.empty())
                    result.failure = next->diagnostics.describe(next->error);
                continue;
            }
            ++result.answered;
            if (next->records.size() != size_of(next->index))
                ++result.wrong;
            std::uint64_t place = 0;
            for (const record_view& one : next->records)
                if (one.id != std::to_string(place++) || one.login_name != next->query.login_name)
                    ++result.wrong;
        }
        result.metrics = client.metrics();
        co_return result;
    }(config, count));
}

void check_connections(const metrics& counted, std::uint64_t queries, std::uint64_t sessions, std::uint64_t most) {
    CHECK(counted.resends == 0);
    CHECK(counted.connections_reused == queries - sessions);
    REQUIRE(counted.connections_opened >= sessions);
    const std::uint64_t unused = counted.connections_opened - sessions;
    CHECK(unused <= most);
    // Before the first session is known none can be resumed; and one that is not used may not have been told its own.
    CHECK(counted.connections_resumed + most + unused >= counted.connections_opened);
}

std::uint64_t stream_all(const client_config& config, std::uint64_t count) {
    asio::io_context context{1};
    return run(context, [](client_config with, std::uint64_t number) -> asio::awaitable<std::uint64_t> {
        client client(co_await asio::this_coro::executor, std::move(with));
        record_stream stream = co_await client.async_open({"bulk-" + std::to_string(number), "2024-06-26"});
        std::uint64_t records = 0;
        while (const record_batch batch = co_await stream.async_next())
            for (const record_view& one : batch) {
                if (one.id != std::to_string(records))
                    throw std::runtime_error("record " + std::to_string(records) + " has the ID " +
                                             std::string(one.id));
                ++records;
            }
        co_return records;
    }(config, count));
}

}  // namespace jobmode::test

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/client.hpp>
#include <jobmode/detail/bound_handler.hpp>
#include <jobmode/export.hpp>

#include <boost/asio/async_result.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

namespace jobmode {

/// How one query of a crawl ended.
struct JOBMODE_EXPORT outcome {
    outcome();
    /// Takes the other's records; the other can then only be assigned to or destroyed.
    outcome(outcome&&) noexcept;
    /// The same.
    outcome& operator=(outcome&&) noexcept;
    ~outcome();

    /// The place of the query in what was pulled, from 0.
    std::uint64_t index = 0;
    /// The query.
    jobmode::query query;
    /// No error: it was answered, and `records` are all there are. Otherwise `records` is empty.
    error_code error;
    /// What is known of the failure; `attempt` says how many attempts there were.
    jobmode::diagnostics diagnostics;
    /// The answer.
    record_list records;
    /// From the sending of the last attempt's request to the end of its answer.
    std::chrono::nanoseconds latency{0};
};

/// How a crawl behaves.
struct JOBMODE_EXPORT crawl_options {
    crawl_options();

    /// Outcomes kept for a consumer that is slow; when there are so many, nothing more is sent. At least 1.
    std::size_t max_buffered = 256;
    /// Stop pulling queries when an outcome is `errc::authentication_refused` or `proxy_authentication_required`; what
    /// is in flight still ends.
    bool stop_on_authentication_refused = true;
};

/// Asks very many queries of one client, as many at a time as the client's limits allow, and hands out how each one
/// ended, in the order in which they end: exactly one outcome for each query pulled.
///
/// Queries are pulled one by one when there is room to send them, on the client's executor. Invalid ones are not sent
/// and have the outcome `errc::invalid_query`. Destroying the crawl cancels what is in flight and drops its outcomes.
/// The client must outlive it; closing the client ends the crawl's queries with `operation_aborted`. As thread-safe as
/// its client.
class JOBMODE_EXPORT crawl {
public:
    /// Gives the next query, or nothing when there are no more; not called again after that.
    using source = std::function<std::optional<query>()>;

    /// Takes one query of an asynchronous source, or nothing when there are no more. To be called once, from any thread
    /// that may use the client, also within the call that asked for it. A crawl that is stopped or gone drops the
    /// query.
    using supply = std::function<void(std::optional<query>)>;
    /// A source that may have nothing yet: asked for the next query, it has `supply` called when there is one. It is
    /// asked for one query at a time, and not again once there are no more.
    using async_source = std::function<void(supply)>;

    /// Begins with the first `async_next`.
    crawl(client& client, source queries, crawl_options options = {});
    /// The same, with a source that does not make the client wait.
    crawl(client& client, async_source queries, crawl_options options = {});

    /// Pulls from any input range of queries. A range given as an lvalue is referred to and must outlive the crawl; an
    /// rvalue is moved in.
    template <std::ranges::input_range Range>
    requires std::convertible_to<std::ranges::range_reference_t<Range>, query> crawl(client& client, Range&& queries,
                                                                                     crawl_options options = {})
        : crawl(client, source_of(std::forward<Range>(queries)), std::move(options)) {}

    /// Takes the other's place; the other can then only be assigned to or destroyed.
    crawl(crawl&&) noexcept;
    /// Cancels what is in flight here, then takes the other's place.
    crawl& operator=(crawl&&) noexcept;
    /// Cancels what is in flight and drops its outcomes.
    ~crawl();

    /// Waits for a query to end. Signature: `void(error_code, std::optional<outcome>)`.
    ///
    /// Nothing when every query pulled has had its outcome and no more are pulled. The error code is set only when this
    /// wait was cancelled (terminal, partial or total), which costs no outcome, or when the source threw
    /// (`errc::source_failed`, after the outcomes of all that was pulled). One call at a time.
    template <class Token = default_token>
    auto async_next(Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, std::optional<outcome>)>(
            [](auto handler, crawl* self) {
                self->start_next(detail::bound_handler<std::optional<outcome>>(std::move(handler)));
            },
            token, this);
    }

    /// An outcome that is ready, without waiting; nothing if none is, or if the client is in its thread-safe mode. The
    /// quick way through outcomes that come in numbers: one wait for the first of them, and none for the others. Not
    /// while `async_next` waits.
    std::optional<outcome> try_next();

    /// What the source threw; null if it has not. Not while the source may be running on another thread.
    std::exception_ptr source_exception() const noexcept;

    /// Pulls no more queries; those in flight end, and their outcomes are still handed out.
    void stop();

private:
    struct state;

    template <class Range>
    static source source_of(Range&& queries) {
        // What std::views::all would do; but libstdc++'s own views do not compile with clang before 16.
        using kept =
            std::conditional_t<std::ranges::view<std::remove_cvref_t<Range>>, std::remove_cvref_t<Range>, Range>;
        struct cursor {
            kept range;
            std::optional<std::ranges::iterator_t<kept>> at{};
        };
        return [shared = std::make_shared<cursor>(cursor{std::forward<Range>(queries)})]() -> std::optional<query> {
            if (!shared->at)
                shared->at.emplace(std::ranges::begin(shared->range));
            else
                ++*shared->at;
            if (*shared->at == std::ranges::end(shared->range))
                return std::nullopt;
            return std::optional<query>(query(**shared->at));
        };
    }

    void start_next(detail::bound_handler<std::optional<outcome>> handler);
    void close() noexcept;

    std::shared_ptr<state> state_;
};

}  // namespace jobmode

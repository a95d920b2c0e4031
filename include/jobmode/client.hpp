// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/backup_jobs.hpp>
#include <jobmode/call_options.hpp>
#include <jobmode/config.hpp>
#include <jobmode/detail/bound_handler.hpp>
#include <jobmode/error.hpp>
#include <jobmode/export.hpp>
#include <jobmode/metrics.hpp>
#include <jobmode/query.hpp>
#include <jobmode/record.hpp>
#include <jobmode/secret.hpp>
#include <jobmode/stream.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution_context.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace jobmode {

/// A client of one server: a pool of connections, and the limits and retries of its configuration.
///
/// Any number of operations may run at a time; that is what it is for. They start in the order of their calls. Handlers
/// run on their associated executor, by default the client's, and never within the call that started them. Destroying
/// the client, or `close`, ends every operation with `boost::asio::error::operation_aborted`.
///
/// A handler keeps its executor's context at work while its operation runs. Idle connections are watched, so that a
/// server's closing them is noticed at once; the executor's context therefore has work until the last idle connection
/// has reached its idle timeout, or the client is closed or destroyed.
///
/// Not thread-safe unless `client_config::thread_safe` is set.
class JOBMODE_EXPORT client {
public:
    /// The executor that handlers without one of their own run on.
    using executor_type = asio::any_io_executor;

    /// Takes the configuration, reads the files it names and resolves nothing yet. Throws `boost::system::system_error`
    /// with the code of `client_config::validate` and a sentence that says what is wrong.
    client(asio::any_io_executor executor, client_config config);
    /// The same, on an execution context's executor.
    template <class Context>
    requires std::convertible_to<Context&, asio::execution_context&> client(Context& context, client_config config)
        : client(asio::any_io_executor(context.get_executor()), std::move(config)) {}
    /// Takes the other's place, operations included; the other can then only be assigned to or destroyed.
    client(client&&) noexcept;
    /// Closes this client, then takes the other's place.
    client& operator=(client&&) noexcept;
    /// Closes the client.
    ~client();

    /// Asks one query and gathers its records. Signature: `void(error_code, std::vector<record>)`.
    ///
    /// Ends with any `errc`. Cancellation (terminal, partial or total) takes the query back wherever it is: waiting, in
    /// a pause between attempts, or on the wire, in which case its connection is closed.
    template <class Token = default_token>
    requires(!std::convertible_to<Token, call_options>) auto async_list(query asked, Token&& token = Token()) {
        return async_list(std::move(asked), call_options(), std::forward<Token>(token));
    }

    /// The same, with options.
    template <class Token = default_token>
    auto async_list(query asked, call_options options, Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, std::vector<record>)>(
            [](auto handler, client* self, query what, call_options with) {
                self->start_list(detail::bound_handler<std::vector<record>>(std::move(handler)), std::move(what), with);
            },
            token, this, std::move(asked), options);
    }

    /// Asks one query and hands out its records as they come. Signature: `void(error_code, record_stream)`.
    ///
    /// Ends when the response's header is there; until then it is retried as `async_list` is. Ends with any `errc` that
    /// does not concern the answer's body; those come from `record_stream::async_next`. Cancellation as for
    /// `async_list`.
    template <class Token = default_token>
    requires(!std::convertible_to<Token, call_options>) auto async_open(query asked, Token&& token = Token()) {
        return async_open(std::move(asked), call_options(), std::forward<Token>(token));
    }

    /// The same, with options.
    template <class Token = default_token>
    auto async_open(query asked, call_options options, Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, record_stream)>(
            [](auto handler, client* self, query what, call_options with) {
                self->start_open(detail::bound_handler<record_stream>(std::move(handler)), std::move(what), with);
            },
            token, this, std::move(asked), options);
    }

    /// Lists the login names of all backup users (ListUsers, AhsayCBS 9.7). Signature:
    /// `void(error_code, std::vector<std::string>)`. The answer is gathered in memory, up to `limits.answer_bytes`.
    /// Errors and cancellation as for `async_list`.
    template <class Token = default_token>
    requires(!std::convertible_to<Token, call_options>) auto async_list_users(Token&& token = Token()) {
        return async_list_users(call_options(), std::forward<Token>(token));
    }

    /// The same, with options.
    template <class Token = default_token>
    auto async_list_users(call_options options, Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, std::vector<std::string>)>(
            [](auto handler, client* self, call_options with) {
                self->start_list_users(detail::bound_handler<std::vector<std::string>>(std::move(handler)), with);
            },
            token, this, options);
    }

    /// Lists the IDs of all jobs of a backup user, set by set (ListBackupJobs, AhsayCBS 9.1): with one call it is known
    /// on which dates the user has jobs at all. Signature: `void(error_code, std::vector<backup_set_jobs>)`. The answer
    /// is gathered in memory, up to `limits.answer_bytes`. `login_name` is as in a query. Errors and cancellation as
    /// for `async_list`.
    template <class Token = default_token>
    requires(!std::convertible_to<Token, call_options>) auto async_list_backup_jobs(std::string login_name,
                                                                                    Token&& token = Token()) {
        return async_list_backup_jobs(std::move(login_name), call_options(), std::forward<Token>(token));
    }

    /// The same, with options.
    template <class Token = default_token>
    auto async_list_backup_jobs(std::string login_name, call_options options, Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, std::vector<backup_set_jobs>)>(
            [](auto handler, client* self, std::string name, call_options with) {
                self->start_list_backup_jobs(detail::bound_handler<std::vector<backup_set_jobs>>(std::move(handler)),
                                             std::move(name), with);
            },
            token, this, std::move(login_name), options);
    }

    /// How things stand. May be called from any thread; a snapshot taken while the client works can be one query apart
    /// in different members.
    jobmode::metrics metrics() const;

    /// Uses another system user or password from now on. Queries that a refusal of the old ones holds back go on, and
    /// an answer that refuses the old ones is asked again. Throws `boost::system::system_error` with
    /// `errc::invalid_config` if they cannot be used, and then nothing is changed.
    void set_credentials(std::string sys_user, secret sys_pwd);

    /// The same for the user and password of the proxy, if there is one.
    void set_proxy_credentials(std::string user, secret password);

    /// Trusts and identifies by another configuration from now on, in new connections; those there are answer what was
    /// sent with them. Reads the files it names. Throws `boost::system::system_error` with `errc::invalid_config`, and
    /// then nothing is changed.
    void set_tls(const tls_config& tls);

    /// Opens connections before they are needed, until there are this many, or as many as the pool may have. Signature:
    /// `void(error_code, std::size_t)`, with the number of connections that are open. Ends with why none could be
    /// opened; where some could, without an error. What is idle ends after `pool_config::idle_timeout` as usual.
    template <class Token = default_token>
    auto async_warm_up(std::size_t connections, Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, client* self, std::size_t count) {
                self->start_warm_up(detail::bound_handler<std::size_t>(std::move(handler)), count);
            },
            token, this, connections);
    }

    /// Takes no more operations (they end with `operation_aborted`), lets those under way end, and then closes, after
    /// `most` at the latest. Signature: `void(error_code, std::size_t)`, with the number of operations that had not
    /// ended then and were cut off. Cancelling the wait cuts nothing off; no more is taken all the same.
    template <class Token = default_token>
    auto async_shutdown(std::chrono::milliseconds most, Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, client* self, std::chrono::milliseconds time) {
                self->start_shutdown(detail::bound_handler<std::size_t>(std::move(handler)), time);
            },
            token, this, most);
    }

    /// Ends every operation with `operation_aborted` and closes every connection. Later operations end so at once.
    void close();

    /// The executor given to the constructor.
    executor_type get_executor() const noexcept;

private:
    friend class crawl;
    template <class Start>
    void start_count(detail::bound_handler<std::size_t> handler, Start start);
    void start_warm_up(detail::bound_handler<std::size_t> handler, std::size_t connections);
    void start_shutdown(detail::bound_handler<std::size_t> handler, std::chrono::milliseconds most);
    void start_list(detail::bound_handler<std::vector<record>> handler, query asked, const call_options& options);
    void start_open(detail::bound_handler<record_stream> handler, query asked, const call_options& options);
    void start_list_users(detail::bound_handler<std::vector<std::string>> handler, const call_options& options);
    void start_list_backup_jobs(detail::bound_handler<std::vector<backup_set_jobs>> handler, std::string login_name,
                                const call_options& options);

    std::shared_ptr<net::driver> driver_;
};

}  // namespace jobmode

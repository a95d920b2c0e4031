// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/backup_jobs.hpp>
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
    auto async_list(query asked, Token&& token = Token()) {
        return async_list(std::move(asked), nullptr, std::forward<Token>(token));
    }

    /// The same, and fills `*diag`, which must outlive the operation and may be null, before the handler runs.
    template <class Token = default_token>
    auto async_list(query asked, diagnostics* diag, Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, std::vector<record>)>(
            [](auto handler, client* self, query what, diagnostics* out) {
                self->start_list(detail::bound_handler<std::vector<record>>(std::move(handler)), std::move(what), out);
            },
            token, this, std::move(asked), diag);
    }

    /// Asks one query and hands out its records as they come. Signature: `void(error_code, record_stream)`.
    ///
    /// Ends when the response's header is there; until then it is retried as `async_list` is. Ends with any `errc` that
    /// does not concern the answer's body; those come from `record_stream::async_next`. Cancellation as for
    /// `async_list`.
    template <class Token = default_token>
    auto async_open(query asked, Token&& token = Token()) {
        return async_open(std::move(asked), nullptr, std::forward<Token>(token));
    }

    /// The same, and fills `*diag`, which must outlive the operation and may be null, before the handler runs.
    template <class Token = default_token>
    auto async_open(query asked, diagnostics* diag, Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, record_stream)>(
            [](auto handler, client* self, query what, diagnostics* out) {
                self->start_open(detail::bound_handler<record_stream>(std::move(handler)), std::move(what), out);
            },
            token, this, std::move(asked), diag);
    }

    /// Lists the login names of all backup users (ListUsers, AhsayCBS 9.7). Signature:
    /// `void(error_code, std::vector<std::string>)`. The answer is gathered in memory, up to `limits.answer_bytes`.
    /// Errors and cancellation as for `async_list`.
    template <class Token = default_token>
    auto async_list_users(Token&& token = Token()) {
        return async_list_users(nullptr, std::forward<Token>(token));
    }

    /// The same, and fills `*diag`, which must outlive the operation and may be null, before the handler runs.
    template <class Token = default_token>
    auto async_list_users(diagnostics* diag, Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, std::vector<std::string>)>(
            [](auto handler, client* self, diagnostics* out) {
                self->start_list_users(detail::bound_handler<std::vector<std::string>>(std::move(handler)), out);
            },
            token, this, diag);
    }

    /// Lists the IDs of all jobs of a backup user, set by set (ListBackupJobs, AhsayCBS 9.1): with one call it is known
    /// on which dates the user has jobs at all. Signature: `void(error_code, std::vector<backup_set_jobs>)`. The answer
    /// is gathered in memory, up to `limits.answer_bytes`. `login_name` is as in a query. Errors and cancellation as
    /// for `async_list`.
    template <class Token = default_token>
    auto async_list_backup_jobs(std::string login_name, Token&& token = Token()) {
        return async_list_backup_jobs(std::move(login_name), nullptr, std::forward<Token>(token));
    }

    /// The same, and fills `*diag`, which must outlive the operation and may be null, before the handler runs.
    template <class Token = default_token>
    auto async_list_backup_jobs(std::string login_name, diagnostics* diag, Token&& token = Token()) {
        return asio::async_initiate<Token, void(error_code, std::vector<backup_set_jobs>)>(
            [](auto handler, client* self, std::string name, diagnostics* out) {
                self->start_list_backup_jobs(detail::bound_handler<std::vector<backup_set_jobs>>(std::move(handler)),
                                             std::move(name), out);
            },
            token, this, std::move(login_name), diag);
    }

    /// How things stand. May be called from any thread; a snapshot taken while the client works can be one query apart
    /// in different members.
    jobmode::metrics metrics() const;

    /// Uses another system user or password from now on. Queries that a refusal of the old ones holds back go on, and
    /// an answer that refuses the old ones is asked again. Neither may have control characters; the password must not
    /// be empty.
    void set_credentials(std::string sys_user, secret sys_pwd);

    /// Ends every operation with `operation_aborted` and closes every connection. Later operations end so at once.
    void close();

    /// The executor given to the constructor.
    executor_type get_executor() const noexcept;

private:
    friend class crawl;
    void start_list(detail::bound_handler<std::vector<record>> handler, query asked, diagnostics* diag);
    void start_open(detail::bound_handler<record_stream> handler, query asked, diagnostics* diag);
    void start_list_users(detail::bound_handler<std::vector<std::string>> handler, diagnostics* diag);
    void start_list_backup_jobs(detail::bound_handler<std::vector<backup_set_jobs>> handler, std::string login_name,
                                diagnostics* diag);

    std::shared_ptr<net::driver> driver_;
};

}  // namespace jobmode

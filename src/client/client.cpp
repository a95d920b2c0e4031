// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/client.hpp>

#include <chrono>
#include <string>
#include <utility>

#include "client/record_reader.hpp"
#include "client/stream_call.hpp"
#include "net/completion.hpp"
#include "net/driver.hpp"
#include "wire/list_decoder.hpp"

namespace jobmode {
namespace {

/// The part that all calls with one result share: the handler, and the diagnostics that the caller asked for.
template <class Result>
class single_call : public engine::call {
public:
    single_call(const wire::endpoint& where, query question, completion<Result> done, const call_options& options)
        : call(where, std::move(question)), done_(std::move(done)), out_(options.diagnostics) {
        total = options.total;
        priority = options.priority;
    }

    void abandon() noexcept final { done_.drop(); }

    void let_cancel(const std::shared_ptr<net::driver>& driver) {
        net::let_cancel(done_, driver, weak_from_this(), [](net::driver& running, const engine::call_ptr& self) {
            running.cancel(*self, asio::error::operation_aborted);
        });
    }

protected:
    void finish(error_code ec, Result result) {
        if (out_)
            *out_ = std::move(diagnostics);
        done_.post(ec, std::move(result));
    }

private:
    completion<Result> done_;
    jobmode::diagnostics* out_;
};

class list_call final : public single_call<std::vector<record>> {
public:
    list_call(net::driver& driver, query question, completion<std::vector<record>> done, const call_options& options)
        : single_call(wire::list_backup_job_mode, std::move(question), std::move(done), options), reader_(driver) {}

    void on_attempt() override {
        reader_.begin();
        records_.clear();
    }
    engine::appetite on_piece(const engine::body_piece& piece, error_code& ec) override {
        for (const record_view& view : reader_.feed(piece, ec, diagnostics))
            records_.emplace_back(view);
        return engine::appetite::more;
    }
    void on_complete(error_code& ec) override { reader_.finish(ec, diagnostics); }
    void on_end(error_code ec) override {
        if (ec)
            records_.clear();
        finish(ec, std::move(records_));
    }

private:
    record_reader reader_;
    std::vector<record> records_;
};

/// Gathers an answer that is not of ListBackupJobMode.
template <class Decoder>
class gathering_call final : public single_call<typename Decoder::result_type> {
    using result_type = typename Decoder::result_type;

public:
    gathering_call(const wire::endpoint& where, query question, const decoder_limits& limits,
                   completion<result_type> done, const call_options& options)
        : single_call<result_type>(where, std::move(question), std::move(done), options),
          limits_(limits),
          decoder_(limits) {}

    void on_attempt() override {
        decoder_ = Decoder(limits_);
        result_.clear();
    }
    engine::appetite on_piece(const engine::body_piece& piece, error_code& ec) override {
        decoder_.feed(piece.bytes, ec);
        if (ec)
            note();
        return engine::appetite::more;
    }
    void on_complete(error_code& ec) override {
        result_ = decoder_.finish(ec);
        if (ec)
            note();
    }
    void on_end(error_code ec) override {
        if (ec)
            result_.clear();
        this->finish(ec, std::move(result_));
    }

private:
    void note() {
        this->diagnostics.server_message = decoder_.message();
        this->diagnostics.expt_type = decoder_.expt_type();
        this->diagnostics.offset = decoder_.offset();
        this->diagnostics.excerpt = decoder_.excerpt();
    }

    decoder_limits limits_;
    Decoder decoder_;
    result_type result_;
};

void submit(const std::shared_ptr<net::driver>& driver, engine::call_ptr who) {
    driver->enter([driver, who = std::move(who)] { driver->submit(who); });
}

}  // namespace

client::client(asio::any_io_executor executor, client_config config)
    : driver_(net::driver::make(std::move(executor), std::move(config))) {}

client::client(client&&) noexcept = default;

client& client::operator=(client&& other) noexcept {
    if (this != &other) {
        if (driver_)
            close();
        driver_ = std::move(other.driver_);
    }
    return *this;
}

client::~client() {
    if (driver_)
        close();
}

metrics client::metrics() const {
    return driver_->metrics();
}

void client::set_credentials(std::string sys_user, secret sys_pwd) {
    client_config used = driver_->config();
    used.sys_user = sys_user;
    used.sys_pwd = sys_pwd;
    net::require_valid(used);
    driver_->enter([driver = driver_, sys_user = std::move(sys_user), sys_pwd = std::move(sys_pwd)] {
        driver->set_credentials(sys_user, sys_pwd);
    });
}

void client::set_proxy_credentials(std::string user, secret password) {
    client_config used = driver_->config();
    used.sys_pwd = secret("-");
    used.proxy.user = user;
    used.proxy.password = password;
    net::require_valid(used);
    driver_->enter([driver = driver_, user = std::move(user), password = std::move(password)] {
        driver->set_proxy_credentials(user, password);
    });
}

void client::set_tls(const tls_config& tls) {
    driver_->enter([driver = driver_, made = driver_->make_tls(tls)] { driver->set_tls(made); });
}

template <class Start>
void client::start_count(detail::bound_handler<std::size_t> handler, Start start) {
    auto done = std::make_shared<completion<std::size_t>>(std::move(handler), driver_->user_executor());
    net::let_cancel(*done, driver_, std::weak_ptr(done),
                    [](net::driver& running, const auto& waiting) { running.cancel_wait(waiting); });
    driver_->enter([driver = driver_, done = std::move(done), start]() mutable { start(*driver, std::move(done)); });
}

void client::start_warm_up(detail::bound_handler<std::size_t> handler, std::size_t connections) {
    start_count(std::move(handler),
                [connections](net::driver& driver, auto done) { driver.warm_up(std::move(done), connections); });
}

void client::start_shutdown(detail::bound_handler<std::size_t> handler, std::chrono::milliseconds most) {
    start_count(std::move(handler),
                [most](net::driver& driver, auto done) { driver.shut_down(std::move(done), most); });
}

void client::close() {
    driver_->enter([driver = driver_] { driver->close(); });
}

client::executor_type client::get_executor() const noexcept {
    return driver_->user_executor();
}

void client::start_list(detail::bound_handler<std::vector<record>> handler, query asked, const call_options& options) {
    auto who = std::make_shared<list_call>(
        *driver_, std::move(asked), completion<std::vector<record>>(std::move(handler), driver_->user_executor()),
        options);
    who->let_cancel(driver_);
    submit(driver_, std::move(who));
}

void client::start_open(detail::bound_handler<record_stream> handler, query asked, const call_options& options) {
    auto who = std::make_shared<net::stream_call>(
        driver_, std::move(asked), completion<record_stream>(std::move(handler), driver_->user_executor()), options);
    who->let_cancel();
    submit(driver_, std::move(who));
}

void client::start_list_users(detail::bound_handler<std::vector<std::string>> handler, const call_options& options) {
    auto who = std::make_shared<gathering_call<wire::user_list_decoder>>(
        wire::list_users, query(), driver_->config().limits,
        completion<std::vector<std::string>>(std::move(handler), driver_->user_executor()), options);
    who->let_cancel(driver_);
    submit(driver_, std::move(who));
}

void client::start_list_backup_jobs(detail::bound_handler<std::vector<backup_set_jobs>> handler, std::string login_name,
                                    const call_options& options) {
    // The date is not sent: with one the name is checked as that of any other query is.
    const std::chrono::year_month_day any(std::chrono::year(2000), std::chrono::January, std::chrono::day(1));
    auto who = std::make_shared<gathering_call<wire::backup_job_list_decoder>>(
        wire::list_backup_jobs, query(std::move(login_name), any), driver_->config().limits,
        completion<std::vector<backup_set_jobs>>(std::move(handler), driver_->user_executor()), options);
    who->let_cancel(driver_);
    submit(driver_, std::move(who));
}

}  // namespace jobmode

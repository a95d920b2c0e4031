// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include <jobmode/client.hpp>

#include <chrono>
#include <utility>

#include "completion.hpp"
#include "net/engine.hpp"
#include "stream_operation.hpp"
#include "wire/list_decoder.hpp"

namespace jobmode {
namespace {

/// The part that all operations with one result share: the handler, and the diagnostics that the caller asked for.
template <class Result>
class single_operation : public net::operation {
public:
    single_operation(net::request_kind what, query asked_query, completion<Result> done, jobmode::diagnostics* out)
        : operation(what, std::move(asked_query)), done_(std::move(done)), out_(out) {}

    void abandon() noexcept final { done_.drop(); }

    void let_cancel(const std::shared_ptr<net::engine>& engine) {
        done_.on_cancel([weak_self = weak_from_this(), weak_engine = std::weak_ptr(engine)] {
            if (const std::shared_ptr<net::engine> running = weak_engine.lock())
                running->enter([weak_self, running] {
                    if (const net::operation_ptr self = weak_self.lock())
                        running->cancel(*self, asio::error::operation_aborted);
                });
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

class list_operation final : public single_operation<std::vector<record>> {
public:
    list_operation(query asked_query, completion<std::vector<record>> done, jobmode::diagnostics* out)
        : single_operation(net::request_kind::list, std::move(asked_query), std::move(done), out) {}

    void on_attempt() override { records_.clear(); }
    void on_batch(record_batch batch, const net::arrival&) override {
        for (const record_view& view : batch)
            records_.emplace_back(view);
    }
    void on_end(error_code ec) override {
        if (ec)
            records_.clear();
        finish(ec, std::move(records_));
    }

private:
    std::vector<record> records_;
};

/// Gathers an answer that is not of ListBackupJobMode.
template <class Decoder>
class gathering_operation final : public single_operation<typename Decoder::result_type> {
    using result_type = typename Decoder::result_type;

public:
    gathering_operation(net::request_kind what, query asked_query, const decoder_limits& limits,
                        completion<result_type> done, jobmode::diagnostics* out)
        : single_operation<result_type>(what, std::move(asked_query), std::move(done), out),
          limits_(limits),
          decoder_(limits) {}

    void on_attempt() override {
        decoder_ = Decoder(limits_);
        result_.clear();
    }
    void on_piece(std::string_view piece, error_code& ec) override {
        decoder_.feed(piece, ec);
        if (ec)
            note();
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

void submit(const std::shared_ptr<net::engine>& engine, net::operation_ptr op) {
    engine->enter([engine, op = std::move(op)] { engine->submit(op); });
}

}  // namespace

client::client(asio::any_io_executor executor, client_config config)
    : engine_(net::engine::make(std::move(executor), std::move(config))) {}

client::client(client&&) noexcept = default;

client& client::operator=(client&& other) noexcept {
    if (this != &other) {
        if (engine_)
            close();
        engine_ = std::move(other.engine_);
    }
    return *this;
}

client::~client() {
    if (engine_)
        close();
}

metrics client::metrics() const {
    return engine_->metrics();
}

void client::close() {
    engine_->enter([engine = engine_] { engine->close(); });
}

client::executor_type client::get_executor() const noexcept {
    return engine_->user_executor();
}

void client::start_list(detail::bound_handler<std::vector<record>> handler, query asked, diagnostics* diag) {
    auto op = std::make_shared<list_operation>(
        std::move(asked), completion<std::vector<record>>(std::move(handler), engine_->user_executor()), diag);
    op->let_cancel(engine_);
    submit(engine_, std::move(op));
}

void client::start_open(detail::bound_handler<record_stream> handler, query asked, diagnostics* diag) {
    auto op = std::make_shared<net::stream_operation>(
        engine_, std::move(asked), completion<record_stream>(std::move(handler), engine_->user_executor()), diag);
    op->let_cancel();
    submit(engine_, std::move(op));
}

void client::start_list_users(detail::bound_handler<std::vector<std::string>> handler, diagnostics* diag) {
    auto op = std::make_shared<gathering_operation<wire::user_list_decoder>>(
        net::request_kind::users, query(), engine_->config().limits,
        completion<std::vector<std::string>>(std::move(handler), engine_->user_executor()), diag);
    op->let_cancel(engine_);
    submit(engine_, std::move(op));
}

void client::start_list_backup_jobs(detail::bound_handler<std::vector<backup_set_jobs>> handler, std::string login_name,
                                    diagnostics* diag) {
    // The date is not sent: with one the name is checked as that of any other query is.
    const std::chrono::year_month_day any(std::chrono::year(2000), std::chrono::January, std::chrono::day(1));
    auto op = std::make_shared<gathering_operation<wire::backup_job_list_decoder>>(
        net::request_kind::jobs, query(std::move(login_name), any), engine_->config().limits,
        completion<std::vector<backup_set_jobs>>(std::move(handler), engine_->user_executor()), diag);
    op->let_cancel(engine_);
    submit(engine_, std::move(op));
}

}  // namespace jobmode

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "sim/server.hpp"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/json.hpp>

#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <utility>

namespace jobmode::sim {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
using tcp = asio::ip::tcp;
using executor = asio::io_context::executor_type;
using tcp_stream = beast::basic_stream<tcp, executor>;
using tls_stream = beast::ssl_stream<tcp_stream>;
using token_type = asio::as_tuple_t<asio::use_awaitable_t<executor>>;
template <class Result>
using task = asio::awaitable<Result, executor>;

constexpr token_type token;
constexpr std::size_t write_bytes = 16 * 1024;

constexpr std::string_view html_page =
    "<!DOCTYPE html>\r\n<html><head><title>Login</title></head><body><h1>Please log in</h1></body></html>\r\n";

std::string error_answer(std::string_view message, std::string_view type) {
    std::string text = R"({"Status":"Error","Message":)";
    append_json_string(text, message);
    text += R"(,"ExptType":)";
    append_json_string(text, type);
    return text + "}";
}

std::string_view view(beast::string_view text) noexcept {
    return {text.data(), text.size()};
}

/// A member that is a string, or nothing.
std::optional<std::string_view> member(const json::object& object, std::string_view key) {
    const json::value* const found = object.if_contains({key.data(), key.size()});
    const json::string* const text = found ? found->if_string() : nullptr;
    return text ? std::optional(std::string_view(text->data(), text->size())) : std::nullopt;
}

std::optional<unsigned> digits(std::string_view text) noexcept {
    unsigned value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
}

/// The date that `yyyy-MM-dd` or a job's ID begins with.
std::optional<std::chrono::year_month_day> date_of(std::string_view text) noexcept {
    if ((text.size() != 10 && text.size() != 19) || text[4] != '-' || text[7] != '-')
        return std::nullopt;
    const auto year = digits(text.substr(0, 4));
    const auto month = digits(text.substr(5, 2));
    const auto day = digits(text.substr(8, 2));
    if (!year || !month || !day)
        return std::nullopt;
    const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                           std::chrono::day(*day));
    return date.ok() ? std::optional(date) : std::nullopt;
}

/// An answer as it goes out: its body, or a body that is too long to be held and is written piece by piece.
struct reply {
    unsigned status = 200;
    std::string_view reason = "OK";
    std::string_view type = "application/json;charset=UTF-8";
    std::string body;
    std::optional<std::uint64_t> bulk;
    std::string bulk_user;
    bool may_fail = false;
};

reply page(unsigned status, std::string_view reason) {
    reply made;
    made.status = status;
    made.reason = reason;
    made.type = "text/html;charset=utf-8";
    made.body = "<!doctype html><html lang=\"en\"><head><title>HTTP Status " + std::to_string(status) + " - " +
                std::string(reason) + "</title></head><body><h1>HTTP Status " + std::to_string(status) +
                "</h1></body></html>";
    return made;
}

}  // namespace

server_config::server_config() = default;

std::string server_counters::to_json() const {
    const json::object object{
        {"connections", connections}, {"tls_resumed", tls_resumed}, {"handshakes_failed", handshakes_failed},
        {"requests", requests},       {"queries", queries},         {"records", records},
        {"overloaded", overloaded},   {"job_lists", job_lists},     {"refused", refused},
        {"sessions", sessions},       {"faults", faults},           {"most_in_flight", most_in_flight},
    };
    return json::serialize(object);
}

class server::impl {
public:
    explicit impl(server_config config)
        : config_(std::move(config)),
          fleet_(config_.fleet),
          random_(config_.fleet.seed),
          capacity_(config_.capacity),
          context_(1),
          tls_(asio::ssl::context::tls_server),
          acceptor_(context_) {
        if (config_.tls)
            set_up_tls();
        const tcp::endpoint endpoint(asio::ip::make_address(config_.address), config_.port);
        acceptor_.open(endpoint.protocol());
        acceptor_.set_option(asio::socket_base::reuse_address(true));
        acceptor_.bind(endpoint);
        acceptor_.listen(4096);
        port_ = acceptor_.local_endpoint().port();
        asio::co_spawn(context_, accept(), asio::detached);
        thread_ = std::thread([this] { context_.run(); });
    }

    ~impl() {
        context_.stop();
        thread_.join();
    }

    std::uint16_t port() const noexcept { return port_; }
    const server_config& config() const noexcept { return config_; }
    const std::string& ca_pem() const noexcept { return ca_pem_; }
    const std::string& pin() const noexcept { return identity_.pin; }
    const sim::fleet& fleet() const noexcept { return fleet_; }

    server_counters counters() const {
        const std::scoped_lock lock(mutex_);
        return counters_;
    }

    void set_faults(std::vector<fault_spec> faults) {
        const std::scoped_lock lock(mutex_);
        config_.faults = std::move(faults);
    }

private:
    template <class Change>
    void count(Change change) {
        const std::scoped_lock lock(mutex_);
        change(counters_);
    }

    void set_up_tls() {
        if (config_.identity) {
            identity_ = *config_.identity;
            ca_pem_ = identity_.pem;
        } else {
            const sim::certificate authority = make_authority("jobmode simulated authority");
            identity_ = make_certificate(certificate_options(), &authority);
            ca_pem_ = authority.pem;
        }
        tls_.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
        tls_.use_certificate_chain(asio::buffer(identity_.pem));
        tls_.use_private_key(asio::buffer(identity_.key_pem), asio::ssl::context::pem);
        static constexpr std::array<unsigned char, 7> session_context{'j', 'o', 'b', 'm', 'o', 'd', 'e'};
        SSL_CTX_set_session_id_context(tls_.native_handle(), session_context.data(), session_context.size());
        if (!config_.client_ca.empty()) {
            tls_.add_certificate_authority(asio::buffer(config_.client_ca));
            tls_.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
        }
    }

    task<void> accept() {
        for (;;) {
            auto [ec, socket] = co_await acceptor_.async_accept(context_.get_executor(), token);
            if (ec == asio::error::operation_aborted)
                co_return;
            if (ec) {
                // Out of descriptors, as a rule: those that are open must be given the time to end.
                asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                           executor>
                    pause(context_.get_executor(), std::chrono::milliseconds(10));
                co_await pause.async_wait(token);
                continue;
            }
            const std::uint64_t number = next_connection_++;
            count([](server_counters& all) { ++all.connections; });
            asio::co_spawn(context_, run(tcp_stream(std::move(socket)), number), asio::detached);
        }
    }

    task<void> run(tcp_stream stream, std::uint64_t number) {
        beast::error_code ignored;
        stream.socket().set_option(tcp::no_delay(true), ignored);
        if (!config_.tls) {
            co_await serve(stream, number);
            stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
            co_return;
        }
        tls_stream secure(std::move(stream), tls_);
        beast::get_lowest_layer(secure).expires_after(config_.idle_timeout);
        auto [ec] = co_await secure.async_handshake(asio::ssl::stream_base::server, token);
        if (ec) {
            count([](server_counters& all) { ++all.handshakes_failed; });
            co_return;
        }
        if (SSL_session_reused(secure.native_handle()) == 1)
            count([](server_counters& all) { ++all.tls_resumed; });
        if (co_await serve(secure, number)) {
            beast::get_lowest_layer(secure).expires_after(std::chrono::seconds(1));
            co_await secure.async_shutdown(token);
        }
    }

    /// Answers one request after another. True if the connection is to be closed in order.
    template <class Stream>
    task<bool> serve(Stream& stream, std::uint64_t connection) {
        beast::flat_buffer buffer;
        buffer.reserve(16 * 1024);
        std::string out;
        for (std::uint64_t number = 0;; ++number) {
            http::request_parser<http::string_body> parser;
            parser.body_limit(64 * 1024);
            beast::get_lowest_layer(stream).expires_after(config_.idle_timeout);
            auto [ec, bytes] = co_await http::async_read(stream, buffer, parser, token);
            beast::get_lowest_layer(stream).expires_never();
            if (ec)
                // Tomcat closes an idle connection without a word.
                co_return ec == http::error::end_of_stream;
            const http::request<http::string_body>& request = parser.get();
            if (request.method() == http::verb::get && view(request.target()) == "/sim/counters") {
                reply answer;
                answer.body = counters().to_json();
                out.clear();
                append_head(out, answer, {}, true);
                out += answer.body;
                co_await asio::async_write(stream, asio::buffer(out), token);
                co_return true;
            }
            const bool last = config_.max_requests != 0 && number + 1 >= config_.max_requests;
            const bool keep = !last && request.keep_alive();
            count([](server_counters& all) { ++all.requests; });
            const in_flight_guard guard(*this);
            const step next = co_await answer(stream, request, connection, number, keep, out);
            if (next != step::go_on || !keep)
                co_return next != step::cut;
        }
    }

    enum class step : std::uint8_t { go_on, close, cut };

    struct in_flight_guard {
        explicit in_flight_guard(impl& owner) : owner_(owner) {
            const auto now = ++owner.in_flight_;
            owner.count([now](server_counters& all) { all.most_in_flight = std::max(all.most_in_flight, now); });
        }
        in_flight_guard(const in_flight_guard&) = delete;
        in_flight_guard& operator=(const in_flight_guard&) = delete;
        ~in_flight_guard() { --owner_.in_flight_; }
        impl& owner_;
    };

    template <class Stream>
    task<step> answer(Stream& stream, const http::request<http::string_body>& request, std::uint64_t connection,
                      std::uint64_t number, bool keep, std::string& out) {
        const std::string_view cookie = view(request[http::field::cookie]);
        if (config_.script) {
            request_info info;
            info.connection = connection;
            info.request = number;
            info.target = view(request.target());
            info.cookie = cookie;
            info.body = request.body();
            if (const auto steps = config_.script(info))
                co_return co_await play(stream, *steps);
        }
        const auto now = std::chrono::steady_clock::now();
        const auto ready = capacity_.admit(now, config_.latency.draw(random_));
        if (!ready)
            count([](server_counters& all) { ++all.overloaded; });
        reply made = ready ? decide(request) : page(503, "Service Unavailable");
        if (ready && *ready > now) {
            asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                       executor>
                timer(context_.get_executor(), *ready);
            co_await timer.async_wait(token);
        }
        const std::optional<fault_kind> fault = made.may_fail ? draw_fault() : std::nullopt;
        if (fault)
            spoil(made, *fault);
        out.clear();
        append_head(out, made, cookie, keep);
        if (made.bulk)
            co_return co_await write_bulk(stream, made, out);
        append_body(out, made.body);
        if (fault) {
            std::vector<script_step> steps = steps_of(*fault, out);
            co_return co_await play(stream, std::move(steps));
        }
        auto [ec, bytes] = co_await asio::async_write(stream, asio::buffer(out), token);
        co_return ec ? step::cut : step::go_on;
    }

    /// Lets the answer be another one, for those faults that lie in what is said.
    static void spoil(reply& made, fault_kind fault) {
        switch (fault) {
            case fault_kind::html:
                made = page(200, "OK");
                made.body = html_page;
                break;
            case fault_kind::bad_json:
                made.body.insert(made.body.size() / 2, "\x01}");
                break;
            case fault_kind::status_429:
                made = page(429, "Too Many Requests");
                break;
            case fault_kind::status_502:
                made = page(502, "Bad Gateway");
                break;
            case fault_kind::status_503:
                made = page(503, "Service Unavailable");
                break;
            case fault_kind::status_504:
                made = page(504, "Gateway Timeout");
                break;
            case fault_kind::reset:
            case fault_kind::stall:
            case fault_kind::truncate:
            case fault_kind::close:
            case fault_kind::slow:
                break;
        }
    }

    /// How an answer goes out, for those faults that lie in how it is said.
    static std::vector<script_step> steps_of(fault_kind fault, const std::string& out) {
        using kind = script_step::kind;
        std::vector<script_step> steps;
        switch (fault) {
            case fault_kind::reset:
                steps.emplace_back(kind::reset);
                break;
            case fault_kind::stall:
                steps.emplace_back(kind::stall);
                break;
            case fault_kind::truncate:
                steps.emplace_back(kind::send, out.substr(0, out.size() / 2));
                steps.emplace_back(kind::cut);
                break;
            case fault_kind::close:
                steps.emplace_back(kind::send, out);
                steps.emplace_back(kind::cut);
                break;
            case fault_kind::slow:
                steps.emplace_back(kind::trickle, out);
                break;
            default:
                steps.emplace_back(kind::send, out);
                break;
        }
        return steps;
    }

    template <class Stream>
    task<step> play(Stream& stream, std::vector<script_step> steps) {
        for (const script_step& next : steps) {
            switch (next.what) {
                case script_step::kind::send: {
                    auto [ec, bytes] = co_await asio::async_write(stream, asio::buffer(next.bytes), token);
                    if (ec)
                        co_return step::cut;
                    break;
                }
                case script_step::kind::trickle:
                    for (const char& byte : next.bytes) {
                        auto [ec, bytes] = co_await asio::async_write(stream, asio::buffer(&byte, 1), token);
                        if (ec)
                            co_return step::cut;
                    }
                    break;
                case script_step::kind::close:
                    co_return step::close;
                case script_step::kind::cut:
                    co_return step::cut;
                case script_step::kind::reset: {
                    beast::error_code ignored;
                    auto& socket = beast::get_lowest_layer(stream).socket();
                    socket.set_option(asio::socket_base::linger(true, 0), ignored);
                    socket.close(ignored);
                    co_return step::cut;
                }
                case script_step::kind::stall: {
                    std::array<char, 256> rest{};
                    for (;;) {
                        auto [ec, bytes] = co_await stream.async_read_some(asio::buffer(rest), token);
                        if (ec)
                            co_return step::cut;
                    }
                }
            }
        }
        co_return step::go_on;
    }

    void append_head(std::string& out, const reply& made, std::string_view cookie, bool keep) {
        out += "HTTP/1.1 " + std::to_string(made.status) + " ";
        out += made.reason;
        out += "\r\n";
        if (!knows_session(cookie)) {
            out += "Set-Cookie: JSESSIONID=" + new_session() + "; Path=/obs; ";
            out += config_.tls ? "Secure; HttpOnly\r\n" : "HttpOnly\r\n";
        }
        out += "Content-Type: ";
        out += made.type;
        if (made.bulk || made.body.size() > config_.chunk_above)
            out += "\r\nTransfer-Encoding: chunked";
        else
            out += "\r\nContent-Length: " + std::to_string(made.body.size());
        if (!keep)
            out += "\r\nConnection: close";
        out += "\r\n\r\n";
    }

    static void append_chunk(std::string& out, std::string_view bytes) {
        std::array<char, 24> size{};
        std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
        out += size.data();
        out += bytes;
        out += "\r\n";
    }

    void append_body(std::string& out, std::string_view body) const {
        if (body.size() <= config_.chunk_above) {
            out += body;
            return;
        }
        for (; !body.empty(); body.remove_prefix(std::min(body.size(), std::size_t{8192})))
            append_chunk(out, body.substr(0, 8192));
        out += "0\r\n\r\n";
    }

    template <class Stream>
    task<step> write_bulk(Stream& stream, const reply& made, std::string& out) {
        std::string piece = R"({"Data":[)";
        for (std::uint64_t index = 0; index != *made.bulk; ++index) {
            if (index != 0)
                piece += ',';
            append_record(piece, fleet::bulk_job(made.bulk_user, index));
            if (piece.size() >= write_bytes) {
                append_chunk(out, piece);
                piece.clear();
                auto [ec, bytes] = co_await asio::async_write(stream, asio::buffer(out), token);
                if (ec)
                    co_return step::cut;
                out.clear();
            }
        }
        piece += R"(],"Status":"OK"})";
        append_chunk(out, piece);
        out += "0\r\n\r\n";
        auto [ec, bytes] = co_await asio::async_write(stream, asio::buffer(out), token);
        co_return ec ? step::cut : step::go_on;
    }

    bool knows_session(std::string_view cookie) {
        static constexpr std::string_view name = "JSESSIONID=";
        return cookie.starts_with(name) && sessions_.contains(std::string(cookie.substr(name.size())));
    }

    std::string new_session() {
        static constexpr std::string_view hex = "0123456789ABCDEF";
        std::string id;
        for (int digit = 0; digit != 32; ++digit)
            id += hex[random_() % 16];
        sessions_.insert(id);
        count([](server_counters& all) { ++all.sessions; });
        return id;
    }

    std::optional<fault_kind> draw_fault() {
        const std::scoped_lock lock(mutex_);
        for (const fault_spec& fault : config_.faults)
            if (std::bernoulli_distribution(fault.probability)(random_)) {
                ++counters_.faults;
                return fault.kind;
            }
        return std::nullopt;
    }

    reply decide(const http::request<http::string_body>& request) {
        std::string_view target = view(request.target());
        if (!target.starts_with(config_.prefix))
            return page(404, "Not Found");
        target.remove_prefix(config_.prefix.size());
        using handler = reply (impl::*)(const json::object&);
        static constexpr std::array<std::pair<std::string_view, handler>, 4> calls{{
            {"/obs/api/json/ListBackupJobMode.do", &impl::list_backup_job_mode},
            {"/obs/api/json/2/ListUsers.do", &impl::list_users},
            {"/obs/api/json/ListBackupSets.do", &impl::list_backup_sets},
            {"/obs/api/json/ListBackupJobs.do", &impl::list_backup_jobs},
        }};
        const auto* const call = std::ranges::find(calls, target, &std::pair<std::string_view, handler>::first);
        if (call == calls.end())
            return page(404, "Not Found");
        if (request.method() != http::verb::post)
            return page(405, "Method Not Allowed");

        reply made;
        boost::system::error_code ec;
        const json::value body = json::parse(request.body(), ec);
        if (ec || !body.is_object()) {
            made.body = error_answer("A JSONObject text must begin with '{'", "org.json.JSONException");
            return made;
        }
        const json::object& object = body.get_object();
        const auto user = member(object, "SysUser");
        const auto password = member(object, "SysPwd");
        if (!user || *user != config_.sys_user) {
            count([](server_counters& all) { ++all.refused; });
            made.body = error_answer("System user '" + std::string(user.value_or("")) + "' does not exist",
                                     "org.json.JSONException");
            return made;
        }
        if (!password || *password != config_.sys_pwd) {
            count([](server_counters& all) { ++all.refused; });
            made.body = error_answer("Incorrect system username/password", "com.ahsay.obs.core.dbs.c");
            return made;
        }
        made = (this->*call->second)(object);
        made.may_fail = true;
        return made;
    }

    static reply ok(std::string_view key, std::string_view list, bool status_first) {
        reply made;
        const std::string data = "\"" + std::string(key) + "\":[" + std::string(list) + "]";
        made.body = status_first ? R"({"Status":"OK",)" + data + "}" : "{" + data + R"(,"Status":"OK"})";
        return made;
    }

    static reply no_such_user(std::string_view name) {
        reply made;
        made.body = error_answer("Backup user '" + std::string(name) + "' does not exist", "com.ahsay.obs.core.dbs.f");
        return made;
    }

    reply list_backup_job_mode(const json::object& asked) {
        const auto login_name = member(asked, "LoginName").value_or("");
        const auto date_text = member(asked, "BackupDate").value_or("");
        if (const auto size = fleet::bulk_size(login_name)) {
            count([size](server_counters& all) {
                ++all.queries;
                all.records += *size;
            });
            reply made;
            made.bulk = size;
            made.bulk_user = login_name;
            return made;
        }
        if (!fleet_.has(login_name))
            return no_such_user(login_name);
        const auto date = date_of(date_text);
        if (!date) {
            reply made;
            made.body = error_answer("Invalid BackupDate", "java.text.ParseException");
            return made;
        }
        std::string list;
        std::uint64_t records = 0;
        std::uint64_t quirk = 0;
        for (const job& one : fleet_.jobs(login_name, *date, member(asked, "BackupSetID").value_or(""))) {
            if (date_text.size() == 19 && one.id != date_text)
                continue;
            if (records++ != 0)
                list += ',';
            append_record(list, one);
            quirk ^= one.quirk;
        }
        count([records](server_counters& all) {
            ++all.queries;
            all.records += records;
        });
        return ok("Data", list, quirk % 3 != 0);
    }

    reply list_users(const json::object&) {
        std::string list;
        for (const std::string& name : fleet_.login_names()) {
            list += list.empty() ? "{\"LoginName\":" : ",{\"LoginName\":";
            append_json_string(list, name);
            list += '}';
        }
        return ok("User", list, true);
    }

    reply list_backup_sets(const json::object& asked) {
        const auto login_name = member(asked, "LoginName").value_or("");
        if (!fleet_.has(login_name))
            return no_such_user(login_name);
        std::string list;
        for (const backup_set& set : fleet_.sets(login_name)) {
            list += list.empty() ? "{\"ID\":" : ",{\"ID\":";
            append_json_string(list, set.id);
            list += ",\"Name\":";
            append_json_string(list, set.name);
            list += ",\"Type\":";
            append_json_string(list, set.type);
            list += '}';
        }
        return ok("Data", list, true);
    }

    reply list_backup_jobs(const json::object& asked) {
        const auto login_name = member(asked, "LoginName").value_or("");
        if (!fleet_.has(login_name))
            return no_such_user(login_name);
        count([](server_counters& all) { ++all.job_lists; });
        const json::value* const flag = asked.if_contains("SkipEmpty");
        const bool skip_empty =
            flag && ((flag->is_bool() && flag->get_bool()) || (flag->is_string() && flag->get_string() == "true"));
        std::string list;
        for (const backup_set& set : fleet_.sets(login_name)) {
            std::string ids;
            const auto add = [&](std::chrono::sys_days day) {
                for (const job& one : fleet_.jobs(login_name, day, set.id)) {
                    if (!ids.empty())
                        ids += ',';
                    append_json_string(ids, one.id);
                }
            };
            if (login_name == "obm")
                add(std::chrono::sys_days(std::chrono::year(2024) / std::chrono::June / 26));
            else
                for (auto day = fleet_.first_day(); day <= fleet_.last_day(); day += std::chrono::days(1))
                    add(day);
            if (ids.empty() && skip_empty)
                continue;
            list += list.empty() ? "{\"BackupSetID\":" : ",{\"BackupSetID\":";
            append_json_string(list, set.id);
            list += ",\"Removed\":false,\"BackupJob\":[" + ids + "]}";
        }
        return ok("Data", list, true);
    }

    server_config config_;
    sim::fleet fleet_;
    std::mt19937_64 random_;
    capacity_model capacity_;
    asio::io_context context_;
    asio::ssl::context tls_;
    tcp::acceptor acceptor_;
    sim::certificate identity_;
    std::string ca_pem_;
    std::uint16_t port_ = 0;
    std::uint64_t next_connection_ = 0;
    std::uint64_t in_flight_ = 0;
    std::set<std::string> sessions_;
    mutable std::mutex mutex_;
    server_counters counters_;
    std::thread thread_;
};

server::server(server_config config) : impl_(std::make_unique<impl>(std::move(config))) {}

server::~server() = default;

std::uint16_t server::port() const noexcept {
    return impl_->port();
}

std::string server::url() const {
    const server_config& config = impl_->config();
    const bool is_v6 = config.address.find(':') != std::string::npos;
    const std::string host = config.address == "127.0.0.1" ? "localhost"
                             : is_v6                       ? "[" + config.address + "]"
                                                           : config.address;
    return (config.tls ? "https://" : "http://") + host + ":" + std::to_string(port()) + config.prefix;
}

const std::string& server::ca_pem() const noexcept {
    return impl_->ca_pem();
}
const std::string& server::pin() const noexcept {
    return impl_->pin();
}
server_counters server::counters() const {
    return impl_->counters();
}
const fleet& server::fleet() const noexcept {
    return impl_->fleet();
}
void server::set_faults(std::vector<fault_spec> faults) {
    impl_->set_faults(std::move(faults));
}

}  // namespace jobmode::sim

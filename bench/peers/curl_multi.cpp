// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The same work with libcurl's multi interface and simdjson: keep-alive, verified TLS, every record decoded.

#include <curl/curl.h>
#include <simdjson.h>
#include <CLI/CLI.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

constexpr std::string_view body =
    R"({"SysUser":"system","SysPwd":"system1","LoginName":"obm","BackupDate":"2024-06-26"})";

struct multi_deleter {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
struct easy_deleter {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct list_deleter {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

struct transfer {
    std::unique_ptr<CURL, easy_deleter> easy{curl_easy_init()};
    std::string answer;
};

std::size_t take(char* data, std::size_t, std::size_t size, void* into) {
    static_cast<std::string*>(into)->append(data, size);
    return size;
}

struct counts {
    std::uint64_t queries = 0;
    std::uint64_t records = 0;
    std::uint64_t touched = 0;
};

void decode(simdjson::ondemand::parser& parser, std::string& answer, counts& count) {
    answer.reserve(answer.size() + simdjson::SIMDJSON_PADDING);
    simdjson::ondemand::document document =
        parser.iterate(simdjson::padded_string_view(answer.data(), answer.size(), answer.capacity()));
    bool ok = false;
    for (simdjson::ondemand::field member : document.get_object()) {
        const std::string_view key = member.unescaped_key();
        if (key == "Status") {
            ok = std::string_view(member.value()) == "OK";
        } else if (key == "Data") {
            for (simdjson::ondemand::object record : member.value().get_array()) {
                for (simdjson::ondemand::field one : record) {
                    count.touched += std::string_view(one.unescaped_key()).size();
                    if (!one.value().is_null())
                        count.touched += std::string_view(one.value().get_string()).size();
                }
                ++count.records;
            }
        }
    }
    if (!ok)
        throw std::runtime_error("the answer's Status is not OK");
    ++count.queries;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("libcurl multi and simdjson", "curl_multi");
    std::string url;
    std::string ca;
    std::size_t concurrency = 64;
    double seconds = 5;
    app.add_option("--url", url)->required();
    app.add_option("--ca", ca)->required();
    app.add_option("--concurrency", concurrency);
    app.add_option("--seconds", seconds);
    CLI11_PARSE(app, argc, argv);
    url += "/obs/api/json/ListBackupJobMode.do";

    curl_global_init(CURL_GLOBAL_DEFAULT);
    const std::unique_ptr<CURLM, multi_deleter> multi(curl_multi_init());
    curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(concurrency));
    const std::unique_ptr<curl_slist, list_deleter> headers(
        curl_slist_append(nullptr, "Content-Type: application/json"));
    std::vector<transfer> transfers(concurrency);
    for (transfer& one : transfers) {
        CURL* const easy = one.easy.get();
        curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca.c_str());
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &take);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &one.answer);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &one);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_multi_add_handle(multi.get(), easy);
    }
    simdjson::ondemand::parser parser;
    counts count;
    const clock_type::time_point begin = clock_type::now();
    const auto end = begin + std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>(seconds));
    try {
        for (int running = 1; running != 0;) {
            curl_multi_perform(multi.get(), &running);
            int left = 0;
            while (CURLMsg* const message = curl_multi_info_read(multi.get(), &left)) {
                if (message->data.result != CURLE_OK)
                    throw std::runtime_error(curl_easy_strerror(message->data.result));
                CURL* const easy = message->easy_handle;
                transfer* done = nullptr;
                curl_easy_getinfo(easy, CURLINFO_PRIVATE, &done);
                decode(parser, done->answer, count);
                done->answer.clear();
                curl_multi_remove_handle(multi.get(), easy);
                if (clock_type::now() < end) {
                    curl_multi_add_handle(multi.get(), easy);
                    running = 1;
                }
            }
            if (running != 0)
                curl_multi_poll(multi.get(), nullptr, 0, 100, nullptr);
        }
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "curl_multi: %s\n", problem.what());
        return 1;
    }
    std::printf("{\"queries\":%llu,\"records\":%llu,\"touched\":%llu,\"seconds\":%.3f}\n",
                static_cast<unsigned long long>(count.queries), static_cast<unsigned long long>(count.records),
                static_cast<unsigned long long>(count.touched),
                std::chrono::duration<double>(clock_type::now() - begin).count());
    transfers.clear();
    curl_global_cleanup();
    return 0;
}

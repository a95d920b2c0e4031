// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <memory>
#include <new>
#include <string>

#include "engine/call.hpp"

namespace jobmode::test {

/// A call that writes down what it is told.
class noted_call final : public engine::call {
public:
    explicit noted_call(const wire::endpoint& where = wire::list_backup_job_mode, const std::string& user = "obm")
        : call(where, query(user, "2024-06-26")) {}

    void on_attempt() override {
        ++attempts;
        body.clear();
    }
    void on_open() override { ++openings; }
    engine::appetite on_piece(const engine::body_piece& piece, error_code& ec) override {
        if (throws)
            throw std::bad_alloc();
        ec = piece_error;
        body += piece.bytes;
        body_bytes = piece.body_bytes;
        if (takes_memory && piece.memory)
            taken = std::move(*piece.memory);
        return pauses ? engine::appetite::nothing_yet : engine::appetite::more;
    }
    void on_complete(error_code& ec) override {
        ++completions;
        if (body.empty() || body.front() != '{')
            ec = errc::not_json;
        else if (body.back() != '}')
            ec = errc::truncated;
    }
    void on_end(error_code ec) override {
        ++ends;
        result = ec;
    }
    void abandon() noexcept override {}

    int attempts = 0;
    int openings = 0;
    int completions = 0;
    int ends = 0;
    std::string body;
    std::optional<std::uint64_t> body_bytes;
    bool throws = false;
    bool pauses = false;
    bool takes_memory = false;
    engine::read_buffer taken;
    error_code piece_error;
    error_code result;
};

using noted_ptr = std::shared_ptr<noted_call>;

}  // namespace jobmode::test

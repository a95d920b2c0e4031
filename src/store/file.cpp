// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace jobmode::store {

file_handle::file_handle(file_handle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

file_handle& file_handle::operator=(file_handle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

file_handle::~file_handle() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

std::string system_problem(std::string_view action, std::string_view path) {
    const int code = errno;
    return fmt::format("cannot {} {}: {}", action, path, std::strerror(code));
}

bool write_all(int descriptor, std::string_view data) {
    while (!data.empty()) {
        const ssize_t written = ::write(descriptor, data.data(), data.size());
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        data.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

bool sync_folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const file_handle handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return handle && ::fsync(handle.get()) == 0;
}

std::string replace_file(const std::string& path, std::string_view contents) {
    std::string temporary = path + ".XXXXXX";
    const file_handle handle(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!handle)
        return system_problem("create a file beside", path);
    // mkstemp lets nobody else read; a result is to be read as the user's other files are.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    ::fchmod(handle.get(), 0666 & ~mask);
    const bool written = write_all(handle.get(), contents) && ::fsync(handle.get()) == 0;
    if (!written || std::rename(temporary.c_str(), path.c_str()) != 0) {
        std::string problem = system_problem("write", path);
        ::unlink(temporary.c_str());
        return problem;
    }
    sync_folder_of(path);
    return {};
}

bool read_file(const std::string& path, std::string& contents, std::string& problem) {
    const bool standard_input = path == "-";
    const file_handle opened(standard_input ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!standard_input && !opened) {
        problem = system_problem("read", path);
        return false;
    }
    contents.clear();
    std::array<char, 16 * 1024> piece{};
    for (;;) {
        const ssize_t count = ::read(standard_input ? STDIN_FILENO : opened.get(), piece.data(), piece.size());
        if (count == 0)
            return true;
        if (count < 0) {
            if (errno == EINTR)
                continue;
            problem = system_problem("read", standard_input ? "standard input" : path);
            return false;
        }
        contents.append(piece.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace jobmode::store

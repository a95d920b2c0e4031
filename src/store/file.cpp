// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "store/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

namespace jobmode::store {
namespace {

namespace fs = std::filesystem;

/// What stands where a path leads, once all symbolic links have been followed.
struct place {
    enum class kind {
        nothing,
        regular,
        /// A stream that the program has been given, such as /dev/stdout: it goes on where it is.
        own_stream,
        /// A device or a FIFO.
        stream,
        folder,
        socket,
    };
    kind is = kind::nothing;
    std::string path;
    int descriptor = -1;
    struct stat status {};
    /// Why the path leads nowhere, as a sentence.
    std::string problem;

    bool is_file() const noexcept { return is == kind::nothing || is == kind::regular; }
};

fs::path folder_of(const std::string& path) {
    const fs::path folder = fs::path(path).parent_path();
    return folder.empty() ? "." : folder;
}

/// The number of the stream that a path such as /dev/fd/3 stands for.
std::optional<int> own_stream(const std::string& path) {
    const std::string name = fs::path(path).filename();
    int number = -1;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (bad != std::errc() || end != name.data() + name.size() || number < 0)
        return std::nullopt;
    std::error_code ec;
    const fs::path folder = fs::canonical(folder_of(path), ec);
    return !ec && folder == fs::canonical("/proc/self/fd", ec) && !ec ? std::optional(number) : std::nullopt;
}

place find_place(const std::string& given) {
    static constexpr int most_links = 40;
    place found;
    found.path = given;
    for (int links = 0;; ++links) {
        if (const std::optional<int> number = own_stream(found.path)) {
            found.is = place::kind::own_stream;
            found.descriptor = *number;
            return found;
        }
        if (::lstat(found.path.c_str(), &found.status) != 0) {
            if (errno != ENOENT)
                found.problem = system_problem("write", given);
            return found;
        }
        if (!S_ISLNK(found.status.st_mode))
            break;
        std::error_code ec;
        const fs::path target = fs::read_symlink(found.path, ec);
        if (ec || links == most_links) {
            errno = ec ? ec.value() : ELOOP;
            found.problem = system_problem("write", given);
            return found;
        }
        found.path = (folder_of(found.path) / target).string();
    }
    const mode_t mode = found.status.st_mode;
    found.is = S_ISREG(mode)    ? place::kind::regular
               : S_ISDIR(mode)  ? place::kind::folder
               : S_ISSOCK(mode) ? place::kind::socket
                                : place::kind::stream;
    return found;
}

bool may(const std::string& path, int how) {
    return ::faccessat(AT_FDCWD, path.c_str(), how, AT_EACCESS) == 0;
}

/// Why nothing can be written there; empty if it can, as far as can be seen.
std::string problem_of(const place& to, const std::string& given) {
    switch (to.is) {
        case place::kind::own_stream: {
            const int flags = ::fcntl(to.descriptor, F_GETFL);
            if (flags != -1 && (flags & O_ACCMODE) != O_RDONLY)
                return {};
            errno = EBADF;
            return system_problem("write", given);
        }
        case place::kind::folder:
            errno = EISDIR;
            return system_problem("write", given);
        case place::kind::socket:
            return fmt::format("cannot write {}: it is a socket", given);
        case place::kind::stream:
            return may(to.path, W_OK) ? std::string() : system_problem("write", given);
        case place::kind::regular:
            if (!may(to.path, W_OK))
                return system_problem("write", given);
            break;
        case place::kind::nothing:
            if (!to.problem.empty())
                return to.problem;
            break;
    }
    const std::string folder = folder_of(to.path);
    if (may(folder, W_OK | X_OK))
        return {};
    return errno == ENOENT ? fmt::format("cannot write {}: there is no folder {}", given, folder)
                           : system_problem("write into the folder of", given);
}

/// Gives a file that takes another one's place whatever the other one had: those who could read it still can, and
/// nobody else.
void take_after(int descriptor, const place& old) {
    if (old.is == place::kind::nothing) {
        // mkstemp lets nobody else read; a result is to be read as the user's other files are.
        const mode_t mask = ::umask(0);
        ::umask(mask);
        ::fchmod(descriptor, 0666 & ~mask);
        return;
    }
    mode_t mode = old.status.st_mode & 07777U;
    const bool is_owner = ::fchown(descriptor, old.status.st_uid, old.status.st_gid) == 0;
    // Rights that one group had are not another group's.
    if (!is_owner && ::fchown(descriptor, static_cast<uid_t>(-1), old.status.st_gid) != 0)
        mode = (mode & 0707U) | (mode & 07U) << 3U;
    ::fchmod(descriptor, mode);
}

}  // namespace

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
    const file_handle handle(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return handle && ::fsync(handle.get()) == 0;
}

bool is_stream(const std::string& path) {
    const place::kind is = find_place(path).is;
    return path == "-" || is == place::kind::own_stream || is == place::kind::stream;
}

std::string why_not_writable(const std::string& path) {
    return problem_of(find_place(path), path);
}

file_handle open_stream(const std::string& path) {
    const place to = find_place(path);
    if (path == "-" || to.is == place::kind::own_stream)
        return file_handle(::fcntl(path == "-" ? STDOUT_FILENO : to.descriptor, F_DUPFD_CLOEXEC, 0));
    return file_handle(::open(to.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
}

std::string replace_file(const std::string& path, std::string_view contents) {
    const place old = find_place(path);
    if (std::string problem = problem_of(old, path); !problem.empty())
        return problem;
    if (!old.is_file()) {
        const file_handle stream = open_stream(path);
        return stream && write_all(stream.get(), contents) ? std::string() : system_problem("write", path);
    }
    std::string temporary = old.path + ".XXXXXX";
    const file_handle handle(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!handle)
        return system_problem("create a file beside", path);
    take_after(handle.get(), old);
    const bool written = write_all(handle.get(), contents) && ::fsync(handle.get()) == 0;
    if (!written || std::rename(temporary.c_str(), old.path.c_str()) != 0) {
        std::string problem = system_problem("write", path);
        ::unlink(temporary.c_str());
        return problem;
    }
    sync_folder_of(old.path);
    return {};
}

void remove_file(const std::string& path) {
    const place there = find_place(path);
    if (there.is == place::kind::regular)
        ::unlink(there.path.c_str());
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

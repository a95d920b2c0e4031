// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/process.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "patience.hpp"

namespace jobmode::test {
namespace {

constexpr int patience_ms = patience.count();

std::pair<int, int> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    return {ends[0], ends[1]};
}

/// Takes what is there; false at the end.
bool take(int descriptor, std::string& to) {
    std::array<char, 16 * 1024> piece{};
    const ssize_t count = ::read(descriptor, piece.data(), piece.size());
    if (count > 0)
        to.append(piece.data(), static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EINTR);
}

/// What would change how the program reaches a test's server, or as whom.
bool is_withheld(std::string_view setting) {
    static constexpr std::array names{
        "JOBMODE_SYS_PWD=",   "JOBMODE_PROXY_PWD=", "http_proxy=", "https_proxy=", "HTTPS_PROXY=",
        "all_proxy=",         "ALL_PROXY=",         "no_proxy=",   "NO_PROXY=",    "JOBMODE_NATS_PASSWORD=",
        "JOBMODE_NATS_TOKEN="};
    return std::ranges::any_of(names, [setting](const char* name) { return setting.starts_with(name); });
}

}  // namespace

program::program(const std::vector<std::string>& arguments, const environment& variables,
                 const restrictions& restricted, const std::string& executable) {
    // Everything is made before the fork: only what is safe after it happens in the child.
    std::vector<std::string> words{executable.empty() ? JOBMODE_PROGRAM : executable};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> settings;
    const auto is_replaced = [&](std::string_view setting) {
        return std::ranges::any_of(variables, [setting](const auto& given) {
            return setting.starts_with(given.first) && setting.substr(given.first.size()).starts_with('=');
        });
    };
    for (char** each = environ; *each; ++each)
        if (!is_withheld(*each) && !is_replaced(*each))
            settings.emplace_back(*each);
    for (const auto& [name, value] : variables)
        settings.push_back(name + "=" + value);
    const auto pointers = [](std::vector<std::string>& texts) {
        std::vector<char*> all;
        for (std::string& text : texts)
            all.push_back(text.data());
        all.push_back(nullptr);
        return all;
    };
    const std::vector<char*> argv = pointers(words);
    const std::vector<char*> envp = pointers(settings);

    const auto [out_read, out_write] = make_pipe();
    const auto [err_read, err_write] = make_pipe();
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    process_ = ::fork();
    if (process_ == 0) {
        ::setsid();
        // The first terminal that the leader of a session opens is that of the session.
        if (!restricted.terminal.empty() && ::open(restricted.terminal.c_str(), O_RDWR | O_CLOEXEC) < 0)
            ::_exit(126);
        ::dup2(nothing, STDIN_FILENO);
        ::dup2(restricted.out_on_terminal ? ::open(restricted.terminal.c_str(), O_RDWR | O_CLOEXEC) : out_write,
               STDOUT_FILENO);
        ::dup2(err_write, STDERR_FILENO);
        if (restricted.file_bytes) {
            // Without the signal, writing fails.
            ::signal(SIGXFSZ, SIG_IGN);
            const rlimit most{*restricted.file_bytes, *restricted.file_bytes};
            ::setrlimit(RLIMIT_FSIZE, &most);
        }
        if (restricted.obey_permissions)
            // Refused to whoever has no such right to lose.
            ::prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
        ::execve(argv[0], argv.data(), envp.data());
        ::_exit(127);
    }
    const int problem = errno;
    ::close(nothing);
    ::close(out_write);
    ::close(err_write);
    out_ = out_read;
    err_ = err_read;
    if (process_ < 0)
        throw std::system_error(problem, std::generic_category(), "fork");
}

program::~program() {
    if (process_ > 0) {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    if (out_ >= 0)
        ::close(out_);
    ::close(err_);
}

std::string program::proc(std::string_view name) const {
    std::ifstream file("/proc/" + std::to_string(process_) + "/" + std::string(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void program::send(int signal) const {
    // Once it has ended there is nobody; and -1 would be everybody.
    if (process_ > 0)
        ::kill(process_, signal);
}

void program::wait_for_err(std::string_view text) {
    while (read_.err.find(text) == std::string::npos) {
        pollfd open{err_, POLLIN, 0};
        const int ready = ::poll(&open, 1, patience_ms);
        if (ready == 0 || (ready > 0 && !take(err_, read_.err)))
            throw std::runtime_error("the program has not written '" + std::string(text) + "' but: " + read_.err);
    }
}

void program::read_out_and_close() {
    pollfd open{out_, POLLIN, 0};
    if (::poll(&open, 1, patience_ms) <= 0 || !take(out_, read_.out))
        throw std::runtime_error("the program has written nothing but: " + read_.err);
    ::close(std::exchange(out_, -1));
}

program_result program::wait() {
    program_result result = std::move(read_);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::array<pollfd, 2> open{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
    while (open[0].fd >= 0 || open[1].fd >= 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        const int ready = ::poll(open.data(), open.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready == 0)
            throw std::runtime_error("the program did not end; it wrote: " + result.out + result.err);
        if (ready < 0)
            continue;
        if (open[0].revents != 0 && !take(out_, result.out))
            open[0].fd = -1;
        if (open[1].revents != 0 && !take(err_, result.err))
            open[1].fd = -1;
    }
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

terminal::terminal() : near_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    std::array<char, 128> name{};
    if (near_ < 0 || ::grantpt(near_) != 0 || ::unlockpt(near_) != 0 ||
        ::ptsname_r(near_, name.data(), name.size()) != 0)
        throw std::system_error(errno, std::generic_category(), "posix_openpt");
    path_ = name.data();
    far_ = ::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
}

terminal::~terminal() {
    ::close(far_);
    ::close(near_);
}

void terminal::type(std::string_view keys) const {
    if (::write(near_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
        throw std::system_error(errno, std::generic_category(), "write");
}

void terminal::wait_for(std::string_view text) {
    while (shown_.find(text) == std::string::npos) {
        pollfd open{near_, POLLIN, 0};
        const int ready = ::poll(&open, 1, patience_ms);
        if (ready == 0 || (ready > 0 && !take(near_, shown_)))
            throw std::runtime_error("the terminal does not show '" + std::string(text) + "' but: " + shown_);
    }
}

bool terminal::echoes() const {
    termios now{};
    return ::tcgetattr(far_, &now) == 0 && (now.c_lflag & ECHO) != 0;
}

temporary_folder::temporary_folder()
    : path_((std::filesystem::temp_directory_path() / "jobmode-test-XXXXXX").string()) {
    if (!::mkdtemp(path_.data()))
        throw std::system_error(errno, std::generic_category(), "mkdtemp");
}

temporary_folder::~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string temporary_folder::path(std::string_view name) const {
    return path_ + "/" + std::string(name);
}

std::string temporary_folder::write(std::string_view name, std::string_view contents) const {
    std::ofstream(path(name), std::ios::binary) << contents;
    return path(name);
}

std::vector<std::string> temporary_folder::files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

std::string temporary_folder::read(std::string_view name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

program_result run_program(const std::vector<std::string>& arguments, const environment& variables,
                           const restrictions& restricted) {
    return program(arguments, variables, restricted).wait();
}

}  // namespace jobmode::test

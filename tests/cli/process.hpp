// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The real program as a child of a test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jobmode::test {

/// How a program ended, and what it wrote.
struct program_result {
    /// Its exit code, or 128 and the number of the signal that ended it.
    int exit_code = -1;
    std::string out;
    std::string err;
};

/// Variables that a program finds in its environment beside those of the test, which never have a password or a
/// proxy.
using environment = std::vector<std::pair<std::string, std::string>>;

/// A terminal that a program can be given, with the test in front of it.
class terminal {
public:
    /// Throws `std::system_error` if there is none to be had.
    terminal();
    terminal(const terminal&) = delete;
    terminal& operator=(const terminal&) = delete;
    ~terminal();

    /// The path of its device.
    const std::string& path() const noexcept { return path_; }
    void type(std::string_view keys) const;
    /// Reads what is shown until this is in it. Throws `std::runtime_error` if it does not come.
    void wait_for(std::string_view text);
    /// What has been read by `wait_for`.
    const std::string& shown() const noexcept { return shown_; }
    /// Whether it shows what is typed.
    bool echoes() const;

private:
    std::string path_;
    std::string shown_;
    int near_ = -1;
    /// Keeps the device as it is once the program has ended.
    int far_ = -1;
};

/// What a program is denied, or given beside what all have.
struct restrictions {
    /// The most bytes that a file may get: a disk that is full.
    std::optional<std::uint64_t> file_bytes;
    /// To write where file permissions do not allow it, as the superuser may.
    bool obey_permissions = false;
    /// The path of its terminal; empty for none.
    std::string terminal;
    /// Whether it writes its standard output to that terminal, too.
    bool out_on_terminal = false;
};

/// A running `jobmode`. Its standard input is empty, and it has no terminal unless it is given one. Ended with SIGKILL
/// at the end of this object's life if it still runs then.
class program {
public:
    /// Starts `jobmode ARGUMENTS...`, or another program of the tests. Throws `std::system_error` if that fails.
    explicit program(const std::vector<std::string>& arguments, const environment& variables = {},
                     const restrictions& restricted = restrictions(), const std::string& executable = {});
    program(const program&) = delete;
    program& operator=(const program&) = delete;
    ~program();

    /// What the kernel says of it: `/proc/PID/NAME`.
    std::string proc(std::string_view name) const;
    /// Sends a signal.
    void send(int signal) const;
    /// Reads what it writes to its standard error until this is in it. Throws `std::runtime_error` if it does not come.
    void wait_for_err(std::string_view text);
    /// Reads something of what it writes to its standard output, and then no more, as `head` does.
    void read_out_and_close();
    /// Reads what it writes until it ends. Throws `std::runtime_error`, with what it wrote, if it does not end.
    program_result wait();

private:
    program_result read_;
    int process_ = -1;
    int out_ = -1;
    int err_ = -1;
};

/// A new folder that lives, with all that is in it, as long as this object.
class temporary_folder {
public:
    temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder();

    /// The path of a file in it.
    std::string path(std::string_view name) const;
    /// Writes a file, and gives its path.
    std::string write(std::string_view name, std::string_view contents) const;
    /// The names of all files in it, sorted.
    std::vector<std::string> files() const;
    /// What a file has; nothing if it is not there.
    std::string read(std::string_view name) const;
    const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

/// Runs `jobmode ARGUMENTS...` to its end.
program_result run_program(const std::vector<std::string>& arguments, const environment& variables = {},
                           const restrictions& restricted = restrictions());

}  // namespace jobmode::test

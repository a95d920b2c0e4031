// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jobmode::store {

/// A file descriptor that is closed at the end of its life.
class file_handle {
public:
    file_handle() = default;
    explicit file_handle(int descriptor) noexcept : descriptor_(descriptor) {}
    file_handle(file_handle&& other) noexcept;
    file_handle& operator=(file_handle&& other) noexcept;
    ~file_handle();

    int get() const noexcept { return descriptor_; }
    explicit operator bool() const noexcept { return descriptor_ >= 0; }

private:
    int descriptor_ = -1;
};

/// What the operating system said last, with the action and the path: `cannot write to out.ndjson: No space left on
/// device`.
std::string system_problem(std::string_view action, std::string_view path);

/// Writes all of `data`; false, with `errno` set, if that fails.
bool write_all(int descriptor, std::string_view data);

/// Makes what a folder says of its files survive a loss of power. The path is that of a file in it.
bool sync_folder_of(const std::string& path);

/// Puts a file in the place of another, or of none, so that a reader finds either the old one or the new one, whole,
/// whatever happens meanwhile. Empty if that worked, else a sentence on what did not.
std::string replace_file(const std::string& path, std::string_view contents);

/// Reads a whole file; false, with `problem` set to a sentence, if that fails.
bool read_file(const std::string& path, std::string& contents, std::string& problem);

}  // namespace jobmode::store

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

/// Whether what is written to a path goes by and cannot be read there again: `-`, which is standard output, a stream
/// that the program has been given (`/dev/stdout`), a device, a FIFO.
bool is_stream(const std::string& path);

/// Why nothing could be written to a path, as far as can be seen without writing: no such folder, a folder, no
/// permission, a file system that is read-only. A sentence; empty if nothing speaks against it.
std::string why_not_writable(const std::string& path);

/// Opens what `is_stream` says is one, for writing; it waits for a FIFO's reader. `errno` is set if that fails.
file_handle open_stream(const std::string& path);

/// Puts a file in the place of another, or of none, so that a reader finds either the old one or the new one, whole,
/// whatever happens meanwhile. A symbolic link stays, and what it leads to is replaced; the mode stays, and the owner
/// as far as one is allowed to set it. What is no regular file is never replaced: a stream is written to, and the rest
/// is refused. Empty if that worked, else a sentence on what did not.
std::string replace_file(const std::string& path, std::string_view contents);

/// Removes a regular file, if there is one where the path leads; a link to it stays, and so does everything else.
void remove_file(const std::string& path);

/// Reads a whole file; false, with `problem` set to a sentence, if that fails.
bool read_file(const std::string& path, std::string& contents, std::string& problem);

}  // namespace jobmode::store

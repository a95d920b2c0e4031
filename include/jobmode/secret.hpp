// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/export.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace jobmode {

/// Frees memory after overwriting it, so that a password does not stay behind in the heap.
/// The overwriting cannot be optimised away. Thread-safe.
template <class T>
struct cleansing_allocator;

namespace detail {
JOBMODE_EXPORT void* cleansing_allocate(std::size_t bytes);
JOBMODE_EXPORT void cleansing_deallocate(void* memory, std::size_t bytes) noexcept;
}  // namespace detail

template <class T>
struct cleansing_allocator {
    /// What it allocates.
    using value_type = T;
    cleansing_allocator() = default;
    /// An allocator of another type; none has state.
    template <class U>
    cleansing_allocator(const cleansing_allocator<U>&) noexcept {}
    /// Throws `std::bad_alloc` when memory is exhausted.
    T* allocate(std::size_t count) { return static_cast<T*>(detail::cleansing_allocate(count * sizeof(T))); }
    /// Overwrites the memory and frees it.
    void deallocate(T* memory, std::size_t count) noexcept { detail::cleansing_deallocate(memory, count * sizeof(T)); }
    friend bool operator==(cleansing_allocator, cleansing_allocator) noexcept { return true; }
};

/// A buffer whose memory is overwritten when it is freed or moved to a larger block.
using cleansed_buffer = std::vector<char, cleansing_allocator<char>>;

/// A password. It can be copied and moved, never printed or compared, and its memory is overwritten when it dies.
/// As thread-safe as a `std::string`.
class JOBMODE_EXPORT secret {
public:
    /// An empty secret.
    secret() = default;
    /// A secret with a copy of `text`; overwriting `text` afterwards is the caller's business.
    explicit secret(std::string_view text);

    /// The value of the environment variable `name`.
    /// Throws `boost::system::system_error` with `errc::invalid_config`, naming the variable, when it is not set.
    static secret from_environment(const char* name);

    /// The text itself, valid until this object is assigned to or destroyed. Whoever calls this keeps it out of logs.
    std::string_view reveal() const noexcept { return {text_.data(), text_.size()}; }
    /// Whether there is no text.
    bool empty() const noexcept { return text_.empty(); }

private:
    cleansed_buffer text_;
};

}  // namespace jobmode

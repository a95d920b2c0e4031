// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Preloaded into a program, delays what its threads do with files, sockets, processes and each other, so that things
// happen in orders in which they rarely happen by themselves. JOBMODE_DELAYS_SEED, a number, chooses where and for how
// long; without it nothing is delayed.
//
// Whatever stands here can be called in a signal handler, between fork and exec, and before main: it keeps errno, takes
// no lock and no memory.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::uint64_t none = 0;
std::atomic<std::uint64_t> seed{none};
std::atomic<std::uint64_t> threads{0};

// No memory is taken for these at a thread's first use.
struct thread_state {
    std::uint64_t stream;
    std::uint64_t draws;
};
__attribute__((tls_model("initial-exec"))) thread_local thread_state own{0, 0};

std::uint64_t mixed(std::uint64_t value) {
    value += 0x9E3779B97F4A7C15U;
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31U);
}

/// Programs of different names are delayed in different places.
__attribute__((constructor)) void begin() {
    const char* const given = std::getenv("JOBMODE_DELAYS_SEED");
    if (!given)
        return;
    std::uint64_t value = std::strtoull(given, nullptr, 10);
    for (const char* name = program_invocation_short_name; *name; ++name)
        value = mixed(value ^ static_cast<unsigned char>(*name));
    seed = value == none ? 1 : value;
}

/// Sleeps in one of `every` calls: mostly for some microseconds, in one of eight for as many as 500, in one of 64 for
/// as many as 8 ms.
void delay(unsigned every) {
    const std::uint64_t chosen = seed.load(std::memory_order_relaxed);
    if (chosen == none)
        return;
    if (own.stream == 0)
        own.stream = mixed(chosen + ++threads) | 1U;
    const std::uint64_t draw = mixed(own.stream + own.draws++);
    if (draw % every != 0)
        return;
    const std::uint64_t kind = (draw >> 16U) % 64;
    const std::uint64_t most = kind == 0 ? 8'000'000 : kind < 8 ? 500'000 : 20'000;
    const timespec pause{0, static_cast<long>((draw >> 24U) % most)};
    const int before = errno;
    ::syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &pause, nullptr);
    errno = before;
}

constexpr unsigned with_others = 4;
constexpr unsigned within = 32;

/// The function that would have been called without this library. `version` is needed where the C library has an older
/// one of the same name, which is not to be found.
template <class Function>
Function* next(std::atomic<Function*>& known, const char* name, const char* version = nullptr) {
    Function* found = known.load(std::memory_order_relaxed);
    if (!found) {
        void* address = version ? ::dlvsym(RTLD_NEXT, name, version) : nullptr;
        if (!address)
            address = ::dlsym(RTLD_NEXT, name);
        found = reinterpret_cast<Function*>(address);
        known = found;
    }
    return found;
}

}  // namespace

// Delays before the call, when others may be first, and after it, when what it found may have changed. The name of the
// function that takes a call's place is another one, since the C library's headers may declare this one differently.
#define DELAYED(every, version, result, name, parameters, arguments)                               \
    extern "C" __attribute__((visibility("default"))) result delayed_##name parameters asm(#name); \
    extern "C" result delayed_##name parameters {                                                  \
        static std::atomic<result(*) parameters> known{nullptr};                                   \
        delay(every);                                                                              \
        const result returned = next(known, #name, version) arguments;                             \
        delay(every);                                                                              \
        return returned;                                                                           \
    }

using bytes = void*;
using const_bytes = const void*;

DELAYED(with_others, nullptr, ssize_t, read, (int file, bytes to, std::size_t size), (file, to, size))
DELAYED(with_others, nullptr, ssize_t, write, (int file, const_bytes from, std::size_t size), (file, from, size))
DELAYED(with_others, nullptr, ssize_t, readv, (int file, const iovec* to, int count), (file, to, count))
DELAYED(with_others, nullptr, ssize_t, writev, (int file, const iovec* from, int count), (file, from, count))
DELAYED(with_others, nullptr, ssize_t, pread64, (int file, bytes to, std::size_t size, off64_t at),
        (file, to, size, at))
DELAYED(with_others, nullptr, ssize_t, pwrite64, (int file, const_bytes from, std::size_t size, off64_t at),
        (file, from, size, at))
DELAYED(with_others, nullptr, int, fsync, (int file), (file))
DELAYED(with_others, nullptr, int, fdatasync, (int file), (file))
DELAYED(with_others, nullptr, int, rename, (const char* from, const char* to), (from, to))
DELAYED(with_others, nullptr, int, unlink, (const char* path), (path))

DELAYED(with_others, nullptr, ssize_t, recv, (int from, bytes to, std::size_t size, int how), (from, to, size, how))
DELAYED(with_others, nullptr, ssize_t, send, (int to, const_bytes from, std::size_t size, int how),
        (to, from, size, how))
DELAYED(with_others, nullptr, ssize_t, recvfrom,
        (int from, bytes to, std::size_t size, int how, sockaddr* whose, socklen_t* length),
        (from, to, size, how, whose, length))
DELAYED(with_others, nullptr, ssize_t, sendto,
        (int to, const_bytes from, std::size_t size, int how, const sockaddr* whose, socklen_t length),
        (to, from, size, how, whose, length))
DELAYED(with_others, nullptr, ssize_t, recvmsg, (int from, msghdr* to, int how), (from, to, how))
DELAYED(with_others, nullptr, ssize_t, sendmsg, (int to, const msghdr* from, int how), (to, from, how))
DELAYED(with_others, nullptr, int, connect, (int from, const sockaddr* to, socklen_t length), (from, to, length))
DELAYED(with_others, nullptr, int, accept, (int at, sockaddr* from, socklen_t* length), (at, from, length))
DELAYED(with_others, nullptr, int, accept4, (int at, sockaddr* from, socklen_t* length, int how),
        (at, from, length, how))
DELAYED(with_others, nullptr, int, shutdown, (int which, int how), (which, how))
DELAYED(with_others, nullptr, int, poll, (pollfd * of, nfds_t count, int most), (of, count, most))
DELAYED(with_others, nullptr, int, epoll_wait, (int of, epoll_event* to, int count, int most), (of, to, count, most))

DELAYED(with_others, nullptr, pid_t, waitpid, (pid_t which, int* status, int how), (which, status, how))
DELAYED(with_others, nullptr, int, kill, (pid_t which, int signal), (which, signal))
DELAYED(with_others, nullptr, int, pthread_create,
        (pthread_t * made, const pthread_attr_t* how, bytes (*begin)(bytes), bytes with), (made, how, begin, with))
DELAYED(within, nullptr, int, pthread_mutex_lock, (pthread_mutex_t * which), (which))
DELAYED(within, nullptr, int, pthread_mutex_unlock, (pthread_mutex_t * which), (which))
// What has no version here came into the C library later than the change of these.
#ifdef __x86_64__
#define NEWER "GLIBC_2.3.2"
#else
#define NEWER nullptr
#endif
DELAYED(with_others, NEWER, int, pthread_cond_wait, (pthread_cond_t * on, pthread_mutex_t* with), (on, with))
DELAYED(with_others, NEWER, int, pthread_cond_timedwait,
        (pthread_cond_t * on, pthread_mutex_t* with, const timespec* until), (on, with, until))
DELAYED(with_others, nullptr, int, pthread_cond_clockwait,
        (pthread_cond_t * on, pthread_mutex_t* with, clockid_t clock, const timespec* until), (on, with, clock, until))
DELAYED(with_others, NEWER, int, pthread_cond_signal, (pthread_cond_t * on), (on))
DELAYED(with_others, NEWER, int, pthread_cond_broadcast, (pthread_cond_t * on), (on))

// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Preloaded into a program, lets its wall clock jump years to and fro at each look at it. The monotonic clock is as it
// is. Leaves a file as a witness that it was looked at.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::time_t years = 10L * 365 * 24 * 3600;

std::atomic<unsigned> looks{0};

std::time_t jump() {
    const unsigned look = looks++;
    if (look == 0)
        if (const char* const witness = std::getenv("JUMPING_CLOCK_WITNESS"))
            ::close(::open(witness, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    return look % 2 == 0 ? years : -years;
}

}  // namespace

extern "C" int clock_gettime(clockid_t which, timespec* out) noexcept {
    const long result = ::syscall(SYS_clock_gettime, which, out);
    if (result == 0 && which == CLOCK_REALTIME)
        out->tv_sec += jump();
    return static_cast<int>(result);
}

extern "C" std::time_t time(std::time_t* out) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
# Sourced by examples/demo and tests/run: what both need before they can begin. Bash; expects `set -eu` and $root.
# shellcheck shell=bash disable=SC2154

# A package, or several that a system may have, the first of which is taken; and files that show that it, or another way of
# having the same, is there: one of them is enough.
build_tools=(
    "g++ /usr/bin/g++"
    "cmake /usr/bin/cmake"
    "ninja-build /usr/bin/ninja"
    "ccache /usr/bin/ccache"
)
# Where Boost 1.81 has packages of its own, the default is older. The header came with 1.81.
libraries=(
    "libssl-dev /usr/include/openssl/ssl.h"
    "libboost1.81-dev|libboost-dev /usr/include/boost/asio/any_completion_handler.hpp"
    "libboost-json1.81-dev|libboost-json-dev /usr/lib/*/libboost_json.so"
    "libboost-url1.81-dev|libboost-url-dev /usr/lib/*/libboost_url.so"
    "catch2 /usr/lib/cmake/Catch2/Catch2Config.cmake /usr/lib/*/cmake/Catch2/Catch2Config.cmake"
    "libcli11-dev /usr/*/cmake/CLI11/CLI11Config.cmake /usr/lib/*/cmake/CLI11/CLI11Config.cmake"
    "libfmt-dev /usr/lib/*/cmake/fmt/fmt-config.cmake"
    "libsqlite3-dev /usr/include/sqlite3.h"
)
prerequisites=("${build_tools[@]}" "${libraries[@]}")

# What builds for arm64, and runs what was built for it.
cross_tools=(
    "g++-aarch64-linux-gnu /usr/bin/aarch64-linux-gnu-g++"
    "qemu-user /usr/bin/qemu-aarch64"
)

# What makes the systems that tests/platforms builds on.
chroot_tools=(
    "mmdebstrap /usr/bin/mmdebstrap"
    "debian-archive-keyring /usr/share/keyrings/debian-archive-keyring.gpg"
)

# The servers that tests/interop runs against.
interop_servers=(
    "tomcat10-common /usr/share/tomcat10/bin/bootstrap.jar"
    "default-jre-headless /usr/bin/java"
    "nginx /usr/sbin/nginx"
    "haproxy /usr/sbin/haproxy"
    "tinyproxy-bin /usr/bin/tinyproxy"
    "squid /usr/sbin/squid"
    "openssl /usr/bin/openssl"
    "postgresql /usr/lib/postgresql/*/bin/initdb"
    "libpq-dev /usr/include/postgresql/libpq-fe.h"
)

# What plan, work and collect are built with, and the server of tests/fleet.
fleet_packages=(
    "libnats-dev /usr/include/nats/nats.h"
    "nats-server /usr/sbin/nats-server"
)

# What the benchmarks are built with, and their server.
bench_basics=(
    "libsimdjson-dev /usr/include/simdjson.h"
    "libcurl4-openssl-dev /usr/include/*/curl/curl.h"
    "nginx /usr/sbin/nginx"
    "wrk /usr/bin/wrk"
    "openssl /usr/bin/openssl"
    "python3 /usr/bin/python3"
)

# What else bench/run measures beside this client, and what it draws with.
bench_peers=(
    "${bench_basics[@]}"
    "python3-aiohttp /usr/lib/python3/dist-packages/aiohttp/__init__.py"
    "golang-go /usr/bin/go"
    "nodejs /usr/bin/node"
    "npm /usr/bin/npm"
    "gnuplot-nox /usr/bin/gnuplot"
)

# What tests/browser looks at the report's page with.
browser_packages=(
    "chromium /usr/bin/chromium"
    "python3 /usr/bin/python3"
)

# What checks the documentation, the shells' completions and the packages; without one of them its test is left out.
test_tools=(
    "doxygen /usr/bin/doxygen"
    "mandoc /usr/bin/mandoc"
    "man-db /usr/bin/man"
    "zsh /usr/bin/zsh"
    "fish /usr/bin/fish"
    "pkg-config /usr/bin/pkg-config"
)

# What makes the Debian packages; what these need besides, debian/control says.
packager=(
    "dpkg-dev /usr/bin/dpkg-buildpackage"
)

# What the fuzz targets are built with.
fuzzer=(
    "clang /usr/bin/clang++"
    "libclang-rt-14-dev|libclang-rt-dev /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a"
)

# What tests/lint looks at the sources with.
lint_tools=(
    "git /usr/bin/git"
    "clang /usr/bin/clang++"
    "clang-format /usr/bin/clang-format"
    "clang-tidy /usr/bin/clang-tidy"
    "shellcheck /usr/bin/shellcheck"
    "codespell /usr/bin/codespell"
)

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$(basename "$0"): $*"
    exit 1
}

# Install what is missing, and ask nothing of a machine that has everything.
install_prerequisites() { install_packages "${prerequisites[@]}"; }
install_fuzzer() { install_packages "${fuzzer[@]}"; }
install_interop_servers() { install_packages "${interop_servers[@]}"; }
install_fleet() { install_packages "${fleet_packages[@]}"; }
install_bench_basics() { install_packages "${bench_basics[@]}"; }
install_bench_peers() { install_packages "${bench_peers[@]}"; }
install_test_tools() { install_packages "${test_tools[@]}"; }
install_chroot_tools() { install_packages "${chroot_tools[@]}"; }
install_lint() { install_packages "${lint_tools[@]}"; }
install_packager() { install_packages "${packager[@]}"; }
install_browser() { install_packages "${browser_packages[@]}"; }

# What is needed to build for another architecture, given by Debian's name of it, and to run what was built.
install_cross_prerequisites() {
    local architecture=$1 entry packages entries=("${build_tools[@]}" "${cross_tools[@]}")
    for entry in "${libraries[@]}"; do
        read -r packages _ <<<"$entry"
        # No file to look for: those of this machine's own architecture have the same names.
        entries+=("${packages//|/:$architecture|}:$architecture")
    done
    install_packages "${entries[@]}"
}

# Whether one of the files that an entry names, or matches, is there.
is_there() {
    local witness
    for witness in "$@"; do
        compgen -G "$witness" >/dev/null && return
    done
    return 1
}

# The first of an entry's packages that this system knows.
known_package() {
    local alternatives package
    IFS='|' read -r -a alternatives <<<"$1"
    for package in "${alternatives[@]}"; do
        [ -n "$(apt-cache show "$package" 2>/dev/null)" ] && break
    done
    printf '%s\n' "$package"
}

install_packages() {
    local missing=() packages=() entry words alternatives
    for entry in "$@"; do
        read -r -a words <<<"$entry"
        is_there "${words[@]:1}" || missing+=("${words[0]}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || die "these packages are missing, by their Debian names: ${missing[*]}"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || die "run this as root once, or install: ${missing[*]}"
    say "installing ${missing[*]}"
    with_apt update
    # Only now is it known which of several there are.
    for alternatives in "${missing[@]}"; do
        packages+=("$(known_package "$alternatives")")
    done
    with_apt install --no-install-recommends "${packages[@]}"
}

# What the folder's debian/control says is needed to build it.
install_build_dependencies() {
    local missing
    missing=$(cd "$1" && dpkg-checkbuilddeps 2>&1) && return
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || die "run this as root once; $missing"
    say "installing what debian/control says"
    with_apt update
    with_apt build-dep --no-install-recommends "$1"
}

# Runs apt-get as root, asks nothing, and says something only if it fails.
with_apt() {
    local log as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    log=$(mktemp)
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --yes "$@" >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "failed: apt-get $*"
    fi
    rm -f "$log"
}

# Builds the targets named after the preset, or all.
build() {
    local preset=$1
    shift
    local log="$root/build/$preset.log"
    mkdir -p "$root/build"
    if ! cmake -S "$root" --preset "$preset" >"$log" 2>&1; then
        cat "$log" >&2
        die "configuring the $preset build failed"
    fi
    say "building ($preset)"
    if ! cmake --build "$root/build/$preset" ${1:+--target "$@"} >"$log" 2>&1; then
        grep -E -A8 '(error|FAILED|undefined reference)' "$log" | head -n 60 >&2
        die "the $preset build failed; all of its output is in build/$preset.log"
    fi
}

# What the sanitizers are to do in the builds that have them.
sanitizers() {
    # An exit code that no program has of its own: a test that expects one to fail is not to take this for it.
    export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:exitcode=99
    export UBSAN_OPTIONS=print_stacktrace=1:exitcode=99
    export TSAN_OPTIONS="suppressions=$root/tests/tsan.supp"
}

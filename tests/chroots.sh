# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
# Sourced by the scripts that test on other systems, in chroots. Bash; expects `set -eu`, root, and cmake/setup.sh.
# shellcheck shell=bash

# Runs a command in a chroot as a user: inside CHROOT USER COMMAND... What $binds names ("SOURCE:PLACE"...) is mounted in it.
# What is mounted is seen by that command alone, and is gone when it ends, however it ends.
binds=()
inside() {
    local chroot=$1 user=$2
    shift 2
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --kill-child -- bash -euc '
        chroot=$1 user=$2 binds=$3
        shift 3
        mount -t proc proc "$chroot/proc"
        mount --rbind /dev "$chroot/dev"
        for bind in $binds; do mount --bind "${bind%:*}" "$chroot/${bind##*:}"; done
        # Not in place of this shell, which dies with the script: a process that changes its user is not told.
        chroot "$chroot" setpriv --reuid "$user" --regid "$user" --clear-groups \
            env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@" || exit
    ' inside "$chroot" "$user" "${binds[*]}" "$@" &
    # In the background, so that a signal to this script is heard at once.
    running=$!
    wait "$running"
}

# What is still inside ends with the script.
running=""
end_inside() { [ -z "$running" ] || kill -KILL "$running" 2>/dev/null || true; }
trap end_inside EXIT
trap 'exit 130' INT TERM

# The formats are for apt and dpkg.
# shellcheck disable=SC2016
# Debian's mirror, as this machine's apt knows it.
mirror_of_this_machine() {
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
    [ -n "$mirror" ] || die "this machine's apt knows no mirror of Debian: run 'apt-get update', or give --mirror"
    printf '%s\n' "$mirror"
}

# How this machine's apt reaches its mirror, and what it makes of old lists.
apt_settings() { apt-config dump | grep -E '^Acquire::(Check-Valid-Until|Check-Date|http|https)[: ]' || true; }

# make_chroot CHROOT RELEASE MIRROR [OPTION...]: options are mmdebstrap's.
make_chroot() {
    local chroot=$1 release=$2 mirror=$3 settings failed=""
    rm -rf --one-file-system "$chroot"
    settings=$(mktemp)
    apt_settings >"$settings"
    mmdebstrap --mode=root --variant=apt --components=main --aptopt="$settings" \
        --dpkgopt=force-unsafe-io "${@:4}" "$release" "$chroot" "$mirror" || failed=yes
    rm -f "$settings"
    if [ -n "$failed" ]; then
        rm -rf --one-file-system "$chroot"
        return 1
    fi
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$chroot/etc/hosts"
}

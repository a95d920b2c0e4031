# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
# Sourced by the scripts that need a simulated server. Bash; expects `set -eu`.
# shellcheck shell=bash

# start_server PROGRAM FOLDER [OPTION...]: sets $url, and JOBMODE_CA, JOBMODE_SYS_USER and JOBMODE_SYS_PWD in the
# environment; the server ends with the script, or with `end_server`, for those that trap EXIT themselves.
start_server() {
    local program=$1 folder=$2
    shift 2
    export JOBMODE_SYS_USER=system JOBMODE_SYS_PWD=system1 JOBMODE_CA=$folder/ca.pem
    rm -f "$folder/port"
    "$program" serve --port 0 --port-file "$folder/port" --ca-file "$JOBMODE_CA" "$@" >"$folder/served" 2>"$folder/log" &
    server=$!
    trap end_server EXIT
    for _ in $(seq 3000); do
        [ -s "$folder/port" ] && break
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    if ! [ -s "$folder/port" ]; then
        cat "$folder/log" >&2
        echo "the simulated server did not start" >&2
        exit 1
    fi
    # shellcheck disable=SC2034
    url=https://localhost:$(cat "$folder/port")
}

end_server() {
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
}

failures=0

# expect PATTERN COMMAND...: the command ends well, and its output matches (grep -E).
expect() {
    local pattern=$1 out
    shift
    if ! out=$(timeout 300 "$@" 2>&1); then
        printf 'failed: %s\n%s\n' "$*" "$out" >&2
        failures=$((failures + 1))
    elif ! grep -Eq -- "$pattern" <<<"$out"; then
        printf 'no "%s" in the output of: %s\n%s\n' "$pattern" "$*" "$out" >&2
        failures=$((failures + 1))
    fi
}

# expect_no PATTERN COMMAND...: the command ends well, and its output does not match.
expect_no() {
    local pattern=$1 out
    shift
    if ! out=$(timeout 60 "$@" 2>&1) || grep -Eq -- "$pattern" <<<"$out"; then
        printf 'failed, or "%s" in the output of: %s\n%s\n' "$pattern" "$*" "$out" >&2
        failures=$((failures + 1))
    fi
}

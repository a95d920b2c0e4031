#!/usr/bin/env python3
# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"""The rules on who may include whom, which docs/architecture.md has: layers_test.py"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# Each folder, and what it may include beside itself and the public headers.
BELOW = {
    "wire": set(),
    "policy": {"wire"},
    "engine": {"policy", "wire"},
    "net": {"engine", "policy", "wire"},
    "client": {"net", "engine", "policy", "wire"},
    "store": set(),
    "bulk": {"store"},
    "report": {"store", "policy"},
    "sim": set(),
    "cli": {"bulk", "report", "store", "sim", "policy", "wire"},
    "fleet": {"cli", "bulk", "store", "policy"},
}
# The program's own: it registers every subcommand.
ALSO = {"cli/main.cpp": {"fleet"}}

# What has neither sockets nor a clock: everything comes in as an argument.
PURE = {"wire", "policy", "engine", "store"}
# Asio's headers for errors and addresses do nothing; a timer, a socket or an executor does.
IMPURE = re.compile(
    r"#include <boost/asio/(?!error\.hpp|ip/address)"
    r"|(?:system|steady|utc|high_resolution)_clock::now\b|\bgettimeofday\(|\bstd::time\(|\brandom_device\b"
)


def problems_of(folder, path):
    name = path.relative_to(ROOT / "src").as_posix()
    allowed = BELOW[folder] | {folder} | ALSO.get(name, set())
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        included = re.match(r'#include "([a-z_]+)/', line)
        if included and included[1] in BELOW and included[1] not in allowed:
            yield f"src/{name}:{number}: {folder} includes {included[1]}"
        if folder in PURE and IMPURE.search(line):
            yield f"src/{name}:{number}: {folder} does no I/O, reads no clock and draws no numbers: {line.strip()}"
        if folder not in {"cli", "fleet"} and re.search(r"\bargv\b|CLI/|\bexit_code\b", line):
            yield f"src/{name}:{number}: the command line belongs to cli: {line.strip()}"


def main():
    found = []
    seen = 0
    for folder in sorted(path.name for path in (ROOT / "src").iterdir() if path.is_dir()):
        if folder not in BELOW:
            found.append(f"src/{folder}: no rule says what it may include")
            continue
        for path in sorted((ROOT / "src" / folder).rglob("*.[ch]pp")):
            seen += 1
            # What only lists headers, for the sake of build time.
            if path.name != "precompiled.hpp":
                found += problems_of(folder, path)
    print("\n".join(found) or f"{seen} files keep to the layers")
    return 1 if found or seen == 0 else 0


sys.exit(main())

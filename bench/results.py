# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"""Reads what bench/run measured, for the plots and the table."""
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bench/results"
# In the order in which they are shown.
NAMES = {"jobmode": "jobmode", "wrk": "wrk (decodes nothing)", "curl_multi": "libcurl multi + simdjson", "nethttp": "Go net/http",
         "undici": "undici", "aiohttp": "aiohttp"}


def read() -> list[dict]:
    path = FOLDER / "measurements.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def of(lines: list[dict], kind: str) -> list[dict]:
    return [line for line in lines if line["kind"] == kind]


def costs(lines: list[dict]) -> dict[str, dict[int, float]]:
    """Client to records in an answer to microseconds a query."""
    found: dict[str, dict[int, float]] = {}
    for line in of(lines, "cost"):
        found.setdefault(line["client"], {})[line["records"]] = line["cpu_us_per_query"]
    return {name: found[name] for name in NAMES if name in found}

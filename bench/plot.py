#!/usr/bin/python3
# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"""Draws bench/results/*.svg from bench/results/measurements.jsonl with gnuplot."""
import subprocess
import sys

import results


def block(name: str, rows: list[tuple]) -> str:
    return f"${name} << EOD\n" + "".join(" ".join(str(value) for value in row) + "\n" for row in rows) + "EOD\n"


def draw(name: str, script: str) -> None:
    head = f"set terminal svg size 800,480 background '#ffffff'\nset output '{results.FOLDER / name}.svg'\nset grid\n"
    subprocess.run(["gnuplot"], input=head + script, text=True, check=True)


def cost(lines: list[dict]) -> None:
    found = results.costs(lines)
    if not found:
        return
    data = "".join(block(client, sorted(sizes.items())) for client, sizes in found.items())
    curves = ", ".join(f"${client} using 1:2 with linespoints linewidth 2 title '{results.NAMES[client]}'" for client in found)
    draw("cost", data + "set logscale xy\nset key left top\nset title 'What a query costs the client'\n"
         "set xlabel 'records in an answer'\nset ylabel 'CPU microseconds a query'\nplot " + curves + "\n")


def concurrency(lines: list[dict]) -> None:
    found = results.of(lines, "concurrency")
    if not found:
        return
    rows = [(one["in_flight"], one["queries_per_second"], *(one["latency_us"][key] for key in ("p50", "p99", "p999")))
            for one in found]
    curves = ", ".join(f"$runs using 1:{column} axes x1y2 with linespoints title '{title}'"
                       for column, title in ((3, "p50"), (4, "p99"), (5, "p99.9")))
    draw("concurrency", block("runs", rows) + "set logscale xyy2\nset key left top\nset ytics nomirror\nset y2tics\n"
         "set title 'Throughput and latency, one record in an answer'\nset xlabel 'queries in flight'\n"
         "set ylabel 'queries a second'\nset y2label 'latency, microseconds'\n"
         "plot $runs using 1:2 with linespoints linewidth 2 title 'queries a second', " + curves + "\n")


def decode(lines: list[dict]) -> None:
    found = results.of(lines, "decode")
    if not found:
        return
    speeds = found[-1]["gb_per_second"]
    rows = [(f'"jobmode, {piece}"', speed) for piece, speed in speeds["jobmode"].items()]
    rows += [(f'"{name.replace("_", " ")}"', speed) for name, speed in speeds.items() if name != "jobmode"]
    draw("decode", block("speeds", rows) + "set style fill solid 0.7\nset boxwidth 0.7\nset yrange [0:*]\nset nokey\n"
         "set title 'Decoding an answer in memory (whole, or in pieces of so many bytes)'\nset ylabel 'GB/s'\n"
         "plot $speeds using 0:2:xtic(1) with boxes\n")


def memory(lines: list[dict]) -> None:
    found = results.of(lines, "connections")
    if not found:
        return
    rows = [(one["connections"], one["peak_rss_kib"] / 1024) for one in found]
    draw("memory", block("runs", rows) + "set logscale xy\nset nokey\nset title 'Memory of the process by TLS connections'\n"
         "set xlabel 'connections'\nset ylabel 'peak RSS, MiB'\nplot $runs using 1:2 with linespoints linewidth 2\n")


def scaling(lines: list[dict]) -> None:
    flights, answers = results.of(lines, "concurrency"), results.of(lines, "answers")
    if not flights or not answers:
        return
    data = block("flights", [(one["in_flight"], one["cpu_us_per_query"]) for one in flights])
    data += block("answers", [(one["records"], one["cpu_ns_per_record"]) for one in answers])
    draw("scaling", data + "set logscale xy\nset key right top\nset title 'What one more costs'\n"
         "set xlabel 'queries in flight, or records in an answer'\nset ylabel 'microseconds a query, nanoseconds a record'\n"
         "plot $flights using 1:2 with linespoints linewidth 2 title 'CPU microseconds a query, by queries in flight', "
         "$answers using 1:2 with linespoints linewidth 2 title 'CPU nanoseconds a record, by records in an answer'\n")


def main() -> None:
    lines = results.read()
    if not lines:
        sys.exit("bench/plot.py: there is no bench/results/measurements.jsonl; bench/run writes it")
    for one in (cost, concurrency, decode, memory, scaling):
        one(lines)


main()

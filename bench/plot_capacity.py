#!/usr/bin/python3
# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"""Draws docs/capacity.svg from bench/results/capacity.jsonl with gnuplot."""
import json
import subprocess

import results


def block(name: str, rows: list[tuple]) -> str:
    return f"${name} << EOD\n" + "".join(" ".join(str(value) for value in row) + "\n" for row in rows) + "EOD\n"


def main() -> None:
    lines = [json.loads(line) for line in (results.FOLDER / "capacity.jsonl").read_text(encoding="utf-8").splitlines()]
    columns = ("answers_per_second", "failures_per_second", "p99_ms")
    fixed = [(one["limit"], *(one[key] for key in columns)) for one in lines if one["limit"] != 0]
    # The adaptive limit stands where it kept itself.
    adaptive = [(one["in_flight"], *(one[key] for key in columns)) for one in lines if one["limit"] == 0]
    capacity = lines[0]["capacity"]
    curves = []
    for column, color, title in ((2, "#2a7f4f", "answers a second"), (3, "#c0392b", "refusals a second"),
                                 (4, "#2f5fa8", "p99 latency, ms")):
        axes = "x1y2" if column == 4 else "x1y1"
        curves.append(f"$fixed using 1:{column} axes {axes} with linespoints linewidth 2 pointtype 7 pointsize 0.4 "
                      f"linecolor '{color}' title '{title}'")
        curves.append(f"$adaptive using 1:{column} axes {axes} with points pointtype 6 pointsize 2 linewidth 3 "
                      f"linecolor '{color}' notitle")
    curves.append("NaN with points pointtype 6 pointsize 2 linewidth 3 linecolor '#555555' title 'the adaptive limit'")
    script = ("set terminal svg size 800,480 background '#ffffff'\n"
              f"set output '{results.ROOT / 'docs/capacity.svg'}'\n"
              "set grid\nset key left top\nset logscale x 2\nset xrange [4:600]\nset logscale y\nset yrange [1:*]\n"
              "set ytics nomirror\nset y2tics\nset y2range [0:*]\n"
              f"set title 'A server that serves {capacity} at a time and lets 100 wait'\n"
              "set xlabel 'queries in flight'\nset ylabel 'a second'\nset y2label 'p99 latency, ms'\n"
              f"set arrow from {capacity},graph 0 to {capacity},graph 1 nohead dashtype 2 linecolor '#888888'\n")
    subprocess.run(["gnuplot"], input=block("fixed", fixed) + block("adaptive", adaptive) + script +
                   "plot " + ", ".join(curves) + "\n", text=True, check=True)


main()

#!/usr/bin/env python3
"""Measures the table by which `--form auto` chooses: scripts/bench_forms.py [--runtime R] [--threads N] [--only N,N].

Every form over a grid of layers, units, directions, batch and time; rows that are measured replace those of the
same runtime, threads and shape in rnn_export/workflows/measured.json, or in the file that --table names. --chart
draws it instead. A runtime in another environment is found by RNN_EXPORT_INTERPRETER_<NAME>. Takes minutes; run it
on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rnn_export.builders import stacked
from rnn_export.exporters import FORMS
from rnn_export.network import Network
from rnn_export.workflows.benchmarks.asked import Asked
from rnn_export.workflows.benchmarks.benching import benchmarks
from rnn_export.workflows.benchmarks.growth import draw_growth
from rnn_export.workflows.measured import FILE, Row

TABLE = Path(__file__).resolve().parents[1] / "rnn_export" / "workflows" / FILE
CHART = Path(__file__).resolve().parents[1] / "artifacts" / "bench" / "growth.svg"
ROUNDS = 9

STACKS = [(layers, units) for layers in (1, 2, 4) for units in (8, 16, 32, 64, 128, 256)]
LARGE = [(1, 512), (1, 1024), (2, 512)]
PAIRS = [(1, 16), (1, 64), (1, 256)]
SIZES = (*((batch, 100) for batch in (1, 4, 8, 32, 128)), (1, 10), (32, 10))
LARGE_SIZES = tuple((batch, 50) for batch in (1, 8, 32))


def grid() -> Iterator[tuple[int, int, int, tuple[tuple[int, int], ...]]]:
    """Yield layers, units, directions and the sizes to run."""
    for layers, units in STACKS:
        yield layers, units, 1, SIZES
    for layers, units in LARGE:
        yield layers, units, 1, LARGE_SIZES
    for layers, units in PAIRS:
        yield layers, units, 2, SIZES


def network(layers: int, units: int, directions: int) -> Network:
    return stacked(
        [units] * layers,
        units // 2,
        bidirectional="concat" if directions == 2 else None,
        bias_initializer="uniform",
    )


def measured(runtime: str, threads: int, rounds: int, only: str) -> Iterator[Row]:
    asked = Asked(forms=FORMS, runtimes=(runtime,), threads=threads, rounds=rounds, floor=False)
    wanted = {int(number) for number in only.split(",") if number}
    shapes = [shape for number, shape in enumerate(grid()) if not wanted or number in wanted]
    runs = [
        (network(layers, units, directions), sizes) for layers, units, directions, sizes in shapes
    ]
    for (layers, units, directions, _), result in zip(shapes, benchmarks(runs, asked), strict=True):
        for point in result.points:
            seconds = {
                entry.form: float(f"{entry.least:.4g}") for entry in point.entries if entry.least
            }
            row = Row(runtime, threads, layers, units, directions, point.batch, point.time, seconds)
            disturbed = sum(share > point.fair for share in point.foreign)
            print(_line(row), f"({disturbed} of {len(point.foreign)} disturbed)", flush=True)
            yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runtime", action="append")
    parser.add_argument("--threads", action="append", type=int)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--only", default="", help="numbers of networks, from 0")
    parser.add_argument("--chart", action="store_true", help="draw the table, measure nothing")
    arguments = parser.parse_args()
    if arguments.chart:
        chart(arguments.table)
        return
    file: Path = arguments.table
    table = json.loads(file.read_text()) if file.exists() else {"rows": []}
    kept = {_key(Row(**row)): row for row in table["rows"]}
    for runtime in arguments.runtime or ["onnxruntime:cpu"]:
        for threads in arguments.threads or [1]:
            for row in measured(runtime, threads, arguments.rounds, arguments.only):
                if not row.seconds:
                    sys.exit(f"{runtime} ran no form of {row}")
                kept[_key(row)] = asdict(row)
                ordered = [json.dumps(kept[key]) for key in sorted(kept)]
                file.write_text('{"rows": [\n' + ",\n".join(ordered) + "\n]}\n")


def chart(table: Path) -> None:
    """Draw how time grows with units, batch and layers on onnxruntime with one thread."""
    rows = [Row(**row) for row in json.loads(table.read_text())["rows"]]
    kept = [
        row
        for row in rows
        if (row.runtime, row.threads, row.directions, row.time) == ("onnxruntime:cpu", 1, 1, 100)
    ]
    draw_growth(kept, CHART)


def _key(row: Row) -> tuple[str, int, int, int, int, int, int]:
    return (
        row.runtime, row.threads, row.directions, row.layers, row.units, row.batch, row.time,
    )  # fmt: skip


def _line(row: Row) -> str:
    shape = f"{row.layers}x{row.units}{' both ways' if row.directions == 2 else ''}"
    times = "  ".join(f"{form} {value * 1e3:.3f}" for form, value in row.seconds.items())
    return f"{row.runtime} {row.threads} thread(s) {shape} B{row.batch} T{row.time}: {times}"


if __name__ == "__main__":
    main()

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rnn_export.builders import stacked
from rnn_export.errors import RnnExportError
from rnn_export.exporters import FORMS
from rnn_export.network import Network
from rnn_export.workflows.benchmarks.asked import Asked
from rnn_export.workflows.benchmarks.benching import benchmarks
from rnn_export.workflows.benchmarks.growth import draw_growth
from rnn_export.workflows.benchmarks.result import Entry
from rnn_export.workflows.benchmarks.stored import read_benchmark
from rnn_export.workflows.measured import FILE, Row

TABLE = Path(__file__).resolve().parents[1] / "rnn_export" / "workflows" / FILE
CHART = Path(__file__).resolve().parents[1] / "artifacts" / "bench" / "growth.svg"
ROUNDS = 9
Key = tuple[str, int, int, int, int, int, int]
RUNTIME, WAVE = "onnxruntime:cpu", "wavefront"

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
    wanted = {int(number) for number in only.split(",") if number}
    shapes = [shape for number, shape in enumerate(grid()) if not wanted or number in wanted]
    plain = [shape for shape in shapes if shape[0] == shape[2] == 1]
    others = [shape for shape in shapes if shape not in plain]
    # A wavefront of one layer is form scan, node by node.
    for group, forms in ((plain, tuple(form for form in FORMS if form != WAVE)), (others, FORMS)):
        asked = Asked(
            forms=forms,
            runtimes=(runtime,),
            threads=threads,
            rounds=rounds,
            patience=2,
            floor=False,
        )
        runs = [(network(*shape[:3]), shape[3]) for shape in group]
        for (layers, units, directions, _), result in zip(
            group, benchmarks(runs, asked), strict=True
        ):
            for point in result.points:
                seconds = seconds_of(point.entries)
                if WAVE not in forms and "scan" in seconds:
                    seconds[WAVE] = seconds["scan"]
                row = Row(
                    runtime, threads, layers, units, directions, point.batch, point.time, seconds
                )
                disturbed = sum(share > point.fair for share in point.foreign)
                print(_line(row), f"({disturbed} of {len(point.foreign)} disturbed)", flush=True)
                yield row


def compared(file: Path) -> Iterator[Row]:
    """Yield what a comparison (scripts/bench_grid.py) says of runtimes that the grid here is not run on."""
    for document in json.loads(file.read_text()).values():
        benchmark = read_benchmark(document)
        shape = benchmark.shape
        if shape is None:
            continue
        for point in benchmark.points:
            ours = [entry for entry in point.entries if not entry.peer and entry.least]
            for runtime in sorted({entry.runtime for entry in ours} - {RUNTIME}):
                yield Row(
                    runtime,
                    point.threads,
                    shape.layers,
                    round(shape.units),
                    shape.directions,
                    point.batch,
                    point.time,
                    seconds_of([entry for entry in ours if entry.runtime == runtime]),
                )


def seconds_of(entries: Sequence[Entry]) -> dict[str, float]:
    return {entry.form: float(f"{entry.least:.4g}") for entry in entries if entry.least}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runtime", action="append")
    parser.add_argument("--threads", action="append", type=int)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--only", default="", help="numbers of networks, from 0")
    parser.add_argument(
        "--comparison", action="append", type=Path, help="take other runtimes' rows from its file"
    )
    parser.add_argument("--chart", action="store_true", help="draw the table, measure nothing")
    arguments = parser.parse_args()
    if arguments.chart:
        chart(arguments.table)
        return
    file: Path = arguments.table
    table = json.loads(file.read_text()) if file.exists() else {"rows": []}
    kept = {_key(Row(**row)): row for row in table["rows"]}
    if arguments.comparison:
        kept |= {_key(row): asdict(row) for path in arguments.comparison for row in compared(path)}
        _write(file, kept)
        return
    for runtime in arguments.runtime or [RUNTIME]:
        for threads in arguments.threads or [1]:
            for row in measured(runtime, threads, arguments.rounds, arguments.only):
                if not row.seconds:
                    sys.exit(f"{runtime} ran no form of {row}")
                kept[_key(row)] = asdict(row)
                _write(file, kept)


def chart(table: Path) -> None:
    """Draw how time grows with units, batch and layers on onnxruntime with one thread."""
    rows = [Row(**row) for row in json.loads(table.read_text())["rows"]]
    kept = [
        row
        for row in rows
        if (row.runtime, row.threads, row.directions) == (RUNTIME, 1, 1)
        and row.layers in (1, 2, 4)
        and row.batch in (1, 4, 32, 128)
        and row.time in (10, 100)
    ]
    CHART.parent.mkdir(parents=True, exist_ok=True)
    draw_growth(kept, CHART)


def _write(file: Path, kept: Mapping[Key, Any]) -> None:
    ordered = [json.dumps(kept[key]) for key in sorted(kept)]
    file.write_text('{"rows": [\n' + ",\n".join(ordered) + "\n]}\n")


def _key(row: Row) -> Key:
    return (
        row.runtime, row.threads, row.directions, row.layers, row.units, row.batch, row.time,
    )  # fmt: skip


def _line(row: Row) -> str:
    shape = f"{row.layers}x{row.units}{' both ways' if row.directions == 2 else ''}"
    times = "  ".join(f"{form} {value * 1e3:.3f}" for form, value in row.seconds.items())
    return f"{row.runtime} {row.threads} thread(s) {shape} B{row.batch} T{row.time}: {times}"


if __name__ == "__main__":
    try:
        main()
    except RnnExportError as error:
        sys.exit(str(error))

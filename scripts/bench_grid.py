#!/usr/bin/env python3
"""Runs the comparison over 24 shapes: scripts/bench_grid.py [--threads N ...] [--rounds N] [--only N,N] [--report].

Our forms on every runtime that is named and installed, every peer that is, and the floor, in turns; with several
threads everything also called by so many at once, each with its rows and one thread. One file for each number of
threads in artifacts/bench/. Shapes that are there already are measured anew only with --only.
--report writes the summary and the drawings from those files, and measures nothing. A runtime or peer in another
environment is found by RNN_EXPORT_INTERPRETER_<NAME>. Takes a quarter of an hour on a machine that does nothing
else, where it should run.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from rnn_export.builders import stacked
from rnn_export.errors import RnnExportError
from rnn_export.exporters import FORMS
from rnn_export.network import Network
from rnn_export.reports.documents import document
from rnn_export.workflows.benchmarks.asked import Asked
from rnn_export.workflows.benchmarks.benching import benchmarks
from rnn_export.workflows.benchmarks.peers.table import peer_names
from rnn_export.workflows.benchmarks.result import Benchmark
from rnn_export.workflows.benchmarks.stored import read_benchmark
from rnn_export.workflows.benchmarks.summary import summary

FOLDER = Path(__file__).resolve().parents[1] / "artifacts" / "bench"
ROUNDS, SLICE = 9, 0.02
RUNTIMES = ("onnxruntime:cpu", "openvino:cpu", "mnn")


@dataclass(frozen=True)
class Shape:
    """A network and the size that it is run with."""

    layers: int
    units: int
    features: int
    batch: int
    time: int
    directions: int = 1

    def network(self) -> Network:
        return stacked(
            [self.units] * self.layers,
            self.features,
            bidirectional="concat" if self.directions == 2 else None,
            bias_initializer="uniform",
            name=f"{self.layers}x{self.units}",
        )


GRID = (
    *(Shape(1, units, units // 2, batch, 100) for units in (16, 64, 256) for batch in (1, 8, 32)),
    *(Shape(1, 1024, 256, batch, 50) for batch in (1, 8, 32)),
    *(Shape(3, 64, 32, batch, 100) for batch in (1, 8, 32)),
    *(Shape(2, 128, 64, batch, 10) for batch in (1, 32)),
    Shape(4, 32, 32, 1, 400),
    Shape(4, 32, 32, 32, 100),
    Shape(3, 256, 128, 1, 100),
    Shape(3, 256, 128, 32, 100),
    *(Shape(1, 64, 32, batch, 100, 2) for batch in (1, 8, 32)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", action="append", type=int)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--patience", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where translations are kept from run to run")
    parser.add_argument("--only", default="", help="numbers of shapes, from 0")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--out", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    for threads in arguments.threads or [1, 2]:
        file = folder / f"threads{threads}.json"
        found = _read(file)
        if not arguments.report:
            wanted = [int(number) for number in arguments.only.split(",") if number]
            numbers = wanted or [n for n in range(len(GRID)) if str(n) not in found]
            asked = Asked(
                forms=FORMS,
                runtimes=RUNTIMES,
                peers=peer_names(),
                threads=threads,
                callers=threads,
                rounds=arguments.rounds,
                patience=arguments.patience,
                slice_seconds=SLICE,
                folder=arguments.folder,
            )
            _measure(numbers, asked, found, file)
        if arguments.report:
            _draw(found, folder / f"threads{threads}.svg")
    results = {
        file.stem: list(_read(file).values()) for file in sorted(folder.glob("threads*.json"))
    }
    (folder / "README.md").write_text(summary(results))


def _measure(numbers: list[int], asked: Asked, found: dict[str, Benchmark], file: Path) -> None:
    """Measure some shapes, and write the file after each network."""
    alike: dict[Shape, list[int]] = {}
    for number in numbers:
        alike.setdefault(replace(GRID[number], batch=1, time=1), []).append(number)
    runs = [
        (GRID[each[0]].network(), [(GRID[n].batch, GRID[n].time) for n in each])
        for each in alike.values()
    ]
    for each, result in zip(alike.values(), benchmarks(runs, asked), strict=True):
        for number, point in zip(each, result.points, strict=True):
            found[str(number)] = replace(result, points=(point,))
            noise = sum(share > point.fair for share in point.foreign)
            print(
                f"{number} {result.words} B{point.batch} T{point.time} {asked.threads} thread(s): "
                f"{point.entries[0].name}; {noise} of {len(point.foreign)} rounds disturbed",
                flush=True,
            )
        file.write_bytes(document({key: found[key] for key in sorted(found, key=int)}))


def _draw(found: dict[str, Benchmark], file: Path) -> None:
    from rnn_export.workflows.benchmarks.plotting import draw

    if found:
        draw([found[key] for key in sorted(found, key=int)], file)


def _read(file: Path) -> dict[str, Benchmark]:
    if not file.exists():
        return {}
    return {number: read_benchmark(each) for number, each in json.loads(file.read_text()).items()}


if __name__ == "__main__":
    try:
        main()
    except RnnExportError as error:
        sys.exit(str(error))

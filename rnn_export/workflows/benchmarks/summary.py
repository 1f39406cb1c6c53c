"""A short page on benchmarks over a grid: what was reached of the goals, and what was not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rnn_export.workflows.benchmarks.figures import paired_ratio
from rnn_export.workflows.benchmarks.goals import (
    Against,
    Chosen,
    against,
    chosen,
    label,
    ours,
    theirs,
)
from rnn_export.workflows.benchmarks.result import Benchmark, Entry, Point
from rnn_export.workflows.choosing import TARGET, choose_for

EXPORT = "loop@onnxruntime:cpu"
EXPORT_GOALS = {1: 4.0, 32: 1.7}
"""By batch: how many times as long Keras' own export is to take, at 3 layers of 64 units and 100 steps."""

FLOORS = ((256, 32, 0.85), (64, 32, 0.5))
"""Units and batch from which our best is to reach this share of the floor."""


def summary(results: Mapping[str, Sequence[Benchmark]]) -> str:
    """Return the page as Markdown.

    Args:
        results: benchmarks with one size each, by the name of the file they came from ("threads1").
    """
    lines = ["# Forms, runtimes and peers over 24 shapes", ""]
    for name, benchmarks in results.items():
        if benchmarks:
            lines += [*_machine(name, benchmarks), *_table(benchmarks), *_goals(benchmarks)]
    return "\n".join(lines) + "\n"


def _machine(name: str, benchmarks: Sequence[Benchmark]) -> list[str]:
    machine = benchmarks[0].machine
    points = [point for each in benchmarks for point in each.points]
    rounds = sum(len(point.foreign) for point in points)
    disturbed = sum(share > point.fair for point in points for share in point.foreign)
    packages = ", ".join(f"{package} {version}" for package, version in machine.packages.items())
    return [
        f"## {points[0].threads} thread(s)",
        "",
        f"{machine.processor}, {machine.cores} cores ({', '.join(machine.instructions)}), "
        f"{machine.memory / 2**30:.0f} GiB, {machine.system}, Python {machine.python}, {packages}.",
        f"{disturbed} of {rounds} rounds were disturbed by other processes; the calmest count. "
        f"All figures: [{name}.json]({name}.json), drawn in [{name}.svg]({name}.svg).",
        "",
    ]


def _table(benchmarks: Sequence[Benchmark]) -> list[str]:
    lines = [
        "| shape | ours, fastest | ms | shortest | of the floor | peer, fastest | ms | shortest |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for benchmark, point in _points(benchmarks):
        best = ours(point)
        peer = next((each for each in point.entries if each.peer and each.seconds), None)
        row = [label(benchmark, point)]
        row += [*_times(best), f"{best.of_floor:.0%}" if best and best.of_floor else ""]
        row += _times(peer)
        lines.append(f"| {' | '.join(row)} |")
    return [*lines, ""]


def _goals(benchmarks: Sequence[Benchmark]) -> list[str]:
    lines = ["Our best file on its best runtime against each peer:", ""]
    names = dict.fromkeys(
        entry.runtime for _, point in _points(benchmarks) for entry in point.entries if entry.peer
    )
    lines += [_against(against(benchmarks, peer), benchmarks) for peer in names]
    lines += ["", f"The form that `auto` picks on {TARGET}, by the table:", ""]
    picks = [found for pair in _points(benchmarks) if (found := _pick(*pair)) is not None]
    good = sum(pick.good for pick in picks)
    lines.append(f"- the best, or an interval that reaches below 1.10: {good} of {len(picks)}")
    lines += [
        f"  - {pick.shape}: {pick.form} takes {pick.ratio.median:.2f} "
        f"[{pick.ratio.lower:.2f}, {pick.ratio.upper:.2f}] of {pick.best}"
        for pick in picks
        if not pick.good
    ]
    lines += ["", f"Keras' own export to our best, both on {TARGET}:", "", *_exports(benchmarks)]
    lines += ["", f"Of the floor, on {TARGET}:", ""]
    for units, batch, goal in FLOORS:
        lines += _floors(benchmarks, units, batch, goal)
    return [*lines, ""]


def _against(found: Against, benchmarks: Sequence[Benchmark]) -> str:
    if not found.shapes:
        reason = next(
            entry.reason
            for _, point in _points(benchmarks)
            for entry in point.entries
            if entry.peer and entry.runtime == found.peer
        )
        return f"- {found.peer}: not run ({reason})"
    slower = "; ".join(f"{shape} ({ratio:.2f})" for shape, ratio in found.slower.items())
    missed = f"; slower at {slower}" if slower else ""
    counts = f"faster on {found.faster} of {found.shapes}, by the shortest runs on {found.shorter}"
    return f"- {found.peer}: {counts}{missed}"


def _pick(benchmark: Benchmark, point: Point) -> Chosen | None:
    choice = choose_for(
        benchmark.shape, TARGET, batch=point.batch, time=point.time, threads=point.threads
    )
    return chosen(benchmark, point, choice.form, TARGET)


def _exports(benchmarks: Sequence[Benchmark]) -> Iterator[str]:
    """Yield how many times as long Keras' own ONNX export takes, where there is a goal, and over all shapes."""
    found = []
    for benchmark, point in _points(benchmarks):
        best = ours(point, (TARGET,))
        other = theirs(point, EXPORT)
        if best is None or other is None:
            continue
        ratio = paired_ratio(point.times(other), point.times(best))
        found.append(ratio.median)
        goal = EXPORT_GOALS.get(point.batch)
        shape = benchmark.shape
        if goal and shape and (shape.layers, round(shape.units), point.time) == (3, 64, 100):
            verdict = "reached" if ratio.median >= goal else "missed"
            yield (
                f"- {label(benchmark, point)}: {ratio.median:.1f} [{ratio.lower:.1f}, "
                f"{ratio.upper:.1f}]; {goal:.1f} {verdict}"
            )
    if found:
        yield f"- over {len(found)} shapes: {min(found):.1f} to {max(found):.1f}"


def _floors(benchmarks: Sequence[Benchmark], units: int, batch: int, goal: float) -> Iterator[str]:
    for benchmark, point in _points(benchmarks):
        best = ours(point, (TARGET,))
        wide = benchmark.shape and _wide(benchmark.shape.units, units)
        if best and best.of_floor and wide and point.batch >= batch:
            verdict = "reached" if best.of_floor >= goal else "missed"
            yield f"- {label(benchmark, point)}: {best.of_floor:.0%} by {_named(best)}; {goal:.0%} {verdict}"


def _named(entry: Entry) -> str:
    """Return a form and the way in which its file was run."""
    return f"{entry.form}, {entry.way}" if entry.way else entry.form


def _wide(units: float, goal: int) -> bool:
    """Tell whether a goal for wide layers, or for those of exactly some units, is one for these."""
    return units >= goal if goal >= 256 else units == goal


def _points(benchmarks: Sequence[Benchmark]) -> Iterator[tuple[Benchmark, Point]]:
    for benchmark in benchmarks:
        for point in benchmark.points:
            yield benchmark, point


def _times(entry: Entry | None) -> list[str]:
    if entry is None or entry.seconds is None or entry.least is None:
        return ["", "", ""]
    return [entry.name, f"{entry.seconds.median * 1e3:.3f}", f"{entry.least * 1e3:.3f}"]

"""Benchmarks as a picture: one panel for each model, a bar for each contender, the floor as a line."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnn_export.workflows.benchmarks.drawing import COLOURS, OTHER, PEER, plotting, save
from rnn_export.workflows.benchmarks.result import Benchmark, Entry, Point

COLUMNS = 3


def draw(benchmarks: Sequence[Benchmark], path: Path) -> None:
    """Draw benchmarks to a file.

    Args:
        benchmarks: each of their points becomes a panel.
        path: its suffix tells the format: .svg, .png or .pdf.

    Raises:
        RnnExportError: matplotlib is missing, or the suffix is another.
        StoreError: the file cannot be written.
    """
    plt = plotting(path)
    ticker = importlib.import_module("matplotlib.ticker")
    panels = [(each, point) for each in benchmarks for point in each.points]
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(5.2 * columns, 3.4 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (benchmark, point) in zip(axes.flat, panels, strict=False):
        _panel(axis, ticker, benchmark, point)
    save(figure, path)
    plt.close(figure)


def _panel(axis: Any, ticker: Any, benchmark: Benchmark, point: Point) -> None:
    # Of the ways to run the same thing its fastest: entries come fastest first.
    fastest: dict[tuple[str, str], Entry] = {}
    for entry in point.entries:
        if entry.seconds:
            fastest.setdefault((entry.form, entry.runtime), entry)
    timed = list(reversed(fastest.values()))
    for place, entry in enumerate(timed):
        seconds = entry.seconds
        if seconds is None:
            continue
        middle = seconds.median * 1e3
        colour = PEER if entry.peer else COLOURS.get(entry.form, OTHER)
        axis.barh(place, middle, color=colour, height=0.7)
        axis.plot([seconds.lower * 1e3, seconds.upper * 1e3], [place, place], color="black", lw=1)
        place_of_text = {"xytext": (3, 0), "textcoords": "offset points", "va": "center"}
        axis.annotate(f"{middle:.3g}", (seconds.upper * 1e3, place), fontsize=7, **place_of_text)
    if point.floor:
        axis.axvline(point.floor.seconds * 1e3, color="black", ls=":", lw=1)
    axis.set_yticks(range(len(timed)), [entry.name for entry in timed], fontsize=7)
    axis.set_xscale("log")
    # Its own labels run into one another where a panel spans less than a decade.
    axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 3)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(ticker.NullFormatter())
    axis.tick_params(axis="x", labelsize=7)
    axis.set_xlabel("ms", fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title(
        f"{benchmark.words}, batch {point.batch}, time {point.time}, {point.threads} thread(s)",
        fontsize=8,
    )

"""How time grows: microseconds of a step, by units, for each form, from the measured table; and where forms cross."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rnn_export.exporters import FORMS
from rnn_export.workflows.benchmarks.drawing import COLOURS, OTHER, PEER, plotting, save
from rnn_export.workflows.choosing import NOISE
from rnn_export.workflows.measured import Row


def draw_growth(rows: Sequence[Row], path: Path) -> None:
    """Draw one panel for each number of layers (downwards) and each batch (to the right).

    The longest time is drawn solid, shorter ones dotted. A grey line with its units stands where another form
    becomes the fastest of those but "unrolled".

    Args:
        rows: of one runtime, one number of threads and one direction.
        path: its suffix tells the format: .svg, .png or .pdf.

    Raises:
        RnnExportError: matplotlib is missing, or the suffix is another.
        StoreError: the file cannot be written.
    """
    plt = plotting(path)
    layers = sorted({row.layers for row in rows})
    batches = sorted({row.batch for row in rows})
    figure, axes = plt.subplots(
        len(layers),
        len(batches),
        figsize=(3.2 * len(batches), 2.8 * len(layers)),
        squeeze=False,
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    for line, count in zip(axes, layers, strict=True):
        for axis, batch in zip(line, batches, strict=True):
            _panel(axis, [row for row in rows if (row.layers, row.batch) == (count, batch)])
            axis.set_title(f"{count} layer{'s' * (count > 1)}, batch {batch}", fontsize=8)
        line[0].set_ylabel("µs a step", fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("units", fontsize=8)
    axes[0][0].legend(fontsize=7, frameon=False)
    save(figure, path)
    plt.close(figure)


def _panel(axis: Any, rows: Sequence[Row]) -> None:
    longest = max(row.time for row in rows)
    for time in sorted({row.time for row in rows}, reverse=True):
        ordered = sorted((row for row in rows if row.time == time), key=lambda row: row.units)
        for form in dict.fromkeys(form for row in ordered for form in sorted(row.seconds)):
            points = [
                (row.units, row.seconds[form] / row.time * 1e6)
                for row in ordered
                if form in row.seconds
            ]
            axis.plot(
                [units for units, _ in points],
                [value for _, value in points],
                marker=".",
                lw=1,
                ls="-" if time == longest else ":",
                label=f"{form}, {time} steps" if time == longest else f"_{form}",
                color=COLOURS.get(form, OTHER),
            )
    for units in crossings([row for row in rows if row.time == longest]):
        axis.axvline(units, color=PEER, lw=1, zorder=0)
        axis.annotate(
            f"{units:.0f}",
            (units, 1),
            (2, -8),
            ("data", "axes fraction"),
            "offset points",
            fontsize=7,
        )
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)


def crossings(rows: Sequence[Row]) -> list[float]:
    """Return the units at which another form becomes the fastest, by straight lines between logarithms.

    Forms within `NOISE` of each other do not cross: they are the same graph.

    Args:
        rows: that differ in units alone.
    """
    ordered = sorted(rows, key=lambda row: row.units)
    found = []
    for low, high in pairwise(ordered):
        first, then = _fastest(low), _fastest(high)
        if first == then or high.seconds[first] <= NOISE * high.seconds[then]:
            continue
        ahead = math.log(low.seconds[then] / low.seconds[first])
        behind = math.log(high.seconds[first] / high.seconds[then])
        share = max(ahead, 0.0) / (max(ahead, 0.0) + behind)
        found.append(low.units * (high.units / low.units) ** share)
    return found


def _fastest(row: Row) -> str:
    """Return the fastest form; of equally fast ones the more portable one."""
    timed = {
        form: row.seconds[form] for form in FORMS if form in row.seconds and form != "unrolled"
    }
    return next(form for form, each in timed.items() if each <= NOISE * min(timed.values()))

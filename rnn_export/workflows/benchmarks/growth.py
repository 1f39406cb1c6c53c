"""How time grows: microseconds of one step, by units, for each form, from the measured table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnn_export.workflows.benchmarks.drawing import COLOURS, OTHER, plotting, save
from rnn_export.workflows.measured import Row


def draw_growth(rows: Sequence[Row], path: Path) -> None:
    """Draw one panel for each number of layers (downwards) and each batch (to the right).

    Args:
        rows: of one runtime, one number of threads, one time and one direction.
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
    ordered = sorted(rows, key=lambda row: row.units)
    forms = dict.fromkeys(form for row in ordered for form in sorted(row.seconds))
    for form in forms:
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
            label=form,
            color=COLOURS.get(form, OTHER),
        )
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)

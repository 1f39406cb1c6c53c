"""`--form auto --measure`: the form that is fastest here, by timing all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rnn_export.exporters import FORMS
from rnn_export.workflows.benchmarks.asked import Asked
from rnn_export.workflows.benchmarks.benching import bench
from rnn_export.workflows.choosing import BATCHES, DEFAULT, NOISE, TARGET, TIMES, Choice

ROUNDS = 9


def fastest(
    source: Any,
    target: str = TARGET,
    *,
    batch: int | None = None,
    time: int | None = None,
    threads: int = 1,
    tell: Callable[[str], None] = lambda text: None,
) -> Choice:
    """Return the form whose file runs fastest on ``target`` on this machine, now.

    Args:
        source: as for `bench`.
        target: a runtime that takes ONNX files.
        batch, time: sizes in use; without them the form that loses least over several.
        threads: within an operator.
        tell: called with a line before each step.

    Raises:
        UnknownRuntime: no runtime has this name.
    """
    batches = BATCHES if batch is None else (batch,)
    times = TIMES if time is None else (time,)
    asked = Asked(
        forms=tuple(form for form in FORMS if form != "unrolled" or time is not None),
        runtimes=(target,),
        sizes=tuple((b, t) for b in batches for t in times),
        fixed=tuple(axis for axis, size in (("batch", batch), ("time", time)) if size is not None),
        threads=threads,
        rounds=ROUNDS,
        floor=False,
        tell=tell,
    )
    cost: dict[str, float] = {}
    refused = ""
    points = bench(source, asked).points
    for form in asked.forms:
        entries = [point.entry(f"{form}@{target}") for point in points]
        ratios = [entry.ratio.median for entry in entries if entry.ratio]
        if len(ratios) == len(points):
            cost[form] = max(ratios)
        refused = refused or next((entry.reason for entry in entries if entry.reason), "")
    if not cost:
        return Choice(DEFAULT, f"{DEFAULT}: {target} ran no form here ({refused})")
    form = next(name for name, each in cost.items() if each <= NOISE * min(cost.values()))
    # No figures: the reason goes into the file, and equal choices are to give equal bytes.
    sizes = f"batch {', '.join(map(str, batches))}, time {', '.join(map(str, times))}"
    return Choice(form, f"{form} by measuring on {target} at {sizes}", cost)

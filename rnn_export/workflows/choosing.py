"""`--form auto`: the form that is fastest on a target, by a measured table or by measuring here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rnn_export.errors import ExportError
from rnn_export.exporters import FORMS
from rnn_export.network import Network
from rnn_export.workflows.measured import Row, rows
from rnn_export.workflows.shapes import Shape, shape_of

AUTO = "auto"
TARGET = "onnxruntime:cpu"
DEFAULT = "rnn"

BATCHES, TIMES = (1, 8, 32), (100,)
"""Sizes that stand for all where none is given."""

NOISE = 1.03
"""Times within this factor are equal; of equal ones the first in FORMS is taken, the more portable one."""

NEAREST = 4
"""Rows of the table that are weighed against one another."""


@dataclass(frozen=True)
class Choice:
    """A form, and on what grounds it was chosen.

    Args:
        form: to export.
        reason: in a line, for people and for the file's metadata; the same for equal questions.
        cost: of each form that was considered: its time relative to the fastest one's, the largest over the
            sizes in question.
    """

    form: str
    reason: str
    cost: Mapping[str, float] = field(default_factory=dict)


def choose(
    network: Network,
    target: str = TARGET,
    *,
    batch: int | None = None,
    time: int | None = None,
    threads: int = 1,
) -> Choice:
    """Return the form that the measured table says is fastest.

    Args:
        network: to be exported.
        target: the runtime that is to run it; one that is not in the table gets the most portable form.
        batch, time: sizes in use; without them the form that loses least over several. Where ``time`` is
            given, "unrolled" is considered too.
        threads: within an operator; the table's nearest number is taken.

    Raises:
        ExportError: a size below 1.
    """
    return choose_for(shape_of(network), target, batch=batch, time=time, threads=threads)


def choose_for(
    shape: Shape | None,
    target: str,
    *,
    batch: int | None,
    time: int | None,
    threads: int,
) -> Choice:
    """Return the choice for a network of this shape; see `choose`."""
    for name, size in (("batch", batch), ("time", time)):
        if size is not None and size < 1:
            raise ExportError(name, expected="a size of at least 1", got=str(size))
    known = [row for row in rows() if row.runtime == target]
    if shape is None:
        return Choice(DEFAULT, f"{DEFAULT}: there is no recurrent layer to choose for")
    if not known:
        return Choice(DEFAULT, f"{DEFAULT}: {target} is not in the measured table")
    nearest = min((row.threads for row in known), key=lambda count: abs(count - threads))
    known = [row for row in known if row.threads == nearest]
    sizes = [(b, t) for b in _sizes(batch, BATCHES) for t in _sizes(time, TIMES)]
    forms = [form for form in FORMS if form != "unrolled" or time is not None]
    estimates = [estimate(known, shape, b, t, forms) for b, t in sizes]
    cost = {
        form: max(each[form] / min(each.values()) for each in estimates)
        for form in forms
        if all(form in each for each in estimates)
    }
    form = next(name for name in forms if cost.get(name, math.inf) <= NOISE * min(cost.values()))
    return Choice(form, _reason(form, target, sizes, cost), cost)


def estimate(
    known: Sequence[Row], shape: Shape, batch: int, time: int, forms: Sequence[str]
) -> dict[str, float]:
    """Return the time of each form relative to that of "scan" (to the first form in the table, without it).

    The logarithms of the ratios in the nearest rows, weighted by the inverse square of their distance; so that
    a shape which is in the table gets what was measured.

    Args:
        known: rows of one runtime.
        shape, batch, time: of what is to run.
        forms: to estimate; those that a near row lacks are left out.
    """
    ordered = sorted(known, key=lambda row: _distance(row, shape, batch, time))[:NEAREST]
    found = {}
    for form in forms:
        if not all(form in row.seconds for row in ordered):
            continue
        total = weights = 0.0
        for row in ordered:
            base = row.seconds.get("scan") or next(iter(row.seconds.values()))
            weight = 1.0 / (_distance(row, shape, batch, time) ** 2 + 1e-9)
            total += weight * math.log(row.seconds[form] / base)
            weights += weight
        found[form] = math.exp(total / weights)
    return found


def _distance(row: Row, shape: Shape, batch: int, time: int) -> float:
    """Return how far a row is from a question, in doublings; length counts little, since all forms grow with it."""
    return math.hypot(
        math.log2(row.units / shape.units),
        math.log2(row.batch / batch),
        2.0 * math.log2(row.layers / shape.layers),
        0.3 * math.log2(row.time / time),
        8.0 * (row.directions - shape.directions),
    )


def _sizes(given: int | None, usual: tuple[int, ...]) -> tuple[int, ...]:
    return usual if given is None else (given,)


def _reason(
    form: str, target: str, sizes: Sequence[tuple[int, int]], cost: Mapping[str, float]
) -> str:
    if len(sizes) == 1:
        ((batch, time),) = sizes
        where = f"batch {batch}, time {time}"
    else:
        where = f"batch {', '.join(str(batch) for batch, _ in sizes)}, time {sizes[0][1]}"
    others = [
        f"{name} {cost[name] / cost[form]:.2f}"
        for name in sorted(cost, key=lambda name: cost[name])
        if name != form
    ]
    times = f"; times to its own: {', '.join(others)}" if others else ""
    return f"{form} by the measured table for {target} at {where}{times}"

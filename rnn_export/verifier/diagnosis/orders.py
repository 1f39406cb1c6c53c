"""Bugs of a cell's order: states of another step, row or unit, and another start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_export.verifier.comparing import ratios
from rnn_export.verifier.diagnosis.hypothesis import Hypothesis, Subject, Trial
from rnn_export.verifier.estimate import Estimate
from rnn_export.verifier.order import Order
from rnn_export.verifier.steps import Case, Steps, taken
from rnn_export.verifier.tapped import check


def order_hypotheses(subject: Subject) -> Iterator[Hypothesis]:
    """Yield every hypothesis about which states are shown where."""
    case, steps = subject.case, subject.steps
    name = "state before the first step is not the initial state"
    yield Hypothesis(name, _but_first(case, steps), weak=True)
    if np.any(case.start.value != 0):
        zero = Estimate(np.zeros_like(case.start.value))
        lost = replace(case, start=zero, reading=replace(case.reading, initial=None))
        yield Hypothesis("initial state lost", _states_hold(lost, steps.compact))
    if case.order.active is not None:
        for name, mask in other_masks(case.order):
            yield Hypothesis(name, masked_so(case, mask))
    yield from _misplaced(subject)
    states, x = case.reading.states, case.reading.x
    if x is not None:
        yield Hypothesis("states one step late", _cut(case, x[:-1], states[1:]))
        yield Hypothesis("states one step early", _cut(case, x[1:], states[:-1]))
    for name, other in (
        ("states reversed in time", states[::-1]),
        ("units reversed", states[..., ::-1]),
        ("units rotated", np.roll(states, -1, axis=2)),
        ("batch rows reversed", states[:, ::-1]),
        ("batch rows rotated", np.roll(states, -1, axis=1)),
        ("states negated", -states),
    ):
        moved = case.of(replace(case.reading, states=other))
        yield Hypothesis(name, _states_hold(moved, steps.compact))


def other_masks(order: Order) -> Iterator[tuple[str, np.ndarray | None]]:
    """Yield (name of the bug, mask (batch, time) or None) for what a file may have made of a mask."""
    mask = order.mask
    assert mask is not None
    right = np.arange(order.time) < mask.sum(axis=1, keepdims=True)
    yield "mask ignored", None
    for name, other in (
        ("padding taken to be on the right", right),
        ("padding taken to be on the left", right[:, ::-1]),
        ("mask reversed in time", mask[:, ::-1]),
        ("mask negated", ~mask),
    ):
        if not np.array_equal(other, mask):
            yield name, other


def masked_so(case: Case, mask: np.ndarray | None) -> Callable[[], bool]:
    """Return a test of the cell as if it had another mask."""

    def explains() -> bool:
        order = Order.of(case.order.batch, case.order.time, mask, case.order.backwards)
        found, steps, _ = check(replace(case, order=order))
        return steps is not None and not any(item.failed for item in found)

    return explains


def _misplaced(subject: Subject) -> Iterator[Hypothesis]:
    """Yield what single steps may have taken instead of their own input or the state before them."""
    case, steps, local = subject.case, subject.steps, subject.local
    wrong = ratios(steps.after, local.value, local.bound, case.dtype) > 1
    if steps.active is not None:
        wrong &= steps.active[:, :, None]
    places = np.flatnonzero(wrong.any(axis=(1, 2)))
    if not len(places) or 3 * len(places) > len(wrong):
        return
    at = ", ".join(str(case.order.instant(int(step))) for step in places[:3])
    title = f"step{'s' if len(places) > 1 else ''} {at}{'...' if len(places) > 3 else ''}"
    read = ("x", steps.x) if steps.added is None else ("added", steps.added)
    for name, field, values, shift in (
        ("the input of the step before", *read, 1),
        ("the input of the step after", *read, -1),
        ("the state of the step before the last", "before", steps.before, 1),
        ("the initial state", "before", steps.before, 0),
    ):
        other = values.copy()
        taken_from = places - shift if shift else np.zeros_like(places)
        if not 0 <= taken_from.min() <= taken_from.max() < len(values):
            continue
        other[places] = values[taken_from]
        changes: dict[str, Any] = {field: other}
        trial = Trial.on(case, replace(steps, **changes))
        yield Hypothesis(f"{title} of {case.path} takes {name}", trial.holds)


def _states_hold(case: Case, compact: bool) -> Callable[[], bool]:
    def explains() -> bool:
        if not Trial.on(case, taken(case, compact=compact)).holds():
            return False
        found, steps, _ = check(case)
        return steps is not None and not any(
            item.failed for item in found if item.subject.startswith("states")
        )

    return explains


def _but_first(case: Case, steps: Steps) -> Callable[[], bool]:
    def explains() -> bool:
        active = (
            np.ones(steps.after.shape[:2], bool) if steps.active is None else steps.active.copy()
        )
        active[active.argmax(axis=0), np.arange(active.shape[1])] = False
        return bool(active.any()) and Trial.on(case, replace(steps, active=active)).holds()

    return explains


def _cut(case: Case, x: np.ndarray, states: np.ndarray) -> Callable[[], bool]:
    """Return a test of the same steps without the first or last one."""

    def explains() -> bool:
        if case.order.active is not None or len(x) < 2:
            return False
        shorter = replace(
            case,
            order=Order(len(x), case.order.batch, None, case.order.backwards),
            x=Estimate(np.zeros(x.shape)),
            reading=replace(case.reading, x=x, states=states),
        )
        return _but_first(shorter, taken(shorter, compact=False))()

    return explains

"""Bugs of one cell, as changes to the case that would make what was shown right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnn_export.network import Activation, activation
from rnn_export.verifier.bounds.cell import Local
from rnn_export.verifier.diagnosis.formats import FORMATS, STORED
from rnn_export.verifier.estimate import Estimate
from rnn_export.verifier.tapped import Case, Steps, check, compare_steps


@dataclass(frozen=True)
class Hypothesis:
    """A bug by its name, and a test of whether it explains what was shown.

    Args:
        name: for the report.
        explains: True if, the bug assumed, nothing is left beyond its bound.
        precision: the arithmetic it stands for, where it is no bug but a coarser arithmetic; "" otherwise.
    """

    name: str
    explains: Callable[[], bool]
    precision: str = ""


def cell_hypotheses(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    """Yield every hypothesis about a cell whose states are wrong."""
    yield from _weights(case, steps)
    yield from _formats(case, steps)
    yield from _activations(case, steps)
    yield from _orders(case, steps)


def _with(case: Case, steps: Steps, **changes: Any) -> Callable[[], bool]:
    """Return a test of the steps as they stand, with some of the weights changed."""

    def explains() -> bool:
        altered = replace(case, affine=replace(case.affine, **changes))
        return _holds(altered, steps)

    return explains


def _holds(case: Case, steps: Steps) -> bool:
    local = Local(case.affine, steps.x, steps.before, case.arithmetic, case.envelope, steps.x_error)
    return not compare_steps(case, steps, local).failed


def _weights(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    affine = case.affine
    kernel, recurrent, bias = affine.kernel, affine.recurrent, affine.bias
    assert recurrent is not None
    yield Hypothesis("recurrent kernel transposed", _with(case, steps, recurrent=recurrent.T))
    yield Hypothesis(
        "recurrent kernel zero", _with(case, steps, recurrent=np.zeros_like(recurrent))
    )
    yield Hypothesis("kernel zero", _with(case, steps, kernel=np.zeros_like(kernel)))
    reshaped = kernel.ravel().reshape(kernel.shape[::-1]).T
    yield Hypothesis("kernel reshaped instead of transposed", _with(case, steps, kernel=reshaped))
    if kernel.shape[0] == kernel.shape[1]:
        yield Hypothesis("kernel transposed", _with(case, steps, kernel=kernel.T))
        swapped = _with(case, steps, kernel=recurrent, recurrent=kernel)
        yield Hypothesis("kernel and recurrent kernel swapped", swapped)
    if bias is not None:
        yield Hypothesis("bias dropped", _with(case, steps, bias=None))
        yield Hypothesis("bias doubled", _with(case, steps, bias=2 * bias))
        yield Hypothesis("bias negated", _with(case, steps, bias=-bias))
        yield Hypothesis("bias reversed", _with(case, steps, bias=bias[::-1]))
    yield Hypothesis("recurrent kernel negated", _with(case, steps, recurrent=-recurrent))
    yield Hypothesis("features reversed", _with(case, steps, kernel=kernel[::-1]))
    yield Hypothesis(
        "identity added to recurrent kernel",
        _with(case, steps, recurrent=recurrent + np.eye(len(recurrent))),
    )


def _formats(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    affine = case.affine
    for name, rounding in FORMATS.items():
        kernel, recurrent = rounding(affine.kernel), rounding(affine.recurrent)  # type: ignore[arg-type]
        yield Hypothesis(
            f"weights in {name}", _with(case, steps, kernel=kernel, recurrent=recurrent)
        )
        if affine.bias is not None:
            yield Hypothesis(f"bias in {name}", _with(case, steps, bias=rounding(affine.bias)))
            whole = _with(
                case, steps, kernel=kernel, recurrent=recurrent, bias=rounding(affine.bias)
            )
            yield Hypothesis(f"weights and bias in {name}", whole)
        yield Hypothesis(f"kernel in {name}", _with(case, steps, kernel=kernel))
        yield Hypothesis(f"recurrent kernel in {name}", _with(case, steps, recurrent=recurrent))
        yield Hypothesis(f"arithmetic in {name}", _in_format(case, steps, name), name.split()[0])
        if name in STORED:
            yield Hypothesis(f"states stored in {name}", _stored(case, steps, name))


def _in_format(case: Case, steps: Steps, name: str) -> Callable[[], bool]:
    """Return a test of operands rounded to a format, sums in float32, results perhaps stored in the format."""

    def explains() -> bool:
        rounding, affine = FORMATS[name], case.affine
        assert affine.recurrent is not None
        biases = [affine.bias] if affine.bias is None else [affine.bias, rounding(affine.bias)]
        for bias in biases:
            coarse = replace(
                affine,
                kernel=rounding(affine.kernel),
                recurrent=rounding(affine.recurrent),
                bias=bias,
            )
            seen = replace(steps, x=rounding(steps.x), before=rounding(steps.before))
            for stored in (0.0, STORED.get(name, 0.0)):
                envelope = replace(case.envelope, stored=stored)
                if _holds(replace(case, affine=coarse, envelope=envelope), seen):
                    return True
        return False

    return explains


def _stored(case: Case, steps: Steps, name: str) -> Callable[[], bool]:
    def explains() -> bool:
        if not np.array_equal(FORMATS[name](steps.after), steps.after):
            return False
        return _holds(replace(case, envelope=replace(case.envelope, stored=STORED[name])), steps)

    return explains


OTHERS = (
    "tanh", "relu", "sigmoid", "linear", "softsign", "elu", "softplus", "selu", "gelu", "silu",
    "leaky_relu", "hard_sigmoid", "hard_tanh", "relu6", "exponential", "mish",
)  # fmt: skip


class Clipped(Activation):
    """An activation whose argument is clipped first, as the operator's attribute ``clip`` does."""

    limit: float = np.inf

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return super().__call__(np.clip(z, -self.limit, self.limit))


def clipped(inner: Activation, limit: float) -> Clipped:
    """Return an activation with its argument clipped to +-limit."""
    made = Clipped(inner.name, inner.parameters)
    object.__setattr__(made, "limit", limit)
    return made


def _activations(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    own = case.affine.activation
    for name in OTHERS:
        if name != own.name:
            yield Hypothesis(f"activation {name}", _with(case, steps, activation=activation(name)))
    keras2 = activation("hard_sigmoid", slope=0.2)
    if own != keras2:
        yield Hypothesis(
            "activation hard_sigmoid with slope 0.2", _with(case, steps, activation=keras2)
        )
    for name in own.options:
        for other in (0.0, 0.01, 0.2, 0.3, 1.0, 2.0):
            if other != own.options[name] and name != "max_value":
                changed = activation(own.name, **{**own.options, name: other})
                yield Hypothesis(f"activation {changed}", _with(case, steps, activation=changed))
    limit = _plateau(case, steps)
    if limit is not None:
        test = _with(case, steps, activation=clipped(own, limit))
        yield Hypothesis(f"clip at {limit:.3g}", test)
    for scale in (_factor(case, steps),):
        if scale is not None:
            yield Hypothesis(f"state scaled by {scale:.6g}", _scaled(case, steps, scale))


def _plateau(case: Case, steps: Steps) -> float | None:
    """Return where the argument seems to be clipped: the largest |z| whose state is still right."""
    local = Local(case.affine, steps.x, steps.before, case.arithmetic, case.envelope, steps.x_error)
    wrong = np.abs(steps.after - local.value) > local.bound
    if not wrong.any():
        return None
    shown = steps.after[wrong]
    if len(np.unique(np.abs(shown))) > 4:
        return None
    first = float(np.min(np.abs(local.z[wrong])))
    # The clip lies a little below the first argument that was clipped: where the activation gives what is shown.
    low, high, wanted = 0.0, first, float(np.abs(shown).max())
    for _ in range(60):
        middle = (low + high) / 2
        found = float(np.abs(case.affine.activation(np.array([middle, -middle]))).max())
        low, high = (middle, high) if found < wanted else (low, middle)
    return round(high, 5)


def _factor(case: Case, steps: Steps) -> float | None:
    """Return the factor by which all states seem to be too large."""
    local = Local(case.affine, steps.x, steps.before, case.arithmetic, case.envelope, steps.x_error)
    power = float(np.vdot(local.value, local.value))
    factor = float(np.vdot(local.value, steps.after)) / power if power else 1.0
    return factor if abs(factor - 1) > 2.0**-20 else None


def _scaled(case: Case, steps: Steps, factor: float) -> Callable[[], bool]:
    return lambda: _holds(case, replace(steps, after=steps.after / factor))


def _orders(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    yield Hypothesis(
        "state before the first step is not the initial state", _but_first(case, steps)
    )
    zero = np.zeros_like(case.start.value)
    if np.any(case.start.value != 0):
        lost = replace(case, start=Estimate(zero), reading=replace(case.reading, initial=None))
        yield Hypothesis("initial state lost", lambda: not _failed(lost))
    turned = replace(case, reading=replace(case.reading, reverse=not case.reading.reverse))
    yield Hypothesis("time runs the other way", lambda: not _failed_states(turned))
    states, x = case.reading.states, case.reading.x
    if x is None:
        return
    for name, shown in (
        ("states one step late", (x[:-1], states[1:])),
        ("states one step early", (x[1:], states[:-1])),
    ):
        yield Hypothesis(name, _cut(case, *shown))
    for name, other in (
        ("input one step late", np.concatenate([np.zeros_like(x[:1]), x[:-1]])),
        ("input one step early", np.concatenate([x[1:], x[-1:]])),
        ("input features reversed", x[..., ::-1]),
        ("input batch rows reversed", x[:, ::-1]),
        ("input batch rows rotated", np.roll(x, 1, axis=1)),
    ):
        moved = replace(case, reading=replace(case.reading, x=other))
        yield Hypothesis(name, _states_hold(moved))
    for name, other in (
        ("units reversed", states[..., ::-1]),
        ("batch rows reversed", states[:, ::-1]),
        ("batch rows rotated", np.roll(states, -1, axis=1)),
        ("units rotated", np.roll(states, -1, axis=2)),
        ("states negated", -states),
    ):
        moved = replace(case, reading=replace(case.reading, states=other))
        yield Hypothesis(name, _states_hold(moved))


def _states_hold(case: Case) -> Callable[[], bool]:
    return lambda: not _failed_states(case)


def _failed(case: Case) -> bool:
    return any(found.failed for found in check(case)[0])


def _failed_states(case: Case) -> bool:
    found, steps, _ = check(case)
    return steps is None or any(item.failed for item in found if item.subject.startswith("states"))


def _but_first(case: Case, steps: Steps) -> Callable[[], bool]:
    def explains() -> bool:
        active = (
            np.ones(steps.after.shape[:2], bool) if steps.active is None else steps.active.copy()
        )
        first = active.argmax(axis=0)
        active[first, np.arange(active.shape[1])] = False
        return bool(active.any()) and _holds(case, replace(steps, active=active))

    return explains


def _cut(case: Case, x: np.ndarray, states: np.ndarray) -> Callable[[], bool]:
    def explains() -> bool:
        if case.order.active is not None or len(x) < 2:
            return False
        from rnn_export.verifier.order import Order

        order = Order(len(x), case.order.batch, None, case.order.backwards)
        shorter = replace(
            case,
            order=order,
            x=Estimate(np.zeros(x.shape)),
            reading=replace(case.reading, x=x, states=states),
        )
        _, steps, _ = check(shorter)
        return steps is not None and _but_first(shorter, steps)()

    return explains

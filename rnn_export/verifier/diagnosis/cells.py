"""Bugs of one cell, as changes to the case that would make what was shown right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_export.network import Activation, activation
from rnn_export.verifier.bounds.cell import Local
from rnn_export.verifier.diagnosis.formats import FORMATS, STORED
from rnn_export.verifier.diagnosis.hypothesis import Hypothesis, Trial, changed
from rnn_export.verifier.estimate import Estimate
from rnn_export.verifier.order import Order
from rnn_export.verifier.tapped import Case, Steps, check


def cell_hypotheses(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    """Yield every hypothesis about a cell whose states are wrong."""
    yield from _weights(case, steps)
    yield from _formats(case, steps)
    yield from _activations(case, steps)
    yield from _orders(case, steps)


def _weights(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    kernel, recurrent, bias = case.affine.kernel, case.affine.recurrent, case.affine.bias
    assert recurrent is not None
    yield changed(case, steps, "recurrent kernel transposed", recurrent=recurrent.T)
    yield changed(case, steps, "recurrent kernel zero", recurrent=np.zeros_like(recurrent))
    yield changed(case, steps, "recurrent kernel negated", recurrent=-recurrent)
    yield changed(case, steps, "kernel zero", kernel=np.zeros_like(kernel))
    yield changed(case, steps, "features reversed", kernel=kernel[::-1])
    if kernel.shape[0] == kernel.shape[1]:
        yield changed(case, steps, "kernel transposed", kernel=kernel.T)
        name = "kernel and recurrent kernel swapped"
        yield changed(case, steps, name, kernel=recurrent, recurrent=kernel)
    reshaped = kernel.ravel().reshape(kernel.shape[::-1]).T
    yield changed(case, steps, "kernel reshaped instead of transposed", kernel=reshaped)
    if bias is not None:
        yield changed(case, steps, "bias dropped", bias=None)
        yield changed(case, steps, "bias doubled", bias=2 * bias)
        yield changed(case, steps, "bias negated", bias=-bias)
        yield changed(case, steps, "bias reversed", bias=bias[::-1])
    carried = recurrent + np.eye(len(recurrent))
    yield changed(case, steps, "previous state added", recurrent=carried)
    yield from _exchanged(case, steps)


def _exchanged(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    """Yield two neighbouring rows or columns of a kernel exchanged."""
    kernel, recurrent = case.affine.kernel, case.affine.recurrent
    assert recurrent is not None
    for name, field, matrix in (
        ("kernel", "kernel", kernel),
        ("recurrent kernel", "recurrent", recurrent),
    ):
        for at in range(len(matrix) - 1):
            other = matrix[_swap(len(matrix), at)]
            title = f"rows {at} and {at + 1} of the {name} exchanged"
            yield changed(case, steps, title, **_field(field, other))
        for at in range(matrix.shape[1] - 1):
            other = matrix[:, _swap(matrix.shape[1], at)]
            title = f"columns {at} and {at + 1} of the {name} exchanged"
            yield changed(case, steps, title, **_field(field, other))


def _field(name: str, values: np.ndarray) -> dict[str, Any]:
    return {name: values}


def _swap(size: int, at: int) -> np.ndarray:
    order = np.arange(size)
    order[[at, at + 1]] = order[[at + 1, at]]
    return order


def rounded_weights(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    """Yield weights in a coarser format."""
    affine = case.affine
    assert affine.recurrent is not None
    for name, rounding in FORMATS.items():
        kernel, recurrent = rounding(affine.kernel), rounding(affine.recurrent)
        parts: dict[str, dict[str, Any]] = {
            "weights": {"kernel": kernel, "recurrent": recurrent},
            "kernel": {"kernel": kernel},
            "recurrent kernel": {"recurrent": recurrent},
        }
        if affine.bias is not None:
            bias = rounding(affine.bias)
            parts["bias"] = {"bias": bias}
            parts["weights and bias"] = {**parts["weights"], "bias": bias}
        for part, values in parts.items():
            yield changed(case, steps, f"{part} in {name}", alike=True, **values)


def _formats(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    yield from rounded_weights(case, steps)
    for name in FORMATS:
        yield Hypothesis(f"arithmetic in {name}", _in_format(case, steps, name), name.split()[0])
        if name in STORED:
            yield Hypothesis(f"states stored in {name}", _stored(case, steps, name))


def scaled_weights(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    """Yield weights that are all too large by one factor."""
    kernel, recurrent, bias = case.affine.kernel, case.affine.recurrent, case.affine.bias
    assert recurrent is not None
    offset = np.zeros(kernel.shape[1]) if bias is None else bias
    driven, back = steps.x @ kernel, steps.before @ recurrent
    for name, part, fields in (
        ("kernels", driven + back, ("kernel", "recurrent")),
        ("argument", driven + back + offset, ("kernel", "recurrent", "bias")),
        ("recurrent kernel", back, ("recurrent",)),
        ("kernel", driven, ("kernel",)),
    ):
        factor = _stretch(case, steps, part)
        own = {"kernel": kernel, "recurrent": recurrent, "bias": offset}
        values: dict[str, Any] = {field: factor * own[field] for field in fields}
        if factor != 1.0:
            yield changed(case, steps, f"{name} scaled by {factor:.7g}", weak=True, **values)


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
                if Trial(replace(case, affine=coarse, envelope=envelope), seen).holds():
                    return True
        return False

    return explains


def _stored(case: Case, steps: Steps, name: str) -> Callable[[], bool]:
    def explains() -> bool:
        if not np.array_equal(FORMATS[name](steps.after), steps.after):
            return False
        stored = replace(case.envelope, stored=STORED[name])
        return Trial(replace(case, envelope=stored), steps).holds()

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
            yield changed(case, steps, f"activation {name}", activation=activation(name))
    keras2 = activation("hard_sigmoid", slope=0.2)
    yield changed(case, steps, f"activation {keras2}", activation=keras2)
    for name in own.options:
        for other in (0.0, 0.01, 0.2, 0.3, 1.0, 2.0):
            if other != own.options[name] and name != "max_value":
                kind = activation(own.name, **{**own.options, name: other})
                yield changed(case, steps, f"activation {kind}", activation=kind)
    limit = _plateau(case, steps)
    if limit is not None:
        yield changed(case, steps, f"clip at {limit:.3g}", activation=clipped(own, limit))
    factor = _factor(case, steps)
    if factor is not None:
        scaled = replace(steps, after=steps.after / factor)
        name = f"states scaled by {factor:.7g}"
        yield Hypothesis(name, Trial(case, scaled).holds, weak=True)
    yield from scaled_weights(case, steps)


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


def _stretch(case: Case, steps: Steps, part: np.ndarray) -> float:
    """Return the factor by which a part of z seems to be too large: Gauss and Newton on all units at once."""
    local = Local(case.affine, steps.x, steps.before, case.arithmetic, case.envelope, steps.x_error)
    act, z = case.affine.activation, local.z
    weight = np.divide(1.0, local.bound, out=np.zeros_like(z), where=local.bound > 0) ** 2
    if steps.active is not None:
        weight = weight * steps.active[:, :, None]
    step = np.maximum(np.abs(z), 1.0) * 2.0**-20
    factor = 1.0
    for _ in range(8):
        at = z + (factor - 1) * part
        slope = (act(at + step) - act(at - step)) / (2 * step) * part
        power = float(np.sum(slope * slope * weight))
        pull = float(np.sum(slope * (steps.after - act(at)) * weight))
        factor += pull / power if power else 0.0
    return factor if np.isfinite(factor) else 1.0


def _orders(case: Case, steps: Steps) -> Iterator[Hypothesis]:
    name = "state before the first step is not the initial state"
    yield Hypothesis(name, _but_first(case, steps), weak=True)
    if np.any(case.start.value != 0):
        zero = Estimate(np.zeros_like(case.start.value))
        lost = replace(case, start=zero, reading=replace(case.reading, initial=None))
        yield Hypothesis("initial state lost", _states_hold(lost))
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
        yield Hypothesis(name, _states_hold(case.of(replace(case.reading, states=other))))


def _states_hold(case: Case) -> Callable[[], bool]:
    def explains() -> bool:
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
        return bool(active.any()) and Trial(case, replace(steps, active=active)).holds()

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
        _, steps, _ = check(shorter)
        return steps is not None and _but_first(shorter, steps)()

    return explains

"""Bugs of a cell's activation: another one, another parameter, a clipped argument, scaled states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnn_export.errors import NetworkError
from rnn_export.network import Activation, activation
from rnn_export.verifier.comparing import ratios
from rnn_export.verifier.diagnosis.hypothesis import Hypothesis, Subject, Trial

OTHERS = (
    "tanh", "relu", "sigmoid", "linear", "softsign", "elu", "softplus", "selu", "gelu", "silu",
    "leaky_relu", "hard_sigmoid", "hard_tanh", "relu6", "exponential", "mish", "celu", "hard_silu",
    "log_sigmoid",
)  # fmt: skip

USUAL = (0.0, 0.01, 0.1, 0.2, 0.3, 1.0, 2.0)
"""Values that parameters have by default somewhere."""

SWITCHES = frozenset({"approximate"})
"""Parameters that are on or off."""

DEGENERATE = 1e-12
"""A pair of parameters whose activations differ by less says nothing of the parameter."""


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


def activation_hypotheses(subject: Subject) -> Iterator[Hypothesis]:
    """Yield every hypothesis about a cell's activation."""
    own, changed = subject.case.affine.activation, subject.changed
    for kind in others(own):
        yield changed(f"activation {kind}", activation=kind)
    fitted = _fitted(subject)
    for kind in fitted:
        yield changed(f"activation {kind}", activation=kind)
    limit = _plateau(subject)
    if limit is not None:
        yield changed(f"clip at {limit:.3g}", activation=clipped(own, limit))
    factor = _factor(subject)
    if factor is not None:
        name = f"states scaled by {factor:.7g}"
        trial = Trial(
            subject.case, subject.sets, lambda steps: replace(steps, after=steps.after / factor)
        )
        yield Hypothesis(name, trial.holds, weak=True)


def others(own: Activation) -> Iterator[Activation]:
    """Yield other activations, and the same one with other usual parameters."""
    for name in OTHERS:
        if name != own.name:
            yield activation(name)
    for name, parameters in (
        ("hard_sigmoid", {"slope": 0.2}),  # Keras 2, and ONNX' default
        ("gelu", {"approximate": 1.0}),
        ("leaky_relu", {"negative_slope": 0.01}),  # ONNX' default and PyTorch's
    ):
        if name != own.name:
            yield activation(name, **parameters)
    for name in own.options:
        for value in (0.0, 1.0) if name in SWITCHES else USUAL:
            if value != own.options[name] and name != "max_value":
                yield activation(own.name, **{**own.options, name: value})


def _fitted(subject: Subject) -> list[Activation]:
    """Return the activation with each of its parameters set to make the worst element right, where it is linear."""
    own, local, steps = subject.case.affine.activation, subject.local, subject.steps
    if own.function.vector:
        return []
    away = np.abs(steps.after - local.value)
    if steps.active is not None:
        away = np.where(steps.active[:, :, None], away, 0.0)
    place = np.unravel_index(int(np.nanargmax(away)), away.shape)
    z, value, shown = local.z[place], local.value[place], steps.after[place]
    found = []
    for name, parameter in own.parameters:
        if name in SWITCHES:
            continue
        try:
            moved = activation(own.name, **{**own.options, name: parameter + 1.0})
            bend = float(moved(np.array([z]))[0] - value)
            if abs(bend) < DEGENERATE or not np.isfinite(bend):
                continue
            guess = float(f"{parameter + (shown - value) / bend:.4g}")
            if guess not in (parameter, *USUAL):
                found.append(activation(own.name, **{**own.options, name: guess}))
        except NetworkError:
            continue  # A value that the parameter cannot have.
    return found


def _plateau(subject: Subject) -> float | None:
    """Return where the argument seems to be clipped: the largest |z| whose state is still right."""
    local, steps = subject.local, subject.steps
    wrong = ratios(steps.after, local.value, local.bound, subject.case.dtype) > 1
    if steps.active is not None:
        wrong &= steps.active[:, :, None]
    if not wrong.any():
        return None
    shown = steps.after[wrong]
    if len(np.unique(np.abs(shown[:64]))) > 4 or len(np.unique(np.abs(shown))) > 4:
        return None
    first = float(np.min(np.abs(local.z[wrong])))
    # The clip lies a little below the first argument that was clipped: where the activation gives what is shown.
    low, high, wanted = 0.0, first, float(np.abs(shown).max())
    for _ in range(60):
        middle = (low + high) / 2
        found = float(np.abs(subject.case.affine.activation(np.array([middle, -middle]))).max())
        low, high = (middle, high) if found < wanted else (low, middle)
    return round(high, 5)


def _factor(subject: Subject) -> float | None:
    """Return the factor by which all states seem to be too large."""
    value, shown = subject.local.value, subject.steps.after
    power = float(np.vdot(value, value))
    factor = float(np.vdot(value, shown)) / power if power else 1.0
    return factor if np.isfinite(factor) and abs(factor - 1) > 2.0**-20 else None

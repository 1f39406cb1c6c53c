"""Bugs of a cell's weights: laid out, signed, scaled or rounded otherwise, exchanged with one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rnn_export.verifier.bounds.cell import slopes
from rnn_export.verifier.comparing import ratios
from rnn_export.verifier.diagnosis.formats import formats
from rnn_export.verifier.diagnosis.hypothesis import Hypothesis, Subject

TELLING = 12
"""Elements on which every pair of rows is tried as exchanged, before any of them is tried on more."""


def weight_hypotheses(subject: Subject) -> Iterator[Hypothesis]:
    """Yield every hypothesis about the weights as a whole, but for their format and scale."""
    affine, changed = subject.case.affine, subject.changed
    kernel, recurrent, bias = affine.kernel, affine.recurrent, affine.bias
    assert recurrent is not None
    yield changed("recurrent kernel transposed", recurrent=recurrent.T)
    yield changed("recurrent kernel zero", recurrent=np.zeros_like(recurrent))
    yield changed("recurrent kernel negated", recurrent=-recurrent)
    yield changed("kernel zero", kernel=np.zeros_like(kernel))
    yield changed("kernel negated", kernel=-kernel)
    yield changed("features reversed", kernel=kernel[::-1])
    if kernel.shape[0] == kernel.shape[1]:
        yield changed("kernel transposed", kernel=kernel.T)
        yield changed("both kernels transposed", kernel=kernel.T, recurrent=recurrent.T)
        name = "kernel and recurrent kernel swapped"
        yield changed(name, kernel=recurrent, recurrent=kernel)
    reshaped = kernel.ravel().reshape(kernel.shape[::-1]).T
    yield changed("kernel reshaped instead of transposed", kernel=reshaped)
    if bias is not None:
        yield changed("bias dropped", bias=None)
        yield changed("bias doubled", bias=2 * bias)
        yield changed("bias negated", bias=-bias)
        yield changed("bias reversed", bias=bias[::-1])
        yield changed("bias halved", bias=bias / 2)
    for path, other in subject.others:
        own: dict[str, Any] = {
            "kernel": other.kernel,
            "recurrent": other.recurrent,
            "bias": other.bias,
        }
        yield changed(f"weights of {path}", **own)
        for field, name in (("kernel", "kernel"), ("recurrent", "recurrent kernel")):
            values: dict[str, Any] = {field: own[field]}
            yield changed(f"{name} of {path}", **values)
    carried = recurrent + np.eye(len(recurrent))
    yield changed("previous state added", recurrent=carried)
    yield from _exchanged(subject)


def _exchanged(subject: Subject) -> Iterator[Hypothesis]:
    """Yield two rows or columns of a kernel exchanged, if that may be it."""
    affine, steps = subject.case.affine, subject.steps
    assert affine.recurrent is not None
    wrong = ratios(steps.after, subject.local.value, subject.local.bound, subject.case.dtype) > 1
    if steps.active is not None:
        wrong &= steps.active[:, :, None]
    units = wrong.shape[2]
    columns = np.flatnonzero(wrong.reshape(-1, units).any(axis=0))
    for name, field, matrix, rows in (
        ("kernel", "kernel", affine.kernel, steps.x),
        ("recurrent kernel", "recurrent", affine.recurrent, steps.before),
    ):
        for a, b in _rows_that_may_be(subject, wrong, matrix, rows):
            values: dict[str, Any] = {field: matrix[_swap(len(matrix), a, b)]}
            yield subject.changed(f"rows {a} and {b} of the {name} exchanged", **values)
        if len(columns) == 2:
            a, b = columns.tolist()
            values = {field: matrix[:, _swap(units, a, b)]}
            yield subject.changed(f"columns {a} and {b} of the {name} exchanged", **values)


def _rows_that_may_be(
    subject: Subject, wrong: np.ndarray, matrix: np.ndarray, rows: np.ndarray
) -> list[tuple[int, int]]:
    """Return the pairs of rows whose exchange would mend some of the wrong elements, all pairs at once."""
    local, after = subject.local, subject.steps.after
    if local.affine.activation.function.vector:
        return []
    places = np.argwhere(wrong)
    places = places[np.linspace(0, len(places) - 1, min(TELLING, len(places))).astype(int)]
    count = len(matrix)
    first, second = np.triu_indices(count, 1)
    kept = np.ones(len(first), bool)
    for step, row, unit in places:
        a, b = first[kept], second[kept]
        x, w = rows[step, row], matrix[:, unit]
        z = local.z[step, row, unit] + (x[b] - x[a]) * (w[a] - w[b])
        away = np.abs(local.affine.activation(z) - after[step, row, unit])
        kept[kept] = away <= 2 * local.bound[step, row, unit]
    return list(zip(first[kept].tolist(), second[kept].tolist(), strict=True))


def _swap(size: int, a: int, b: int) -> np.ndarray:
    order = np.arange(size)
    order[[a, b]] = order[[b, a]]
    return order


def rounded_weights(subject: Subject) -> Iterator[Hypothesis]:
    """Yield weights in a coarser format."""
    affine = subject.case.affine
    assert affine.recurrent is not None
    for name, rounding in formats(subject.case.dtype).items():
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
            yield subject.changed(f"{part} in {name}", alike=True, **values)


def scaled_weights(subject: Subject) -> Iterator[Hypothesis]:
    """Yield weights that are all too large by one factor."""
    affine, sample = subject.case.affine, subject.sample()
    kernel, recurrent, bias = affine.kernel, affine.recurrent, affine.bias
    assert recurrent is not None
    offset = np.zeros(kernel.shape[1]) if bias is None else bias
    driven, back = sample.steps.x @ kernel, sample.steps.before @ recurrent
    for name, part, fields in (
        ("kernels", driven + back, ("kernel", "recurrent")),
        ("argument", driven + back + offset, ("kernel", "recurrent", "bias")),
        ("recurrent kernel", back, ("recurrent",)),
        ("kernel", driven, ("kernel",)),
    ):
        factor = _stretch(sample, part)
        own = {"kernel": kernel, "recurrent": recurrent, "bias": offset}
        values: dict[str, Any] = {field: factor * own[field] for field in fields}
        if factor != 1.0:
            yield subject.changed(f"{name} scaled by {factor:.7g}", weak=True, **values)


def _stretch(sample: Subject, part: np.ndarray) -> float:
    """Return the factor by which a part of z seems to be too large: Gauss and Newton on all units at once."""
    local, steps, act = sample.local, sample.steps, sample.case.affine.activation
    z = local.z
    if act.function.vector:
        return 1.0
    weight = np.divide(1.0, local.bound, out=np.zeros_like(z), where=local.bound > 0) ** 2
    if steps.active is not None:
        weight = weight * steps.active[:, :, None]
    factor = 1.0
    for _ in range(8):
        at = z + (factor - 1) * part
        slope = slopes(act, at) * part
        pulled = slope * weight
        power = float(np.vdot(slope, pulled))
        pull = float(np.vdot(steps.after - act(at), pulled))
        moved = pull / power if power else 0.0
        factor += moved
        if not abs(moved) > 1e-12:
            break
    return factor if np.isfinite(factor) else 1.0

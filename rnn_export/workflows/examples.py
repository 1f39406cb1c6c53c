"""The test data of an artifact: inputs that are the same everywhere, outputs of the float64 reference, rounded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rnn_export.builders.reference import run
from rnn_export.builders.reference.rounding import rounded
from rnn_export.errors import StoreError
from rnn_export.network import BATCH, TIME, Network
from rnn_export.presets.seeded import Stream
from rnn_export.store import Staging, read_tensor, write_vectors
from rnn_export.verifier.inputs.roles import Role, roles

SEED = 0
SIZES = (3, 7)
"""Batch and time where the source has none of its own: distinct, odd, more than one step."""

UNIT = 2.0**-53
"""The unit roundoff of float64, in which the reference computes."""


def store_example(network: Network, staging: Staging, batch: int, time: int) -> None:
    """Write test_data_set_0 into an artifact being staged, or keep the one before where it is as right.

    Args:
        network: what to run.
        staging: of the artifact.
        batch, time: sizes of the axes that are free.

    Raises:
        StoreError: a file cannot be written.
    """
    feeds = example(network, batch, time)
    exact = run(network, feeds, np.float64)
    outputs = {
        port.name: rounded(exact[port.name], network.spec(port.tensor).dtype)
        for port in network.outputs
    }
    names = write_vectors(staging.folder, feeds, outputs)
    tolerance = UNIT * roundings(network, time)
    for name, values in zip(names[len(feeds) :], exact.values(), strict=True):
        before = staging.before(name)
        if before is not None and _as_right(before, staging.folder / name, values, tolerance):
            (staging.folder / name).unlink()
            staging.keep(name)


def example(network: Network, batch: int, time: int) -> dict[str, np.ndarray]:
    """Return inputs by port name, with the same bits on every platform.

    Args:
        network: whose inputs they are.
        batch, time: sizes of the axes that are free; a further free axis is longer by 1, 2, ...
    """
    sizes = {BATCH: batch, TIME: time}
    for port in network.inputs:
        for axis in network.spec(port.tensor).shape:
            if isinstance(axis, str):
                sizes.setdefault(axis, time + len(sizes) - 1)
    return {role.port.name: _values(network, role, sizes) for role in roles(network)}


def roundings(network: Network, time: int) -> int:
    """Return how many roundings lie, at most, between an input and an output along time."""
    return sum(
        time * (cell.features + cell.units + 2)
        for call in network.recurrent()
        for cell in call.op.cells  # type: ignore[attr-defined]  # recurrent() gives Recurrent alone
    )


def _values(network: Network, role: Role, sizes: dict[str, int]) -> np.ndarray:
    spec = network.spec(role.port.tensor)
    shape = tuple(axis if isinstance(axis, int) else sizes[axis] for axis in spec.shape)
    stream = Stream(SEED, f"example/{role.port.name}")
    if role.kind == "mask":
        return _padded(shape)
    if role.kind == "tokens":
        first = 1 if role.zero_masks and role.tokens > 1 else 0
        tokens = np.floor(stream.uniform(shape, first, role.tokens))
        if role.zero_masks and len(shape) > 1:
            tokens = np.where(_padded(shape), tokens, 0)
        return rounded(tokens, spec.dtype)
    values = (
        stream.uniform(shape, -0.5, 0.5) if role.kind == "state" else stream.uniform(shape, -1, 1)
    )
    if role.masked_value is not None and len(shape) > 2:
        valid = _padded(shape[:2]).reshape(*shape[:2], *[1] * (len(shape) - 2))
        values = np.where(valid, values, role.masked_value)
    return rounded(values, spec.dtype)


def _padded(shape: tuple[int, ...]) -> np.ndarray:
    """Return a mask that is padded on the right, by one step more in each row."""
    if len(shape) < 2:
        return np.ones(shape, bool)
    rows, steps = np.arange(shape[0])[:, None], np.arange(shape[1])
    valid: np.ndarray = steps < shape[1] - rows % shape[1]
    return np.broadcast_to(valid.reshape(*shape[:2], *[1] * (len(shape) - 2)), shape)


def _as_right(before: Path, after: Path, exact: np.ndarray, tolerance: float) -> bool:
    """Tell whether stored values are as right a rounding of the reference as the new ones.

    Another processor sums float64 products in another order; where the result lies near the middle of two
    values of the output's dtype, it may then be rounded to the other one. With |exact' - exact| <= e for the
    result there, |before - exact| <= |after - exact| + 2 e follows.
    """
    if before.read_bytes() == after.read_bytes():
        return True
    try:
        name, stored = read_tensor(before)
    except StoreError:
        return False
    new_name, new = read_tensor(after)
    if (name, stored.shape, stored.dtype) != (new_name, new.shape, new.dtype):
        return False
    if new.dtype.kind in "biu":
        return bool(np.array_equal(stored, new))
    error = tolerance * np.maximum(1.0, np.abs(exact))
    old_off = np.abs(stored.astype(np.float64) - exact)
    new_off = np.abs(new.astype(np.float64) - exact)
    return bool(np.all(old_off <= new_off + 2 * error))

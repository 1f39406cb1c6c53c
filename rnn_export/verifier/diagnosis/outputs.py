"""Bugs that move what is shown: rows, units or steps in another place, another layer's states, zeros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from rnn_export.network import Network
from rnn_export.verifier.tapped import states
from rnn_export.verifier.trail import Shown, Tread

Moved = tuple[str, Shown]


def moved(network: Network, shown: Shown, name: str) -> Iterator[Moved]:
    """Yield (name of the bug, what would have been shown without it) for one output port."""
    array = shown.outputs[name]

    def without(other: np.ndarray) -> Shown:
        return replace(shown, outputs={**shown.outputs, name: other})

    yield f"output {name!r} batch rows reversed", without(array[::-1])
    yield f"output {name!r} batch rows rotated", without(np.roll(array, -1, axis=0))
    if array.ndim > 1:
        yield f"output {name!r} units reversed", without(array[..., ::-1])
        yield f"output {name!r} units rotated", without(np.roll(array, -1, axis=-1))
    if array.ndim > 2:
        yield f"output {name!r} reversed in time", without(array[:, ::-1])
    yield f"output {name!r} negated", without(-array if array.dtype.kind != "b" else ~array)
    for other in network.outputs:
        if other.name != name and shown.outputs[other.name].shape == array.shape:
            swapped = {**shown.outputs, name: shown.outputs[other.name], other.name: array}
            yield f"outputs {name!r} and {other.name!r} swapped", replace(shown, outputs=swapped)


def picked(shown: Mapping[str, np.ndarray], name: str, treads: list[Tread]) -> Iterator[str]:
    """Yield what an output is a wrong selection of: another step, another layer, nothing at all."""
    array = shown[name].astype(np.float64)
    if not np.any(array):
        yield f"output {name!r} zero"
        return
    for tread in treads:
        path = tread.case.path
        steps = states(tread.case, tread.steps).value
        if array.ndim == 2 and steps.shape[1:] == array.shape:
            for step, state in enumerate(steps):
                if np.array_equal(state, array):
                    at = "the first step" if step == 0 else f"step {tread.case.order.instant(step)}"
                    at = "the last step" if step == len(steps) - 1 else at
                    yield f"output {name!r} is {at} of {path}"
                    break
        if array.ndim == 3 and steps.shape == array.swapaxes(0, 1).shape:
            major = array.swapaxes(0, 1)
            if np.array_equal(major, steps) and tread.case.order.active is not None:
                yield f"output {name!r} shows the state of {path} at masked steps"
            elif np.array_equal(major, steps):
                yield f"output {name!r} is the states of {path} in order of processing"
            elif np.array_equal(major, steps[::-1]):
                yield f"output {name!r} is the states of {path} reversed in time"
            elif np.array_equal(major[1:], steps[:-1]):
                yield f"output {name!r} one step late"
            elif np.array_equal(major[:-1], steps[1:]):
                yield f"output {name!r} one step early"
            else:
                yield from _nearly(name, path, major, steps)


def _nearly(name: str, path: str, shown: np.ndarray, states: np.ndarray) -> Iterator[str]:
    """Yield what little sets an output (time, batch, units) apart from a cell's states."""
    with np.errstate(invalid="ignore"):
        away = shown - states
    wrong = np.flatnonzero((away != 0).any(axis=(1, 2)))
    if 2 * len(wrong) < len(shown):
        same = [np.flatnonzero((states == shown[step]).all(axis=(1, 2))) for step in wrong]
        if len(wrong) == 2 and [found.tolist() for found in same] == [[wrong[1]], [wrong[0]]]:
            yield f"steps {wrong[0]} and {wrong[1]} exchanged in output {name!r}"
        elif all(len(found) for found in same):
            step = wrong[0]
            yield f"output {name!r} shows step {same[0][0]} of {path} at step {step}"
    columns = np.flatnonzero((away != 0).any(axis=(0, 1)))
    if 0 < len(columns) < shown.shape[2] or len(columns) == 1:
        added = away[..., columns]
        middle = np.median(added, axis=(0, 1))
        # The sum was rounded to float32.
        coarse = np.spacing(np.float32(np.abs(shown[..., columns]).max()))
        if np.all(np.abs(added - middle) <= coarse):
            yield f"{middle[0]:.3g} added to unit {columns[0]} of output {name!r}"

"""How the arrays that a tapped model puts out are read: by layer and direction, in one order of axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Take:
    """One index along an axis, which vanishes."""

    axis: int
    index: int

    def __call__(self, array: np.ndarray) -> np.ndarray:
        return np.asarray(np.take(array, self.index, axis=self.axis))


@dataclass(frozen=True)
class Cut:
    """A slice along an axis; ``stop`` counts from the end if it is 0 or negative."""

    axis: int
    start: int
    stop: int

    def __call__(self, array: np.ndarray) -> np.ndarray:
        size = array.shape[self.axis]
        stop = self.stop if self.stop > 0 else size + self.stop
        index = [slice(None)] * array.ndim
        index[self.axis] = slice(self.start, max(stop, self.start))
        return array[tuple(index)]


@dataclass(frozen=True)
class Order:
    """The axes in another order."""

    axes: tuple[int, ...]

    def __call__(self, array: np.ndarray) -> np.ndarray:
        return array.transpose(self.axes)


@dataclass(frozen=True)
class Flip:
    """An axis in the opposite order."""

    axis: int

    def __call__(self, array: np.ndarray) -> np.ndarray:
        return np.flip(array, self.axis)


@dataclass(frozen=True)
class Count:
    """How many are True along an axis, which vanishes."""

    axis: int

    def __call__(self, array: np.ndarray) -> np.ndarray:
        return np.asarray(np.sum(array.astype(bool), axis=self.axis))


Step = Take | Cut | Order | Flip | Count


@dataclass(frozen=True)
class Reading:
    """Where in a tapped model's outputs an array stands.

    Args:
        outputs: one output's name, or one per time step, to be stacked along a new first axis.
        steps: what to do then, in order.
        stacked: whether ``outputs`` are time steps, even if there is only one.
    """

    outputs: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    stacked: bool = False

    def __call__(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the array from a run's ``outputs`` (name to array)."""
        arrays = [np.asarray(outputs[name]) for name in self.outputs]
        array = np.stack(arrays) if self.stacked else arrays[0]
        for step in self.steps:
            array = step(array)
        return array


@dataclass(frozen=True)
class CellTap:
    """The states of one cell, as the graph itself computes them.

    Args:
        cell: the cell's path as the node's name gives it: a hint, not evidence. None where it says nothing;
            taps come in graph order.
        node: the ONNX node that computes the states.
        reverse: whether the node starts at the end of its time axis.
        x: the node's own input, (time, batch, features); None where it is not in the graph.
        added: x W + b of every step, (time, batch, units), where the node looks it up in a table.
        states: (time, batch, units); index t belongs to index t of x, whichever the direction.
        initial: (batch, units), or None for zeros.
        lengths: (batch,) integers: the node's time axis holds this many valid steps of each row, the others
            are left out; or None for all.
        mask: (time, batch) bool, the steps that change the state, or None for all.
        scale: Keras' state is ``scale`` times the states read (selu: its factor; else 1).
    """

    cell: str | None
    node: str
    reverse: bool
    x: Reading | None
    states: Reading
    initial: Reading | None = None
    lengths: Reading | None = None
    mask: Reading | None = None
    added: Reading | None = None
    scale: float = 1.0

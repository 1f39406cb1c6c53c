"""The order in which a recurrent call runs through time: backwards or not, skipping masked steps or not.

Every form of graph is brought to this *order of processing* before it is judged, so that a reversed node,
a flipped input and a compacted one are the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnn_export.network.ops import Recurrent


@dataclass(frozen=True)
class Order:
    """The order of one call.

    Args:
        time, batch: sizes.
        active: (time, batch) bool in the order of processing, False where the mask holds the state;
            None if there is no mask.
        backwards: processing step k is time ``time - 1 - k``.
    """

    time: int
    batch: int
    active: np.ndarray | None
    backwards: bool

    @staticmethod
    def of(batch: int, time: int, mask: np.ndarray | None, backwards: bool) -> Order:
        """Return the order for a mask (batch, time), True for valid."""
        if mask is None:
            return Order(time, batch, None, backwards)
        return Order(time, batch, mask.T[::-1] if backwards else mask.T, backwards)

    @property
    def mask(self) -> np.ndarray | None:
        """The mask that the order was made of, (batch, time)."""
        if self.active is None:
            return None
        return (self.active[::-1] if self.backwards else self.active).T

    def until(self, step: int) -> Order:
        """Return the order of the steps up to and with ``step``."""
        active = None if self.active is None else self.active[: step + 1]
        return Order(step + 1, self.batch, active, self.backwards)

    def instant(self, step: int, row: int = 0) -> int:
        """Return the network's time index of a processing step."""
        return self.time - 1 - step if self.backwards else step

    def valid_instant(self, step: int, row: int) -> int:
        """Return the network's time index of a row's valid step number ``step``."""
        return self.instant(int(self.valid[step, row]))

    @cached_property
    def seen(self) -> np.ndarray:
        """How many valid steps each row has had, this one included: (time, batch)."""
        if self.active is None:
            return np.broadcast_to(np.arange(1, self.time + 1)[:, None], (self.time, self.batch))
        return np.cumsum(self.active, axis=0)

    @cached_property
    def count(self) -> np.ndarray:
        """How many valid steps each row has: (batch,)."""
        return self.seen[-1] if self.time else np.zeros(self.batch, np.int64)

    @cached_property
    def valid(self) -> np.ndarray:
        """Processing step of each row's k-th valid step; what follows the last one is arbitrary."""
        if self.active is None:
            return np.broadcast_to(np.arange(self.time)[:, None], (self.time, self.batch))
        return np.argsort(~self.active, axis=0, kind="stable")

    def process(self, x: np.ndarray) -> np.ndarray:
        """Return (batch, time, features) as (time, batch, features) in the order of processing."""
        major = x.swapaxes(0, 1)
        return major[::-1] if self.backwards else major

    def compact(self, steps: np.ndarray) -> np.ndarray:
        """Return steps (time, batch, features) with the valid ones of each row moved to the front."""
        if self.active is None:
            return steps
        return np.take_along_axis(steps, self.valid[:, :, None], axis=0)

    def spread(self, compact: np.ndarray, initial: np.ndarray) -> np.ndarray:
        """Return the state after every step from the states after the valid ones: masked steps hold it."""
        if self.active is None:
            return compact
        from_start = np.concatenate([initial[None], compact])
        return np.take_along_axis(from_start, self.seen[:, :, None], axis=0)


def emit(
    op: Recurrent,
    states: Sequence[np.ndarray],
    initial: Sequence[np.ndarray],
    order: Order,
    *,
    leading_state: bool = False,
) -> tuple[np.ndarray, ...]:
    """Return a call's outputs from its states: a selection, so that equality is exact.

    Args:
        op: which outputs, in which order of time.
        states: of each cell, (time, batch, units) in the order of processing, held at masked steps.
        initial: of each cell, (batch, units).
        order: the call's.
        leading_state: masked steps before the first valid one show the state, as Keras does on NumPy and
            JAX, where it shows 0 on TensorFlow and PyTorch.
    """
    shown = states[-1]
    if order.active is not None and not (leading_state and not op.zero_output_for_mask):
        kept = order.active if op.zero_output_for_mask else order.seen > 0
        shown = np.where(kept[:, :, None], shown, 0)
    last = shown[-1] if order.time else np.zeros_like(initial[-1])
    straight = shown[::-1] if op.go_backwards and op.time_order else shown
    final = [cell[-1] if order.time else start for cell, start in zip(states, initial, strict=True)]
    made = {"sequence": [straight.swapaxes(0, 1)], "output": [last], "state": final}
    return tuple(values for name in op.emits for values in made[name])

"""A rehearsal: the network run once in float64, with every step of every cell at hand; no runtime involved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnn_export.builders.reference import evaluate
from rnn_export.builders.reference.feeds import bind
from rnn_export.network import Call, Network, TensorId
from rnn_export.network.ops import Dense, Embedding, Recurrent
from rnn_export.verifier.bounds.cell import Affine, Local
from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.bounds.precision import arithmetic
from rnn_export.verifier.order import Order
from rnn_export.verifier.sampling import plain
from rnn_export.verifier.walk import cell_paths


@dataclass(frozen=True)
class Part:
    """One cell or Dense call as it ran.

    Args:
        path: of the cell or call.
        local: its inputs, previous states, z and values.
        active: (time, batch) steps that a mask lets through; None for all.
    """

    path: str
    local: Local
    active: np.ndarray | None = None


@dataclass(frozen=True)
class Rehearsal:
    """Every tensor, every cell and Dense, and the rows of each embedding that were looked up."""

    tensors: dict[TensorId, np.ndarray]
    parts: tuple[Part, ...]
    rows: dict[str, np.ndarray]

    @property
    def idle(self) -> tuple[str, ...]:
        """Cells whose recurrent kernel never met a state other than 0."""
        return tuple(
            part.path
            for part in self.parts
            if part.local.h is not None and not np.any(part.local.h != 0)
        )


def rehearse(network: Network, feeds: Mapping[str, np.ndarray]) -> Rehearsal:
    """Return what happens in the network for these feeds.

    Raises:
        NetworkError: feeds that do not fit the network.
    """
    values = dict(bind(network, feeds, np.dtype(np.float64)))
    parts: list[Part] = []
    rows: dict[str, np.ndarray] = {}
    for call in network.calls:
        inputs = [values[tensor] for tensor in call.inputs]
        mask = None if call.mask is None else values[call.mask]
        initial = [values[tensor] for tensor in call.initial]
        made = evaluate(call, inputs, mask, initial, np.float64)
        values.update(zip(call.outputs, made, strict=True))
        if isinstance(call.op, Recurrent):
            parts += _cells(call, inputs[0], mask, initial)
        elif isinstance(call.op, Dense):
            affine = Affine.of(call.op, call.dtype)
            parts.append(
                Part(call.path, Local(affine, inputs[0], None, arithmetic(call.dtype), Envelope()))
            )
        elif isinstance(call.op, Embedding):
            seen = np.unique(inputs[0].astype(np.int64))
            rows[call.path] = seen
    return Rehearsal(values, tuple(parts), rows)


def _cells(
    call: Call, x: np.ndarray, mask: np.ndarray | None, initial: list[np.ndarray]
) -> list[Part]:
    op = call.op
    assert isinstance(op, Recurrent)
    order = Order.of(x.shape[0], x.shape[1], mask, op.go_backwards)
    below = order.process(x)
    starts = initial or [np.zeros((order.batch, cell.units)) for cell in op.cells]
    made = []
    for path, cell, start in zip(cell_paths(call), op.cells, starts, strict=True):
        affine = Affine.of(cell, call.dtype)
        value, before = plain(affine, below, start, order)
        local = Local(affine, below, before, arithmetic(call.dtype), Envelope())
        made.append(Part(path, local, order.active))
        below = value
    return made

"""The native RNN operator: one node for a cell, or for the two directions of a Bidirectional.

Source: ONNX RNN-14 and RNN-22.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnn_export.exporters.elements import carrier
from rnn_export.exporters.lowering import Lowering
from rnn_export.exporters.recurrent.activations import Native
from rnn_export.exporters.recurrent.tracks import Demand, Track, cell_path, weight_path
from rnn_export.exporters.stored import Fixed, Joined, Laid, Stored
from rnn_export.network import Call
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.network.ops import Cell


@dataclass(frozen=True)
class Direction:
    """One direction of an RNN node.

    Args:
        call, cell: whose weights it has.
        reverse: whether it starts at the last step.
        initial: (batch, units), or None for zeros.
    """

    call: Call
    cell: Cell
    reverse: bool
    initial: str | None


def rnn_track(
    low: Lowering, x: str, direction: Direction, kind: Native, demand: Demand, lengths: str | None
) -> Track:
    """Write one cell as one node and return its states; what is not asked for is not an output of the node.

    Args:
        low: the export.
        x: (time, batch, features).
        direction: the cell and where it starts.
        kind: its activation.
        demand: what is read.
        lengths: (batch,) int32, or None.
    """
    y, last = rnn_node(low, x, [direction], kind, demand, lengths)

    def squeezed(value: str, axis: int) -> str | None:
        if not value:
            return None
        flat = low.graph.add("Squeeze", [value, low.graph.constant([axis])])
        return scaled(low, flat, kind, direction.call)

    return Track(squeezed(y, 1), squeezed(last, 0))


def rnn_node(
    low: Lowering,
    x: str,
    directions: Sequence[Direction],
    kind: Native,
    demand: Demand,
    lengths: str | None,
) -> tuple[str, str]:
    """Write one RNN node; return its Y (time, directions, batch, units) and Y_h (directions, batch, units)."""
    first = directions[0]
    path = "//".join(cell_path(item.call, item.cell) for item in directions)
    names = "//".join(weight_path(item.call, item.cell) for item in directions)
    weights = [_weights(item, kind) for item in directions]
    inputs = [x]
    for role, parts in zip("WRB", zip(*weights, strict=True), strict=True):
        held = [part for part in parts if part is not None]
        if held:
            whole = held[0] if len(held) == 1 else Joined(tuple(held))
            inputs.append(low.graph.store(whole, f"{names}/{role}"))
        else:
            inputs.append("")
    inputs += [lengths or "", _initial(low, directions, kind)]
    while not inputs[-1]:
        inputs.pop()
    count = len(directions)
    y, last = low.graph.node(
        "RNN",
        inputs,
        ("Y" if demand.sequence else None, "Y_h" if demand.last else None),
        path=path,
        hidden_size=first.cell.units,
        direction="bidirectional" if count == 2 else "reverse" if first.reverse else "forward",
        activations=[kind.name] * count,
        activation_alpha=None if kind.alpha is None else [kind.alpha] * count,
        activation_beta=None if kind.beta is None else [kind.beta] * count,
        clip=kind.clip,
    )
    return y, last


def scaled(low: Lowering, value: str, kind: Native, call: Call) -> str:
    """Return Keras' state from the operator's."""
    if kind.scale == 1.0:
        return value
    dtype = numpy_dtype(carrier(call.dtype))
    return low.graph.add("Mul", [value, low.graph.constant(kind.scale, dtype)])


def _weights(item: Direction, kind: Native) -> tuple[Stored, Stored, Stored | None]:
    """Return W, R and B of one direction; the bias stands in Wb, and Rb is 0."""
    cell, compute = item.cell, item.call.dtype
    held = carrier(compute)
    turned = {"transpose": True, "leading": 1}
    w = Laid(cell.kernel, compute, held, **turned)  # type: ignore[arg-type]
    r = Laid(cell.recurrent_kernel, compute, held, kind.scale, **turned)  # type: ignore[arg-type]
    if cell.bias is None:
        return w, r, None
    bias = Laid(cell.bias, compute, held).read()
    return w, r, Fixed(np.concatenate([bias, np.zeros_like(bias)])[None])


def _initial(low: Lowering, directions: Sequence[Direction], kind: Native) -> str:
    """Return initial_h (directions, batch, units), or "" for zeros."""
    held = [item.initial for item in directions if item.initial is not None]
    if not held:
        return ""
    axis = low.graph.constant([0])
    parts = [
        low.graph.add("Unsqueeze", [_unscaled(low, h, kind, directions[0].call), axis])
        for h in held
    ]
    return parts[0] if len(parts) == 1 else low.graph.add("Concat", parts, axis=0)


def _unscaled(low: Lowering, value: str, kind: Native, call: Call) -> str:
    if kind.scale == 1.0:
        return value
    dtype = numpy_dtype(carrier(call.dtype))
    return low.graph.add("Div", [value, low.graph.constant(kind.scale, dtype)])

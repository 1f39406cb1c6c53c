"""Networks and observations for the verifier's tests: NumPy in float32 plays the runtime, taps included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_export.builders.reference import evaluate, trace
from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import Cell, Recurrent, ValueMask
from rnn_export.verifier import CellReading, Facts, Observation

BATCH, TIME, FEATURES, UNITS = 3, 9, 5, 7


def weights(features: int, units: int, seed: int) -> tuple[ArrayWeight, ArrayWeight, ArrayWeight]:
    """Return kernel, orthogonal recurrent kernel and bias."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.standard_normal((units, units)))
    limit = np.sqrt(6 / (features + units))
    kernel = rng.uniform(-limit, limit, (features, units))
    bias = 0.1 * rng.standard_normal(units)
    return tuple(ArrayWeight(part.astype(np.float32)) for part in (kernel, turn, bias))  # type: ignore[return-value]


def cell(
    features: int, units: int, seed: int, name: str = "", kind: str = "tanh", **options: float
) -> Cell:
    return Cell(name, *weights(features, units, seed), activation(kind, **options))


def network(
    sizes: Sequence[int] = (UNITS,),
    *,
    features: int = FEATURES,
    kind: str = "tanh",
    seed: int = 0,
    masked: bool = False,
    state: bool = False,
    emits: tuple[str, ...] = ("output",),
    **attributes: Any,
) -> Network:
    """Return a stack of recurrent layers "rnn0", "rnn1", ..., the last one with ``emits``."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", features), "float32")
    mask = draft.call("mask", ValueMask(0.0), [x])[0] if masked else None
    made: tuple[str, ...] = (x,)
    width = features
    for at, units in enumerate(sizes):
        last = at == len(sizes) - 1
        initial = [draft.input(f"h{at}", ("batch", units), "float32")] if state else []
        op = Recurrent(
            (cell(width, units, seed + at, kind=kind),),
            emits if last else ("sequence",),
            **attributes,
        )
        made = draft.call(f"rnn{at}", op, [made[0]], mask=mask, initial=initial)
        width = units
    for at, tensor in enumerate(made):
        draft.output(f"y{at}", tensor)
    return draft.finish(Source("python", "test"))


def feeds(
    net: Network, *, batch: int = BATCH, time: int = TIME, seed: int = 1
) -> dict[str, np.ndarray]:
    """Return standard normal feeds, about a third of the steps all zero where the network masks those."""
    rng = np.random.default_rng(seed)
    made = {}
    for port in net.inputs:
        shape = [
            {"batch": batch, "time": time}.get(str(dim), dim) for dim in net.spec(port.tensor).shape
        ]
        values = rng.standard_normal(shape).astype(np.float32)  # type: ignore[arg-type]
        if values.ndim == 3 and any(isinstance(call.op, ValueMask) for call in net.calls):
            values[rng.random(values.shape[:2]) < 0.3] = 0
        made[port.name] = values
    return made


def observe(net: Network, given: dict[str, np.ndarray], *, taps: bool = True) -> Observation:
    """Return what NumPy's float32 loop shows of a network: outputs, and states as a node would have them."""
    values = trace(net, given, np.float32)
    outputs = {port.name: values[port.tensor] for port in net.outputs}
    if not taps:
        return Observation(given, outputs, Facts("numpy"))
    cells: list[CellReading] = []
    for call in net.recurrent():
        op = call.op
        assert isinstance(op, Recurrent)
        x = values[call.inputs[0]]
        mask = None if call.mask is None else values[call.mask]
        starts = [values[tensor] for tensor in call.initial]
        for at, item in enumerate(op.cells):
            alone = replace(
                op,
                cells=op.cells[: at + 1],
                emits=("sequence",),
                time_order=True,
                zero_output_for_mask=False,
            )
            (held,) = evaluate(replace(call, op=alone), [x], mask, starts[: at + 1], np.float32)
            below = x if at == 0 else cells[-1].states.swapaxes(0, 1)
            start = starts[at] if starts else None
            if mask is not None:
                # Before the first valid step the output is 0 where the state is the initial one.
                seen = (
                    np.cumsum(mask[:, ::-1], 1)[:, ::-1] if op.go_backwards else np.cumsum(mask, 1)
                )
                first = np.zeros_like(held[:, :1]) if start is None else start[:, None]
                held = np.where(seen[..., None] > 0, held, first)
            path = call.path if len(op.cells) == 1 else f"{call.path}/{item.name}"
            cells.append(
                CellReading(
                    node=path,
                    states=held.swapaxes(0, 1),
                    x=below.swapaxes(0, 1),
                    initial=start,
                    cell=path,
                    reverse=op.go_backwards,
                )
            )
    return Observation(given, outputs, Facts("numpy"), outputs, tuple(cells))


def altered(net: Network, layer: str, **changes: Any) -> Network:
    """Return the network with the only cell of a layer changed: ``bias=None``, ``kernel=array``, ..."""
    wrapped: dict[str, Any] = {
        name: ArrayWeight(value) if isinstance(value, np.ndarray) else value
        for name, value in changes.items()
    }
    calls = []
    for call in net.calls:
        if call.layer == layer:
            op = call.op
            assert isinstance(op, Recurrent)
            call = replace(call, op=replace(op, cells=(replace(op.cells[0], **wrapped),)))
        calls.append(call)
    return replace(net, calls=tuple(calls))


def turned(net: Network, layer: str, **changes: Any) -> Network:
    """Return the network with attributes of a layer's op changed: ``go_backwards=False``, ..."""
    calls = tuple(
        replace(call, op=replace(call.op, **changes)) if call.layer == layer else call  # type: ignore[type-var]
        for call in net.calls
    )
    return replace(net, calls=calls)


def first_cell(net: Network, layer: str = "rnn0") -> Cell:
    op = next(call.op for call in net.calls if call.layer == layer)
    assert isinstance(op, Recurrent)
    return op.cells[0]

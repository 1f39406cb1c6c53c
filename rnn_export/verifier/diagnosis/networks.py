"""Bugs of any call, as other networks: the one whose walk finds nothing wrong names the fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial, singledispatch
from itertools import chain
from typing import Any, Literal, get_args, get_type_hints

import numpy as np

from rnn_export.network import ArrayWeight, Call, Network, Op, TensorId, Weight, activation
from rnn_export.network.ops import (
    Activate,
    Affine,
    ApplyMask,
    BatchNormalization,
    Cell,
    Concatenate,
    Dense,
    Embedding,
    Flip,
    LayerNormalization,
    Merge,
    ParametricRelu,
    Pool,
    Recurrent,
    ValueMask,
)
from rnn_export.verifier.diagnosis.activations import OTHERS
from rnn_export.verifier.diagnosis.formats import FORMATS

Altered = tuple[str, str, Network]
"""Name of the bug, layer that has it, network with it."""


def altered_networks(
    network: Network, *, cells: bool = True, making: TensorId | None = None
) -> Iterator[Altered]:
    """Yield every network with one bug.

    Args:
        network: the right one.
        cells: whether weights and activations of cells may be at fault: not where taps have cleared them.
        making: only the call that makes this tensor, unless it is recurrent; None for all calls.
    """
    for at, call in enumerate(network.calls):
        if making is not None and (making not in call.outputs or isinstance(call.op, Recurrent)):
            continue
        if isinstance(call.op, Recurrent):
            changes = chain(_attributes(call, call.op), _cells(call, call.op) if cells else ())
        else:
            changes = chain(_mistakes(call.op, call), _crossed(call))
        for name, other in changes:
            calls = (*network.calls[:at], other, *network.calls[at + 1 :])
            yield f"{name} in {call.layer}", call.layer, replace(network, calls=calls)


def _attributes(call: Call, op: Recurrent) -> Iterator[tuple[str, Call]]:
    yield (
        "go_backwards the other way",
        replace(call, op=replace(op, go_backwards=not op.go_backwards)),
    )
    if op.go_backwards and "sequence" in op.emits:
        name = "sequence in order of processing" if op.time_order else "sequence in order of time"
        yield name, replace(call, op=replace(op, time_order=not op.time_order))
    if op.go_backwards and op.time_order:
        lost = replace(op, go_backwards=False, time_order=False)
        yield "both turns of time lost", replace(call, op=lost)
    if call.mask is not None:
        yield "mask ignored", replace(call, mask=None)
        other = replace(op, zero_output_for_mask=not op.zero_output_for_mask)
        yield "zero_output_for_mask the other way", replace(call, op=other)
    if call.initial:
        yield "initial state lost", replace(call, initial=())
        units = [cell.units for cell in op.cells]
        if len(units) > 1 and units == units[::-1]:
            yield "initial states swapped", replace(call, initial=call.initial[::-1])


def _cells(call: Call, op: Recurrent) -> Iterator[tuple[str, Call]]:
    for at, cell in enumerate(op.cells):
        for name, other in _cell_mistakes(cell):
            cells = (*op.cells[:at], other, *op.cells[at + 1 :])
            suffix = f" of cell {cell.name}" if len(op.cells) > 1 else ""
            yield name + suffix, replace(call, op=replace(op, cells=cells))
    if len(op.cells) > 1 and len({(cell.features, cell.units) for cell in op.cells}) == 1:
        yield "cells swapped", replace(call, op=replace(op, cells=op.cells[::-1]))


def _cell_mistakes(cell: Cell) -> Iterator[tuple[str, Cell]]:
    kernel, recurrent = cell.kernel.read(), cell.recurrent_kernel.read()
    yield "recurrent kernel transposed", replace(cell, recurrent_kernel=_weight(recurrent.T))
    yield "recurrent kernel zero", replace(cell, recurrent_kernel=_weight(np.zeros_like(recurrent)))
    yield "kernel zero", replace(cell, kernel=_weight(np.zeros_like(kernel)))
    reshaped = kernel.ravel().reshape(kernel.shape[::-1]).T
    yield "kernel reshaped instead of transposed", replace(cell, kernel=_weight(reshaped))
    yield "features reversed", replace(cell, kernel=_weight(kernel[::-1]))
    if cell.bias is not None:
        yield "bias dropped", replace(cell, bias=None)
        yield "bias doubled", replace(cell, bias=_weight(2 * cell.bias.read()))
    for name in OTHERS:
        if name != cell.activation.name:
            yield f"activation {name}", replace(cell, activation=activation(name))
    for name, rounding in FORMATS.items():
        changed = replace(
            cell,
            kernel=_weight(rounding(kernel).astype(kernel.dtype)),
            recurrent_kernel=_weight(rounding(recurrent).astype(recurrent.dtype)),
        )
        yield f"weights in {name}", changed


@singledispatch
def _mistakes(op: Op, call: Call) -> Iterator[tuple[str, Call]]:
    return iter(())


@_mistakes.register
def _dense(op: Dense, call: Call) -> Iterator[tuple[str, Call]]:
    kernel = op.kernel.read()
    if kernel.shape[0] == kernel.shape[1]:
        yield "kernel transposed", replace(call, op=replace(op, kernel=_weight(kernel.T)))
    reshaped = kernel.ravel().reshape(kernel.shape[::-1]).T
    yield (
        "kernel reshaped instead of transposed",
        replace(call, op=replace(op, kernel=_weight(reshaped))),
    )
    yield "features reversed", replace(call, op=replace(op, kernel=_weight(kernel[::-1])))
    yield "units reversed", replace(call, op=replace(op, kernel=_weight(kernel[:, ::-1])))
    if op.bias is not None:
        yield "bias dropped", replace(call, op=replace(op, bias=None))
        yield "bias doubled", replace(call, op=replace(op, bias=_weight(2 * op.bias.read())))
    for name in (*OTHERS, "softmax"):
        if name != op.activation.name:
            yield f"activation {name}", replace(call, op=replace(op, activation=activation(name)))
    for name, rounding in FORMATS.items():
        coarse = _weight(rounding(kernel).astype(kernel.dtype))
        yield f"kernel in {name}", replace(call, op=replace(op, kernel=coarse))


@_mistakes.register
def _embedding(op: Embedding, call: Call) -> Iterator[tuple[str, Call]]:
    table = op.table.read()
    for name, other in (
        ("rows shifted by one", np.roll(table, 1, axis=0)),
        ("rows shifted back by one", np.roll(table, -1, axis=0)),
        ("rows reversed", table[::-1]),
        ("features reversed", table[:, ::-1]),
        ("table reshaped instead of kept", np.ascontiguousarray(table.T).reshape(table.shape)),
        ("row of token 0 zero", np.concatenate([np.zeros_like(table[:1]), table[1:]])),
    ):
        yield name, replace(call, op=replace(op, table=_weight(other)))
    for name, rounding in FORMATS.items():
        coarse = _weight(rounding(table).astype(table.dtype))
        yield f"table in {name}", replace(call, op=replace(op, table=coarse))


@_mistakes.register
def _activate(op: Activate, call: Call) -> Iterator[tuple[str, Call]]:
    for name in (*OTHERS, "softmax", "log_softmax"):
        if name != op.activation.name:
            yield f"activation {name}", replace(call, op=replace(op, activation=activation(name)))
    if op.activation.function.vector:
        yield "axis 1", replace(call, op=replace(op, axis=1))
    if call.mask is not None:
        yield "mask ignored", replace(call, mask=None)


@_mistakes.register
def _merge(op: Merge, call: Call) -> Iterator[tuple[str, Call]]:
    for kind in get_args(get_type_hints(Merge)["kind"]):
        if kind != op.kind:
            yield f"merged by {kind}", replace(call, op=replace(op, kind=kind))


@_mistakes.register
def _flip(op: Flip, call: Call) -> Iterator[tuple[str, Call]]:
    yield "flip lost", replace(call, op=Affine(1.0, 0.0))


@_mistakes.register
def _pool(op: Pool, call: Call) -> Iterator[tuple[str, Call]]:
    other: Literal["max", "average"] = "max" if op.kind == "average" else "average"
    yield f"pooled by {other}", replace(call, op=replace(op, kind=other))
    if call.mask is not None:
        yield "mask ignored", replace(call, mask=None)


@_mistakes.register
def _affine(op: Affine, call: Call) -> Iterator[tuple[str, Call]]:
    yield "offset lost", replace(call, op=replace(op, offset=0.0))
    yield "scale lost", replace(call, op=replace(op, scale=1.0))


@_mistakes.register
def _value_mask(op: ValueMask, call: Call) -> Iterator[tuple[str, Call]]:
    yield "another masking value", replace(call, op=replace(op, value=op.value + 1.0))


@_mistakes.register
def _apply_mask(op: ApplyMask, call: Call) -> Iterator[tuple[str, Call]]:
    return iter(())


@_mistakes.register(LayerNormalization)
@_mistakes.register(BatchNormalization)
@_mistakes.register(ParametricRelu)
def _weighted(
    op: LayerNormalization | BatchNormalization | ParametricRelu, call: Call
) -> Iterator[tuple[str, Call]]:
    changed: Any = partial(replace, op)
    for item in fields(op):
        value = getattr(op, item.name)
        if isinstance(value, Weight):
            if item.name in ("gamma", "beta"):
                yield f"{item.name} lost", replace(call, op=changed(**{item.name: None}))
            backwards = _weight(np.ascontiguousarray(value.read()[::-1]))
            yield f"{item.name} reversed", replace(call, op=changed(**{item.name: backwards}))
        elif item.name == "epsilon":
            for other in (0.0, 1e-3, 1e-5, 1e-6, 1e-7, 1e-12):
                if other != value:
                    yield f"epsilon {other:g}", replace(call, op=changed(epsilon=other))


def _crossed(call: Call) -> Iterator[tuple[str, Call]]:
    """Yield the inputs of a call in another order, where the order matters."""
    if len(call.inputs) > 1 and not isinstance(call.op, ApplyMask):
        turned = replace(call, inputs=call.inputs[::-1])
        if isinstance(call.op, Concatenate) or (
            isinstance(call.op, Merge) and call.op.kind == "subtract"
        ):
            yield "inputs swapped", turned


def _weight(values: np.ndarray) -> ArrayWeight:
    return ArrayWeight(values)

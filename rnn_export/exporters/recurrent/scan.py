"""Form scan: the input projection for all steps at once, then a Scan whose body is one Gemm and the activation.

Along axis 0, without dimension names in the body: onnx' ReferenceEvaluator and IREE fail on other axes, tract
on names. The body is Gemm(h, R, x W + b): the fastest on onnxruntime, and right on OpenVINO, which computes
wrong numbers for Add(x, MatMul(h, R)) with a static batch.

Source: ONNX Scan-11.
"""

from __future__ import annotations

from collections.abc import Sequence

from onnx import GraphProto, helper

from rnn_export.exporters.activations import activate
from rnn_export.exporters.elements import carrier, number, numpy_dtype
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.lowering import Lowering, named
from rnn_export.exporters.plan import Layout
from rnn_export.exporters.recurrent.masks import Masked
from rnn_export.exporters.recurrent.tracks import Demand, Track, cell_path, weight_path
from rnn_export.network import Call
from rnn_export.network.ops import Cell, Recurrent


def scan_tracks(
    low: Lowering,
    call: Call,
    op: Recurrent,
    initial: Sequence[str | None],
    demands: Sequence[Demand],
    masked: Masked | None,
) -> list[Track]:
    """Write a call as one Scan per cell and return the states of its cells."""
    x = low.get(call.inputs[0], Layout.TIME)
    tracks: list[Track] = []
    for cell, start, demand in zip(op.cells, initial, demands, strict=True):
        track = _scan(low, call, cell, x, start, demand, masked, op.go_backwards)
        tracks.append(track)
        x = x if track.sequence is None else named(track.sequence)
    return tracks


def projected(low: Lowering, call: Call, cell: Cell, x: str) -> str:
    """Return x W + b for all steps, in the layout of ``x``."""
    path = weight_path(call, cell)
    value = low.graph.add("MatMul", [x, low.weight(cell.kernel, call, f"{path}/W")])
    if cell.bias is None:
        return value
    return low.graph.add("Add", [value, low.weight(cell.bias, call, f"{path}/B")])


def zeros(low: Lowering, x: str, units: int, dtype: str) -> str:
    """Return zeros (batch, units) for ``x`` (time, batch, features)."""

    def make() -> str:
        batch = low.graph.sizes(x, 1)
        shape = low.graph.add("Concat", [batch, low.graph.constant([units])], axis=0)
        return low.graph.add("Expand", [low.graph.constant(0, numpy_dtype(carrier(dtype))), shape])

    return low.once(("zeros", x, units, dtype), make)


def _scan(
    low: Lowering,
    call: Call,
    cell: Cell,
    x: str,
    initial: str | None,
    demand: Demand,
    masked: Masked | None,
    reverse: bool,
) -> Track:
    start = initial or zeros(low, x, cell.units, call.dtype)
    inputs = [start, projected(low, call, cell, x)]
    kinds = [("h", carrier(call.dtype)), ("x", carrier(call.dtype))]
    if masked is not None:
        inputs.append(masked.wide())
        kinds.append(("mask", "bool"))
    body = low.graph.body()
    given = [body.name(f"{cell_path(call, cell)}/{word}") for word, _ in kinds]
    recurrent = low.weight(cell.recurrent_kernel, call, f"{weight_path(call, cell)}/R")
    z = body.add("Gemm", [given[0], recurrent, given[1]])
    state = activate(body, cell.activation, z, call.dtype, f"layer {call.layer!r}")
    if masked is not None:
        state = body.add("Where", [given[2], state, given[0]])
    shapes = [given[0], given[1], *given[2:]]
    made = [state, *([body.add("Identity", [state])] if demand.sequence else [])]
    last, *sequence = low.graph.node(
        "Scan",
        inputs,
        ("h", *(("Y",) if demand.sequence else ())),
        path=cell_path(call, cell),
        body=graph_of(
            body, list(zip(shapes, (kind for _, kind in kinds), strict=True)), made, call.dtype
        ),
        num_scan_inputs=len(inputs) - 1,
        scan_input_directions=[1] * (len(inputs) - 1) if reverse else None,
        scan_output_directions=[1] if reverse and demand.sequence else None,
    )
    return Track(sequence[0] if sequence else None, last)


def graph_of(
    body: Graph, given: Sequence[tuple[str, str]], made: Sequence[str], dtype: str
) -> GraphProto:
    """Return a body as a GraphProto: element types are declared, shapes are left open."""
    inputs = [helper.make_tensor_value_info(name, number(kind), None) for name, kind in given]
    outputs = [helper.make_tensor_value_info(name, number(carrier(dtype)), None) for name in made]
    return helper.make_graph(body.nodes, "body", inputs, outputs)

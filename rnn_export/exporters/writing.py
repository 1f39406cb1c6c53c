"""A lowered network as a ModelProto: ports under their public names, metadata, initializers still described."""

from __future__ import annotations

import json

from onnx import ModelProto, NodeProto, ValueInfoProto, helper

from rnn_export._version import __version__
from rnn_export.exporters.elements import carrier, number
from rnn_export.exporters.guards import guard
from rnn_export.exporters.lowering import Lowering
from rnn_export.exporters.opsets import ir_version
from rnn_export.exporters.pruning import prune
from rnn_export.network import Network, Port, Spec
from rnn_export.network.rows import rows_apart

PRODUCER = "rnn_export"
STREAMS = f"{PRODUCER}.streams"
"""The metadata of a streaming file: JSON, the name of each state's input to that of its output."""
ROWS = f"{PRODUCER}.rows"
"""The metadata of a file whose rows cannot be told to be apart: "dependent". Others say nothing."""
FOLDED = f"{PRODUCER}.folded"
"""The metadata of a folded file: JSON, the path of each recurrent call to the name of its table."""


def skeleton(low: Lowering) -> ModelProto:
    """Return the model without its initializers. Equal networks give equal models.

    Every output port's value is computed here; those that are one value under two names, or an input
    handed through, get an Identity.
    """
    network, graph = low.network, low.graph
    inputs = [_info(low, port.name, low.spec(port.tensor)) for port in network.inputs]
    graph.scope = "outputs"
    named: dict[str, str] = {}
    taken = {port.name for port in network.inputs} | set(graph.stored)
    outputs = [(port.name, _out(low, port)) for port in network.outputs]
    outputs += [(name, value) for name, value, _ in low.taps]
    for name, value in outputs:
        if value in named or value in taken:
            graph.nodes.append(
                helper.make_node("Identity", [value], [name], graph.name(f"{name}/Identity"))
            )
        else:
            named[value] = name
    guard(graph)
    prune(graph, {*named, *(name for name, _ in outputs)})
    for node in graph.nodes:
        _rename(node, named)
    infos = [_info(low, port.name, low.spec(port.tensor)) for port in network.outputs]
    infos += [_info(low, name, spec) for name, _, spec in low.taps]
    made = helper.make_graph(graph.nodes, PRODUCER, inputs, infos)
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", low.options.opset)],
        ir_version=ir_version(low.options.opset),
        producer_name=PRODUCER,
        producer_version=__version__,
    )
    helper.set_model_props(model, _metadata(low))
    return model


def _out(low: Lowering, port: Port) -> str:
    value = low.get(port.tensor)
    dtype = low.spec(port.tensor).dtype
    if carrier(dtype) == dtype:
        return value
    return low.graph.add("Cast", [value], to=number(dtype))


def _info(low: Lowering, name: str, spec: Spec) -> ValueInfoProto:
    shape = [low.options.size(axis) for axis in spec.shape]
    return helper.make_tensor_value_info(name, number(spec.dtype, f"port {name!r}"), shape)


def _rename(node: NodeProto, named: dict[str, str]) -> None:
    for values in (node.input, node.output):
        for index, value in enumerate(values):
            if value in named:
                values[index] = named[value]


def _metadata(low: Lowering) -> dict[str, str]:
    """Return what the file says of itself: form, network digest, assumptions; neither dates nor file names."""
    held = {
        f"{PRODUCER}.form": low.options.form,
        f"{PRODUCER}.network": low.network.digest,
    }
    if low.assumptions:
        held[f"{PRODUCER}.assumptions"] = json.dumps(low.assumptions)
    if low.network.streams:
        held[STREAMS] = json.dumps(pairs_of(low.network))
    if not rows_apart(low.network):
        held[ROWS] = "dependent"
    if low.tables:
        held[FOLDED] = json.dumps(low.tables)
    return held


def pairs_of(network: Network) -> dict[str, str]:
    """Return the name of each carried state's input, and that of its output."""
    return {stream.input: stream.output for stream in network.streams}


def tables_of(model: ModelProto) -> dict[str, str]:
    """Return what a file says of its tables: the path of each recurrent call to a name; {} where it is not ours."""
    stated = next((item.value for item in model.metadata_props if item.key == FOLDED), "{}")
    try:
        held = json.loads(stated)
    except (ValueError, RecursionError):
        return {}
    pairs = held.items() if isinstance(held, dict) else ()
    return {path: name for path, name in pairs if isinstance(name, str)}

"""export: a network into an ONNX model, in one form."""

from __future__ import annotations

import logging

from rnn_export.exporters import ops, recurrent
from rnn_export.exporters.checking import check_graph
from rnn_export.exporters.elements import carrier, number
from rnn_export.exporters.exported import Exported
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.lowering import Lowering, lower
from rnn_export.exporters.opsets import DEFAULT
from rnn_export.exporters.options import Options
from rnn_export.exporters.plan import plan
from rnn_export.exporters.recurrent.folding import folded
from rnn_export.exporters.recurrent.lowering import lower_pair, lower_stack
from rnn_export.exporters.recurrent.pairing import pairs
from rnn_export.exporters.recurrent.stacking import stacks
from rnn_export.exporters.writing import skeleton
from rnn_export.network import Network

LOG = logging.getLogger(__name__)
REGISTERED = (ops, recurrent)


def export(
    network: Network,
    *,
    form: str = "rnn",
    opset: int = DEFAULT,
    batch: int | None = None,
    time: int | None = None,
    padding: str = "any",
    taps: bool = False,
    fold: bool = False,
) -> Exported:
    """Return ``network`` as an ONNX model. Equal networks give equal bytes.

    Sequences have at least one step, as in Keras on TensorFlow: onnxruntime's Scan takes no fewer, and its
    RNN operator forgets the initial state then (under a mask, form rnn keeps it).

    Args:
        network: what to write.
        form: "rnn" (the native operator), "scan", "wavefront" or "unrolled" (needs ``time``). Calls that the
            form cannot carry take another one; ``Exported.notes`` says so.
        opset: 14 to 26.
        batch: a fixed batch size instead of the axis "batch".
        time: a fixed length instead of the axis "time".
        padding: "right" promises that masked steps only follow valid ones, for a shorter graph; the
            promise is written into the metadata.
        taps: also put out every cell's states over time, as "<layer>/states" (batch, time, units).
        fold: put one table, E W + b, in the place of every Embedding that recurrent layers alone read and of
            their products with it. Not for form "rnn". The file then holds neither E nor W nor b.

    Raises:
        ExportError: an option outside its range, or a layer that cannot be carried as asked.
    """
    options = Options(form, opset, batch, time, padding, taps, fold)
    names = [port.name for port in (*network.inputs, *network.outputs)]
    graph = Graph(opset, names)
    low = Lowering(network, options, graph, plan(network))
    _note_idle(low)
    if fold:
        low.folded = folded(low)
    for port in network.inputs:
        dtype = low.spec(port.tensor).dtype
        graph.scope = port.name
        wide = carrier(dtype)
        value = port.name if wide == dtype else graph.add("Cast", [port.name], to=number(wide))
        low.offer(port.tensor, value)
    _lower_calls(low)
    made = skeleton(low)
    read = graph.read_values()
    stored = {name: item for name, item in graph.stored.items() if name in read}
    check_graph(made, stored)
    for note in low.notes:
        LOG.info("%s", note)
    return Exported(made, stored, form, tuple(low.notes))


def _note_idle(low: Lowering) -> None:
    """Tell the user of a size that was asked for, and that the network fixes otherwise."""
    dims = {dim for port in low.network.inputs for dim in low.spec(port.tensor).shape}
    for name, size in (("batch", low.options.batch), ("time", low.options.time)):
        if size is not None and name not in dims and size not in dims:
            low.note(f"{name} {size} changes nothing: the network leaves no axis {name!r} open")


def _lower_calls(low: Lowering) -> None:
    """Write every call that some output depends on; pairs and stacks where the last of them stands."""
    stacked = stacks(low.network, low.options, low.plan.live)
    taken = frozenset(call.path for stack in stacked.values() for call in stack)
    paired = pairs(low.network, low.options, low.plan.live, taken)
    held = {call.path for call in paired.values()}
    held |= {call.path for stack in stacked.values() for call in stack[:-1]}
    for call in low.network.calls:
        if call.path in held or not any(map(low.live, call.outputs)):
            continue
        low.graph.scope = call.path
        if call.path in paired:
            lower_pair(paired[call.path], call, low)
        elif call.path in stacked:
            lower_stack(stacked[call.path], low)
        else:
            lower(call.op, call, low)

"""A network without what no output needs, and with its inputs first: the same form however it was written."""

from __future__ import annotations

from rnn_export.network.draft import Draft
from rnn_export.network.network import Network
from rnn_export.network.tensor import TensorId


def pruned(network: Network) -> Network:
    """Return the network without calls that neither an output nor another kept call reads; inputs come first."""
    needed: set[TensorId] = {port.tensor for port in network.outputs}
    kept = []
    for call in reversed(network.calls):
        if needed.intersection(call.outputs):
            needed.update(call.reads)
            kept.append(call)
    draft = Draft()
    made: dict[TensorId, TensorId] = {}
    for port in network.inputs:
        spec = network.spec(port.tensor)
        made[port.tensor] = draft.input(port.name, spec.shape, spec.dtype)
    for call in reversed(kept):
        outputs = draft.call(
            call.layer,
            call.op,
            [made[tensor] for tensor in call.inputs],
            dtype=call.dtype,
            mask=None if call.mask is None else made[call.mask],
            initial=[made[tensor] for tensor in call.initial],
            hints=dict(call.hints),
        )
        made.update(zip(call.outputs, outputs, strict=True))
    for port in network.outputs:
        draft.output(port.name, made[port.tensor])
    for stream in network.streams:
        draft.stream(stream)
    return draft.finish(network.source)

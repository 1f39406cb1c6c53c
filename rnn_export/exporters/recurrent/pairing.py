"""Which recurrent calls are the two directions of one node: of an RNN, or of a Scan."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_export.exporters.options import Options
from rnn_export.exporters.recurrent.activations import native
from rnn_export.exporters.recurrent.choosing import choose
from rnn_export.network import Call, Network, TensorId
from rnn_export.network.ops import Recurrent


def pairs(
    network: Network, options: Options, live: frozenset[TensorId], taken: frozenset[str]
) -> Mapping[str, Call]:
    """Return {path of the backward call: the forward call} for calls that one node can carry together.

    They read the same input and mask, and nothing between them reads the first one. For an RNN node they have
    equal units and activation too (OpenVINO and TensorRT compute wrong numbers where the activations of the
    directions differ). Under a mask of any shape they stay apart: each direction then needs its own order of
    steps; in a Scan, under every mask.

    Args:
        network, options, live: of the export.
        taken: paths of calls that are written with others already.
    """
    if options.form == "unrolled":
        return {}
    right = options.form == "rnn" and options.padding == "right"
    waiting: list[Call] = []
    found: dict[str, Call] = {}
    for call in network.calls:
        if not live.intersection(call.outputs):
            continue
        made = {tensor for held in waiting for tensor in held.outputs}
        if made.intersection(call.reads):
            waiting = [held for held in waiting if not set(held.outputs).intersection(call.reads)]
        if not isinstance(call.op, Recurrent) or call.path in taken:
            continue
        if choose(call, call.op, options)[0] != options.form:
            continue
        if call.mask is not None and not right:
            continue
        partner = next((held for held in waiting if _fits(held, call, options.form)), None)
        if partner is not None:
            waiting.remove(partner)
            found[call.path] = partner
        elif not call.op.go_backwards:
            waiting.append(call)
    return found


def _fits(forward: Call, backward: Call, form: str) -> bool:
    first, second = forward.op, backward.op
    if not isinstance(first, Recurrent) or not isinstance(second, Recurrent):
        return False
    if len(first.cells) != 1 or len(second.cells) != 1 or not second.go_backwards:
        return False
    if (forward.inputs, forward.mask, forward.dtype) != (
        backward.inputs,
        backward.mask,
        backward.dtype,
    ):
        return False
    one, other = first.cells[0], second.cells[0]
    return form != "rnn" or (
        second.time_order
        and one.units == other.units
        and (one.bias is None) == (other.bias is None)
        and native(one.activation) == native(other.activation)
        and len(forward.initial) == len(backward.initial)
    )

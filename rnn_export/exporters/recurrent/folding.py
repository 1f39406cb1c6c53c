"""Which embeddings are folded: what recurrent calls add for a token is then one row of a table, x W + b.

It is read by the tokens in place of the embedding and of the product with the kernel, which is the larger part of
the work where there are more features than units.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnn_export.errors import ExportError
from rnn_export.exporters.lowering import Lowering
from rnn_export.exporters.recurrent.choosing import choose
from rnn_export.network import Call, TensorId
from rnn_export.network.ops import Embedding, Recurrent

LARGEST = 2**24
"""Entries of a table, 64 MB in float32: beyond, it takes the place of weights that were much smaller."""


def folded(low: Lowering) -> Mapping[TensorId, Call]:
    """Return the embeddings to fold by what they put out, and tell the user of the others.

    Raises:
        ExportError: there are none.
    """
    found: dict[TensorId, Call] = {}
    refused: list[tuple[str, str]] = []
    for call in low.network.calls:
        if not isinstance(call.op, Embedding) or not low.live(call.outputs[0]):
            continue
        reason = _obstacle(low, call, call.op)
        if reason is None:
            found[call.outputs[0]] = call
            readers = _joined(_readers(low, call.outputs[0]))
            low.note(f"layer {call.layer!r} is folded: {readers} looks up x W + b by the tokens")
        else:
            refused.append((f"layer {call.layer!r}", reason))
    if not found:
        raise ExportError(
            "fold",
            expected="an Embedding that recurrent layers alone read",
            got=", but ".join(refused[0]) if refused else "none that an output depends on",
            advice="Leave out fold (--fold), or take form scan, wavefront or unrolled if the form is the reason.",
        )
    for layer, reason in refused:
        low.note(f"{layer} is not folded: {reason}")
    return found


def _obstacle(low: Lowering, call: Call, op: Embedding) -> str | None:
    """Return why an embedding cannot be folded, or None if it can."""
    tensor = call.outputs[0]
    if any(port.tensor == tensor for port in low.network.outputs):
        return "its output is one of the network's"
    for reader in _readers(low, tensor):
        if not isinstance(reader.op, Recurrent) or tensor in (reader.mask, *reader.initial):
            return f"layer {reader.layer!r}, which is not recurrent, reads it too"
        if reader.dtype != call.dtype:
            return f"layer {reader.layer!r} computes in {reader.dtype}, not in {call.dtype}"
        if choose(reader, reader.op, low.options)[0] == "rnn":
            return f"layer {reader.layer!r} is an RNN node, which takes its input unprojected"
        rows, units = op.table.shape[0], reader.op.cells[0].units
        if rows * units > LARGEST:
            return f"{rows:,} tokens times {units:,} units are more than {LARGEST:,} entries"
    return None


def _readers(low: Lowering, tensor: TensorId) -> list[Call]:
    """Return the calls that read a tensor, for which some output depends on them."""
    return [
        call
        for call in low.network.calls
        if tensor in call.reads and any(map(low.live, call.outputs))
    ]


def _joined(calls: list[Call]) -> str:
    return " and ".join(dict.fromkeys(repr(call.layer) for call in calls))

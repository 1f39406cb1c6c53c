"""A model called inside a model: its inputs with their masks, in the dtypes that its own Inputs declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnn_export.errors import ReadError
from rnn_export.network.ops import Cast
from rnn_export.readers.graph import Graph
from rnn_export.readers.inputs import declared_input
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.values import Structure, Value, values

if TYPE_CHECKING:
    from rnn_export.readers.lowering import Lowering


def inner_inputs(
    lowering: Lowering,
    model: Layer,
    graph: Graph,
    arguments: Mapping[str, Structure],
    path: str,
    lead: int,
) -> list[Value]:
    """Return one Value for each input of an inner model.

    Args:
        lowering: what is being written.
        model: the inner model.
        graph: its wiring.
        arguments: "inputs", and "mask" if one was given by hand.
        path: its path.
        lead: how many axes TimeDistributed keeps between batch and the layers' own.

    Raises:
        ReadError: another number of inputs, or another rank, than it takes.

    Source: keras.models.Functional.call.
    """
    given = list(values(arguments["inputs"]))
    if len(given) != len(graph.inputs):
        raise ReadError(model.subject, expected=f"{len(graph.inputs)} inputs", got=f"{len(given)}")
    explicit = arguments.get("mask")
    masks = explicit if isinstance(explicit, list) else [explicit]
    masks += [None] * (len(given) - len(masks))
    made = []
    for value, mask, ref in zip(given, masks, graph.inputs, strict=False):
        resolved = lowering.resolve(mask, f"{path}/mask")
        kept = resolved.tensor if isinstance(resolved, Value) else value.mask
        made.append(
            _declared(lowering, Value(value.tensor, kept), graph.nodes[ref.node].layer, path, lead)
        )
    return made


def _declared(lowering: Lowering, value: Value, declared: Layer, path: str, lead: int) -> Value:
    """Return a Value in the dtype that an inner model's Input asks for."""
    shape, dtype = declared_input(declared)
    spec = lowering.writer.spec(value.tensor)
    if spec.rank != len(shape) + lead:
        raise ReadError(
            declared.subject,
            expected=f"an input of rank {len(shape)}",
            got=f"rank {spec.rank - lead}",
            advice="Reshape it with keras.layers.Reshape before the inner model.",
        )
    if spec.dtype == dtype:
        return value
    cast = f"{path}/{declared.name}/cast"
    (tensor,) = lowering.writer.call(cast, Cast(), [value.tensor], dtype=dtype)
    return Value(tensor, value.mask)

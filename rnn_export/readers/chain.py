"""The graph of a Sequential: a chain, with the input that Keras implied where none was given."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_export.errors import ReadError
from rnn_export.readers.fields import Fields
from rnn_export.readers.graph import Graph, Node, Ref
from rnn_export.readers.json_text import Json
from rnn_export.readers.layer_tree import Layer


def sequential_graph(fields: Fields, layers: Sequence[Layer], *, keras2: bool) -> Graph:
    """Return the chain of a Sequential.

    Raises:
        ReadError: it was never built, or has no layers.
    """
    if not layers or (layers[0].kind == "InputLayer" and len(layers) == 1):
        raise ReadError(fields.subject, expected="a model with layers", got="an empty Sequential")
    chain = list(layers)
    if chain[0].kind != "InputLayer":
        chain.insert(0, _implied_input(fields, chain[0]))
    nodes = [Node(chain[0])]
    for index, layer in enumerate(chain[1:]):
        nodes.append(Node(layer, (Ref(index, None),)))
    return Graph(tuple(nodes), (Ref(0, 0),), (Ref(len(nodes) - 1, None),))


def _implied_input(fields: Fields, first: Layer) -> Layer:
    """Return the input of a Sequential that holds none: Keras 2 noted its shape in the first layer or beside it."""
    shape = first.fields.get("batch_input_shape")
    named = f"{first.name}_input"
    if not isinstance(shape, list):
        shape = fields.get("build_input_shape")
    if isinstance(shape, list):
        dtype = "float32"
        if first.kind == "Embedding" and not isinstance(first.fields.get("dtype"), dict):
            dtype = first.fields.text("input_dtype", "float32")
        options: dict[str, Json] = {"batch_shape": shape, "dtype": dtype, "name": named}
        return Layer("InputLayer", named, Fields(options, fields.subject), "", ())
    if first.graph is not None and len(first.graph.inputs) == 1:
        return first.graph.nodes[first.graph.inputs[0].node].layer
    raise ReadError(
        fields.subject,
        expected="a built model",
        got="a Sequential that was never given an input shape",
        advice="Begin it with keras.Input(...), or call model.build(input_shape); then save it again.",
    )

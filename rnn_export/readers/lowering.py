"""From wired layers to the network: each call of each layer becomes ops, and every implicit mask becomes a tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnn_export.errors import ReadError
from rnn_export.readers.binding import bound
from rnn_export.readers.graph import Constant, Graph, Node, Ref
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.layers.nested import inner_inputs
from rnn_export.readers.layers.operations import PREFIX, Operation, apply, resolve
from rnn_export.readers.layers.table import LAYERS
from rnn_export.readers.limits import Limits
from rnn_export.readers.streams import Streams
from rnn_export.readers.use import Use
from rnn_export.readers.values import Structure, Value, over
from rnn_export.readers.writer import Writer


class Lowering:
    """Writes the calls of a model, and of those inside it, into a draft.

    Args:
        writer: writes into the draft.
        keras2: whether names have the meaning that Keras 2 gave them.
        limits: how many calls to make.
    """

    def __init__(self, writer: Writer, *, keras2: bool, limits: Limits) -> None:
        self.writer = writer
        self.streams = Streams(writer.draft)
        self.keras2 = keras2
        self._limits = limits
        self._calls = 0

    def run(
        self, graph: Graph, given: Sequence[Value], path: str, *, lead: int = 0
    ) -> list[list[Structure]]:
        """Lower a model's graph and return its outputs, one list for each end (most hold one Value).

        Args:
            graph: the wiring.
            given: one Value for each of the model's inputs.
            path: the model's path; "" for the outermost.
            lead: how many axes TimeDistributed keeps between batch and the layers' own.
        """
        made: dict[int, list[Structure]] = {}
        for ref, value in zip(graph.inputs, given, strict=True):
            made[ref.node] = [value]
        for number in graph.order():
            if number in made:
                continue
            node = graph.nodes[number]
            if node.layer.kind == "InputLayer":
                raise ReadError(
                    node.layer.subject,
                    expected="an input of its model",
                    got="an InputLayer that the model does not list",
                )
            self._calls += 1
            self._limits.hold("calls", self._calls, node.layer.subject, "calls of layers")
            inner = f"{path}/{node.layer.name}" if path else node.layer.name
            args = [_filled(item, made, node) for item in node.args]
            kwargs = {key: _filled(item, made, node) for key, item in (node.kwargs or {}).items()}
            made[number] = self.use(node.layer, args, kwargs, inner, lead=lead)
        return [_outputs(ref, made, graph.nodes[ref.node]) for ref in graph.outputs]

    def use(
        self,
        layer: Layer,
        args: Sequence[Structure],
        kwargs: Mapping[str, Structure],
        path: str,
        *,
        lead: int = 0,
    ) -> list[Structure]:
        """Lower one call of one layer and return its outputs, flat."""
        if layer.kind.startswith(PREFIX):
            return apply(Operation(self.writer, layer, path, args))
        if layer.graph is not None:
            given = bound(layer, ("inputs", "training", "mask"), args, kwargs)
            inputs = inner_inputs(self, layer, layer.graph, given, path, lead)
            return [
                value for end in self.run(layer.graph, inputs, path, lead=lead) for value in end
            ]
        entry = LAYERS[layer.kind]
        use = Use(
            self,
            layer,
            path,
            bound(layer, entry.arguments, args, kwargs),
            heeds_mask="mask" in entry.arguments,
            mask_keyword=kwargs.get("mask") is not None,
            lead=lead,
        )
        if entry.autocast:
            use.arguments = {name: over(item, use.autocast) for name, item in use.arguments.items()}
        outputs = entry.lower(use)
        if entry.mask is None or all(value.mask is not None for value in outputs):
            return list(outputs)
        handed = entry.mask(use, use.previous_mask())
        handed += [None] * (len(outputs) - len(handed))
        return [
            value if value.mask is not None else Value(value.tensor, mask)
            for value, mask in zip(outputs, handed, strict=False)
        ]

    def resolve(self, mask: Structure, path: str) -> Structure:
        """Return a mask in the making as a Value, None if it is True everywhere; anything else as it is."""
        return resolve(self.writer, mask, path)


def _filled(argument: object, made: Mapping[int, list[Structure]], node: Node) -> Structure:
    """Return an argument with the Values that its Refs stand for."""
    if isinstance(argument, Ref):
        found = _outputs(argument, made, node)
        return found[0] if len(found) == 1 else list(found)
    if isinstance(argument, Mapping):
        return {key: _filled(item, made, node) for key, item in argument.items()}
    if isinstance(argument, (list, tuple)):
        return [_filled(item, made, node) for item in argument]
    if isinstance(argument, Constant):
        raise ReadError(
            node.layer.subject,
            expected="tensors of the model as arguments",
            got=f"a constant ({argument.kind})",
            advice="Give it as a keras.Input, and feed it when the model runs.",
        )
    return argument


def _outputs(ref: Ref, made: Mapping[int, list[Structure]], reader: Node) -> list[Structure]:
    """Return one output of a node, or all of them."""
    outputs = made[ref.node]
    if ref.index is None:
        return outputs
    if ref.index >= len(outputs):
        raise ReadError(
            reader.layer.subject,
            expected=f"an input among {len(outputs)} outputs",
            got=f"output {ref.index}",
            advice="The file is damaged.",
        )
    return [outputs[ref.index]]

"""The graph of a functional model from its configuration, in the spelling of Keras 2 or 3."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_export.errors import ReadError
from rnn_export.readers.fields import Fields, brief
from rnn_export.readers.graph import Argument, Constant, Graph, Node, Ref, flat_refs
from rnn_export.readers.json_text import Json
from rnn_export.readers.layer_tree import Layer

_MODELS = ("Functional", "Model", "Sequential")


def functional_graph(fields: Fields, layers: Sequence[Layer], *, keras2: bool) -> Graph:
    """Return the graph of a functional model.

    Raises:
        ReadError: a subclassed model, an unknown layer in the wiring, or damaged wiring.
    """
    for key in ("input_layers", "output_layers"):
        if key not in fields:
            raise ReadError(
                fields.subject,
                expected=f"a functional or Sequential model with {key!r}",
                got="a configuration without wiring",
                advice="A subclassed model holds Python code. Rebuild it as keras.Model(inputs, outputs).",
            )
    return _Wiring(fields, layers, keras2).graph()


class _Wiring:
    """Resolves names and numbers of one functional configuration to nodes."""

    def __init__(self, fields: Fields, layers: Sequence[Layer], keras2: bool) -> None:
        self._subject = fields.subject
        self._fields = fields
        self._keras2 = keras2
        self._numbers: dict[str, list[int]] = {}
        self._layers: dict[str, Layer] = {}
        self._raw: list[tuple[Layer, Json]] = []
        for entry, layer in zip(fields.items("layers"), layers, strict=True):
            name = entry.get("name", layer.name) if isinstance(entry, dict) else layer.name
            if not isinstance(name, str) or name in self._layers:
                raise ReadError(layer.subject, expected="a name of its own", got=brief(name))
            self._layers[name] = layer
            nodes = entry.get("inbound_nodes") if isinstance(entry, dict) else None
            calls = nodes if isinstance(nodes, list) else []
            if layer.kind == "InputLayer":
                calls = [[]]
            self._numbers[name] = list(range(len(self._raw), len(self._raw) + len(calls)))
            self._raw.extend((layer, call) for call in calls)
        self._lowest = self._lowest_numbers()

    def graph(self) -> Graph:
        nodes = tuple(self._node(layer, raw) for layer, raw in self._raw)
        inputs = tuple(flat_refs(self._ends(self._fields.get("input_layers"))))
        outputs = tuple(flat_refs(self._ends(self._fields.get("output_layers"))))
        if not inputs or not outputs:
            raise ReadError(self._subject, expected="at least one input and one output", got="none")
        for ref in inputs:
            if nodes[ref.node].layer.kind != "InputLayer":
                raise ReadError(
                    self._subject,
                    expected="inputs that are InputLayers",
                    got=nodes[ref.node].layer.subject,
                    advice="Make the model with keras.Input(...) as its inputs.",
                )
        return Graph(nodes, inputs, outputs)

    def _node(self, layer: Layer, raw: Json) -> Node:
        if layer.kind == "InputLayer":
            return Node(layer)
        if isinstance(raw, dict) and "args" in raw:
            args, kwargs = self._argument(raw["args"]), self._argument(raw.get("kwargs") or {})
            if isinstance(args, list) and isinstance(kwargs, dict):
                return Node(layer, tuple(args), kwargs)
        elif isinstance(raw, (list, dict)) and raw:
            return self._old_node(layer, raw)
        raise ReadError(layer.subject, expected="a call with arguments", got=brief(raw))

    def _argument(self, value: Json) -> Argument:
        """Return a Keras 3 argument with its tensors as Refs."""
        if isinstance(value, list):
            return [self._argument(item) for item in value]
        if not isinstance(value, dict):
            return value
        kind = value.get("class_name")
        config = value.get("config")
        if kind == "__keras_tensor__" and isinstance(config, dict):
            return self._ref(config.get("keras_history"), ends=False)
        if isinstance(kind, str) and "config" in value:
            # An array, a slice, an object: kept as it is, and refused by the layer that it is given to.
            return Constant(kind)
        return {str(key): self._argument(item) for key, item in value.items()}

    def _old_node(self, layer: Layer, raw: Json) -> Node:
        """Return a node that Keras 2 wrote: [name, node, tensor, kwargs] for each input."""
        kwargs: dict[str, Argument] = {}

        def read(value: Json) -> Argument:
            if isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str):
                if len(value) == 4 and isinstance(value[3], dict):
                    kwargs.update({key: self._old_value(item) for key, item in value[3].items()})
                return (
                    Constant("constant")
                    if value[0] == "_CONSTANT_VALUE"
                    else self._ref(value[:3], ends=False)
                )
            if isinstance(value, list):
                return [read(item) for item in value]
            if isinstance(value, dict):
                return {key: read(item) for key, item in value.items()}
            raise ReadError(layer.subject, expected="a call with inputs", got=brief(value))

        first = read(raw)
        if isinstance(first, list) and len(first) == 1:
            first = first[0]
        return Node(layer, (first,), kwargs)

    def _old_value(self, value: Json) -> Argument:
        if isinstance(value, list) and len(value) == 3 and value[0] in self._layers:
            return self._ref(value, ends=False)
        if isinstance(value, list):
            return [self._old_value(item) for item in value]
        return value

    def _ends(self, value: Json) -> Argument:
        """Return input_layers or output_layers with Refs for their leaves."""
        if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
            return self._ref(value, ends=True)
        if isinstance(value, list):
            return [self._ends(item) for item in value]
        if isinstance(value, dict):
            return {key: self._ends(item) for key, item in value.items()}
        raise ReadError(self._subject, expected="a model's inputs and outputs", got=brief(value))

    def _ref(self, history: Json, *, ends: bool) -> Ref:
        if not isinstance(history, list) or len(history) != 3:
            raise ReadError(
                self._subject, expected="a tensor as [layer, call, output]", got=brief(history)
            )
        name, call, output = history
        if not isinstance(name, str) or name not in self._layers:
            raise ReadError(
                self._subject, expected="a tensor of a layer of this model", got=brief(name)
            )
        whole = isinstance(call, int) and isinstance(output, int)
        numbers = self._numbers[name]
        at = call - self._first(name, ends=ends) if whole else -1
        if not whole or not 0 <= at < len(numbers) or output < 0:
            raise ReadError(
                self._layers[name].subject,
                expected=f"a call below {len(numbers)} and an output",
                got=brief(history[1:]),
                advice="The file is damaged.",
            )
        return Ref(numbers[at], output)

    def _first(self, name: str, *, ends: bool) -> int:
        """Return the number of a layer's first call: Keras counts a nested model's from 1 in places."""
        kind = self._layers[name].kind
        if kind not in _MODELS:
            return 0
        if self._keras2:
            return min(1, self._lowest.get(name, 0))
        return 1 if ends and kind != "Sequential" else 0

    def _lowest_numbers(self) -> dict[str, int]:
        """Return the lowest call number by which each layer is referred to, in Keras 2 spelling."""
        lowest: dict[str, int] = {}
        if not self._keras2:
            return lowest
        stack: list[Json] = [raw for _, raw in self._raw]
        stack += [self._fields.get("input_layers"), self._fields.get("output_layers")]
        while stack:
            value = stack.pop()
            if isinstance(value, dict):
                stack.extend(value.values())
            elif isinstance(value, list):
                stack.extend(value)
                if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):
                    lowest[value[0]] = min(value[1], lowest.get(value[0], value[1]))
        return lowest

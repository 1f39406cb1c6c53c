"""A copy of a model under the knife: who makes and reads each value, constants, and new outputs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from rnn_export.exporters.taps.elements import element


class Surgery:
    """A model that gets more outputs and is otherwise left as it is.

    Args:
        model: any ONNX model; it is copied.
    """

    def __init__(self, model: ModelProto) -> None:
        self.model = ModelProto()
        self.model.CopyFrom(model)
        self.graph = self.model.graph
        self._outputs = {info.name for info in self.graph.output}
        self._held = {tensor.name: tensor for tensor in self.graph.initializer}
        self._given = {info.name for info in self.graph.input} | set(self._held)
        self._counts: dict[str, int] = {}
        self._names = self._given | self._outputs
        for node in self.graph.node:
            self._names.update((*node.input, *node.output))
        self._types = {info.name: info.type.tensor_type.elem_type for info in self.graph.input}
        self._types |= {name: tensor.data_type for name, tensor in self._held.items()}
        self.makers: dict[str, NodeProto] = {
            name: node for node in self.graph.node for name in node.output if name
        }
        self.readers: dict[str, list[NodeProto]] = {}
        for node in self.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def nodes(self, kind: str) -> Iterator[tuple[int, NodeProto]]:
        """Yield (place in the graph, node) of an operator."""
        for place, node in enumerate(self.graph.node):
            if node.op_type == kind and node.domain in ("", "ai.onnx"):
                yield place, node

    def maker(self, value: str, *kinds: str) -> NodeProto | None:
        """Return the node that makes ``value`` if it is one of these operators."""
        node = self.makers.get(value)
        return node if node is not None and node.op_type in kinds else None

    def tensor(self, value: str) -> TensorProto | None:
        """Return the constant that ``value`` is, an initializer or a Constant node's, or None."""
        held: TensorProto | None = self._held.get(value)
        if held is not None:
            return held
        node = self.maker(value, "Constant")
        if node is not None:
            for attribute in node.attribute:
                if attribute.name == "value":
                    held = attribute.t
        return held

    def scalar(self, value: str) -> float | None:
        """Return a constant of one element as a number, or None."""
        tensor = self.tensor(value)
        if tensor is None or int(np.prod(tensor.dims, dtype=np.int64)) != 1:
            return None
        if tensor.data_location == TensorProto.EXTERNAL:
            return None
        return float(numpy_helper.to_array(tensor).reshape(()))

    def is_constant(self, value: str) -> bool:
        """Tell whether ``value`` is an initializer or a constant."""
        return self.tensor(value) is not None

    def name(self, wanted: str) -> str:
        """Return a value name that is not taken yet."""
        name, count = wanted, self._counts.get(wanted, 1)
        while name in self._names:
            name, count = f"{wanted}_{count}", count + 1
        self._names.add(name)
        # Where the next one of the same name begins to look.
        self._counts[wanted] = count
        return name

    def show(self, value: str, rank: int, like: str | None = None) -> str:
        """Make ``value`` an output of the model and return the output's name.

        A value that some node makes keeps its name; an input or a constant is handed out through an Identity.

        Args:
            value: a value of the main graph.
            rank: how many axes it has.
            like: a value whose element type it has, where inference did not see ``value`` itself.
        """
        if value in self._outputs:
            return value
        name = value
        if value in self._given:
            name = self.name(f"{value}/shown")
            node = self.graph.node.add(op_type="Identity", name=name)
            node.input.append(value)
            node.output.append(name)
        self._outputs.add(name)
        info = self.graph.output.add(name=name)
        kind = self.element(value) or self.element(like or value)
        if kind != TensorProto.UNDEFINED:
            # A shape without an element type is no type, and runtimes refuse it; without either, they infer both.
            info.type.tensor_type.elem_type = kind
            for _ in range(rank):
                info.type.tensor_type.shape.dim.add()
        return name

    def element(self, value: str) -> int:
        """Return the element type of a value as ONNX' number, 0 if it cannot be told."""
        tensor = self.tensor(value)
        if tensor is not None:
            return tensor.data_type
        return element(value, self.makers.get, self._types)

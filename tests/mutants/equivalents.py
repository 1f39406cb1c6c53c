"""Rewrites that compute the same network: none may be flagged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, helper, numpy_helper

from rnn_export.exporters import export
from rnn_export.network import Network
from tests.mutants.surgery import (
    after,
    attribute,
    before,
    constant,
    copied,
    edit,
    node,
    op,
    rewired,
)


@dataclass(frozen=True)
class Equivalent:
    """A rewrite.

    Args:
        name: of it.
        world: of worlds.WORLDS.
        make: the rewrite of the network's export in the form rnn.
    """

    name: str
    world: str
    make: Callable[[Network, ModelProto], ModelProto]

    @property
    def id(self) -> str:
        return f"{self.world}: {self.name}"


def equivalents() -> tuple[Equivalent, ...]:
    """Return every rewrite."""
    tanh = {"activations": ["ScaledTanh"], "activation_alpha": [1.0], "activation_beta": [1.0]}
    slope = {"activations": ["LeakyRelu"], "activation_alpha": [0.0], "activation_beta": None}
    threshold = {
        "activations": ["ThresholdedRelu"],
        "activation_alpha": [0.0],
        "activation_beta": None,
    }
    found = [
        Equivalent("Wb and Rb exchanged", "single", lambda net, model: edit(model, "rnn/B", _exchanged)),
        Equivalent("bias split in two halves", "single", lambda net, model: edit(model, "rnn/B", _halved)),
        Equivalent("bias mostly in Rb", "stack", lambda net, model: edit(model, "rnn1/B", _mostly)),
        Equivalent("ScaledTanh(1, 1)", "single", lambda net, model: attribute(model, "rnn#0", **tanh)),
        Equivalent("clip at 50", "single", lambda net, model: attribute(model, "rnn#0", clip=50.0)),
        Equivalent("LeakyRelu(0)", "kinds", lambda net, model: attribute(model, "rnn0#0", **slope)),
        Equivalent("ThresholdedRelu(0)", "kinds", lambda net, model: attribute(model, "rnn0#0", **threshold)),
        Equivalent("selu with its factor in R", "kinds", lambda net, model: model),
        Equivalent("both directions in one node", "both", lambda net, model: model),
        Equivalent("valid steps compacted", "masked", lambda net, model: model),
        Equivalent("an Identity between", "stack", _identity),
        Equivalent("two Transposes between", "single", _twice),
        Equivalent("initial state of zeros", "single", _zeros),
        Equivalent("lengths of all steps", "single", _lengths),
        Equivalent("weights as Constant nodes", "stack", _constants),
        Equivalent("a node renamed", "stack", _renamed),
        Equivalent("nodes named for each other", "square", _misnamed),
    ]  # fmt: skip
    for form in ("scan", "wavefront"):
        for world in ("stack", "both", "masked", "kinds", "stateful", "square"):
            found += [Equivalent(f"form {form}", world, _form(form))]
    for opset in (14, 21, 22):
        found += [Equivalent(f"opset {opset}", "stack", _opset(opset))]
    return tuple(found)


def _form(form: str) -> Callable[[Network, ModelProto], ModelProto]:
    return lambda net, model: export(net, form=form).model


def _opset(opset: int) -> Callable[[Network, ModelProto], ModelProto]:
    return lambda net, model: export(net, opset=opset).model


def _exchanged(values: np.ndarray) -> np.ndarray:
    wide = values.shape[1] // 2
    return np.concatenate([values[:, wide:], values[:, :wide]], axis=1)


def _halved(values: np.ndarray) -> np.ndarray:
    wide = values.shape[1] // 2
    return np.tile(values[:, :wide] / 2, 2)


def _mostly(values: np.ndarray) -> np.ndarray:
    wide = values.shape[1] // 2
    few = np.where(np.arange(wide) % 2, values[:, :wide], 0)
    return np.concatenate([few, values[:, :wide] - few], axis=1)


def _identity(net: Network, model: ModelProto) -> ModelProto:
    return after(model, node(model, "rnn0#0/Squeeze").output[0], op("Identity", ["<here>"]))


def _twice(net: Network, model: ModelProto) -> ModelProto:
    first = helper.make_node("Transpose", ["<here>"], ["m/turned"], perm=[1, 0, 2])
    return before(model, "rnn#0", 0, first, op("Transpose", ["m/turned"], perm=[1, 0, 2]))


def _zeros(net: Network, model: ModelProto) -> ModelProto:
    made = copied(model)
    item = node(made, "rnn#0")
    place = list(made.graph.node).index(item)
    for name, values in (("m/one", [1]), ("m/batch", [1]), ("m/units", [64])):
        constant(made, name, np.array(values, np.int64))
    zero = numpy_helper.from_array(np.zeros(1, np.float32))
    for new in (
        helper.make_node("ConstantOfShape", ["m/full"], ["m/h0"], value=zero),
        helper.make_node("Concat", ["m/one", "m/n", "m/units"], ["m/full"], axis=0),
        helper.make_node("Gather", ["m/shape", "m/batch"], ["m/n"]),
        helper.make_node("Shape", [item.input[0]], ["m/shape"]),
    ):
        made.graph.node.insert(place, new)
    return rewired(made, "rnn#0", 5, "m/h0")


def _lengths(net: Network, model: ModelProto) -> ModelProto:
    made = copied(model)
    item = node(made, "rnn#0")
    place = list(made.graph.node).index(item)
    for name, values in (("m/time", 0), ("m/batch", [1])):
        constant(made, name, np.array(values, np.int64))
    for new in (
        helper.make_node("Cast", ["m/all"], ["m/lengths"], to=6),
        helper.make_node("Expand", ["m/t", "m/n"], ["m/all"]),
        helper.make_node("Gather", ["m/shape", "m/batch"], ["m/n"]),
        helper.make_node("Gather", ["m/shape", "m/time"], ["m/t"]),
        helper.make_node("Shape", [item.input[0]], ["m/shape"]),
    ):
        made.graph.node.insert(place, new)
    return rewired(made, "rnn#0", 4, "m/lengths")


def _constants(net: Network, model: ModelProto) -> ModelProto:
    made = copied(model)
    tensors = list(made.graph.initializer)
    del made.graph.initializer[:]
    for tensor in tensors:
        made.graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=tensor))
    return made


def _renamed(net: Network, model: ModelProto) -> ModelProto:
    made = copied(model)
    for at, item in enumerate(made.graph.node):
        item.name = f"node_{at}"
    return made


def _misnamed(net: Network, model: ModelProto) -> ModelProto:
    made = copied(model)
    node(made, "rnn0#0").name = "m/aside"
    node(made, "rnn1#0").name = "rnn0#0"
    node(made, "m/aside").name = "rnn1#0"
    return made

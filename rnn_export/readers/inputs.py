"""The model's inputs: names, dtypes, and open axes by name; those that must agree share one name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rnn_export.errors import ReadError
from rnn_export.network import BATCH, TIME, Dim, Op, Spec
from rnn_export.network.ops import ApplyMask, CombineMasks, Concatenate, Merge, Recurrent
from rnn_export.readers.fields import brief
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.policy import FLOATS, INTEGERS

Shape = tuple[int | None, ...]

# The names that Keras itself gives to the input of a Sequential that was built by being called.
_AUTOMATIC = re.compile(r"input_layer(_\d+)?|.+_input|input_\d+")


def declared_input(layer: Layer) -> tuple[Shape, str]:
    """Return an InputLayer's shape with batch, and dtype.

    Raises:
        ReadError: a sparse, ragged or optional input, text, or no shape.
    """
    fields = layer.fields
    for name in ("sparse", "ragged", "optional"):
        if fields.flag(name):
            raise ReadError(
                layer.subject, expected="a dense input that is always given", got=f"{name}=True"
            )
    shape = next(
        (fields.get(key) for key in ("batch_shape", "batch_input_shape") if key in fields), None
    )
    if not isinstance(shape, list) or not shape or not all(_size(item) for item in shape):
        raise ReadError(
            layer.subject,
            expected="an input with one shape",
            got=brief(shape),
            advice="Give the model a keras.Input(shape=...) for each input.",
        )
    dtype = fields.text("dtype", "float32")
    if dtype not in (*FLOATS, *INTEGERS, "bool"):
        raise ReadError(layer.subject, expected="an input of numbers", got=f"dtype {dtype}")
    return tuple(shape), dtype


def _size(item: object) -> bool:
    return item is None or (isinstance(item, int) and not isinstance(item, bool) and item >= 0)


def relaxed(model: Layer, declared: Shape) -> Shape | None:
    """Return the open shape of a Sequential that was built by being called, None if its Input was given by hand.

    Such a model stores the shape of its first batch, yet takes any batch and length. It cannot be told from one
    with a hand-written ``Input(batch_shape=...)`` and no name; that one is opened too.
    """
    if model.kind != "Sequential" or model.graph is None or declared[0] is None:
        return None
    first = model.graph.nodes[model.graph.inputs[0].node].layer
    if not _AUTOMATIC.fullmatch(first.name):
        return None
    stateful = any(layer.fields.flag("stateful") for layer in model.walk())
    tokens = _takes_tokens(model)
    sequence = len(declared) >= 3 or (tokens and len(declared) == 2)
    batch = declared[0] if stateful else None
    return (batch, *((None,) if sequence else ()), *declared[2 if sequence else 1 :])


def _takes_tokens(model: Layer) -> bool:
    """Tell whether the first layer with a say in it is an Embedding."""
    for layer in model.walk():
        if layer.kind not in ("Sequential", "Functional", "Model", "InputLayer"):
            return layer.kind == "Embedding"
    return False


@dataclass
class Axes:
    """Names for open axes, and which of them the calls showed to be the same.

    Args:
        same: axis name to the name that replaces it.
    """

    same: dict[str, str]

    def shape(
        self, name: str, declared: Shape, *, first: bool, time_major: bool
    ) -> tuple[Dim, ...]:
        """Return a port's shape: "batch", "time" for the first sequence, "<input>_time" for others.

        Args:
            name: the input's name.
            declared: its shape.
            first: whether no sequence came before it.
            time_major: whether sequences of this model begin with time, as those of Keras 2 may.
        """
        turned = time_major and (len(declared) > 2 or declared[1:] == (None,))
        made: list[Dim] = []
        for axis, size in enumerate(declared):
            if size is not None:
                made.append(size)
            elif axis == int(turned):
                made.append(BATCH)
            elif axis == 1 - turned:
                made.append(self.root(TIME if first else f"{name}_{TIME}"))
            else:
                made.append(self.root(f"{name}_axis_{axis}"))
        return tuple(made)

    def root(self, name: str) -> str:
        """Return the name that stands for an axis."""
        while name in self.same:
            name = self.same[name]
        return name

    def tie(self, a: Dim, b: Dim) -> None:
        """Note that two axes have the same size. "time" and shorter names win."""
        if not isinstance(a, str) or not isinstance(b, str) or "_plus_" in a + b or "_by_" in a + b:
            return
        a, b = self.root(a), self.root(b)
        if a == b or BATCH in (a, b):
            return
        keep, drop = sorted((a, b), key=lambda name: (name != TIME, len(name), name))
        self.same[drop] = keep

    def tie_call(self, op: Op, inputs: Sequence[Spec], mask: Spec | None) -> None:
        """Note what a call says about the axes of its inputs."""
        if isinstance(op, (Merge, CombineMasks)):
            for other in inputs[1:]:
                for a, b in zip(reversed(inputs[0].shape), reversed(other.shape), strict=False):
                    self.tie(a, b)
        elif isinstance(op, Concatenate):
            joined = op.axis % inputs[0].rank
            for other in inputs[1:]:
                for axis, (a, b) in enumerate(zip(inputs[0].shape, other.shape, strict=False)):
                    if axis != joined:
                        self.tie(a, b)
        elif isinstance(op, ApplyMask):
            for a, b in zip(inputs[0].shape, inputs[1].shape, strict=False):
                self.tie(a, b)
        if isinstance(op, Recurrent) and mask is not None:
            for a, b in zip(inputs[0].shape, mask.shape, strict=False):
                self.tie(a, b)

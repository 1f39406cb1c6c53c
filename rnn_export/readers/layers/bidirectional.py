"""Bidirectional: two recurrent layers over the same input, and what becomes of their outputs."""

from __future__ import annotations

from typing import Literal

from rnn_export.errors import ReadError
from rnn_export.network import TensorId
from rnn_export.network.ops import Concatenate, Flip, Merge
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.layers.entry import Entry
from rnn_export.readers.layers.recurrent import ARGUMENTS, run, states
from rnn_export.readers.use import Use
from rnn_export.readers.values import Structure, Value, first_mask

_MERGES: dict[str, Literal["add", "multiply", "average"]] = {
    "sum": "add",
    "mul": "multiply",
    "ave": "average",
}


def _bidirectional(use: Use) -> list[Value]:
    """Source: keras.layers.Bidirectional.call."""
    value, initial = states(use)
    forward, backward = use.layer.part("forward_layer"), use.layer.part("backward_layer")
    _check(use, forward, backward)
    tensor = use.as_mask(first_mask(use.given_mask()))
    half = len(initial) // 2
    made = []
    for layer, given in ((forward, initial[:half]), (backward, initial[half:])):
        made.append(
            run(use, layer, value, mask=tensor, initial=given, part=layer.name, in_both=True)
        )
    y, y_reverse = (use.cast(outputs[0], part="cast") for outputs in made)
    if _sequences(use) and forward.fields.flag("go_backwards"):
        y = _flipped(use, y, forward.name)
        y_reverse = _flipped(use, y_reverse, backward.name)
    merged = _merged(use, y, y_reverse)
    return [*merged, *made[0][1:], *made[1][1:]]


def _flipped(use: Use, value: Value, part: str) -> Value:
    """Return a sequence the other way round.

    With a forward layer that runs backwards, Keras still turns round the output of the other one.
    """
    (tensor,) = use.emit(Flip(1), [value], part=f"{part}/flip")
    return Value(tensor)


def _check(use: Use, forward: Layer, backward: Layer) -> None:
    if forward.fields.flag("go_backwards") == backward.fields.flag("go_backwards"):
        raise ReadError(
            use.subject, expected="layers that run in two directions", got="twice the same"
        )
    for name in ("stateful", "return_sequences", "return_state"):
        if forward.fields.flag(name) != backward.fields.flag(name):
            raise ReadError(
                use.subject, expected=f"the same {name} in both layers", got="two values"
            )


def _merged(use: Use, y: Value, y_reverse: Value) -> list[Value]:
    mode = use.fields.get("merge_mode")
    if mode is None:
        return [y, y_reverse]
    if mode == "concat":
        (tensor,) = use.emit(Concatenate(-1), [y, y_reverse], hints={"class": "Bidirectional"})
    elif isinstance(mode, str) and mode in _MERGES:
        (tensor,) = use.emit(Merge(_MERGES[mode]), [y, y_reverse], hints={"class": "Bidirectional"})
    else:
        raise ReadError(
            use.subject, expected="merge_mode concat, sum, mul, ave or None", got=repr(mode)
        )
    return [Value(tensor)]


def _sequences(use: Use) -> bool:
    return use.layer.part("forward_layer").fields.flag("return_sequences")


def _mask(use: Use, previous: Structure) -> list[TensorId | None]:
    """Source: keras.layers.Bidirectional.compute_mask."""
    if not _sequences(use):
        return []
    mask = use.as_mask(first_mask(previous))
    return [mask, mask] if use.fields.get("merge_mode") is None else [mask]


TABLE = {"Bidirectional": Entry(_bidirectional, ARGUMENTS, _mask)}

"""From calls to uses of Keras layers: casts and implicit masks vanish, for Keras makes them by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rnn_export.builders.live.layers import Filling, Made, common, plain_layer, subject_of
from rnn_export.builders.live.recurrent import bidirectional_layer, recurrent_layer
from rnn_export.errors import NetworkError
from rnn_export.network import Call, Network, TensorId
from rnn_export.network.ops import (
    ApplyMask,
    Cast,
    Concatenate,
    Embedding,
    Merge,
    Recurrent,
    TokenMask,
    ValueMask,
)

_MODES = {"add": "sum", "multiply": "mul", "average": "ave"}


@dataclass(frozen=True)
class Use:
    """One call of a Keras layer.

    Args:
        layer: the layer; the same object each time a shared layer is called.
        inputs: tensors of the network.
        outputs: those it makes, in Keras' order, flat.
        initial: initial states.
        mask: an explicit mask; None for the one that Keras carries along.
        listed: whether the layer takes its inputs as a list.
        before: layers that vanish at inference, applied to the first input.
        after: the same, applied to the first output.
    """

    layer: Any
    inputs: tuple[TensorId, ...]
    outputs: tuple[TensorId, ...]
    initial: tuple[TensorId, ...] = ()
    mask: TensorId | None = None
    listed: bool = False
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()


@dataclass
class Uses:
    """The uses of a whole network, in order, and the weights to be filled in once all is built."""

    network: Network
    items: list[Use] = field(default_factory=list)
    filling: Filling = field(default_factory=list)
    _same: dict[TensorId, TensorId] = field(default_factory=dict)
    _implicit: set[TensorId] = field(default_factory=set)
    _made: dict[str, Any] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for call in self.network.calls:
            if call.path not in self._done:
                self._done.add(call.path)
                self._take(call)

    def _take(self, call: Call) -> None:
        op = call.op
        if isinstance(op, Cast):
            self._same[call.outputs[0]] = self._origin(call.inputs[0])
        elif isinstance(op, TokenMask) and not self._of_embedding(call):
            # A mask that was given as numbers: Keras asks it for truth by itself.
            self._same[call.outputs[0]] = self._origin(call.inputs[0])
        elif all(self.network.spec(tensor).dtype == "bool" for tensor in call.outputs):
            self._implicit.update(call.outputs)
        elif isinstance(op, ApplyMask):
            self._masking(call)
        elif isinstance(op, Recurrent):
            partner = self._partner(call)
            if partner is None:
                self._add(call, lambda: recurrent_layer(call), call.inputs, call.outputs)
            else:
                self._both_directions(call, partner)
        else:
            self._add(call, lambda: self._plain(call), call.inputs, call.outputs)

    def _plain(self, call: Call) -> Made:
        masked = isinstance(call.op, Embedding) and self._masks_zero(call)
        return plain_layer(call, **({"mask_zero": True} if masked else {}))

    def _masking(self, call: Call) -> None:
        """Add a Masking layer, whose value the call that made the mask holds."""
        import keras

        maker = next(item for item in self.network.calls if call.inputs[1] in item.outputs)
        if not isinstance(maker.op, ValueMask) or maker.inputs != call.inputs[:1]:
            raise NetworkError(
                subject_of(call),
                expected="a mask of its own input's values",
                got=f"one by {maker.path!r}",
                advice="Run the original model instead of one made from its network.",
            )
        value = maker.op.value
        self._add(
            call,
            lambda: Made(keras.layers.Masking(value, **common(call)), []),
            call.inputs[:1],
            call.outputs,
        )

    def _both_directions(self, forward: Call, backward: Call) -> None:
        path = forward.layer.rpartition("/")[0]
        merge = self._merge(path, forward, backward)
        self._done.add(backward.path)
        mode: str | None = None
        outputs: tuple[TensorId, ...] = (forward.outputs[0], backward.outputs[0])
        if merge is not None:
            self._done.add(merge.path)
            mode = _MODES[merge.op.kind] if isinstance(merge.op, Merge) else "concat"
            outputs = merge.outputs
        self._add(
            forward,
            lambda: bidirectional_layer(forward, backward, mode),
            forward.inputs,
            outputs + forward.outputs[1:] + backward.outputs[1:],
            initial=forward.initial + backward.initial,
            hints=dict(forward.hints) | dict(merge.hints if merge else ()),
            key=path,
        )

    def _partner(self, call: Call) -> Call | None:
        """Return the backward half that belongs to a forward half, None if the call stands alone."""
        path = call.layer.rpartition("/")[0]
        if not path or _in_both(call):
            return None
        for other in self.network.recurrent():
            beside = other.layer.rpartition("/")[0] == path and other.inputs == call.inputs
            if beside and _in_both(other):
                return other
        return None

    def _merge(self, path: str, forward: Call, backward: Call) -> Call | None:
        wanted = {forward.outputs[0], backward.outputs[0]}
        casts = {
            item.outputs[0]: item.inputs[0]
            for item in self.network.calls
            if isinstance(item.op, Cast)
        }
        for call in self.network.calls:
            joins = call.layer == path and isinstance(call.op, (Merge, Concatenate))
            if joins and {casts.get(tensor, tensor) for tensor in call.inputs} == wanted:
                return call
        return None

    def _add(
        self,
        call: Call,
        make: Any,
        inputs: tuple[TensorId, ...],
        outputs: tuple[TensorId, ...],
        *,
        initial: tuple[TensorId, ...] | None = None,
        hints: dict[str, object] | None = None,
        key: str = "",
    ) -> None:
        """Add a use; the layer is made at the first call of its path only."""
        path = key or call.layer
        if path not in self._made:
            made = make()
            self._made[path] = made.layer
            self.filling += made.filling
        hints = dict(call.hints) if hints is None else hints
        states = call.initial if initial is None else initial
        self.items.append(
            Use(
                self._made[path],
                tuple(map(self._origin, inputs)),
                outputs,
                tuple(map(self._origin, states)),
                None
                if call.mask is None or call.mask in self._implicit
                else self._origin(call.mask),
                isinstance(call.op, (Merge, Concatenate)),
                vanishing(hints.get("before")),
                vanishing(hints.get("after")),
            )
        )

    def _origin(self, tensor: TensorId) -> TensorId:
        return self._same.get(tensor, tensor)

    def _of_embedding(self, call: Call) -> bool:
        return any(
            isinstance(item.op, Embedding)
            and f"{item.layer}/mask" == call.layer
            and item.inputs == call.inputs
            for item in self.network.calls
        )

    def _masks_zero(self, embedding: Call) -> bool:
        return any(
            isinstance(item.op, TokenMask) and item.layer == f"{embedding.layer}/mask"
            for item in self.network.calls
        )


def _in_both(call: Call) -> bool:
    """Tell whether a call is one that only a Bidirectional makes: backwards, yet in time order."""
    return isinstance(call.op, Recurrent) and call.op.time_order and call.op.go_backwards


def vanishing(hint: object) -> tuple[Any, ...]:
    """Return the layers of a hint "before" or "after": Keras configurations of Dropout and its like."""
    import keras

    if not isinstance(hint, (list, tuple)):
        return ()
    return tuple(getattr(keras.layers, item["class_name"])(**item["config"]) for item in hint)

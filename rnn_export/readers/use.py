"""One call of one layer while it is lowered: its arguments by name, its masks, and the ways to add to the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rnn_export.errors import ReadError
from rnn_export.network import Op, Spec, TensorId, Weight
from rnn_export.network.ops import Cast, TokenMask
from rnn_export.readers.fields import Fields
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.policy import FLOATS, Policy, policy
from rnn_export.readers.values import Structure, Value, count, masks, values

if TYPE_CHECKING:
    from rnn_export.readers.lowering import Lowering


class Use:
    """One call of a layer.

    Args:
        lowering: what is being written.
        layer: the layer.
        path: its path in the network ("encoder/rnn").
        arguments: those given, by name, Values inside lists or dicts.
        heeds_mask: whether the layer's ``call`` takes a mask.
        mask_keyword: whether a mask was given by keyword; Keras hands only such a one on.
        lead: how many axes between batch and the layer's own: 1 inside TimeDistributed.
    """

    def __init__(
        self,
        lowering: Lowering,
        layer: Layer,
        path: str,
        arguments: Mapping[str, Structure],
        *,
        heeds_mask: bool,
        mask_keyword: bool,
        lead: int = 0,
    ) -> None:
        self.lowering = lowering
        self.layer = layer
        self.path = path
        self.arguments = dict(arguments)
        self.policy: Policy = policy(layer)
        self.heeds_mask = heeds_mask
        self._mask_keyword = mask_keyword
        self.lead = lead

    @property
    def fields(self) -> Fields:
        return self.layer.fields

    @property
    def subject(self) -> str:
        return self.layer.subject

    @property
    def first(self) -> Structure:
        """The first argument."""
        return next(iter(self.arguments.values()))

    def tensor_arguments(self) -> list[Structure]:
        """Return the arguments that hold tensors; Keras counts them to decide on implicit masks."""
        return [value for value in self.arguments.values() if next(values(value), None) is not None]

    def given_mask(self) -> Structure:
        """Return the mask that the layer's ``call`` sees, None for none.

        A mask given by hand, else the mask that came with the input; but a layer called with more than one tensor
        argument gets no implicit mask. Source: keras.layers.Layer.__call__, step 6.
        """
        given = self.arguments.get("mask")
        if given is not None:
            return given
        held = self.tensor_arguments()
        return masks(held[0]) if len(held) == 1 else None

    def previous_mask(self) -> Structure:
        """Return the mask from which ``compute_mask`` starts. Source: keras.layers.Layer.__call__, step 6."""
        if self._mask_keyword:
            return self.arguments["mask"]
        if self.heeds_mask and self.arguments.get("mask") is None:
            implicit = self.given_mask()
            if implicit is not None:
                return implicit
        return masks(self.first)

    def one(self) -> Value:
        """Return the only input.

        Raises:
            ReadError: several, or none.
        """
        found = self.first
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if not isinstance(found, Value):
            raise ReadError(self.subject, expected="one tensor as input", got=count(found))
        return found

    def several(self) -> list[Value]:
        """Return the inputs of a layer that takes a list."""
        found = self.first
        if not isinstance(found, list) or not all(isinstance(item, Value) for item in found):
            raise ReadError(self.subject, expected="a list of tensors as input", got=count(found))
        return found

    def spec(self, value: Value) -> Spec:
        """Return shape and dtype."""
        return self.lowering.writer.spec(value.tensor)

    def weight(self, attribute: str, layer: Layer | None = None) -> Weight:
        """Return one of the layer's variables (or of one inside it) in its policy's dtype."""
        owner = layer or self.layer
        kept = policy(owner).variable if owner is not self.layer else self.policy.variable
        return self.lowering.writer.weight(owner, attribute, kept)

    def emit(
        self,
        op: Op,
        inputs: Sequence[Value],
        *,
        dtype: str | None = None,
        part: str = "",
        mask: TensorId | None = None,
        initial: Sequence[TensorId] = (),
        hints: Mapping[str, object] | None = None,
    ) -> tuple[TensorId, ...]:
        """Add a call and return its tensors.

        Args:
            op: what it computes.
            inputs: its inputs.
            dtype: what it computes in; by default the layer's compute dtype.
            part: what the call is to the layer ("cast", "mask"), for its path; "" for the layer itself.
            mask: a bool tensor.
            initial: initial states.
            hints: how Keras spelled the layer.
        """
        return self.lowering.writer.call(
            f"{self.path}/{part}" if part else self.path,
            op,
            [value.tensor for value in inputs],
            dtype=dtype or self.policy.compute,
            mask=mask,
            initial=initial,
            hints=hints,
        )

    def cast(self, value: Value, dtype: str | None = None, part: str = "cast") -> Value:
        """Return the value in another dtype (by default the layer's compute dtype), its mask with it."""
        wanted = dtype or self.policy.compute
        if self.spec(value).dtype == wanted:
            return value
        (tensor,) = self.emit(Cast(), [value], dtype=wanted, part=part)
        return replace(value, tensor=tensor)

    def autocast(self, value: Value) -> Value:
        """Return the value as Keras hands it to the layer: floats in the compute dtype, all else as it is."""
        return self.cast(value) if self.spec(value).dtype in FLOATS else value

    def as_mask(self, value: Structure) -> TensorId | None:
        """Return an explicit or implicit mask as a bool tensor."""
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        value = self.lowering.resolve(value, f"{self.path}/mask")
        if value is None:
            return None
        if not isinstance(value, Value):
            raise ReadError(self.subject, expected="one mask", got=count(value))
        if self.spec(value).dtype == "bool":
            return value.tensor
        (tensor,) = self.emit(TokenMask(), [value], part="mask")
        return tensor

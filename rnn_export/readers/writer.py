"""Writes calls into the draft: finds again what was derived before, learns which open axes agree, converts weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rnn_export.network import ArrayWeight, Draft, Op, Spec, TensorId, Weight
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.network.ops import Cast, CombineMasks, TokenMask, ValueMask
from rnn_export.readers.inputs import Axes
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.limits import Limits
from rnn_export.readers.variables import Variables

_DERIVED = (Cast, CombineMasks, TokenMask, ValueMask)


class Writer:
    """One draft while it is written.

    Args:
        draft: the network being written.
        variables: where the weights are.
        axes: learns which open axes must agree.
        limits: how large a tensor may be.
    """

    def __init__(self, draft: Draft, variables: Variables, axes: Axes, limits: Limits) -> None:
        self.draft = draft
        self._limits = limits
        self._variables = variables
        self._axes = axes
        self._known: dict[tuple[Op, tuple[TensorId, ...], str], tuple[TensorId, ...]] = {}
        self._converted: dict[tuple[int, str], tuple[Weight, Weight]] = {}

    def spec(self, tensor: TensorId) -> Spec:
        """Return shape and dtype."""
        return self.draft.spec(tensor)

    def call(
        self,
        path: str,
        op: Op,
        inputs: Sequence[TensorId],
        *,
        dtype: str,
        mask: TensorId | None = None,
        initial: Sequence[TensorId] = (),
        hints: Mapping[str, object] | None = None,
    ) -> tuple[TensorId, ...]:
        """Add a call; a cast or a mask that was derived before is found again, as Keras derives those over and over.

        Args:
            path: the layer's path.
            op: what it computes.
            inputs: tensors.
            dtype: what it computes in; masks are taken in their input's dtype.
            mask: a bool tensor.
            initial: initial states.
            hints: how Keras spelled the layer.
        """
        specs = [self.spec(tensor) for tensor in inputs]
        if isinstance(op, (TokenMask, ValueMask)):
            dtype = specs[0].dtype
        key = (op, tuple(inputs), dtype)
        derived = isinstance(op, _DERIVED) or dtype == "bool"
        if derived and key in self._known:
            return self._known[key]
        self._axes.tie_call(op, specs, None if mask is None else self.spec(mask))
        made = self.draft.call(
            path, op, inputs, dtype=dtype, mask=mask, initial=initial, hints=hints
        )
        for tensor in made:
            sizes = [size for size in self.spec(tensor).shape if isinstance(size, int)]
            self._limits.hold(
                "units", max(sizes, default=0), f"layer {path!r}", "entries along an axis"
            )
        if derived:
            self._known[key] = made
        return made

    def weight(self, layer: Layer, attribute: str, dtype: str) -> Weight:
        """Return a variable in the dtype that Keras keeps it in, whatever the file stores."""
        found = self._variables.take(layer, attribute)
        if found.dtype.name == dtype:
            return found
        key = (id(found), dtype)
        if key not in self._converted:
            # What becomes infinite is named with all weights that are.
            with np.errstate(over="ignore", invalid="ignore"):
                self._converted[key] = (found, ArrayWeight(found.read().astype(numpy_dtype(dtype))))
        return self._converted[key][1]

"""Layers that look features up, mix or pass them: Embedding, Dense, Masking, and all that vanish at inference."""

from __future__ import annotations

from math import isfinite, isnan

import numpy as np

from rnn_export.errors import ReadError
from rnn_export.network import TensorId
from rnn_export.network.dtypes import HALF, numpy_dtype
from rnn_export.network.ops import Affine, ApplyMask, Dense, Embedding, TokenMask, ValueMask
from rnn_export.readers.layers.activations import floats, parse
from rnn_export.readers.layers.entry import Entry, hand_on
from rnn_export.readers.policy import policy
from rnn_export.readers.use import Use
from rnn_export.readers.values import Structure, Value


def _embedding(use: Use) -> list[Value]:
    tokens = use.one()
    table = use.weight("embeddings")
    wanted = (use.fields.integer("input_dim"), use.fields.integer("output_dim"))
    _expect(use, "embeddings", table.shape, wanted)
    (tensor,) = use.emit(Embedding(table), [tokens], hints={"class": "Embedding"})
    return [Value(tensor)]


def _token_mask(use: Use, previous: Structure) -> list[TensorId | None]:
    if not use.fields.flag("mask_zero"):
        return []
    return list(use.emit(TokenMask(), [use.one()], part="mask"))


def _dense(use: Use) -> list[Value]:
    return dense(use, use.one())


def dense(use: Use, value: Value) -> list[Value]:
    """Add a Dense over the last axis of any input of rank 2 or more."""
    value = use.cast(value)
    bias = use.weight("bias") if use.fields.flag("use_bias", True) else None
    named, dtype = use.fields.get("activation"), policy(use.layer).compute
    function = parse(named, use.subject, keras2=use.lowering.keras2, dtype=dtype)
    op = Dense(use.weight("kernel"), bias, function)
    _expect(use, "kernel", op.kernel.shape[1:], (use.fields.integer("units"),))
    (tensor,) = use.emit(op, [value], hints={"class": "Dense"})
    return [Value(tensor, value.mask)]


def _expect(use: Use, name: str, got: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Raise ReadError unless a weight has the sizes that the configuration gives."""
    if got != wanted:
        raise ReadError(
            use.subject,
            expected=f"{name} of {' x '.join(map(str, wanted))}",
            got=" x ".join(map(str, got)),
            advice="The weights do not belong to this configuration.",
        )


def _masking(use: Use) -> list[Value]:
    value = use.one()
    dtype = use.spec(value).dtype
    if dtype in ("bool", "int16", "uint16", "uint64"):
        # onnxruntime has no Where for them.
        raise ReadError(
            use.subject,
            expected="float inputs",
            got=dtype,
            advice="Declare the Input with dtype='float32'.",
        )
    (mask,) = use.emit(ValueMask(_masked_number(use, dtype)), [value], part="mask")
    (tensor,) = use.emit(ApplyMask(), [value, Value(mask)], dtype=dtype)
    return [Value(tensor, mask)]


def _masked_number(use: Use, dtype: str) -> float:
    """Return the number that is compared with; a whole one takes the inputs' dtype, any other is a float32.

    Source: keras.layers.Masking.call, keras.ops.not_equal.
    """
    kept = use.fields.get("mask_value")
    if isinstance(kept, dict):
        raise ReadError(
            use.subject,
            expected="a number as mask_value",
            got="a tensor",
            advice="Give it as a number.",
        )
    if isinstance(kept, float) and isnan(kept):
        raise ReadError(
            use.subject,
            expected="a finite number as mask_value",
            got="NaN",
            advice="Nothing equals it, so it masks nothing: leave the layer out.",
        )
    number = use.fields.number("mask_value", 0.0)
    if not isinstance(kept, int):
        return number
    if dtype in HALF:
        with np.errstate(over="ignore"):
            near = float(np.array(number, numpy_dtype(dtype)))
        return near if isfinite(near) else number
    if abs(kept) >= 2**24 and dtype != "float32":
        raise ReadError(
            use.subject,
            expected=f"a mask_value below {2**24}",
            got=str(kept),
            advice="Take a smaller one.",
        )
    return number


def _identity(use: Use) -> list[Value]:
    return [use.one()]


def _rescaling(use: Use) -> list[Value]:
    value = floats(use, use.one())
    op = Affine(use.fields.number("scale"), use.fields.number("offset", 0.0))
    (tensor,) = use.emit(op, [value])
    return [Value(tensor, value.mask)]


# What only matters in training. Source: the layers' ``call`` with training=False.
NOTHING = (
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
)

TABLE = {
    "Dense": Entry(_dense, mask=hand_on),
    "Embedding": Entry(_embedding, mask=_token_mask, autocast=False),
    "Masking": Entry(_masking, mask=hand_on),
    "Rescaling": Entry(_rescaling, mask=hand_on),
    **{kind: Entry(_identity, ("inputs", "training"), hand_on) for kind in NOTHING},
}

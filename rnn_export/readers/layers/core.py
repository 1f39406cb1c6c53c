"""Layers that look features up, mix or pass them: Embedding, Dense, Masking, and all that vanish at inference."""

from __future__ import annotations

from rnn_export.errors import ReadError
from rnn_export.network import TensorId
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
    kept = use.fields.get("mask_value")
    if isinstance(kept, dict):
        raise ReadError(
            use.subject,
            expected="a number as mask_value",
            got="a tensor",
            advice="Give it as a number.",
        )
    dtype = use.spec(value).dtype
    (mask,) = use.emit(ValueMask(use.fields.number("mask_value", 0.0)), [value], part="mask")
    (tensor,) = use.emit(ApplyMask(), [value, Value(mask)], dtype=dtype)
    return [Value(tensor, mask)]


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

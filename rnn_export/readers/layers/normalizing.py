"""Normalisations over features, with the precision in which Keras computes them."""

from __future__ import annotations

from rnn_export.errors import ReadError
from rnn_export.network.dtypes import HALF
from rnn_export.network.ops import BatchNormalization, LayerNormalization
from rnn_export.readers.layers.activations import floats
from rnn_export.readers.layers.entry import Entry, hand_on
from rnn_export.readers.use import Use
from rnn_export.readers.values import Value


def axis_of(use: Use, axis: int, rank: int) -> int:
    """Return an axis counted from the front; inside TimeDistributed a positive one counts without time."""
    counted = axis + use.lead if axis > 0 else axis
    if not -rank <= counted < rank or not counted % rank > use.lead:
        raise ReadError(
            use.subject, expected="an axis after batch", got=f"axis {axis} of rank {rank}"
        )
    return counted % rank


def _layer_normalization(use: Use) -> list[Value]:
    """Source: keras.layers.LayerNormalization, which casts its output but not its input.

    The numbers are in float32 at least, and come back in the input's dtype before they are cast.
    """
    fields = use.fields
    if fields.flag("rms_scaling"):
        raise ReadError(
            use.subject,
            expected="rms_scaling=False",
            got="rms_scaling=True",
            advice="Keras calls it deprecated and wrong; build the model without it.",
        )
    value = use.one()
    given, rank = use.spec(value).dtype, use.spec(value).rank
    axes = tuple(axis_of(use, axis, rank) for axis in sorted(fields.integers("axis")))
    if list(axes) != sorted(set(axes)):
        raise ReadError(use.subject, expected="axes in order", got=str(fields.get("axis")))
    op = LayerNormalization(
        axes,
        fields.number("epsilon", 1e-3),
        use.weight("gamma") if fields.flag("scale", True) else None,
        use.weight("beta") if fields.flag("center", True) else None,
    )
    dtype = use.policy.compute
    if given != dtype:
        value = floats(use, value) if "float" not in given else value
        dtype = "float64" if given == "float64" else "float32"
        value = use.cast(value, dtype)
    (tensor,) = use.emit(op, [value], dtype=dtype)
    made = Value(tensor, value.mask)
    if given in HALF:
        made = use.cast(made, given, part="input_dtype_cast")
    return [use.cast(made, part="output_cast")]


def _batch_normalization(use: Use) -> list[Value]:
    fields = use.fields
    if fields.flag("renorm"):
        raise ReadError(
            use.subject,
            expected="renorm=False",
            got="renorm=True",
            advice="Train it without renorm.",
        )
    value = floats(use, use.one())
    axes = fields.integers("axis") if "axis" in fields else (-1,)
    if len(axes) != 1:
        raise ReadError(use.subject, expected="one axis", got=str(axes))
    op = BatchNormalization(
        axis_of(use, axes[0], use.spec(value).rank),
        fields.number("epsilon", 1e-3),
        use.weight("gamma") if fields.flag("scale", True) else None,
        use.weight("beta") if fields.flag("center", True) else None,
        use.weight("moving_mean"),
        use.weight("moving_variance"),
    )
    (tensor,) = use.emit(op, [value])
    return [Value(tensor, value.mask)]


TABLE = {
    "BatchNormalization": Entry(_batch_normalization, ("inputs", "training", "mask"), hand_on),
    "LayerNormalization": Entry(_layer_normalization, mask=hand_on, autocast=False),
}

"""Layers that move, repeat or pool values; all but pooling by average end the mask, as in Keras."""

from __future__ import annotations

from math import prod

from rnn_export.errors import ReadError
from rnn_export.network import Dim, Op
from rnn_export.network.ops import ExpandDims, Permute, Pool, Repeat, Reshape
from rnn_export.readers.layers.activations import floats
from rnn_export.readers.layers.entry import Entry, no_mask
from rnn_export.readers.use import Use
from rnn_export.readers.values import Value


def _emit(use: Use, op: Op, value: Value, part: str = "") -> Value:
    """Add an op that leaves the dtype as it is."""
    (tensor,) = use.emit(op, [value], dtype=use.spec(value).dtype, part=part)
    return Value(tensor)


def _flatten(use: Use) -> list[Value]:
    value = use.one()
    shape = use.spec(value).shape
    if use.fields.get("data_format") == "channels_first" and len(shape) > 2 + use.lead:
        lead, axes = use.lead, range(1 + use.lead, len(shape))
        order = (*range(1, 1 + lead), *axes[1:], axes[0])
        value = _emit(use, Permute(order), value, "channels_last")
        shape = use.spec(value).shape
    if len(shape) == 1 + use.lead:
        return [_emit(use, ExpandDims(-1), value)]
    if len(shape) == 2 + use.lead:
        return [Value(value.tensor)]
    sizes = shape[1 + use.lead :]
    width = prod(size for size in sizes if isinstance(size, int)) if _fixed(sizes) else -1
    return [_emit(use, Reshape(_led(use, value, (width,))), value)]


def _reshape(use: Use) -> list[Value]:
    value = use.one()
    target = use.fields.integers("target_shape")
    if any(size < -1 or size == 0 for size in target):
        raise ReadError(use.subject, expected="sizes, or -1 for one of them", got=str(target))
    return [_emit(use, Reshape(_led(use, value, target)), value)]


def _led(use: Use, value: Value, target: tuple[int, ...]) -> tuple[int, ...]:
    """Return a target behind the axes that TimeDistributed keeps."""
    shape = use.spec(value).shape
    lead = shape[1 : 1 + use.lead]
    if not use.lead:
        sizes = shape[1:]
        if -1 in target and _fixed(sizes):
            known = prod(size for size in target if size != -1)
            whole = prod(size for size in sizes if isinstance(size, int))
            return tuple(whole // known if size == -1 and known else size for size in target)
        return target
    open_axes = [size for size in lead if not isinstance(size, int)]
    if len(open_axes) + target.count(-1) > 1:
        raise ReadError(
            use.subject,
            expected="at most one open axis",
            got=f"{lead} and target {target}",
            advice="Fix the time axis in keras.Input.",
        )
    return (*(size if isinstance(size, int) else -1 for size in lead), *target)


def _fixed(sizes: tuple[Dim, ...]) -> bool:
    return all(isinstance(size, int) for size in sizes)


def _permute(use: Use) -> list[Value]:
    value = use.one()
    lead = tuple(range(1, 1 + use.lead))
    return [
        _emit(
            use, Permute((*lead, *(axis + use.lead for axis in use.fields.integers("dims")))), value
        )
    ]


def _repeat(use: Use) -> list[Value]:
    times = use.fields.integer("n")
    if times < 1:
        raise ReadError(use.subject, expected="at least one repetition", got=str(times))
    return [_emit(use, Repeat(times), use.one())]


def _pool(use: Use) -> list[Value]:
    """Source: keras.layers.GlobalAveragePooling1D; a maximum heeds no mask in Keras."""
    value = floats(use, use.one())
    average = use.layer.kind == "GlobalAveragePooling1D"
    keep = use.fields.flag("keepdims")
    turned = use.fields.get("data_format") == "channels_first"
    if turned:
        value = _emit(use, Permute((2, 1)), Value(value.tensor, None), "channels_last")
    mask = use.as_mask(use.given_mask()) if average else None
    op = Pool("average" if average else "max", keep and not turned)
    (tensor,) = use.emit(op, [value], mask=mask)
    if keep and turned:
        return [_emit(use, ExpandDims(-1), Value(tensor), "keepdims")]
    return [Value(tensor)]


TABLE = {
    "Flatten": Entry(_flatten),
    "GlobalAveragePooling1D": Entry(_pool, ("inputs", "mask"), no_mask),
    "GlobalMaxPooling1D": Entry(_pool),
    "Permute": Entry(_permute),
    "RepeatVector": Entry(_repeat),
    "Reshape": Entry(_reshape),
}

"""Activations by name, by object and as layers, with every parameter spelled out."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_export.errors import NetworkError, ReadError
from rnn_export.network import Activation, activation
from rnn_export.network.ops import Activate, ParametricRelu
from rnn_export.readers.fields import Fields, brief
from rnn_export.readers.json_text import Json
from rnn_export.readers.layers.entry import Entry, hand_on
from rnn_export.readers.origins import check_origin
from rnn_export.readers.policy import FLOATS, policy_of
from rnn_export.readers.use import Use
from rnn_export.readers.values import Value

_ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}
_LAYERS = ("Activation", "ELU", "LeakyReLU", "ReLU", "Softmax", "ThresholdedReLU")


def parse(value: Json, subject: str, *, keras2: bool, dtype: str = "") -> Activation:
    """Return the activation that a configuration names: text, None, a function, or a layer such as LeakyReLU(0.1).

    Args:
        value: the configuration.
        subject: whose it is.
        keras2: whether Keras 2 wrote it.
        dtype: what the layer computes in that has the activation; "" where there is none around it.

    Raises:
        ReadError: a custom function, one that no form can carry, or a layer that computes in a dtype of its own.

    Source: keras.activations.get.
    """
    if value is None:
        return activation("linear")
    if isinstance(value, str):
        return _named(value, subject, keras2)
    if not isinstance(value, Mapping):
        raise ReadError(subject, expected="an activation", got=brief(value))
    kind, config = value.get("class_name"), value.get("config")
    if kind == "function" and isinstance(config, str) and value.get("module") in (None, "builtins"):
        return _named(config, subject, keras2)
    if not isinstance(kind, str) or not isinstance(config, Mapping):
        raise ReadError(
            subject,
            expected="an activation of Keras itself",
            got=f"Python code ({brief(dict(value))})",
            advice="Custom code is never run. Give the activation by its name.",
        )
    check_origin(value, kind, f"{subject}, activation")
    if kind not in _LAYERS:
        raise ReadError(
            subject,
            expected=f"an activation by name, or one of the layers {', '.join(_LAYERS)}",
            got=f"class {kind}",
            advice="Give the activation by its name.",
        )
    own = policy_of(config["dtype"], subject).compute if config.get("dtype") else dtype
    if dtype and own != dtype:
        raise ReadError(
            f"{subject}, activation",
            expected=f"a layer that computes in {dtype}, as the layer around it",
            got=f"{kind} in {own}",
            advice=f"Build it with dtype={dtype!r}.",
        )
    fields = Fields(config, subject)
    if kind == "Softmax" and fields.integers("axis") != (-1,):
        raise ReadError(
            subject, expected="a softmax over the last axis", got=f"axis {fields.get('axis')}"
        )
    return of_layer(kind, fields, keras2=keras2)


def of_layer(kind: str, fields: Fields, *, keras2: bool) -> Activation:
    """Return what an activation layer computes, by its class and configuration."""
    if kind == "Activation":
        return parse(fields.get("activation"), fields.subject, keras2=keras2)
    if kind == "ELU":
        return activation("elu", alpha=fields.number("alpha", 1.0))
    if kind == "LeakyReLU":
        slope = fields.number("alpha" if "alpha" in fields else "negative_slope", 0.3)
        return activation("leaky_relu", negative_slope=slope)
    if kind == "ReLU":
        options = {
            "negative_slope": fields.number("negative_slope", 0.0),
            "threshold": fields.number("threshold", 0.0),
        }
        if "max_value" in fields:
            options["max_value"] = fields.number("max_value")
        return activation("relu", **options)
    if kind == "ThresholdedReLU":
        return activation("threshold", threshold=fields.number("theta", 1.0), default_value=0.0)
    return activation("softmax")


def _named(name: str, subject: str, keras2: bool) -> Activation:
    known = _ALIASES.get(name, name)
    try:
        if known == "hard_sigmoid" and keras2:
            return activation(known, slope=0.2, offset=0.5)
        return activation(known)
    except NetworkError as error:
        raise ReadError(
            subject,
            expected=f"an activation, {error.expected}",
            got=repr(name),
            advice=error.advice,
        ) from None


def _activation_layer(use: Use) -> list[Value]:
    function = of_layer(use.layer.kind, use.fields, keras2=use.lowering.keras2)
    value = floats(use, use.one())
    if function.name == "linear":
        return [value]
    (tensor,) = use.emit(Activate(function), [value], hints={"class": use.layer.kind})
    return [Value(tensor, value.mask)]


def _softmax(use: Use) -> list[Value]:
    value = floats(use, use.one())
    rank = use.spec(value).rank
    given = tuple(axis + use.lead if axis > 0 else axis for axis in use.fields.integers("axis"))
    axes = tuple(axis % rank if -rank <= axis < rank else rank for axis in given)
    if len(axes) != 1 or not use.lead < axes[0] < rank:
        raise ReadError(
            use.subject, expected="a softmax over one axis after batch", got=f"axes {axes}"
        )
    mask = use.as_mask(use.given_mask())
    if mask is not None and use.lowering.writer.spec(mask).rank != rank:
        raise ReadError(
            use.subject,
            expected="a mask of the input's own shape, or none",
            got=f"a mask of rank {use.lowering.writer.spec(mask).rank} on an input of rank {rank}",
            advice="Use keras.layers.Activation('softmax'), which heeds no mask.",
        )
    (tensor,) = use.emit(Activate(activation("softmax"), axes[0] - rank), [value], mask=mask)
    return [Value(tensor, value.mask)]


def _prelu(use: Use) -> list[Value]:
    value = floats(use, use.one())
    (tensor,) = use.emit(ParametricRelu(use.weight("alpha")), [value])
    return [Value(tensor, value.mask)]


def floats(use: Use, value: Value) -> Value:
    """Return the value in the layer's compute dtype.

    Raises:
        ReadError: it holds no floats.
    """
    if use.spec(value).dtype not in FLOATS:
        raise ReadError(
            use.subject,
            expected="float inputs",
            got=use.spec(value).dtype,
            advice="Declare the Input with dtype='float32'.",
        )
    return use.cast(value)


TABLE = {
    **{
        kind: Entry(_activation_layer, mask=hand_on)
        for kind in ("Activation", "ELU", "LeakyReLU", "ReLU", "ThresholdedReLU")
    },
    "PReLU": Entry(_prelu, mask=hand_on),
    "Softmax": Entry(_softmax, ("inputs", "mask"), hand_on),
}

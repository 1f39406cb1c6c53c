"""Dtype policies: what a layer computes in and what it stores its variables in; quantized ones are refused."""

from __future__ import annotations

from dataclasses import dataclass

from rnn_export.errors import ReadError
from rnn_export.network.dtypes import HALF
from rnn_export.readers.fields import brief
from rnn_export.readers.json_text import Json
from rnn_export.readers.layer_tree import Layer

FLOATS = (*HALF, "float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@dataclass(frozen=True)
class Policy:
    """dtypes by NumPy's name."""

    compute: str
    variable: str


def policy(layer: Layer) -> Policy:
    """Return a layer's dtype policy.

    Raises:
        ReadError: a quantized policy, a policy per layer name, or a dtype that no float layer has.

    Source: keras/src/dtype_policies/dtype_policy.py.
    """
    return policy_of(layer.fields.get("dtype"), layer.subject)


def policy_of(value: Json, subject: str) -> Policy:
    """Return the policy that a configuration holds; see `policy`."""
    if value is None:
        return Policy("float32", "float32")
    if isinstance(value, str):
        name = value
    elif isinstance(value, dict) and isinstance(value.get("config"), dict):
        kind, config = str(value.get("class_name")), value["config"]
        if kind == "DTypePolicyMap" and not config.get("policy_map"):
            return policy_of(config.get("default_policy"), subject)
        if "Quantized" in kind or kind in ("Int4DTypePolicy", "DTypePolicyMap", "GPTQDTypePolicy"):
            raise _quantized(subject, kind)
        name = str(config.get("name"))
    else:
        raise ReadError(subject, expected="a dtype policy", got=brief(value))
    if "_from_" in name:
        raise _quantized(subject, name)
    compute = name.removeprefix("mixed_")
    if compute not in FLOATS:
        raise ReadError(
            subject,
            expected=f"a dtype policy over {', '.join(FLOATS)}",
            got=brief(name),
            advice="Build the model with keras.config.set_dtype_policy('float32').",
        )
    return Policy(compute, "float32" if name.startswith("mixed_") else compute)


def _quantized(subject: str, got: str) -> ReadError:
    return ReadError(
        subject,
        expected="weights that are not quantized",
        got=f"the policy {got}",
        advice="Export the model before model.quantize(), and quantize the ONNX file if you need to.",
    )

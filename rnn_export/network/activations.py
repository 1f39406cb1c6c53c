"""Activations: their Keras names and parameters, their exact values in NumPy, and where they turn.

The values are those of Keras 3 (keras.src.activations); the Keras 2 hard_sigmoid differs and carries its own slope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from rnn_export.errors import NetworkError

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@dataclass(frozen=True)
class Activation:
    """An activation by its Keras name, with every parameter that has a numeric value.

    Args:
        name: a key of FUNCTIONS, such as "tanh".
        parameters: (name, value) pairs, sorted, complete; use :func:`activation` to fill in defaults.
    """

    name: str
    parameters: tuple[tuple[str, float], ...] = ()

    @property
    def options(self) -> dict[str, float]:
        return dict(self.parameters)

    @property
    def function(self) -> Function:
        return FUNCTIONS[self.name]

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Return the activation of ``z`` (any shape, float32 or float64), in the dtype of ``z``."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return np.asarray(self.function.value(z, **self.options), dtype=z.dtype)

    def turns(self) -> tuple[float, ...]:
        """Return where a scalar activation stops rising or falling, or jumps; empty if monotone and continuous."""
        return self.function.turns(self.options)

    def __str__(self) -> str:
        inside = ", ".join(f"{name}={value:g}" for name, value in self.parameters)
        return f"{self.name}({inside})" if inside else self.name


@dataclass(frozen=True)
class Function:
    """What is known of one activation.

    Args:
        value: f(z, **parameters) in NumPy, true to the last bits in float64.
        defaults: every parameter with Keras' default.
        turns: parameters -> points where the function is not monotone or jumps.
        vector: True where one output depends on a whole row (softmax); then it acts on the last axis.
    """

    value: Callable[..., np.ndarray]
    defaults: Mapping[str, float]
    turns: Callable[[Mapping[str, float]], tuple[float, ...]]
    vector: bool = False


def activation(name: str, **parameters: float) -> Activation:
    """Return the activation ``name`` with Keras' defaults for what is not given.

    Raises:
        NetworkError: an unknown name or parameter, or a parameter that is not finite.
    """
    known = FUNCTIONS.get(name)
    if known is None:
        raise NetworkError(
            f"activation {name!r}",
            expected=f"one of {', '.join(sorted(FUNCTIONS))}",
            got=repr(name),
            advice="Express it with a known activation, or as layers around a linear one.",
        )
    strange = set(parameters) - set(known.defaults)
    if strange:
        raise NetworkError(
            f"activation {name!r}",
            expected=f"parameters among {sorted(known.defaults)}",
            got=f"{sorted(strange)}",
        )
    values = {**known.defaults, **{key: float(value) for key, value in parameters.items()}}
    for key, value in values.items():
        if not isfinite(value) and not (key == "max_value" and value > 0):
            raise NetworkError(f"activation {name!r}", expected=f"a finite {key}", got=str(value))
    return Activation(name, tuple(sorted(values.items())))


def _sigmoid(z: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def _softplus(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _relu(z: np.ndarray, negative_slope: float, max_value: float, threshold: float) -> np.ndarray:
    above = np.minimum(z, max_value)
    return np.where(z >= threshold, above, negative_slope * (z - threshold))


def _relu_turns(options: Mapping[str, float]) -> tuple[float, ...]:
    bends = options["negative_slope"] < 0 or options["threshold"] != 0
    return (options["threshold"],) if bends else ()


def _elu(z: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _celu(z: np.ndarray, alpha: float) -> np.ndarray:
    return np.maximum(z, 0) + np.minimum(alpha * np.expm1(np.minimum(z / alpha, 0)), 0)


def _erf(z: np.ndarray) -> np.ndarray:
    from math import erf

    # math.erf is exact to the last bit or two; NumPy has none, and SciPy is not a dependency.
    return np.vectorize(erf, otypes=[np.float64])(np.asarray(z, np.float64))


def _gelu(z: np.ndarray, approximate: float) -> np.ndarray:
    if approximate:
        return 0.5 * z * (1 + np.tanh(sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
    wide = np.asarray(z, np.float64)
    from math import erfc

    tail = np.vectorize(erfc, otypes=[np.float64])(-wide / sqrt(2))
    return np.asarray(0.5 * wide * tail)


def _mish(z: np.ndarray) -> np.ndarray:
    return z * np.tanh(_softplus(z))


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _log_softmax(z: np.ndarray) -> np.ndarray:
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _sparsemax(z: np.ndarray) -> np.ndarray:
    ordered = -np.sort(-z, axis=-1)
    total = np.cumsum(ordered, axis=-1)
    rank = np.arange(1, z.shape[-1] + 1, dtype=z.dtype)
    count = np.sum(1 + rank * ordered > total, axis=-1, keepdims=True)
    tau = (np.take_along_axis(total, count - 1, axis=-1) - 1) / count
    return np.maximum(z - tau, 0)


def _squareplus(z: np.ndarray, b: float) -> np.ndarray:
    root = np.sqrt(z * z + b)
    # z + root cancels for z << 0; b / (root - z) is the same number without the loss.
    with np.errstate(divide="ignore", invalid="ignore"):
        return 0.5 * np.where(z >= 0, z + root, b / (root - z) if b else 0.0 * z)


def _sparse_plus(z: np.ndarray) -> np.ndarray:
    return np.where(z <= -1, 0, np.where(z < 1, 0.25 * (z + 1) ** 2, z))


def _none(options: Mapping[str, float]) -> tuple[float, ...]:
    return ()


def _at(*points: float) -> Callable[[Mapping[str, float]], tuple[float, ...]]:
    return lambda options: points


def _function(
    value: Callable[..., np.ndarray],
    turns: Callable[[Mapping[str, float]], tuple[float, ...]] = _none,
    vector: bool = False,
    **defaults: float,
) -> Function:
    return Function(value, defaults, turns, vector)


def _plus_minus_threshold(options: Mapping[str, float]) -> tuple[float, ...]:
    return (-options["threshold"], options["threshold"])


def _sloped(name: str) -> Callable[[Mapping[str, float]], tuple[float, ...]]:
    """Return 0 as a turn where the parameter makes the left branch fall."""
    return lambda options: (0.0,) if options[name] < 0 else ()


# Minima of the non-monotone activations, to double precision (roots of the derivative).
_SILU_MINIMUM = -1.2784645427610738
_GELU_MINIMUM = -0.7517915246935645
_GELU_TANH_MINIMUM = -0.7524614220710162
_MISH_MINIMUM = -1.1924312145154456

FUNCTIONS: dict[str, Function] = {
    "celu": _function(_celu, _sloped("alpha"), alpha=1.0),
    "elu": _function(_elu, _sloped("alpha"), alpha=1.0),
    "exponential": _function(np.exp),
    "gelu": _function(
        _gelu,
        lambda options: (_GELU_TANH_MINIMUM if options["approximate"] else _GELU_MINIMUM,),
        approximate=0.0,
    ),
    "hard_shrink": _function(
        lambda z, threshold: np.where(np.abs(z) > threshold, z, 0.0), _plus_minus_threshold, threshold=0.5
    ),
    "hard_sigmoid": _function(
        lambda z, slope, offset: np.clip(slope * z + offset, 0, 1), slope=1 / 6, offset=0.5
    ),
    "hard_silu": _function(lambda z: z * np.clip(z / 6 + 0.5, 0, 1), _at(-3.0, -1.5)),
    "hard_tanh": _function(lambda z: np.clip(z, -1, 1)),
    "leaky_relu": _function(
        lambda z, negative_slope: np.where(z >= 0, z, negative_slope * z),
        _sloped("negative_slope"),
        negative_slope=0.2,
    ),
    "linear": _function(lambda z: z),
    "log_sigmoid": _function(lambda z: -_softplus(-z)),
    "log_softmax": _function(_log_softmax, vector=True),
    "mish": _function(_mish, _at(_MISH_MINIMUM)),
    "relu": _function(_relu, _relu_turns, negative_slope=0.0, max_value=float("inf"), threshold=0.0),
    "relu6": _function(lambda z: np.clip(z, 0, 6)),
    "selu": _function(lambda z: SELU_SCALE * _elu(z, SELU_ALPHA)),
    "sigmoid": _function(_sigmoid),
    "silu": _function(lambda z: z * _sigmoid(z), _at(_SILU_MINIMUM)),
    "soft_shrink": _function(
        lambda z, threshold: np.sign(z) * np.maximum(np.abs(z) - threshold, 0), threshold=0.5
    ),
    "softmax": _function(_softmax, vector=True),
    "softplus": _function(_softplus),
    "softsign": _function(lambda z: z / (1 + np.abs(z))),
    "sparse_plus": _function(_sparse_plus),
    "sparse_sigmoid": _function(lambda z: np.clip(0.5 * (z + 1), 0, 1)),
    "sparsemax": _function(_sparsemax, vector=True),
    "squareplus": _function(_squareplus, b=4.0),
    "tanh": _function(np.tanh),
    "tanh_shrink": _function(lambda z: z - np.tanh(z)),
    "threshold": _function(
        lambda z, threshold, default_value: np.where(z > threshold, z, default_value),
        lambda options: (options["threshold"],),
        threshold=0.0,
        default_value=0.0,
    ),
}

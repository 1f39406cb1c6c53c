"""Activations: their Keras names and parameters, their exact values in NumPy, and where they turn.

The values are those of Keras 3 (keras.src.activations); the Keras 2 hard_sigmoid differs and carries its own slope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isfinite, nextafter

import numpy as np

from rnn_export.errors import NetworkError
from rnn_export.network import formulas

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
        turns: parameters -> points where the function is not monotone or jumps; a jump counts as two,
            the point and its neighbour on the other side.
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


def _relu_turns(options: Mapping[str, float]) -> tuple[float, ...]:
    bends = options["negative_slope"] < 0 or options["threshold"] != 0
    return _jump(options["threshold"]) if bends else ()


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


def _jump(point: float) -> tuple[float, ...]:
    """Return a place where the value above ``point`` is another than at it: both sides count."""
    return (point, nextafter(point, inf))


def _hard_shrink_turns(options: Mapping[str, float]) -> tuple[float, ...]:
    edge = options["threshold"]
    return (nextafter(-edge, -inf), -edge, *_jump(edge)) if edge >= 0 else ()


def _sloped(name: str) -> Callable[[Mapping[str, float]], tuple[float, ...]]:
    """Return 0 as a turn where the parameter makes the left branch fall."""
    return lambda options: (0.0,) if options[name] < 0 else ()


# Minima of the non-monotone activations, to double precision (roots of the derivative).
_SILU_MINIMUM = -1.2784645427610737
_GELU_MINIMUM = -0.7517915246935645
_GELU_TANH_MINIMUM = -0.7524614220710163
_MISH_MINIMUM = -1.1924312145154952

FUNCTIONS: dict[str, Function] = {
    "celu": _function(formulas.celu, alpha=1.0),
    "elu": _function(formulas.elu, _sloped("alpha"), alpha=1.0),
    "exponential": _function(np.exp),
    "gelu": _function(
        formulas.gelu,
        lambda options: (_GELU_TANH_MINIMUM if options["approximate"] else _GELU_MINIMUM,),
        approximate=0.0,
    ),
    "hard_shrink": _function(formulas.hard_shrink, _hard_shrink_turns, threshold=0.5),
    "hard_sigmoid": _function(
        lambda z, slope, offset: np.clip(slope * z + offset, 0, 1), slope=1 / 6, offset=0.5
    ),
    "hard_silu": _function(lambda z: z * np.clip(z / 6 + 0.5, 0, 1), _at(-3.0, -1.5)),
    "hard_tanh": _function(lambda z: np.clip(z, -1, 1)),
    "leaky_relu": _function(
        formulas.leaky_relu,
        _sloped("negative_slope"),
        negative_slope=0.2,
    ),
    "linear": _function(lambda z: z),
    "log_sigmoid": _function(lambda z: -formulas.softplus(-z)),
    "log_softmax": _function(formulas.log_softmax, vector=True),
    "mish": _function(formulas.mish, _at(_MISH_MINIMUM)),
    "relu": _function(
        formulas.relu, _relu_turns, negative_slope=0.0, max_value=float("inf"), threshold=0.0
    ),
    "relu6": _function(lambda z: np.clip(z, 0, 6)),
    "selu": _function(lambda z: SELU_SCALE * formulas.elu(z, SELU_ALPHA)),
    "sigmoid": _function(formulas.sigmoid),
    "silu": _function(lambda z: z * formulas.sigmoid(z), _at(_SILU_MINIMUM)),
    "soft_shrink": _function(
        formulas.soft_shrink,
        lambda options: _jump(options["threshold"]) if options["threshold"] < 0 else (),
        threshold=0.5,
    ),
    "softmax": _function(formulas.softmax, vector=True),
    "softplus": _function(formulas.softplus),
    "softsign": _function(lambda z: z / (1 + np.abs(z))),
    "sparse_plus": _function(formulas.sparse_plus),
    "sparse_sigmoid": _function(lambda z: np.clip(0.5 * (z + 1), 0, 1)),
    "sparsemax": _function(formulas.sparsemax, vector=True),
    "squareplus": _function(formulas.squareplus, b=4.0),
    "tanh": _function(np.tanh),
    "tanh_shrink": _function(lambda z: z - np.tanh(z)),
    "threshold": _function(
        formulas.threshold,
        lambda options: _jump(options["threshold"]),
        threshold=0.0,
        default_value=0.0,
    ),
}
